"""A name server for specs, which knows the names below, by UDP and TCP at a free port of 127.0.0.1.

It prints the port. What "held.test" is, it says when it has been asked for "release.test", so a spec decides by its own
steps how slow the server is. "count.NAME" has as many addresses (TXT-like, 127.0.0.N) as NAME was asked for.
"""
import select
import socket
import struct
import sys

A, CNAME, PTR, AAAA = 1, 5, 12, 28
TTL = 60

ZONE = {
    "four.test": [(A, "127.0.0.1")],
    "six.test": [(AAAA, "::1")],
    "both.test": [(A, "127.0.0.1"), (AAAA, "::1")],
    "many.test": [(A, "127.0.0.7"), (A, "127.0.0.8"), (A, "127.0.0.1")],
    "held.test": [(A, "127.0.0.1")],
    "release.test": [(A, "127.0.0.1")],
    "inside.search.test": [(A, "127.0.0.1")],
    "alias.test": [(CNAME, "four.test")],
    "9.0.0.127.in-addr.arpa": [(PTR, "nine.test")],
}
FAILING, SILENT, CUT = "failing.test", "dead.test", "long.test"
ZONE[CUT] = [(A, "127.0.0.%d" % each) for each in range(1, 101)]


def encoded(name):
    return b"".join(bytes([len(each)]) + each.encode() for each in name.split(".")) + b"\0"


def name_and_type(message):
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1 : at + 1 + message[at]].decode("latin-1"))
        at += message[at] + 1
    return ".".join(labels).lower(), struct.unpack("!H", message[at + 1 : at + 3])[0], message[12 : at + 5]


def record(name, kind, data):
    if kind == A:
        data = socket.inet_pton(socket.AF_INET, data)
    elif kind == AAAA:
        data = socket.inet_pton(socket.AF_INET6, data)
    else:
        data = encoded(data)
    return encoded(name) + struct.pack("!HHIH", kind, 1, TTL, len(data)) + data


def answers_to(name, kind):
    found = []
    for each, data in ZONE.get(name, ()):
        if each == kind:
            found.append(record(name, each, data))
        elif each == CNAME:
            found.append(record(name, each, data))
            found += answers_to(data, kind)
    return found


class Server:
    def __init__(self):
        self.asked = {}
        self.held = []
        while True:
            self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.datagrams.bind(("127.0.0.1", 0))
            self.listener = socket.socket()
            try:
                self.listener.bind(self.datagrams.getsockname())
                break
            except OSError:
                self.datagrams.close()
        self.listener.listen()
        self.connections = []

    def reply_to(self, message, by_tcp):
        name, kind, question = name_and_type(message)
        self.asked[name] = self.asked.get(name, 0) + 1
        if name == SILENT:
            return name, None
        if name.startswith("count."):
            count = self.asked.get(name[6:], 0)
            found = [record(name, A, "127.0.0.%d" % count)] if kind == A else []
            code = 0
        else:
            found = answers_to(name, kind)
            code = 2 if name == FAILING else 0 if name in ZONE else 3
        cut = name == CUT and not by_tcp
        flags = 0x8180 | (0x0200 if cut else 0) | code
        head = message[:2] + struct.pack("!HHHHH", flags, 1, 0 if cut else len(found), 0, 0)
        return name, head + question + (b"" if cut else b"".join(found))

    def answer_datagram(self):
        message, sender = self.datagrams.recvfrom(2000)
        name, reply = self.reply_to(message, False)
        if name == "held.test":
            self.held.append((reply, sender))
            return
        if name == "release.test":
            for held, whose in self.held:
                self.datagrams.sendto(held, whose)
            self.held = []
        if reply:
            self.datagrams.sendto(reply, sender)

    def answer_connection(self, connection):
        head = connection.recv(2, socket.MSG_WAITALL)
        if len(head) < 2:
            self.connections.remove(connection)
            connection.close()
            return
        message = connection.recv(struct.unpack("!H", head)[0], socket.MSG_WAITALL)
        reply = self.reply_to(message, True)[1]
        if reply:
            connection.sendall(struct.pack("!H", len(reply)) + reply)

    def run(self):
        while True:
            ready = select.select([self.datagrams, self.listener, sys.stdin] + self.connections, [], [])[0]
            if sys.stdin in ready:  # the spec has ended
                return
            if self.datagrams in ready:
                self.answer_datagram()
            if self.listener in ready:
                self.connections.append(self.listener.accept()[0])
            for each in ready:
                if each in self.connections:
                    self.answer_connection(each)


server = Server()
print(server.datagrams.getsockname()[1], flush=True)
server.run()
