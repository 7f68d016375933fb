"""The servers that are compared: how to start one, wait until it listens, and stop it."""

import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[1]
PROJECT = SOURCES.parents[2]  # where all run: in SOURCES, `require "luv"` would find our ./luv.lua


class BenchmarkError(Exception):
    """A server or the load generator did not do its part."""


@dataclass(frozen=True)
class Server:
    """One row of the table; `needs` are the files without which it cannot run."""

    name: str
    command: tuple[str, ...]
    needs: tuple[Path, ...] = ()
    probe: str | None = None  # Lua code that fails unless the modules are there
    environment: Mapping[str, str] = field(default_factory=dict)

    def missing(self) -> str | None:
        """Says why it cannot run here; None when it can."""
        for path in self.needs:
            if not path.exists():
                return f"{path} does not exist"
        if shutil.which(self.command[0]) is None:
            return f"{self.command[0]} is not installed"
        if self.probe is None:
            return None
        tried = subprocess.run(
            [self.command[0], "-e", self.probe],
            env=self.full_environment(),
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
        return None if tried.returncode == 0 else tried.stderr.strip().partition("\n")[0]

    def full_environment(self) -> dict[str, str]:
        """The environment of the process: ours, but a server's own Lua paths replace all others."""
        if not self.environment:
            return dict(os.environ)
        ours = {name: value for name, value in os.environ.items() if not name.startswith("LUA_")}
        return ours | self.environment


@dataclass(frozen=True)
class Running:
    """A server that listens."""

    pid: int
    port: int


def all_servers(build: Path) -> list[Server]:
    """Every server there is, with programs built in `build`."""
    return [
        _program("epoll", build),
        _program("asio", build),
        _program("copas", build),
        _copas_script("copas-lua5.4", "lua5.4", build / "lua" / "5.4"),
        _copas_script("copas-luajit", "luajit", build / "lua" / "5.1"),
        Server("luv", ("lua5.4", str(SOURCES / "luv.lua")), probe='require "luv"'),
        Server("cqueues", ("lua5.4", str(SOURCES / "cqueues.lua")), probe='require "cqueues.socket"'),
        Server("node", ("node", str(SOURCES / "node.js"))),
        _program("go", build),
    ]


def _program(name: str, build: Path) -> Server:
    path = build / "bench" / f"echo-{name}"
    return Server(name, (str(path),), needs=(path,))


def _copas_script(name: str, interpreter: str, modules: Path) -> Server:
    # No default paths: another Copas that is installed must not be measured in place of this one.
    lua = PROJECT / "lua"
    return Server(
        name,
        (interpreter, str(SOURCES / "copas.lua")),
        needs=(modules / "copas.so",),  # one that is there but does not load is a failure
        environment={"LUA_PATH": "", "LUA_CPATH": f"{modules}/?.so"},
    )


@contextmanager
def started(server: Server) -> Iterator[Running]:
    """Runs a server on an ephemeral port as long as the context lasts."""
    process = subprocess.Popen(
        [*server.command, "0"],
        env=server.full_environment(),
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    try:
        yield Running(process.pid, _port_of(process))
    finally:
        _stop(process)


def _port_of(process: subprocess.Popen[bytes], patience: float = 10.0) -> int:
    """Reads `listening PORT` from the server's output."""
    assert process.stdout is not None
    until = time.monotonic() + patience
    output = b""
    while not output.endswith(b"\n"):
        ready, _, _ = select.select([process.stdout], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            raise BenchmarkError(f"did not listen within {patience:g} s")
        piece = os.read(process.stdout.fileno(), 4096)
        if not piece:
            raise BenchmarkError("ended before it listened")
        output += piece
    match output.split():
        case [b"listening", port] if port.isdigit():
            return int(port)
    raise BenchmarkError(f"printed {output!r} instead of its port")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    finally:
        if process.stdout is not None:
            process.stdout.close()
