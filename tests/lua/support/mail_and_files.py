"""Servers for files (pyftpdlib) and mail (aiosmtpd) in one process: mail_and_files.py FOLDER CERTIFICATE KEY

FOLDER/files is what the FTP servers serve, the mails go to FOLDER/mails. The ports are printed, then "ready".
"""
import asyncio
import logging
import os
import ssl
import sys
import threading

from aiosmtpd.smtp import SMTP, AuthResult
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.servers import FTPServer

folder, certificate, key = sys.argv[1:]
files, mails = os.path.join(folder, "files"), os.path.join(folder, "mails")
os.makedirs(files)
os.makedirs(mails)
logging.disable(logging.CRITICAL)

users = DummyAuthorizer()
users.add_user("me", "secret", files, perm="elradfmwMT")
users.add_anonymous(files)


class Plain(FTPHandler):
    authorizer = users
    banner = "files.test"


class Explicit(TLS_FTPHandler):
    authorizer = users
    certfile, keyfile = certificate, key
    tls_control_required = tls_data_required = True


class Implicit(Explicit):
    def handle(self):
        self.secure_connection(self.ssl_context)

    def handle_ssl_established(self):
        super().handle()


def serve_files(name, handler):
    server = FTPServer(("127.0.0.1", 0), handler)
    print(name, server.socket.getsockname()[1])
    return server


serve_files("ftp", Plain)
serve_files("ftp-explicit", Explicit)
ftp = serve_files("ftp-implicit", Implicit)


class Mailbox:
    count = 0

    async def handle_DATA(self, server, session, envelope):
        Mailbox.count += 1
        with open(os.path.join(mails, f"{envelope.rcpt_tos[0]}"), "wb") as file:
            file.write(f"{envelope.mail_from} {','.join(envelope.rcpt_tos)}\n".encode() + envelope.content)
        return f"250 mail {Mailbox.count} taken"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody"):
            return "550 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 ok"


def authenticate(server, session, envelope, mechanism, login):
    return AuthResult(success=(login.login, login.password) == (b"me", b"secret"), handled=False)


tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
tls.load_cert_chain(certificate, key)


async def serve_mail(loop):
    for name, options, wrapped in (
        ("smtp", {"auth_require_tls": False}, None),
        ("smtp-explicit", {"tls_context": tls, "require_starttls": True}, None),
        ("smtp-implicit", {"auth_require_tls": False}, tls),
    ):
        def factory(options=options):
            return SMTP(Mailbox(), authenticator=authenticate, hostname="mail.test", loop=loop, **options)
        server = await loop.create_server(factory, "127.0.0.1", 0, ssl=wrapped)
        print(name, server.sockets[0].getsockname()[1])
    print("ready", flush=True)


loop = asyncio.new_event_loop()
threading.Thread(target=ftp.serve_forever, daemon=True).start()  # all three: they share one loop
loop.run_until_complete(serve_mail(loop))
loop.run_forever()
