"""TLS 1.3: line echo, handshakes, and memory for idle connections."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from echo.scenarios import COST, memory_of, memory_row
from runner import load, web
from runner.bench import Bench, Scenario
from runner.outcome import Bars, Column, Outcome, bars, plain, ratio, rows
from runner.peers import FLOOR
from runner.programs import Program, Running, started
from runner.rounds import Figures

HANDSHAKE = "server_cpu_us_per_handshake"


def _server(program: Program, folder: Path, identity: web.Identity) -> AbstractContextManager[Running]:
    return web.nginx(folder, identity) if program == web.NGINX else started(program, identity.files())


_ECHO_COLUMNS: Sequence[Column] = (
    plain("CPU us/line", COST, ".2f"),
    ratio(FLOOR, COST),
    plain("lines/s", "requests_per_s"),
    plain("p99 us", "latency_us_p99"),
)


def _echo(bench: Bench) -> Iterator[Outcome]:
    programs = bench.programs("tls")
    names = [each.name for each in programs]
    with web.temporary_folder() as folder:
        identity = web.make_identity(folder)

        def measure(program: Program, connections: int) -> Figures:
            words = ["--tls", "--connections", connections, "--seconds", bench.seconds, "--warmup", bench.warmup]
            with _server(program, folder, identity) as running:
                return load.measure(bench.built("load-echo"), running, words, 60 + bench.seconds)

        for count in bench.choose([50, 500], 10, bench.connections):
            samples = bench.measure(programs, {"busy": count}, measure)
            yield Outcome(
                f"{count} busy connections",
                ["server", *(each.title for each in _ECHO_COLUMNS)],
                rows(samples, "busy", names, FLOOR, _ECHO_COLUMNS),
                samples,
                bars(samples, "busy", names, "CPU us/line", COST),
            )


_HANDSHAKE_COLUMNS: Sequence[Column] = (
    plain("CPU us/handshake", HANDSHAKE, ",.1f"),
    ratio("nginx", HANDSHAKE),
    plain("handshakes/CPU s", "per_cpu_s"),
    plain("handshakes/s", "handshakes_per_s"),
)


_WITHOUT_RESUMPTION = ("luasec", "node")
_RESUMPTION_NOTE = (
    "Not measured: luasec, whose contexts are new for each connection, cannot resume; node sends no ticket after a "
    "resumed handshake, which is what the load generator waits for."
)


def _handshakes(bench: Bench) -> Iterator[Outcome]:
    all_programs = [*bench.programs("tls"), *bench.available([web.NGINX])]
    with web.temporary_folder() as folder:
        identity = web.make_identity(folder)

        def measure(program: Program, kind: str) -> Figures:
            words = ["--resumed"] if kind == "resumed" else []
            numbers = ["--connections", 20, "--seconds", bench.seconds, "--warmup", bench.warmup]
            with _server(program, folder, identity) as running:
                found = load.measure(bench.built("load-handshakes"), running, [*numbers, *words], 60 + bench.seconds)
            return {**found, "per_cpu_s": 1e6 / found[HANDSHAKE]}

        for kind in ("full", "resumed"):
            left_out = _WITHOUT_RESUMPTION if kind == "resumed" else ()
            programs = [each for each in all_programs if each.name not in left_out]
            names = [each.name for each in programs]
            samples = bench.measure(programs, {kind: kind}, measure)
            yield Outcome(
                f"{kind} handshakes, 20 at a time",
                ["server", *(each.title for each in _HANDSHAKE_COLUMNS)],
                rows(samples, kind, names, "nginx", _HANDSHAKE_COLUMNS),
                samples,
                bars(samples, kind, names, f"CPU us/{kind} handshake", HANDSHAKE),
                _RESUMPTION_NOTE if left_out else "",
            )


def _memory(bench: Bench) -> Iterator[Outcome]:
    programs = bench.programs("tls")
    with web.temporary_folder() as folder:
        identity = web.make_identity(folder)
        for idle in bench.choose([900], 50, bench.idle):

            def measure(program: Program, count: int) -> Figures:
                words = ["--tls", "--connections", 0, "--idle", count, "--greet-each", "--seconds", 0.1]
                with _server(program, folder, identity) as running:
                    return load.measure(bench.built("load-echo"), running, words, 60)

            able = [each for each in programs if each.most_connections is None or each.most_connections >= idle]
            samples = bench.measure(able, {"idle": idle}, measure)
            found = {each.name: samples.of("idle", each.name) for each in able}
            yield Outcome(
                f"{idle} connections that were used once",
                ["server", "bytes/connection", "resident before, KiB", "resident with them, KiB"],
                [memory_row(name, own, idle) for name, own in found.items()],
                samples,
                Bars("bytes/connection", [(name, memory_of(own, idle)) for name, own in found.items() if own]),
            )


SCENARIOS = [
    Scenario("tls-echo", "Lines of 32 bytes over TLS 1.3, one in flight on each connection.", _echo),
    Scenario("handshakes", "TLS 1.3 with a certificate on P-256, full and resumed by ticket.", _handshakes),
    Scenario("tls-memory", "Memory for each idle TLS connection.", _memory),
]
