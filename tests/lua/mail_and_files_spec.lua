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
    local function hear()
      local line = skt:receive()
      heard[#heard + 1] = line
      return line
    end
    say("220 mail.test")
    hear()
    say("250-mail.test\r\n250 HELP")
    hear()
    say("250 ok")
    hear()
    say("250 ok")
    hear()
    say("354 go on")
    repeat local line = hear() until not line or line == "."
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

  it("takes the body of a mail from a source that waits", function()
    local parts, got = { "first\r\n", "second\r\n" }, nil
    with_server(copas, take_mail, function(port)
      got = smtp.send {
        from = "<a@here.test>", rcpt = "<b@there.test>", server = "127.0.0.1", port = port,
        source = smtp.message {
          body = function()
            copas.pause(0.001)
            return table.remove(parts, 1)
          end,
        },
      }
    end)

    assert.equal(1, got)
    assert.truthy(table.concat(heard, "\n"):find("\n\nfirst\nsecond\n", 1, true))
  end)

  it("ends with the error of a source", function()
    local got
    with_server(copas, take_mail, function(port)
      got = check.pack(smtp.send {
        from = "<a@here.test>", rcpt = "<b@there.test>", server = "127.0.0.1", port = port,
        source = function() return nil, "no paper" end,
      })
    end)

    assert.same(check.pack(nil, "no paper"), got)
  end)

  it("sends no address that would be read as a further command", function()
    local got
    with_server(copas, take_mail, function(port)
      got = check.pack(smtp.send {
        from = "<a@here.test>", rcpt = "<b@there.test>\r\nRCPT TO:<c@elsewhere.test>", server = "127.0.0.1", port = port,
        source = ltn12.source.string("x"),
      })
    end)

    assert.same(check.pack(nil, "line break in a command"), got)
    assert.falsy(table.concat(heard, "\n"):find("RCPT", 1, true))
  end)

  it("gives up on a server that says nothing, while other threads run", function()
    local before, got = smtp.TIMEOUT, nil
    smtp.TIMEOUT = 0.01
    with_server(copas, function(skt) skt:receive() end, function(port)
      got = check.pack(smtp.send {
        from = "<a@here.test>", rcpt = "<b@there.test>", server = "127.0.0.1", port = port,
        source = ltn12.source.string("x"),
      })
    end)
    smtp.TIMEOUT = before

    assert.same(check.pack(nil, "timeout"), got)
  end)

  it("makes its connection by the caller's function, and passes on its error", function()
    local mail = {
      from = "<a@here.test>", rcpt = "<b@there.test>", source = ltn12.source.string("x"),
      create = function() return nil, "no socket" end,
    }

    assert.same(check.pack(nil, "no socket"), check.pack(smtp.send(mail)))
  end)

  it("knows two kinds of TLS", function()
    check.error([[expected 'tls' to be "explicit" or "implicit", got: yes]], smtp.send, { tls = "yes" })
  end)

  it("has the constants of LuaSocket, and writes them there", function()
    local luasocket = require("socket.smtp")
    local before = luasocket.TIMEOUT

    assert.equal(before, smtp.TIMEOUT)
    smtp.TIMEOUT = 7
    assert.equal(7, luasocket.TIMEOUT)
    smtp.TIMEOUT = before
    assert.equal(luasocket.message, smtp.message)
    for _, name in ipairs { "PORT", "SERVER", "DOMAIN", "TIMEZONE", "ZONE" } do
      local value = luasocket[name]
      smtp[name] = "mine"
      assert.equal("mine", luasocket[name])
      smtp[name] = value
    end
    smtp.mine = 1
    assert.is_nil(luasocket.mine)
  end)
end)

