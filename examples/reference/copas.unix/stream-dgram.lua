local unix = require("copas.socket.unix")

print(unix.stream().class, unix.dgram().class) --> unixstream{master}  unixdgram{unconnected}
print(unix().class) --> unixstream{master}
