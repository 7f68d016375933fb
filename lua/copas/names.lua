-- What threads and sockets are called. Names that somebody gave are kept by object, weakly; those of a server's
-- connections are made when somebody asks.
local copas, internal = ...
local native = internal.native

local names = setmetatable({}, { __mode = "k" })
local servers = {} -- names of servers, by number: connections may outlive their server
local numbers = {} -- the other way round, so that a name that comes again needs no more room

---Remembers a server's name for the connections it will accept.
---@return integer number  to be given to native.serve
function internal.name_server(name)
  local number = numbers[name]
  if not number then
    number = #servers + 1
    servers[number], numbers[name] = name, number
  end
  return number
end

---The name that somebody gave a raw socket or a thread, if anybody did.
function internal.given_name(object) return names[object] end

---The raw socket behind `skt`, which may be a wrapper.
local function raw(skt)
  return internal.is_wrapper(skt) and skt.socket or skt
end
internal.raw = raw

local function of_client(object, what)
  local server, number = native.client_of(object)
  if not server then return nil end
  local name = servers[server] .. ":" .. what
  return number > 0 and name .. "_" .. number or name -- datagrams have one handler only
end

function copas.setsocketname(name, skt)
  if type(name) ~= "string" then error("expected arg #1 to be a string", 2) end
  if skt == nil then error("expected arg #2 to be a socket", 2) end
  names[raw(skt)] = name
end

function copas.getsocketname(skt)
  if skt == nil then error("expected arg #1 to be a socket", 2) end
  skt = raw(skt)
  return names[skt] or of_client(skt, "client") or tostring(skt)
end

---Lets a thread that is about to end keep its name.
function internal.keep_name(co)
  names[co] = names[co] or of_client(co, "handler")
end

---Gives a socket the name that somebody gave another; a connection that is none of ours also the name it had.
function internal.inherit_name(skt, from)
  names[skt] = names[from] or not native.is_native(skt) and of_client(from, "client") or nil
end

function copas.setthreadname(name, co)
  if type(name) ~= "string" then error("expected arg #1 to be a string", 2) end
  if co ~= nil and type(co) ~= "thread" then error("expected arg #2 to be a coroutine or nil", 2) end
  names[co or native.running()] = name
end

function copas.getthreadname(co)
  co = co or native.running()
  if type(co) ~= "thread" then error("expected arg #1 to be a coroutine or nil", 2) end
  return names[co] or of_client(co, "handler") or tostring(co)
end

native.on("name", copas.getthreadname)
