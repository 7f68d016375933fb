copas.addserver(server, echoHandler)
