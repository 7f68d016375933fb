"""Echo servers over UDP."""

from collections.abc import Iterator

from runner import load
from runner.bench import Bench, Scenario
from runner.outcome import Outcome, bars, plain, ratio, rows
from runner.peers import FLOOR
from runner.programs import Program, started
from runner.rounds import Figures

COST = "server_cpu_us_per_request"
_COLUMNS = (
    plain("CPU us/datagram", COST, ".2f"),
    ratio(FLOOR, COST),
    plain("datagrams/s", "requests_per_s"),
    plain("p99 us", "latency_us_p99"),
)


def _udp(bench: Bench) -> Iterator[Outcome]:
    def measure(program: Program, sockets: int) -> Figures:
        numbers = ["--connections", sockets, "--bytes", 64, "--seconds", bench.seconds, "--warmup", bench.warmup]
        with started(program) as running:
            return load.measure(bench.built("load-echo"), running, ["--udp", *numbers], 60 + bench.seconds)

    programs = bench.programs("udp")
    names = [each.name for each in programs]
    for count in bench.choose([1, 50], 10, bench.connections):
        samples = bench.measure(programs, {"busy": count}, measure)
        yield Outcome(
            f"{count} busy sockets",
            ["server", *(each.title for each in _COLUMNS)],
            rows(samples, "busy", names, FLOOR, _COLUMNS),
            samples,
            bars(samples, "busy", names, "CPU us/datagram", COST),
        )


SCENARIOS = [Scenario("udp", "Datagrams of 64 bytes, one in flight on each socket; the server has one socket.", _udp)]
