function handle(skt)
-- this line may suffice for your handler to work with Copas
skt = copas.wrap(skt) -- or... skip this line and wrap `handle` using copas.handler()
-- now skt behaves like a LuaSocket socket but uses Copas'
...
-- gets some data from the client - "the request"
reqdata = skt:receive(pattern)
...
-- sends some data to the client - "the response"
skt:send(respdata)
...
end
