local socket = require("copas.socket")
local tls = require("copas.tls")

-- A certificate for this run.
local pipe = io.popen("openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/stdout -subj /CN=localhost 2>/dev/null")
local pem = pipe:read("*a")
pipe:close()
local name = os.tmpname()
local file = io.open(name, "w")
file:write(pem)
file:close()

local listening = assert(socket.bind("127.0.0.1", 0))
local ip, port = listening:getsockname()
local plain = assert(socket.connect(ip, port))
local client = tls.wrap(plain, { mode = "client", protocol = "any", verify = "peer", cafile = name })
local server = tls.wrap(listening:accept(), { mode = "server", protocol = "any", key = name, certificate = name })
os.remove(name)

client:sni("localhost")
print(client:settimeout(0), client:gettimeout()) --> 1  0  -1
print(client:dohandshake()) --> false  wantread
print(client:want()) --> read
server:settimeout(0)
repeat
  local one, other = client:dohandshake(), server:dohandshake()
until one and other

print(client:send("hello\n")) --> 6  nil  nil
print(server:receive(2)) --> he  nil  nil
print(server:dirty(), server:receive()) --> true  llo  nil  nil
print(client:receive()) --> nil  wantread
print((select(2, client:getstats()))) --> 6
print(client:setstats(0, 0, 0)) --> 1
print(client:setoption("tcp-nodelay", true), client:getoption("tcp-nodelay")) --> 1  true
print(select(2, client:getsockname()) == select(2, server:getpeername())) --> true
client:close()
print(client:getfd(), server:receive()) --> -1  nil  closed
