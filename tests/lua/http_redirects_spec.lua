-- Redirects that copas.http follows, and what it takes along.
local check = require("support.check")
local loop = require("support.loop")
local web = require("support.web")

local ltn12 = require("ltn12")

local ok = web.ok

describe("a redirect of copas.http", function()
  local copas, http

  before_each(function()
    copas = loop.fresh()
    http = require("copas.http")
  end)

  local function to(location, code)
    return ("HTTP/1.1 %d Moved\r\nLocation: %s\r\nContent-Length: 3\r\n\r\nabc"):format(code or 302, location)
  end

  -- Results of a request, or of one for a path, to a server that gives these answers; and the server.
  local function ask(answers, request)
    local server = web.serve(copas, type(answers) == "table" and answers or { answers })
    if type(request) ~= "table" then request = { path = request } end
    local results
    loop.run(copas, function()
      local parts = {}
      request.url = request.url or server.url .. (request.path or "/")
      request.path = nil
      request.sink = request.sink or ltn12.sink.table(parts)
      results = check.pack(http.request(request))
      results[1] = results[1] and table.concat(parts)
      server:stop()
    end)
    return results, server
  end

  it("is followed to a relative location", function()
    local got, server = ask({ to("../x?y"), ok }, "/a/b/c")

    assert.equal("GET /a/x?y HTTP/1.1", server.requests[2].line)
    assert.equal("hello", got[1])
    assert.equal("../x?y", got[3].location)
  end)

  it("is followed to a location with blanks, which are escaped", function()
    local got, server = ask({ to("/c d;e f?g h"), ok }, "/")

    assert.equal("GET /c%20d;e%20f?g%20h HTTP/1.1", server.requests[2].line)
    assert.equal("hello", got[1])
  end)

  for _, code in ipairs { 301, 302, 303, 307, 308 } do
    it("is followed with code " .. code .. ", and HEAD stays HEAD", function()
      local got, server = ask({ to("/x", code), ok }, { method = "HEAD" })

      assert.equal("HEAD /x HTTP/1.1", server.requests[2].line)
      assert.equal(200, got[2])
    end)
  end

  it("is an answer for other methods, for a body, and if it is not wanted", function()
    for _, request in ipairs {
      { method = "POST" },
      { redirect = false },
      { maxredirects = 0 },
      { headers = { ["content-length"] = 1 }, source = ltn12.source.string("x") },
    } do
      local got = ask({ to("/x"), ok }, request)
      assert.equal(302, got[2])
      assert.equal("/x", got[3].location)
    end
  end)

  it("is followed five times if nothing else is said", function()
    local got, server = ask(to("/x"))

    assert.equal("abc", got[1])
    assert.equal(302, got[2])
    assert.equal(6, #server.requests)
    got, server = ask({ to("/x"), to("/x"), to("/x"), to("/x"), to("/x"), to("/x"), ok }, { maxredirects = false })
    assert.equal(200, got[2])
    assert.equal(7, #server.requests)
  end)

  it("takes secrets to the same server only", function()
    local other = web.serve(copas, { ok })
    local headers = { Authorization = "secret", cookie = "secret", ["x-mine"] = "yes" }
    local server = web.serve(copas, { to("/x"), to(other.url) })
    loop.run(copas, function()
      http.request { url = server.url, headers = headers }
      server:stop()
      other:stop()
    end)

    assert.equal("secret", server.requests[2].headers.authorization)
    assert.is_nil(other.requests[1].headers.authorization)
    assert.is_nil(other.requests[1].headers.cookie)
    assert.equal("yes", other.requests[1].headers["x-mine"])
  end)

  for where, request in pairs {
    ["of the URL"] = { url = "http://me:secret@127.0.0.1:%d/" },
    ["of the request"] = { url = "http://127.0.0.1:%d/", user = "me", password = "secret" },
  } do
    it("takes user and password " .. where .. " to the same server only", function()
      local other = web.serve(copas, { ok })
      local server = web.serve(copas, { to("/x"), to(other.url) })
      loop.run(copas, function()
        request.url = request.url:format(server.port)
        http.request(request)
        server:stop()
        other:stop()
      end)

      assert.equal("Basic bWU6c2VjcmV0", server.requests[2].headers.authorization)
      assert.is_nil(other.requests[1].headers.authorization)
    end)
  end

  it("takes along what the request says about connections and codings", function()
    local _, server = ask({ to("/x"), ok }, { keepalive = false, decompress = true })

    assert.equal("close, TE", server.requests[2].headers.connection)
    assert.equal("gzip, deflate", server.requests[2].headers["accept-encoding"])
  end)

  it("takes along the proxy", function()
    local proxy = web.serve(copas, { to("http://far.test/x"), ok })
    loop.run(copas, function()
      http.request { url = "http://near.test/", proxy = proxy.url }
      proxy:stop()
    end)

    assert.equal("GET http://far.test/x HTTP/1.1", proxy.requests[2].line)
  end)

  for limit, err in pairs {
    maxbody = "response body too large",
    maxheader = "response headers too large",
  } do
    it("takes along " .. limit, function()
      local large = "HTTP/1.1 200 OK\r\nA: " .. ("x"):rep(2000) .. "\r\nContent-Length: 2000\r\n\r\n" .. ("x"):rep(2000)

      assert.same(check.pack(nil, err), (ask({ to("/x"), large }, { [limit] = 1000 })))
    end)
  end

  it("takes along that an answer needs a head", function()
    assert.same(check.pack(nil, "not an answer of HTTP/1"), (ask({ to("/x"), "not http" }, { http09 = false })))
  end)

  it("takes along the timeout", function()
    local function stall(_, skt) skt:receive("*a") end

    assert.same(check.pack(nil, "timeout"), (ask({ to("/x"), stall }, { timeout = 0.02 })))
  end)
end)
