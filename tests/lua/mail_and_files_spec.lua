-- copas.smtp and copas.ftp, with scripted servers.
local check = require("support.check")
local loop = require("support.loop")
local sockets = require("support.sockets")

local ltn12 = require("ltn12")
local socket = require("copas.socket")

-- Runs a client while a server follows a script: a function that gets the wrapped connection.
local function with_server(copas, script, client)
  local server, port = sockets.listen(socket)
  copas.addserver(server, copas.handler(script))
  loop.run(copas, function()
    client(port)
    copas.removeserver(server)
  end)
end

describe("copas.smtp", function()
  local copas, smtp, heard

  -- Answers a whole mail, and keeps what it hears.
  local function take_mail(skt)
    heard = {}
    local function say(text) skt:send(text .. "\r\n") end
    local function hear() heard[#heard + 1] = skt:receive() end
    say("220 mail.test")
    hear()
    say("250-mail.test\r\n250 HELP")
    hear()
    say("250 ok")
    hear()
    say("250 ok")
    hear()
    say("354 go on")
    repeat hear() until heard[#heard] == "."
    say("250 done")
    hear()
    say("221 bye")
  end

  before_each(function()
    copas = loop.fresh()
    smtp = require("copas.smtp")
  end)

  it("sends a mail while other threads run", function()
    local got
    with_server(copas, take_mail, function(port)
      got = check.pack(smtp.send {
        from = "<a@here.test>",
        rcpt = "<b@there.test>",
        server = "127.0.0.1",
        port = port,
        source = smtp.message { headers = { subject = "greetings" }, body = "hello\r\n.\r\n" },
      })
    end)

    assert.equal(1, got[1])
    assert.equal("MAIL FROM:<a@here.test>", heard[2])
    assert.equal("RCPT TO:<b@there.test>", heard[3])
    assert.equal("DATA", heard[4])
    local mail = table.concat(heard, "\n")
    assert.is_truthy(mail:lower():find("subject: greetings", 1, true))
    assert.is_truthy(mail:find("hello\n..\n", 1, true))
  end)

  it("gives the words of a server that refuses", function()
    local got
    with_server(copas, function(skt) skt:send("554 not here\r\n") end, function(port)
      got = check.pack(smtp.send {
        from = "<a@here.test>", rcpt = "<b@there.test>", server = "127.0.0.1", port = port,
        source = ltn12.source.string("x"),
      })
    end)

    assert.same(check.pack(nil, "554 not here"), got)
  end)

  it("has the constants of LuaSocket, and writes them there", function()
    local luasocket = require("socket.smtp")
    local before = luasocket.TIMEOUT

    assert.equal(before, smtp.TIMEOUT)
    smtp.TIMEOUT = 7
    assert.equal(7, luasocket.TIMEOUT)
    smtp.TIMEOUT = before
    smtp.mine = 1
    assert.is_nil(luasocket.mine)
  end)
end)

describe("copas.ftp", function()
  local copas, ftp, stored

  -- Serves one file by EPSV.
  local function serve_file(skt)
    local data, data_port
    local function say(text) skt:send(text .. "\r\n") end
    local answers = {
      USER = function() say("331 password") end,
      PASS = function() say("230 welcome") end,
      TYPE = function() say("200 ok") end,
      EPSV = function()
        data, data_port = sockets.listen(socket)
        say(("229 Entering Extended Passive Mode (|||%d|)"):format(data_port))
      end,
      PASV = function()
        data, data_port = sockets.listen(socket)
        say(("227 Entering Passive Mode (127,0,0,1,%d,%d)"):format(math.floor(data_port / 256), data_port % 256))
      end,
      RETR = function()
        say("150 here it comes")
        local skt_done = copas.semaphore.new(1, 0)
        copas.addserver(data, function(raw)
          copas.send(raw, "the content")
          copas.removeserver(data)
          skt_done:give()
        end)
        skt_done:take()
        say("226 done")
      end,
      STOR = function()
        say("150 go on")
        local skt_done = copas.semaphore.new(1, 0)
        copas.addserver(data, function(raw)
          stored = copas.receive(raw, "*a")
          copas.removeserver(data)
          skt_done:give()
        end)
        skt_done:take()
        say("226 done")
      end,
      QUIT = function() say("221 bye") end,
    }
    say("220 files.test")
    while true do
      local line = skt:receive()
      if not line then return end
      local answer = answers[line:match("^%a+"):upper()]
      if answer then answer() else say("502 what?") end
    end
  end

  before_each(function()
    copas = loop.fresh()
    ftp = require("copas.ftp")
  end)

  it("gets a file while other threads run, its server among them", function()
    local got
    with_server(copas, serve_file, function(port)
      got = check.pack(ftp.get(("ftp://127.0.0.1:%d/file;type=i"):format(port)))
    end)

    assert.same(check.pack("the content"), got)
  end)

  it("puts a file", function()
    local got
    with_server(copas, serve_file, function(port)
      got = ftp.put(("ftp://me:secret@127.0.0.1:%d/file;type=i"):format(port), "my content")
    end)

    assert.equal(10, got)
    assert.equal("my content", stored)
  end)

  it("gets a file into a sink", function()
    local parts, got = {}, nil
    with_server(copas, serve_file, function(port)
      got = ftp.get { host = "127.0.0.1", port = port, path = "file", sink = ltn12.sink.table(parts) }
    end)

    assert.equal(1, got)
    assert.equal("the content", table.concat(parts))
  end)

  it("gives the words of a server that refuses, and what is wrong with a URL", function()
    local got
    with_server(copas, function(skt) skt:send("421 not now\r\n") end, function(port)
      got = check.pack(ftp.get(("ftp://127.0.0.1:%d/file"):format(port)))
    end)

    assert.same(check.pack(nil, "421 not now"), got)
    assert.same(check.pack(nil, "wrong scheme 'http'"), check.pack(ftp.get("http://127.0.0.1/")))
    assert.same(check.pack(nil, "invalid type 'x'"), check.pack(ftp.get("ftp://127.0.0.1/f;type=x")))
  end)
end)
