server = socket.bind(host, port)
