-- TLS with those that others have made, in processes of their own: as clients of ours, and as servers.
local certificates = require("support.certificates")
local child = require("support.child")
local daemon = require("support.daemon")
local loop = require("support.loop")
local sockets = require("support.sockets")

local socket = require("copas.socket")

local versions = { ["1.2"] = "TLSv1.2", ["1.3"] = "TLSv1.3" }

describe("TLS with", function()
  local made, copas

  setup(function()
    made = certificates.new()
    made:sign("server", "localhost")
    made:sign("client", "a client")
  end)
  teardown(function() made:remove() end)

  before_each(function() copas = loop.fresh() end)
  after_each(child.cleanup)

  -- Starts a command that goes on beside us. What it prints can be read from the result.
  local function start(command, input)
    return assert(io.popen(("( %s ) 2>&1 <%s"):format(command, input and child.file(input) or "/dev/null")))
  end

  local function rest(pipe)
    local text = pipe:read("*a")
    pipe:close()
    return text
  end

  -- Serves a client that `command` gives for a port, each time the handler is called for the number of `clients`.
  -- Returns what it printed, and what the server reported.
  local function serve(handler, params, command, clients)
    local server, port = sockets.listen(socket)
    local reported
    local left = clients or 1
    local function one_less()
      left = left - 1
      if left == 0 then copas.removeserver(server) end
    end
    copas.addserver(server, copas.handler(function(skt)
      handler(skt)
      skt:close()
      one_less()
    end, params))
    copas.settimeouts(server, 20, 20, 20)
    copas.seterrorhandler(function(err)
      reported = tostring(err)
      one_less()
    end, true)
    local pipe = start(command(port))
    copas.loop()
    return rest(pipe), reported
  end

  -- Connects to a server on a port, with the name of our certificates.
  local function connect(port, changes)
    local params = made:client()
    params.verify_host = "localhost"
    for name, value in pairs(changes or {}) do params[name] = value end
    local skt = copas.wrap(socket.tcp(), { wrap = params, sni = { names = "localhost" } })
    skt:settimeout(20)
    local connected, err = skt:connect("127.0.0.1", port)
    assert(connected, err)
    return skt
  end

  local function echo_a_line(skt)
    local line = assert(skt:receive())
    assert(skt:send(skt.socket:info("protocol") .. " " .. line .. "\n"))
  end

  local function answer_by_http(skt)
    repeat local line = assert(skt:receive()) until line == ""
    assert(skt:send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n"))
  end

  describe("openssl", function()
    local function s_client(more, input)
      local text = child.file(input or "hello\n")
      return function(port)
        return ("openssl s_client -connect 127.0.0.1:%d -quiet -CAfile %s -verify_return_error %s <%s"):format(
          port, made:file("ca.pem"), more, text)
      end
    end

    it("as a client", function()
      for number, version in pairs(versions) do
        local out, reported = serve(echo_a_line, made:server("server"),
          s_client("-verify_hostname localhost -tls" .. number:gsub("%.", "_")))

        assert.is_nil(reported)
        assert.is_truthy(out:find(version .. " hello\n", 1, true), out)
      end
    end)

    it("as a client with a certificate", function()
      local params = made:server("server")
      params.verify, params.cafile = { "peer", "fail_if_no_peer_cert" }, made:file("ca.pem")
      local out, reported = serve(function(skt)
        skt:send(skt.socket:getpeercertificate():subject()[1].value .. "\n")
        skt:receive() -- for what is left unread makes the system reset the connection
      end, params, s_client(("-cert %s -key %s"):format(made:file("client.pem"), made:file("client.key"))))

      assert.is_nil(reported)
      assert.is_truthy(out:find("a client\n", 1, true), out)
      reported = select(2, serve(echo_a_line, params, s_client("")))
      assert.is_truthy(reported:find("TLS/SSL handshake failed: peer did not return a certificate", 1, true), reported)
    end)

    it("as a client that asks to begin anew, which is refused", function()
      local out = serve(function(skt)
        skt:settimeout(1)
        skt:receive()
      end, made:server("server"), s_client("-tls1_2 -no_ign_eof", "R\n"))

      assert.is_truthy(out:find("no renegotiation", 1, true), out)
    end)

    it("as a server", function()
      for number, version in pairs(versions) do
        local pipe = start(("openssl s_server -accept 127.0.0.1:0 -naccept 1 -rev -cert %s -key %s -tls%s"):format(
          made:file("server.pem"), made:file("server.key"), (number:gsub("%.", "_"))))
        local port
        repeat port = assert(pipe:read("*l")):match("^ACCEPT .*:(%d+)$") until port
        local echoed, protocol
        loop.run(copas, function()
          local skt = connect(tonumber(port))
          protocol = skt.socket:info("protocol")
          skt:send("hello\n")
          echoed = skt:receive()
          skt:close()
        end)
        rest(pipe)

        assert.equal("olleh", echoed)
        assert.equal(version, protocol)
      end
    end)
  end)

  it("curl", function()
    for number in pairs(versions) do
      local out, reported = serve(answer_by_http, made:server("server"), function(port)
        return ("curl -sS --noproxy '*' --cacert %s --tlsv%s --tls-max %s --resolve %s https://localhost:%d/"):format(
          made:file("ca.pem"), number, number, ("localhost:%d:127.0.0.1"):format(port), port)
      end)

      assert.is_nil(reported)
      assert.equal("hello\n", out)
    end
  end)

  describe("Python", function()
    it("as a client", function()
      local script = child.file([[
import socket, ssl, sys
for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
    context = ssl.create_default_context(cafile=sys.argv[1])
    context.minimum_version = context.maximum_version = version
    plain = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
    with context.wrap_socket(plain, server_hostname="localhost") as secured:
        secured.sendall(b"hello\n")
        print(secured.makefile().readline(), end="")
        print(secured.unwrap().recv(1))
]])
      local function echo_then_wait(skt) -- or what the client says last would find nobody
        echo_a_line(skt)
        skt:receive()
      end
      local out, reported = serve(echo_then_wait, made:server("server"), function(port)
        return ("python3 %s %s %d"):format(script, made:file("ca.pem"), port)
      end, 2)

      assert.is_nil(reported)
      assert.equal("TLSv1.2 hello\nb''\nTLSv1.3 hello\nb''\n", out)
    end)

    it("as a server that ends without saying so", function()
      local pipe = start(("python3 %s %s %s"):format(child.file([[
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
secured = context.wrap_socket(listener.accept()[0], server_side=True)
secured.sendall(b"the beg")
secured.detach()
]]), made:file("server.pem"), made:file("server.key")))
      local got
      local port = tonumber(pipe:read("*l"))
      loop.run(copas, function()
        local skt = connect(port)
        got = { skt:receive() }
        skt:close()
      end)
      rest(pipe)

      -- the descriptor is open as long as the process
      assert.same({ nil, "unexpected eof while reading", "the beg" }, { got[1], got[2], got[3] })
    end)
  end)

  describe("LuaSec", function()
    it("as a client in blocking mode", function()
      local script = [[
local socket, ssl = require("socket"), require("ssl")
local plain = assert(socket.connect("127.0.0.1", arg[2]))
local skt = assert(ssl.wrap(plain, { mode = "client", protocol = "any", verify = "peer", cafile = arg[1] }))
skt:sni("localhost")
assert(skt:dohandshake())
assert(skt:send("hello\n"))
print((skt:receive()))
print((select(2, skt:receive())))
]]
      local out, reported = serve(echo_a_line, made:server("server"), function(port)
        return child.lua_command(script, made:file("ca.pem"), port)
      end)

      assert.is_nil(reported)
      assert.equal("TLSv1.3 hello\nclosed\n", out)
    end)
  end)

  describe("nginx", function()
    local server

    setup(function()
      server = daemon.start_on_free_port(function(port, folder)
        daemon.write(folder, "index.html", "served\n")
        local file = daemon.write(folder, "nginx.conf", ([[
daemon off;
master_process off;
pid FOLDER/pid;
error_log stderr notice;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path FOLDER/body;
  proxy_temp_path FOLDER/proxy;
  fastcgi_temp_path FOLDER/fastcgi;
  uwsgi_temp_path FOLDER/uwsgi;
  scgi_temp_path FOLDER/scgi;
  server {
    listen 127.0.0.1:PORT ssl;
    ssl_certificate CERTIFICATE;
    ssl_certificate_key KEY;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:kept:1m;
    root FOLDER;
  }
}
]]):gsub("[A-Z]+", {
          FOLDER = folder, PORT = tostring(port), CERTIFICATE = made:file("server.pem"), KEY = made:file("server.key"),
        }))
        return "PATH=$PATH:/usr/sbin nginx -e stderr -c " .. child.quote(file), "getrlimit"
      end)
    end)
    teardown(function() server:stop() end)

    it("as a server whose sessions are taken up", function()
      for _, protocol in ipairs { "tlsv1_2", "tlsv1_3" } do
        local seen = {}
        loop.run(copas, function()
          for index = 1, 2 do
            local skt = connect(server.port, { protocol = protocol })
            assert(skt:send("GET /index.html HTTP/1.0\r\n\r\n"))
            local answer = assert(skt:receive("*a"))
            seen[index] = { tostring(skt.socket:resumed()), answer:match("\r\n\r\n(.*)$") }
            skt:close()
          end
        end)

        assert.same({ { "false", "served\n" }, { "true", "served\n" } }, seen)
      end
    end)
  end)
end)
