-- copas.smtp: LuaSocket's socket.smtp on sockets that wait for the thread that uses them.
local copas, internal = ...

local socket = internal.load("socket_of_requests")
local luasocket = require("socket.smtp")
local controls = internal.load("control_connections", copas, internal, socket, luasocket)

local smtp = internal.load("requests_of", luasocket,
  { PORT = true, SERVER = true, TIMEOUT = true, DOMAIN = true, TIMEZONE = true, ZONE = true })

local implicit_port = 465

-- Changes an object of LuaSocket's so that it secures the connection when it has greeted, and greets again (RFC 3207).
local function change(control, creator)
  if creator.tls ~= "explicit" then return end
  local greet = control.greet
  function control:greet(domain)
    greet(self, domain)
    self.try(self.tp:command("STARTTLS"))
    self.try(self.tp:check("220"))
    self.try(creator:secure(self.tp.c))
    self.try(self.tp:command("EHLO", domain or luasocket.DOMAIN))
    local _, extensions = self.try(self.tp:check("2.."))
    return extensions
  end
end

---send{ from =, rcpt =, source =, ... }: 1
function smtp.send(mail)
  mail.create = mail.create or controls.plain_socket -- as in Copas
  local fields = setmetatable({}, getmetatable(mail))
  for name, value in pairs(mail) do fields[name] = value end
  fields.server = fields.server or luasocket.SERVER
  fields.host = fields.server
  local creator = controls.creator(fields, change)
  fields.create = creator
  fields.port = fields.port or creator.tls == "implicit" and implicit_port or luasocket.PORT
  return luasocket.send(fields)
end

---LuaSocket's object for a session step by step, which throws its errors as socket.try does.
function smtp.open(server, port, create)
  return luasocket.open(server, port, controls.creator({ create = create, host = server or luasocket.SERVER }, change))
end

return smtp
