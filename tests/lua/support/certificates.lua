-- Certificates made for one test file: an authority, and what it has signed.
local child = require("support.child")

local certificates = {}
certificates.__index = certificates

local function run(command)
  local pipe = io.popen("{ " .. command .. " ; } 2>&1; echo \" status $?\"")
  local output = pipe:read("*a")
  pipe:close()
  if not output:find(" status 0%s*$") then error(command .. ": " .. output) end
end

---A folder with `ca.pem`, the authority's certificate.
function certificates.new()
  local folder = os.tmpname()
  os.remove(folder)
  local self = setmetatable({ folder = folder }, certificates)
  run("mkdir " .. child.quote(folder))
  self:make_key("ca")
  run(("openssl req -x509 -new -key %s -out %s -days 2 -subj '/CN=Test authority'"):format(self:file("ca.key"),
                                                                                          self:file("ca.pem")))
  return self
end

function certificates:file(name)
  return self.folder .. "/" .. name
end

function certificates:make_key(name)
  run(("openssl ecparam -name prime256v1 -genkey -noout -out %s"):format(self:file(name .. ".key")))
end

---Makes `name`.pem and `name`.key, signed by the authority.
---@param host string    the name in it
---@param more string?   further words for openssl x509
---@return table         TLS parameters of a server with it
function certificates:sign(name, host, more)
  self:make_key(name)
  local names = assert(io.open(self:file(name .. ".names"), "w"))
  names:write("subjectAltName=", host:find("^[%d.]+$") and "IP:" or "DNS:", host, "\n")
  names:close()
  run(("openssl req -new -key %s -subj '/CN=%s' -out %s"):format(self:file(name .. ".key"), host,
                                                                self:file(name .. ".csr")))
  run(("openssl x509 -req -in %s -CA %s -CAkey %s -set_serial %d -extfile %s -out %s %s"):format(
    self:file(name .. ".csr"), self:file("ca.pem"), self:file("ca.key"), 1000 + #name, self:file(name .. ".names"),
    self:file(name .. ".pem"), more or "-days 2"))
  return self:server(name)
end

---TLS parameters of a server that has `name`.pem.
function certificates:server(name)
  return {
    mode = "server",
    protocol = "any",
    key = self:file(name .. ".key"),
    certificate = self:file(name .. ".pem"),
  }
end

---TLS parameters of a client that trusts the authority.
function certificates:client()
  return { mode = "client", protocol = "any", verify = "peer", cafile = self:file("ca.pem") }
end

function certificates:remove()
  run("rm -r " .. child.quote(self.folder))
end

return certificates
