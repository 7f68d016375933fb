"""Whether a server is a line echo server at all: the checks that every one must pass before its speed counts."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE = 5.0  # seconds that an answer may take


class Peer:
    """The client's side of one connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def expect(self, wanted: bytes) -> None:
        received = bytearray()
        while len(received) < len(wanted):
            piece = self._socket.recv(len(wanted) - len(received))
            if not piece:
                break
            received += piece
        assert received == wanted, f"expected {wanted[:60]!r}, received {bytes(received[:60])!r}"

    def expect_nothing(self) -> None:
        """Nothing has been answered, and the server has had the time to."""
        settle(self._port)
        self._socket.setblocking(False)
        try:
            received = self._socket.recv(1024)
            raise AssertionError(f"expected nothing yet, received {received[:60]!r}")
        except BlockingIOError:
            pass
        finally:
            self._socket.settimeout(PATIENCE)

    def expect_end(self) -> None:
        received = self._socket.recv(1024)
        assert received == b"", f"expected the end, received {received[:60]!r}"

    def end_output(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    def fill(self, data: bytes) -> int:
        """Sends until the server takes no more, reading nothing; returns how much it took."""
        left = memoryview(data)
        while count := self._try_send(left) or self._try_send_after_others(left):
            left = left[count:]
        return len(data) - len(left)

    def _try_send(self, data: memoryview) -> int:
        self._socket.setblocking(False)
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0
        finally:
            self._socket.settimeout(PATIENCE)

    def _try_send_after_others(self, data: memoryview) -> int:
        settle(self._port)
        return self._try_send(data)

    def close(self) -> None:
        self._socket.close()


@contextmanager
def connected(port: int) -> Iterator[Peer]:
    peer = Peer(port)
    try:
        yield peer
    finally:
        peer.close()


def settle(port: int) -> None:
    """Returns when the server has answered others, and so has seen what was sent before."""
    with connected(port) as other:
        for number in range(3):
            other.send(b"%d\n" % number)
            other.expect(b"%d\n" % number)


def echoes_a_line(port: int) -> None:
    with connected(port) as peer:
        peer.send(b"hello world\n")
        peer.expect(b"hello world\n")
        peer.send(b"\n")
        peer.expect(b"\n")


def waits_for_the_rest_of_a_line(port: int) -> None:
    with connected(port) as peer:
        peer.send(b"hel")
        peer.expect_nothing()
        peer.send(b"lo\nwor")
        peer.expect(b"hello\n")
        peer.expect_nothing()
        peer.send(b"ld\n")
        peer.expect(b"world\n")


def answers_two_lines_of_one_packet(port: int) -> None:
    with connected(port) as peer:
        peer.send(b"one\ntwo\n")
        peer.expect(b"one\ntwo\n")


def keeps_connections_apart(port: int) -> None:
    with connected(port) as first, connected(port) as second:
        first.send(b"fir")
        second.send(b"sec")
        settle(port)
        first.send(b"st\n")
        second.send(b"ond\n")
        first.expect(b"first\n")
        second.expect(b"second\n")


def echoes_a_long_line(port: int) -> None:
    with connected(port) as peer:
        line = bytes(ord("a") + i % 26 for i in range(65_535)) + b"\n"
        peer.send(line)
        peer.expect(line)


def waits_for_a_peer_that_does_not_read(port: int) -> None:
    size = 512
    lines = b"".join(b"%0511d\n" % number for number in range(32_768))
    with connected(port) as peer:
        sent = peer.fill(lines)
        whole = sent - sent % size
        peer.expect(lines[:whole])
        if whole < sent:
            peer.send(lines[sent : whole + size])
            peer.expect(lines[whole : whole + size])


def closes_on_quit(port: int) -> None:
    with connected(port) as peer:
        peer.send(b"quitter\nquit\n")
        peer.expect(b"quitter\n")
        peer.expect_end()


def closes_on_a_quit_in_parts(port: int) -> None:
    with connected(port) as peer:
        peer.send(b"qu")
        settle(port)
        peer.send(b"it\n")
        peer.expect_end()


def closes_when_the_peer_ends(port: int) -> None:
    with connected(port) as peer:
        peer.send(b"last\n")
        peer.end_output()
        peer.expect(b"last\n")
        peer.expect_end()


CHECKS: tuple[Callable[[int], None], ...] = (
    echoes_a_line,
    waits_for_the_rest_of_a_line,
    answers_two_lines_of_one_packet,
    keeps_connections_apart,
    echoes_a_long_line,
    waits_for_a_peer_that_does_not_read,
    closes_on_quit,
    closes_on_a_quit_in_parts,
    closes_when_the_peer_ends,
)


def failures(port: int) -> list[str]:
    """Runs all checks against the server at `port`; says which failed, and how."""
    found = []
    for check in CHECKS:
        try:
            check(port)
        except (AssertionError, OSError) as error:
            found.append(f"{check.__name__}: {error or type(error).__name__}")
    return found
