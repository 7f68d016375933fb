"""Servers that are ready-made: nginx, and that of the openssl command. And what encryption needs."""

import os
import re
import select
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runner.programs import BenchmarkError, Program, Running, stop

NGINX = Program("nginx", ("/usr/sbin/nginx",))
OPENSSL = Program("openssl", ("openssl",))


@dataclass(frozen=True)
class Identity:
    """A certificate and its key, as PEM files; ECDSA on P-256."""

    certificate: Path
    key: Path

    def files(self) -> list[object]:
        return [self.certificate, self.key]


@contextmanager
def temporary_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="copas-bench-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def make_identity(folder: Path) -> Identity:
    """A new one, for localhost."""
    made = Identity(folder / "certificate.pem", folder / "key.pem")
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", str(made.key), "-out", str(made.certificate)]
    done = subprocess.run(["openssl", *words.split(), *names, *files], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchmarkError(f"openssl made no certificate: {done.stderr.strip()}")
    return made


# One process, so that it is the one to measure; otherwise as its documentation has it for a static site.
_CONFIGURATION = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr crit;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on;
  keepalive_requests 1000000; keepalive_timeout 60s; open_file_cache max=100;
  types {{ }} default_type application/octet-stream;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port}{security} backlog=4096;
    root {folder};
    location = /small {{ return 200 "hello, world, from a server that has little to say\\n"; }}
  }}
}}
"""


@contextmanager
def nginx(folder: Path, identity: Identity | None = None) -> Iterator[Running]:
    """Serves the files in `folder`, and a small answer at /small."""
    port = _free_port()
    text = _CONFIGURATION.format(folder=folder, port=port, security=" ssl" if identity else "")
    if identity:
        # TLS 1.3, session tickets and no session cache are what the default is, but for the protocol.
        keys = f"ssl_certificate {identity.certificate}; ssl_certificate_key {identity.key}; ssl_protocols TLSv1.3;"
        text = text.replace("root ", f"{keys}\n    root ", 1)
    configuration = folder / "nginx.conf"
    configuration.write_text(text)
    # Its own mistakes at the start are told on stderr.
    process = subprocess.Popen([NGINX.command[0], "-p", str(folder), "-c", str(configuration)], stdout=subprocess.PIPE)
    try:
        _wait_until_it_listens(process, port)
        yield Running(process.pid, port)
    finally:
        stop(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, patience: float = 20.0) -> None:
    until = time.monotonic() + patience
    while process.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.01)
    raise BenchmarkError("nginx did not start")


@contextmanager
def s_server(folder: Path, identity: Identity) -> Iterator[Running]:
    """`openssl s_server -WWW`, which serves the files in `folder`, one connection at a time."""
    command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-WWW", "-cert", str(identity.certificate)]
    command += ["-key", str(identity.key)]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        yield Running(process.pid, _port_said(process))
    finally:
        stop(process)


def _port_said(process: subprocess.Popen[bytes], patience: float = 20.0) -> int:
    assert process.stdout is not None
    until = time.monotonic() + patience
    said = b""
    while not (found := re.search(rb"ACCEPT 127\.0\.0\.1:(\d+)\n", said)):
        ready, _, _ = select.select([process.stdout], [], [], max(0.0, until - time.monotonic()))
        piece = os.read(process.stdout.fileno(), 4096) if ready else b""
        if not piece:
            raise BenchmarkError("openssl s_server did not start")
        said += piece
    return int(found[1])


def make_file(folder: Path, size: int) -> None:
    """A file of that size, called `bulk`, in the page cache."""
    path = folder / "bulk"
    with path.open("wb") as file:
        file.truncate(size)
    with path.open("rb") as file:
        while file.read(2**20):
            pass

