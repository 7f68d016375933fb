server = socket.bind(host, port)
copas.addserver(server, handle)
