-- copas.http, with servers of other projects: nginx and tinyproxy.
local certificates = require("support.certificates")
local check = require("support.check")
local child = require("support.child")
local daemon = require("support.daemon")
local loop = require("support.loop")

local ltn12 = require("ltn12")

local nginx = [[
daemon off;
master_process off;
pid FOLDER/pid;
error_log stderr notice;
events { worker_connections 100; }
http {
  access_log off;
  client_body_temp_path FOLDER/body;
  proxy_temp_path FOLDER/proxy;
  fastcgi_temp_path FOLDER/fastcgi;
  uwsgi_temp_path FOLDER/uwsgi;
  scgi_temp_path FOLDER/scgi;
  gzip on;
  gzip_types text/plain;
  gzip_min_length 100;
  default_type text/plain;
  server {
    listen 127.0.0.1:PORT;
    listen 127.0.0.1:TLS_PORT ssl;
    ssl_certificate CERTIFICATE;
    ssl_certificate_key KEY;
    root FOLDER;
    location /connection { return 200 "$connection"; }
    location /body { client_max_body_size 1m; return 200 "$request_method $http_transfer_encoding"; }
    location /moved { return 301 /connection; }
    location /secured { return 302 https://127.0.0.1:TLS_PORT/connection; }
    location /brief { keepalive_timeout 0; return 200 "$connection"; }
    location /private {
      if ($http_authorization != "Basic bWU6c2VjcmV0") { return 401; }
      return 200 "welcome";
    }
  }
}
]]

local tinyproxy = [[
Port PORT
Listen 127.0.0.1
Timeout 10
MaxClients 10
BasicAuth me secret
LogLevel Info
]]

describe("copas.http with real servers", function()
  local copas, http, made, server, proxy, url, tls_url, tls_port, trusting

  setup(function()
    made = certificates.new()
    local params = made:sign("server", "127.0.0.1")
    server = daemon.start_on_free_port(function(port, folder)
      local probe = assert(require("copas.socket").bind("127.0.0.1", 0))
      tls_port = select(2, probe:getsockname())
      probe:close()
      daemon.write(folder, "large.txt", ("0123456789abcdef"):rep(64 * 1024))
      local values = {
        PORT = port, TLS_PORT = tls_port, FOLDER = folder, CERTIFICATE = params.certificate, KEY = params.key,
      }
      local file = daemon.write(folder, "nginx.conf", (nginx:gsub("[A-Z_][A-Z_][A-Z_]+", values)))
      return "PATH=$PATH:/usr/sbin nginx -e stderr -c " .. child.quote(file), "getrlimit"
    end)
    proxy = daemon.start_on_free_port(function(port, folder)
      local file = daemon.write(folder, "tinyproxy.conf", (tinyproxy:gsub("PORT", port)))
      return "exec tinyproxy -d -c " .. child.quote(file), "Accepting connections"
    end)
    url, tls_url = "http://127.0.0.1:" .. server.port, "https://127.0.0.1:" .. tls_port
  end)

  teardown(function()
    proxy:stop()
    server:stop()
    made:remove()
  end)

  before_each(function()
    copas = loop.fresh()
    http = require("copas.http")
    trusting = { wrap = { cafile = made:file("ca.pem") } }
  end)

  -- Runs a function in a thread.
  local function run(fn)
    loop.run(copas, function()
      fn()
      http.closeidle()
    end)
  end

  it("uses a connection again, in clear and by TLS", function()
    run(function()
      local first = http.request(url .. "/connection")
      assert.equal(first, http.request(url .. "/connection"))
      local _, parts = nil, {}
      for count = 1, 2 do
        parts[count] = {}
        assert(http.request {
          url = tls_url .. "/connection", sink = ltn12.sink.table(parts[count]), sslparams = trusting,
        })
      end
      assert.same(parts[1], parts[2])
      assert.are_not.same({ first }, parts[1])
      assert.equal(2, http.closeidle())
    end)
  end)

  it("asks anew when the server closes each connection", function()
    run(function()
      local first = http.request(url .. "/brief")
      assert.are_not.equal(first, http.request(url .. "/brief"))
      assert.equal(0, http.closeidle())
    end)
  end)

  it("follows redirects, also to another scheme", function()
    run(function()
      local body, code, headers = http.request(url .. "/moved")
      assert.equal(200, code)
      assert.is_truthy(body:find("^%d+$"))
      assert.is_truthy(headers.location:find("/connection$"))
      local parts = {}
      local _, second = http.request { url = url .. "/secured", sink = ltn12.sink.table(parts), sslparams = trusting }
      assert.equal(200, second)
    end)
  end)

  it("receives a megabyte, by length, in chunks, and compressed", function()
    local expected = ("0123456789abcdef"):rep(64 * 1024)
    run(function()
      assert.equal(expected, (http.request(url .. "/large.txt")))
      local parts = {}
      local _, code, headers =
        http.request { url = url .. "/large.txt", sink = ltn12.sink.table(parts), decompress = true }
      assert.equal(200, code)
      assert.equal("chunked", headers["transfer-encoding"])
      assert.is_nil(headers["content-encoding"])
      assert.equal(expected, table.concat(parts))
      assert.same(check.pack(nil, "response body too large"), check.pack(http.request {
        url = url .. "/large.txt", decompress = true, maxbody = 1000000,
      }))
    end)
  end)

  it("sends bodies, with and without length, after the server has agreed", function()
    run(function()
      assert.equal("POST ", (http.request(url .. "/body", ("x"):rep(100000))))
      for _, expect in ipairs { false, "100-continue" } do
        local parts = {}
        local _, code = http.request {
          url = url .. "/body", method = "PUT", headers = { expect = expect or nil },
          source = ltn12.source.string(("x"):rep(100000)), sink = ltn12.sink.table(parts),
        }
        assert.equal(200, code)
        assert.equal("PUT chunked", table.concat(parts))
      end
      local _, code = http.request {
        url = url .. "/body", method = "PUT", headers = { expect = "100-continue", ["content-length"] = 2000000 },
        source = function() error("asked for") end,
      }
      assert.equal(413, code)
    end)
  end)

  it("says who asks", function()
    run(function()
      assert.equal(401, select(2, http.request(url .. "/private")))
      assert.equal("welcome", (http.request("http://me:secret@127.0.0.1:" .. server.port .. "/private")))
    end)
  end)

  it("goes by way of a proxy, whoever it lets through", function()
    local by = "http://me:secret@127.0.0.1:" .. proxy.port
    run(function()
      for _, target in ipairs { url, tls_url } do
        local parts = {}
        local _, code = http.request {
          url = target .. "/private", user = "me", password = "secret", proxy = by, sslparams = trusting,
          sink = ltn12.sink.table(parts),
        }
        assert.equal(200, code)
        assert.equal("welcome", table.concat(parts))
      end
      local refused = check.pack(http.request {
        url = tls_url, proxy = "http://127.0.0.1:" .. proxy.port, sslparams = trusting,
      })
      assert.is_nil(refused[1])
      assert.is_truthy(refused[2]:find("^HTTP/1.%d 407"))
      assert.equal(200, select(2, http.request {
        url = url .. "/connection", proxy = "http://127.0.0.1:1", no_proxy = "other.test, 127.0.0.1",
      }))
    end)
  end)
end)
