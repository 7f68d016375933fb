-- copas.ftp and copas.smtp by TLS, with scripted servers: what they do when something goes wrong, and which ports they
-- connect to.
local check = require("support.check")
local loop = require("support.loop")
local secured = require("support.secured")
local sockets = require("support.sockets")

local ltn12 = require("ltn12")
local socket = require("copas.socket")

local pack = check.pack
local pcall = require("support.pcall")

local peers = secured.new("other")
local made = peers.made
local here = made:sign("here", "127.0.0.1")
local trusted = { cafile = made:file("ca.pem") }

describe("by TLS, with scripted servers,", function()
  local copas, heard, left

  teardown(function() peers:remove() end)

  before_each(function()
    copas = loop.fresh()
    heard, left = {}, 0
  end)

  -- Runs a client while a server talks to it: with what it hears first, by `answers` to commands, which are texts, or
  -- functions of the wrapped connection; true ends it.
  local function with_server(answers, client)
    local server, port = sockets.listen(socket)
    copas.addserver(server, copas.handler(function(skt)
      if answers.first then answers.first(skt) end
      skt:send(answers.greeting or "220 here\r\n")
      while true do
        local line = skt:receive()
        if not line then break end
        heard[#heard + 1] = line
        local answer = answers[line:match("^%a+"):upper()] or "502 what?"
        if type(answer) == "function" then answer = answer(skt) end
        if answer == true then break end
        if answer then skt:send(answer .. "\r\n") end
      end
      left = left + 1
    end))
    local got
    loop.run(copas, function()
      got = pack(client(port))
      copas.removeserver(server)
    end)
    assert.equal(1, left) -- the connection has ended, and nobody waits for it
    return got
  end

  local function start_tls(params, answer)
    return function(skt)
      skt:send((answer or "234") .. " go on\r\n")
      pcall(skt.dohandshake, skt, params)
    end
  end

  -- Answers of a server for files whose connection for the data is served by a function of its wrapped socket.
  local function answers_of_files(serve_data, further)
    local data
    local answers = {
      AUTH = start_tls(here),
      PBSZ = "200 ok",
      PROT = "200 ok",
      USER = "230 welcome",
      TYPE = "200 ok",
      EPSV = function()
        local port
        data, port = sockets.listen(socket)
        return ("229 Entering Extended Passive Mode (|||%d|)"):format(port)
      end,
      RETR = function(skt)
        skt:send("150 here it comes\r\n")
        local done = copas.semaphore.new(1)
        copas.addserver(data, function(raw)
          copas.removeserver(data)
          pcall(serve_data, copas.wrap(raw))
          done:give()
        end)
        done:take(1, math.huge)
        return "226 done"
      end,
      QUIT = "221 bye",
    }
    for name, answer in pairs(further or {}) do answers[name] = answer end
    return answers
  end

  local function send_content(skt)
    skt:dohandshake(here)
    skt:send("the content")
    skt:close()
  end

  describe("copas.ftp", function()
    local ftp, kept

    before_each(function()
      ftp = require("copas.ftp")
      kept = ftp.TIMEOUT
    end)

    after_each(function() ftp.TIMEOUT = kept end)

    local function get(port)
      local parts = {}
      local ok, err = ftp.get {
        host = "127.0.0.1", port = port, path = "file", sslparams = trusted, sink = ltn12.sink.table(parts),
      }
      return ok and table.concat(parts), err
    end

    it("gets a file", function()
      assert.same(pack("the content", nil), with_server(answers_of_files(send_content), get))
      assert.same({ "AUTH TLS", "USER ftp", "PBSZ 0", "PROT P", "EPSV", "RETR file", "QUIT" }, heard)
    end)

    it("takes no data from whoever has the certificate of another host", function()
      local ended
      local got = with_server(answers_of_files(function(skt)
        ended = pack(pcall(skt.dohandshake, skt, made:server("other")))
        if ended[1] then ended = pack(skt:receive()) end -- which TLS 1.3 lets the server find out only now
      end), get)

      assert.is_nil(got[1])
      assert.equal("TLS/SSL handshake failed: certificate verify failed", got[2])
      assert.is_truthy(ended[2])
      assert.equal("RETR file", heard[#heard])
    end)

    it("takes no data in clear", function()
      local got = with_server(answers_of_files(function(skt)
        skt:send("the content, for everybody to see\r\n")
        skt:receive("*a")
      end), get)

      assert.is_nil(got[1])
      assert.matches("^TLS/SSL handshake failed: ", got[2])
    end)

    it("tells that the connection for the data ends before it is secured", function()
      local got = with_server(answers_of_files(function(skt)
        skt:receive(1)
        skt:close()
      end), get)

      assert.is_nil(got[1])
      assert.matches("^TLS/SSL handshake failed: ", got[2])
    end)

    it("gives up on a connection for the data that is not secured in time", function()
      local ended
      local got = with_server(answers_of_files(function(skt) ended = select(2, skt:receive("*a")) end, {
        PROT = function()
          ftp.TIMEOUT = 0.05 -- for the connection that comes next
          return "200 ok"
        end,
      }), get)

      assert.same(pack(nil, "timeout"), got)
      assert.is_nil(ended)
    end)

    it("gives the words of a server that does not secure the data, and asks for none", function()
      local got = with_server(answers_of_files(send_content, { PROT = "536 no such protection" }), get)

      assert.same(pack(nil, "536 no such protection"), got)
      assert.equal("PROT P", heard[#heard])
    end)

    it("gives no name to a server that refuses TLS, or has the certificate of another host", function()
      local refused = with_server(answers_of_files(send_content, { AUTH = "534 no" }), get)
      assert.same(pack(nil, "534 no"), refused)

      left = 0
      local distrusted = with_server(answers_of_files(send_content, { AUTH = start_tls(made:server("other")) }), get)
      assert.is_nil(distrusted[1])
      assert.equal("TLS/SSL handshake failed: certificate verify failed", distrusted[2])
      assert.same({ "AUTH TLS", "AUTH TLS" }, heard)
    end)

    for _, command in ipairs { "AUTH", "USER", "PROT", "EPSV", "RETR", "QUIT" } do
      it("tells that the server has closed the connection instead of an answer to " .. command, function()
        local got = with_server(answers_of_files(send_content, { [command] = function() return true end }), get)

        assert.same(pack(nil, "closed"), got)
        assert.matches("^" .. command, heard[#heard])
      end)
    end

    it("tells that the server has closed the connection instead of saying that the data was all", function()
      local answers = answers_of_files(send_content)
      local retrieve = answers.RETR
      function answers.RETR(skt)
        retrieve(skt)
        return true
      end

      assert.same(pack(nil, "closed"), with_server(answers, get))
    end)
  end)

  describe("copas.smtp", function()
    local smtp

    before_each(function() smtp = require("copas.smtp") end)

    local function send(port)
      return smtp.send {
        from = "<a@here.test>", rcpt = "<b@there.test>", server = "127.0.0.1", port = port, sslparams = trusted,
        source = ltn12.source.string("secret"),
      }
    end

    local function answers_of_mail(further)
      local answers = {
        EHLO = "250 here",
        STARTTLS = start_tls(here, "220"),
        MAIL = "250 ok",
        RCPT = "250 ok",
        DATA = "354 go on",
        QUIT = "221 bye",
      }
      for name, answer in pairs(further or {}) do answers[name] = answer end
      return answers
    end

    it("gives no address to a server that refuses TLS, or has the certificate of another host", function()
      assert.same(pack(nil, "454 not now"), with_server(answers_of_mail { STARTTLS = "454 not now" }, send))

      left = 0
      local distrusted = with_server(answers_of_mail { STARTTLS = start_tls(made:server("other"), "220") }, send)
      assert.is_nil(distrusted[1])
      assert.equal("TLS/SSL handshake failed: certificate verify failed", distrusted[2])
      for index = 1, #heard, 2 do
        assert.matches("^EHLO ", heard[index])
        assert.equal("STARTTLS", heard[index + 1])
      end
      assert.equal(4, #heard)
    end)

    it("tells that the server has closed the connection", function()
      for _, command in ipairs { "STARTTLS", "MAIL", "RCPT", "DATA" } do
        left = 0
        local got = with_server(answers_of_mail { [command] = function() return true end }, send)
        assert.same(pack(nil, "closed"), got)
        assert.matches("^" .. command, heard[#heard])
      end
    end)
  end)
end)

describe("where nothing else is said,", function()
  local copas

  before_each(function() copas = loop.fresh() end)

  -- What performs a request, and the host and the port that it has connected to.
  local function asked(perform, request)
    local place
    function request.create()
      return {
        settimeout = function() return 1 end,
        connect = function(_, host, port)
          place = { host, port }
          return nil, "seen"
        end,
        close = function() return 1 end,
      }
    end
    local got
    loop.run(copas, function() got = pack(perform(request)) end)
    assert.same(pack(nil, "seen"), got)
    return place
  end

  local function send(request)
    request.from, request.rcpt, request.source = "<a@here.test>", "<b@there.test>", ltn12.source.empty()
    return asked(require("copas.smtp").send, request)
  end

  local function get(request)
    request.sink = ltn12.sink.null()
    return asked(require("copas.ftp").get, request)
  end

  it("mail goes to port 25 of this machine, by TLS that is implicit to port 465", function()
    assert.same({ "localhost", 25 }, send {})
    assert.same({ "localhost", 25 }, send { tls = "explicit" })
    assert.same({ "localhost", 25 }, send { sslparams = {} })
    assert.same({ "localhost", 465 }, send { tls = "implicit" })
    assert.same({ "localhost", 465 }, send { tls = "implicit", sslparams = {} })
    assert.same({ "mail.test", 587 }, send { tls = "explicit", server = "mail.test", port = 587 })
    assert.same({ "mail.test", 587 }, send { tls = "implicit", server = "mail.test", port = 587 })
  end)

  it("mail goes to the server and the port of the module, but by TLS that is implicit to port 465", function()
    local smtp = require("copas.smtp")
    local server, port = smtp.SERVER, smtp.PORT
    smtp.SERVER, smtp.PORT = "mail.test", 587
    local places = { send {}, send { tls = "explicit" }, send { tls = "implicit" }, send { server = "other.test" } }
    smtp.SERVER, smtp.PORT = server, port

    assert.same({ { "mail.test", 587 }, { "mail.test", 587 }, { "mail.test", 465 }, { "other.test", 587 } }, places)
  end)

  it("files come from port 21, by TLS that is implicit from port 990", function()
    assert.same({ "files.test", 21 }, get { host = "files.test" })
    assert.same({ "files.test", 21 }, get { host = "files.test", tls = "explicit" })
    assert.same({ "files.test", 21 }, get { url = "ftp://files.test/file", sslparams = {} })
    assert.same({ "files.test", 990 }, get { host = "files.test", tls = "implicit" })
    assert.same({ "files.test", 990 }, get { url = "ftps://files.test/file" })
    assert.same({ "files.test", 990 }, get { url = "FTPS://files.test/file" })
    assert.same({ "files.test", 21 }, get { url = "ftps://files.test/file", tls = "explicit" })
    assert.same({ "files.test", "2121" }, get { url = "ftps://files.test:2121/file" })
    assert.same({ "files.test", 2121 }, get { host = "files.test", tls = "implicit", port = 2121 })
  end)

  it("files come from the port of the module, but by TLS that is implicit from port 990", function()
    local ftp = require("copas.ftp")
    ftp.PORT = 2121
    local places = { get { host = "files.test" }, get { host = "files.test", tls = "implicit" } }
    ftp.PORT = nil

    assert.same({ { "files.test", 2121 }, { "files.test", 990 } }, places)
  end)
end)
