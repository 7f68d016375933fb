-- copas.ftp and copas.smtp, with servers of other projects: pyftpdlib and aiosmtpd.
local certificates = require("support.certificates")
local check = require("support.check")
local child = require("support.child")
local daemon = require("support.daemon")
local files = require("reference.files")
local loop = require("support.loop")

local ltn12 = require("ltn12")

local here = debug.getinfo(1, "S").source:match("^@(.*/)")

describe("with real servers,", function()
  local made, server, ports, copas

  setup(function()
    made = certificates.new()
    local params = made:sign("server", "127.0.0.1")
    local folder = daemon.folder()
    local script = here .. "support/mail_and_files.py"
    local err
    server, err = daemon.start(folder, ("/usr/bin/python3 %s %s %s %s"):format(
      child.quote(script), folder, params.certificate, params.key), "^ready$")
    assert(server, err)
    ports = {}
    for _, line in ipairs(server.lines) do
      local name, port = line:match("^(%S+) (%d+)$")
      if name then ports[name] = tonumber(port) end
    end
  end)

  teardown(function()
    server:stop()
    made:remove()
  end)

  before_each(function() copas = loop.fresh() end)

  -- What a function returns in a thread while another one ticks; and how often that did.
  local function run(client)
    local got
    local ticks = 0
    loop.run(copas, function()
      local timer = copas.timer.new { delay = 0.001, recurring = true, callback = function() ticks = ticks + 1 end }
      got = check.pack(client())
      timer:cancel()
    end)
    return got, ticks
  end

  -- All bytes there are, in no order that compresses or ends in a line.
  local function bytes(count)
    local block = {}
    for index = 1, 251 do block[index] = string.char((index * 7 + 3) % 256) end
    return table.concat(block):rep(math.ceil(count / 251)):sub(1, count)
  end

  describe("copas.ftp", function()
    local ftp

    before_each(function() ftp = require("copas.ftp") end)

    local function address(path, name)
      return ("ftp://me:secret@127.0.0.1:%d/%s;type=i"):format(ports[name or "ftp"], path)
    end

    it("puts and gets files, while other threads run", function()
      local content = bytes(1000000)

      local got, ticks = run(function()
        local sent = assert(ftp.put(address("big"), content))
        return sent, ftp.get(address("big"))
      end)

      assert.equal(#content, got[1])
      assert.is_true(got[2] == content)
      assert.is_true(ticks > 0)
    end)

    it("puts and gets a file with nothing in it", function()
      local got = run(function()
        local sent = assert(ftp.put(address("empty"), ""))
        return sent, ftp.get(address("empty"))
      end)

      assert.same(check.pack(0, ""), got)
    end)

    it("performs many requests at once", function()
      local got = run(function()
        local tasks = {}
        for index = 1, 20 do
          tasks[index] = copas.future.addthread(function()
            assert(ftp.put(address("file" .. index), ("%d "):format(index):rep(1000)))
            return assert(ftp.get(address("file" .. index)))
          end)
        end
        for index, task in ipairs(tasks) do
          local _, content = task:get()
          assert.equal(("%d "):format(index):rep(1000), content)
        end
        return #tasks
      end)

      assert.same(check.pack(20), got)
    end)

    it("passes what it gets to a sink, and takes what it puts from a source", function()
      local parts = {}
      local got = run(function()
        return ftp.put {
          host = "127.0.0.1", port = ports.ftp, user = "me", password = "secret", type = "i", path = "/parts",
          source = ltn12.source.cat(ltn12.source.string("one, "), ltn12.source.string("two")),
        }, ftp.get { url = address("parts"), sink = ltn12.sink.table(parts) }
      end)

      assert.same(check.pack(8, 1), got)
      assert.equal("one, two", table.concat(parts))
    end)

    it("gives further commands, alone or several", function()
      local parts = {}
      local got = run(function()
        local request = { host = "127.0.0.1", port = ports.ftp, user = "me", password = "secret" }
        request.command, request.argument, request.check = { "mkd", "noop" }, { "folder" }, { 257, 200 }
        local made_it = ftp.command(request)
        request.command, request.argument, request.check, request.sink = "nlst", "", nil, ltn12.sink.table(parts)
        return made_it, ftp.get(request)
      end)

      assert.same(check.pack(1, 1), got)
      assert.truthy(("\r\n" .. table.concat(parts)):find("\r\nfolder\r\n", 1, true))
    end)

    it("serves several transfers in one session", function()
      local got = run(function()
        local session = ftp.open("127.0.0.1", ports.ftp)
        session:greet()
        session:login("me", "secret")
        session:type("i")
        local contents = {}
        for index = 1, 3 do
          session:epsv()
          session:send { path = "session" .. index, source = ltn12.source.string("content " .. index) }
          session:epsv()
          session:receive { path = "session" .. index, sink = ltn12.sink.table(contents) }
        end
        session:quit()
        session:close()
        return table.concat(contents, ", ")
      end)

      assert.same(check.pack("content 1, content 2, content 3"), got)
    end)

    it("gives the words of a server that refuses", function()
      local password = run(function() return ftp.get(("ftp://me:wrong@127.0.0.1:%d/file"):format(ports.ftp)) end)
      local file = run(function() return ftp.get(address("nowhere")) end)

      assert.is_nil(password[1])
      assert.matches("^530 ", password[2])
      assert.is_nil(file[1])
      assert.matches("^550 ", file[2])
    end)

    for _, mode in ipairs { "explicit", "implicit" } do
      it("secures commands and data, with TLS that is " .. mode, function()
        local content = bytes(300000)
        local parts = {}

        local got = run(function()
          local request = {
            host = "127.0.0.1", port = ports["ftp-" .. mode], user = "me", password = "secret", type = "i",
            path = mode, tls = mode, sslparams = { cafile = made:file("ca.pem") },
          }
          request.source = ltn12.source.string(content)
          local sent, err = ftp.put(request)
          if not sent then return nil, err end
          request.sink = ltn12.sink.table(parts)
          return sent, ftp.get(request)
        end)

        assert.same(check.pack(#content, 1), got)
        assert.is_true(table.concat(parts) == content)
      end)

      it("puts and gets a file with nothing in it, with TLS that is " .. mode, function()
        local got = run(function()
          local request = {
            host = "127.0.0.1", port = ports["ftp-" .. mode], user = "me", password = "secret", path = "nothing",
            tls = mode, sslparams = { wrap = { cafile = made:file("ca.pem") } },
            source = ltn12.source.empty(), sink = ltn12.sink.null(),
          }
          return ftp.put(request), ftp.get(request)
        end)

        assert.same(check.pack(0, 1), got)
      end)
    end

    it("takes up the session of the commands for the data, which some servers demand", function()
      local connections, resumed, wrap = {}, {}, copas.wrap
      function copas.wrap(...)
        local skt = wrap(...)
        connections[skt] = true
        return skt
      end
      local got = run(function()
        local request = {
          host = "127.0.0.1", port = ports["ftp-explicit"], user = "me", password = "secret", path = "session",
          sslparams = { cafile = made:file("ca.pem"), verify = "peer" },
          source = ltn12.source.string("content"),
        }
        function request.step(source, sink)
          for skt in pairs(connections) do resumed[#resumed + 1] = skt.socket:resumed() end
          connections = {}
          return ltn12.pump.step(source, sink)
        end
        return ftp.put(request)
      end)

      table.sort(resumed, function(a, b) return b and not a end)
      assert.same(check.pack(7), got)
      assert.same({ false, true }, resumed)
    end)

    it("takes TLS parameters as a wish for TLS, and ftps as the scheme of TLS that is implicit", function()
      local explicit = run(function()
        return ftp.command {
          host = "127.0.0.1", port = ports["ftp-explicit"], user = "me", password = "secret", command = "noop",
          sslparams = made:client(),
        }
      end)
      local implicit = run(function()
        return ftp.command {
          url = "ftps://me:secret@127.0.0.1:" .. ports["ftp-implicit"], command = "noop", sslparams = made:client(),
        }
      end)

      assert.same(check.pack(1), explicit)
      assert.same(check.pack(1), implicit)
    end)

    it("gives nothing to a server whose certificate nobody vouches for", function()
      for _, mode in ipairs { "explicit", "implicit" } do
        local got = run(function()
          return ftp.command {
            host = "127.0.0.1", port = ports["ftp-" .. mode], user = "me", password = "secret", command = "noop", tls = mode,
          }
        end)

        assert.is_nil(got[1])
        assert.matches("^TLS/SSL handshake failed: .*certificate verify failed", got[2])
      end
    end)

    it("gives nothing to a server that has another name", function()
      local got = run(function()
        return ftp.command {
          host = "localhost", port = ports["ftp-explicit"], user = "me", password = "secret", command = "noop",
          sslparams = { cafile = made:file("ca.pem") },
        }
      end)

      assert.is_nil(got[1])
      assert.matches("certificate verify failed", got[2])
    end)

    it("gives no password to a server without TLS where TLS is wanted", function()
      local got = run(function()
        return ftp.command {
          host = "127.0.0.1", port = ports.ftp, user = "me", password = "secret", command = "noop", tls = "explicit",
        }
      end)

      assert.is_nil(got[1])
      assert.matches("^5%d%d ", got[2])
    end)
  end)

  describe("copas.smtp", function()
    local smtp

    before_each(function() smtp = require("copas.smtp") end)

    -- A mail to somebody, with what a test wants to be different.
    local function mail(to, changes)
      local made_mail = {
        from = "<me@here.test>",
        rcpt = "<" .. to .. ">",
        server = "127.0.0.1",
        port = ports.smtp,
        source = smtp.message { headers = { subject = "greetings" }, body = "hello\r\n.\r\n.. and more" },
      }
      for name, value in pairs(changes or {}) do made_mail[name] = value end
      return made_mail
    end

    local function received_by(address)
      return files.content(server.folder .. "/mails/" .. address)
    end

    it("sends a mail, while other threads run", function()
      local got = run(function() return smtp.send(mail("simple@there.test")) end)

      assert.same(check.pack(1), got)
      local text = received_by("simple@there.test")
      assert.equal("me@here.test simple@there.test", text:match("^[^\n]*"))
      assert.truthy(text:find("\r\nSubject: greetings\r\n", 1, true) or text:find("\nSubject: greetings\r\n", 1, true))
      assert.truthy(text:find("\r\n\r\nhello\r\n.\r\n.. and more\r\n", 1, true))
    end)

    it("sends one mail to several, of several parts", function()
      local got = run(function()
        return smtp.send(mail("first@there.test", {
          rcpt = { "<first@there.test>", "<second@there.test>" },
          source = smtp.message {
            headers = { subject = "parts" },
            body = { preamble = "before", { body = "one" }, { body = "two" }, epilogue = "after" },
          },
        }))
      end)

      assert.same(check.pack(1), got)
      local text = received_by("first@there.test")
      assert.truthy(text:find("first@there.test,second@there.test", 1, true))
      for _, part in ipairs { "before", "one", "two", "after" } do assert.truthy(text:find(part .. "\r\n", 1, true)) end
    end)

    it("sends mails of a megabyte, many at once", function()
      local body = ("%s\r\n"):format(("0123456789"):rep(7)):rep(14000)
      run(function()
        local tasks = {}
        for index = 1, 5 do
          tasks[index] = copas.future.addthread(smtp.send, mail(("many%d@there.test"):format(index), {
            source = smtp.message { body = ltn12.source.string(body) },
          }))
        end
        for _, task in ipairs(tasks) do assert.same(check.pack(true, 1), check.pack(task:get())) end
      end)

      for index = 1, 5 do assert.truthy(received_by(("many%d@there.test"):format(index)):find(body, 1, true)) end
    end)

    it("tells who it is", function()
      local right = run(function()
        return smtp.send(mail("known@there.test", { user = "me", password = "secret" }))
      end)
      local wrong = run(function()
        return smtp.send(mail("known@there.test", { user = "me", password = "guessed" }))
      end)

      assert.same(check.pack(1), right)
      assert.is_nil(wrong[1])
      assert.matches("^535 ", wrong[2])
    end)

    it("gives the words of a server that refuses", function()
      local got = run(function() return smtp.send(mail("nobody@there.test")) end)

      assert.same(check.pack(nil, "550 nobody of that name"), got)
    end)

    for _, mode in ipairs { "explicit", "implicit" } do
      it("sends by TLS that is " .. mode, function()
        local got = run(function()
          return smtp.send(mail(mode .. "@there.test", {
            port = ports["smtp-" .. mode], user = "me", password = "secret",
            tls = mode, sslparams = { cafile = made:file("ca.pem") },
          }))
        end)

        assert.same(check.pack(1), got)
        assert.truthy(received_by(mode .. "@there.test"):find("hello", 1, true))
      end)

      it("sends nothing to a server whose certificate nobody vouches for, with TLS that is " .. mode, function()
        local got = run(function()
          return smtp.send(mail("never@there.test", { port = ports["smtp-" .. mode], tls = mode }))
        end)

        assert.is_nil(got[1])
        assert.matches("^TLS/SSL handshake failed: .*certificate verify failed", got[2])
      end)
    end

    it("secures connections that the caller makes", function()
      local got = run(function()
        return smtp.send(mail("mine@there.test", {
          port = ports["smtp-implicit"],
          create = function() return copas.wrap(require("socket").tcp(), made:client()) end,
        }))
      end)

      assert.same(check.pack(1), got)
    end)

    it("sends nothing in clear where TLS is wanted", function()
      local got = run(function()
        return smtp.send(mail("never@there.test", { sslparams = made:client() }))
      end)

      assert.is_nil(got[1])
      assert.matches("^%d%d%d ", got[2])
      assert.is_nil(io.open(server.folder .. "/mails/never@there.test"))
    end)
  end)
end)
