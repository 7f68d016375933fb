"""Programs to be measured: what one needs, how to run it, and how to start one that listens."""

import os
import re
import select
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[1]
PROJECT = SOURCES.parents[1]  # where all run: in echo/, `require "luv"` would find our luv.lua


class BenchmarkError(Exception):
    """A program did not do its part."""


@dataclass(frozen=True)
class Program:
    """One row of a table; `needs` are the files without which it cannot run."""

    name: str
    command: tuple[str, ...]
    needs: tuple[Path, ...] = ()
    probe: str | None = None  # Lua code that fails unless the modules are there
    environment: Mapping[str, str] = field(default_factory=dict)
    most_connections: int | None = None

    def missing(self) -> str | None:
        """Says why it cannot run here; None when it can."""
        for path in self.needs:
            if not os.access(path, os.R_OK):
                return f"{path} cannot be read"
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
        """The environment of the process: ours, but a program's own Lua paths replace all others."""
        if not self.environment:
            return dict(os.environ)
        ours = {name: value for name, value in os.environ.items() if not name.startswith("LUA_")}
        return ours | self.environment


@dataclass(frozen=True)
class Running:
    """A server that listens."""

    pid: int
    port: int


@contextmanager
def started(server: Program, arguments: Sequence[object] = ()) -> Iterator[Running]:
    """Runs a server as long as the context lasts. It is called with 0, for any port, and `arguments`."""
    process = subprocess.Popen(
        [*server.command, "0", *map(str, arguments)],
        env=server.full_environment(),
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    try:
        yield Running(process.pid, _port_of(process))
    finally:
        stop(process)


def _port_of(process: subprocess.Popen[bytes], patience: float = 20.0) -> int:
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


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ends a process of ours, the hard way if it does not listen."""
    process.terminate()
    try:
        process.wait(timeout=2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    finally:
        if process.stdout is not None:
            process.stdout.close()


@dataclass(frozen=True)
class Ended:
    """What a program printed, and used until it ended."""

    output: str
    cpu_s: float
    wall_s: float
    peak_bytes: int


def run(program: Program, arguments: Sequence[object] = (), patience: float = 600.0) -> Ended:
    """Runs a program to its end."""
    began = time.monotonic()
    process = subprocess.Popen(
        [*program.command, *map(str, arguments)],
        env=program.full_environment(),
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    output = b""
    peak = 0
    try:
        while True:
            peak = max(peak, _peak_of(process.pid))
            if not _readable(process, began + patience):
                continue
            if not (piece := os.read(process.stdout.fileno(), 65536)):
                break
            output += piece
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    finally:
        if process.returncode is None:
            stop(process)
        process.stdout.close()
    if process.returncode != 0:
        raise BenchmarkError(f"ended with {process.returncode}")
    wall = time.monotonic() - began
    return Ended(output.decode(), used.ru_utime + used.ru_stime, wall, peak)


def _readable(process: subprocess.Popen[bytes], until: float, at_most: float = 0.05) -> bool:
    """Whether there is output, or its end, after a short wait."""
    if time.monotonic() > until:
        raise BenchmarkError("was not done in time")
    return bool(select.select([process.stdout], [], [], at_most)[0])


def _peak_of(pid: int) -> int:
    """Resident memory at its peak, in bytes, as far as can be seen. What wait4(2) tells is at least our own."""
    found = re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0
