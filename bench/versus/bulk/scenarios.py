"""A lot of bytes on one connection, in sends of 64 KiB, plain and encrypted."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from runner import load, web
from runner.bench import Bench, Scenario
from runner.outcome import Column, Outcome, bars, plain, ratio, rows
from runner.peers import FLOOR
from runner.programs import Program, Running, started
from runner.rounds import Figures

COST = "server_cpu_ms_per_gib"
_COLUMNS: Sequence[Column] = (
    plain("CPU ms/GiB", COST, ",.1f"),
    ratio(FLOOR, COST),
    plain("MiB/s", "mib_per_s"),
    plain("grew by KiB", "rss_growth_kib"),
)
_WITHOUT_TLS = ("luv",)


def _server(
    program: Program, direction: str, size: int, folder: Path, identity: web.Identity | None
) -> AbstractContextManager[Running]:
    if program == web.NGINX:
        return web.nginx(folder, identity)
    if program == web.OPENSSL and identity:
        return web.s_server(folder, identity)
    return started(program, [direction, size, *(identity.files() if identity else [])])


def _bulk(bench: Bench, encrypted: bool) -> Iterator[Outcome]:
    size = 8 * 2**20 if bench.smoke else 2**30
    with ExitStack() as stack:
        folder = stack.enter_context(web.temporary_folder())
        identity = web.make_identity(folder) if encrypted else None
        web.make_file(folder, size)
        own = bench.programs("bulk", _WITHOUT_TLS if encrypted else ())
        if encrypted:
            own = [each for each in own if not each.name.startswith("upstream")]

        def measure(program: Program, direction: str) -> Figures:
            flags = (["--tls"] if encrypted else []) + (["--send"] if direction == "receive" else [])
            with _server(program, direction, size, folder, identity) as running:
                found = load.measure(bench.built("load-bulk"), running, ["--bytes", size, *flags], 300)
            return {**found, "rss_growth_kib": found["rss_growth_bytes"] / 1024}

        for direction in ("send", "receive"):
            ready_made = [web.NGINX, web.OPENSSL] if encrypted else [web.NGINX]
            programs = own + (bench.available(ready_made) if direction == "send" else [])
            samples = bench.measure(programs, {direction: direction}, measure)
            names = [each.name for each in programs]
            yield Outcome(
                f"{direction} {size / 2**20:,.0f} MiB",
                ["server", *(each.title for each in _COLUMNS)],
                rows(samples, direction, names, FLOOR, _COLUMNS),
                samples,
                bars(samples, direction, names, f"CPU ms/GiB, {direction}", COST),
                _NOTES.get((direction, encrypted), ""),
            )


_NOTES = {
    ("send", False): "nginx sends a file by sendfile(2), which copies nothing; the others send from memory.",
    ("send", True): "nginx and `openssl s_server -WWW` send a file that is in the page cache.",
}


SCENARIOS = [
    Scenario("bulk", "1 GiB in sends of 64 KiB on one connection.", lambda bench: _bulk(bench, encrypted=False)),
    Scenario("tls-bulk", "The same over TLS 1.3.", lambda bench: _bulk(bench, encrypted=True)),
]