describe("copas.ftp", function()
  local copas, ftp, stored, heard

  -- Serves one file by EPSV, and by further `answers`.
  local function serve_file(skt, further)
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
    say("220-files.test\r\n 220 is not the end\r\n220 but this is")
    while true do
      local line = skt:receive()
      if not line then return end
      heard[#heard + 1] = line
      local command = line:match("^%a+"):upper()
      if further and further[command] then
        further[command](say, data)
      elseif answers[command] then
        answers[command]()
      else
        say("502 what?")
      end
    end
  end

  -- A server that gives other answers to some commands.
  local function serve_otherwise(further)
    return function(skt) return serve_file(skt, further) end
  end

  before_each(function()
    copas = loop.fresh()
    ftp = require("copas.ftp")
    heard = {}
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
    assert.same(check.pack(nil, "missing hostname"), check.pack(ftp.put("ftp:///f", "content")))
    assert.same(check.pack(nil, "invalid url"), check.pack(ftp.get("")))
    assert.same(check.pack(nil, "wrong scheme 'sftp'"), check.pack(ftp.get { url = "sftp://127.0.0.1/f" }))
    assert.same(check.pack(nil, "missing hostname"), check.pack(ftp.get { path = "f" }))
    assert.same(check.pack(nil, "missing command"), check.pack(ftp.command { host = "127.0.0.1" }))
  end)

  it("takes answers that come all at once, or before the content", function()
    local got
    local function serve_early(say, data)
      say("150 here it comes\r\n226 that was it")
      copas.addserver(data, function(raw)
        copas.send(raw, "the content")
        copas.removeserver(data)
      end)
    end
    with_server(copas, serve_otherwise { RETR = serve_early }, function(port)
      got = check.pack(ftp.get(("ftp://127.0.0.1:%d/file"):format(port)))
    end)

    assert.same(check.pack("the content"), got)
  end)

  it("refuses what is no answer", function()
    local got
    with_server(copas, function(skt) skt:send("hello\r\n") end, function(port)
      got = check.pack(ftp.get(("ftp://127.0.0.1:%d/file"):format(port)))
    end)

    assert.same(check.pack(nil, "invalid server reply"), got)
  end)

  it("gives up on content that does not come, while other threads run", function()
    local before, got = ftp.TIMEOUT, nil
    local function be_impatient(say) -- which is for the connection to come
      ftp.TIMEOUT = 0.05
      say("230 welcome")
    end
    local ended = false
    local function stall(say, data)
      say("150 here it comes")
      copas.addserver(data, function(raw)
        copas.send(raw, "the con")
        copas.receive(raw) -- the end, which comes when the client has given up
        ended = true
        copas.removeserver(data)
      end)
    end
    local ticks = 0
    with_server(copas, serve_otherwise { USER = be_impatient, RETR = stall }, function(port)
      local timer = copas.timer.new { delay = 0.001, recurring = true, callback = function() ticks = ticks + 1 end }
      got = check.pack(ftp.get(("ftp://127.0.0.1:%d/file"):format(port)))
      timer:cancel()
    end)
    ftp.TIMEOUT = before

    assert.same(check.pack(nil, "timeout"), got)
    assert.is_true(ended)
    assert.is_true(ticks > 0)
  end)

  it("gives no command that would be read as two", function()
    local got
    with_server(copas, serve_file, function(port)
      got = check.pack(ftp.get(("ftp://127.0.0.1:%d/file%%0d%%0aDELE%%20other"):format(port)))
    end)

    assert.same(check.pack(nil, "line break in a command"), got)
    assert.equal("EPSV", heard[#heard])
  end)

  for what, command in pairs { ["a line break"] = "noop\r\nDELE other", ["a NUL"] = "noop\0DELE other" } do
    it("gives no command of the caller's with " .. what .. " in it", function()
      local got
      with_server(copas, serve_file, function(port)
        got = check.pack(ftp.command { host = "127.0.0.1", port = port, command = command, check = "2.." })
      end)

      assert.same(check.pack(nil, "line break in a command"), got)
    end)
  end

  it("knows its scheme in any case", function()
    local got
    with_server(copas, serve_file, function(port)
      got = check.pack(ftp.get(("FTP://127.0.0.1:%d/file"):format(port)))
    end)

    assert.is_string(got[1])
  end)

  it("makes its connection by the caller's function, but that for the data", function()
    local count, got = 0, nil
    with_server(copas, serve_file, function(port)
      got = check.pack(ftp.get {
        host = "127.0.0.1", port = port, path = "file", sink = ltn12.sink.null(),
        create = function()
          count = count + 1
          return copas.wrap(require("socket").tcp())
        end,
      })
    end)

    assert.same(check.pack(1), got)
    assert.equal(1, count)
  end)

  it("reads fields of a request that it inherits", function()
    local got, parts = nil, {}
    with_server(copas, serve_file, function(port)
      local defaults = { host = "127.0.0.1", port = port, type = "i" }
      got = ftp.get(setmetatable({ path = "file", sink = ltn12.sink.table(parts) }, { __index = defaults }))
    end)

    assert.equal(1, got)
    assert.equal("the content", table.concat(parts))
  end)

  it("has a default port when one is set", function()
    local got
    with_server(copas, serve_file, function(port)
      ftp.PORT = port
      got = check.pack(ftp.get("ftp://127.0.0.1/file"))
      ftp.PORT = nil
    end)

    assert.same(check.pack("the content"), got)
  end)

  it("leaves the functions of socket.ftp what they are, for those who want to block", function()
    local luasocket = require("socket.ftp")
    local first = luasocket.open

    copas = loop.fresh()

    assert.not_equal(ftp, require("copas.ftp"))
    assert.equal(first, luasocket.open)
  end)

  it("has the constants of LuaSocket, and writes them there", function()
    local luasocket = require("socket.ftp")

    assert.equal(60, ftp.TIMEOUT)
    assert.is_nil(ftp.PORT)
    for _, name in ipairs { "PORT", "TIMEOUT", "PASSWORD", "USER" } do
      local value = luasocket[name]
      ftp[name] = "mine"
      assert.equal("mine", luasocket[name])
      ftp[name] = value
    end
    ftp.mine = 1
    assert.is_nil(luasocket.mine)
  end)
end)
