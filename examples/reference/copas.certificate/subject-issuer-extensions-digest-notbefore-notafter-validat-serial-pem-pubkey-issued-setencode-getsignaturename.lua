local tls = require("copas.tls")

-- A certificate for this run.
local pipe = io.popen("openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/stdout -subj /CN=localhost 2>/dev/null")
local pem = pipe:read("*a")
pipe:close()

local certificate = tls.loadcertificate(pem)
print(certificate:subject()[1].name, certificate:issuer()[1].value) --> commonName  localhost
print(type(certificate:extensions()), #certificate:digest("sha256")) --> table  64
print(certificate:validat(os.time()), certificate:notbefore() ~= certificate:notafter()) --> true  true
print(certificate:serial():match("^%x+$") ~= nil) --> true
print(certificate:pem():match("BEGIN CERTIFICATE")) --> BEGIN CERTIFICATE
print(select(2, certificate:pubkey())) --> RSA  2048
print(certificate:issued(certificate), certificate:setencode("utf8"), certificate:getsignaturename())
--> true  true  RSA-SHA256
