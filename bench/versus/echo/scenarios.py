"""Echo servers over TCP: what a line costs, what silence costs, and what an idle connection takes."""

import resource
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from echo import check
from runner import load
from runner.bench import Bench, Scenario
from runner.outcome import Bars, Column, Lines, Outcome, bars, plain, ratio, rows
from runner.peers import FLOOR
from runner.programs import BenchmarkError, Program, started
from runner.rounds import Figures, Samples, median_of, median_ratio

COST = "server_cpu_us_per_request"


@dataclass(frozen=True)
class Load:
    """What the load generator is asked to do; its usage text says more."""

    connections: int
    idle: int = 0
    depth: int = 1
    bytes: int = 32
    greet_each: bool = False
    mode: str = "lines"

    def arguments(self) -> list[object]:
        numbers = {
            "--connections": self.connections,
            "--idle": self.idle,
            "--depth": self.depth,
            "--bytes": self.bytes,
        }
        return [word for option in numbers.items() for word in option] + (["--greet-each"] if self.greet_each else [])


def _measure(bench: Bench, program: Program, asked: Load) -> Figures:
    arguments = [*asked.arguments(), "--seconds", bench.seconds, "--warmup", bench.warmup]
    with started(program, [asked.mode] if asked.mode != "lines" else []) as running:
        return load.measure(bench.built("load-echo"), running, arguments, 120 + bench.seconds + asked.idle / 100)


def _run(bench: Bench, programs: Sequence[Program], loads: dict[str, Load]) -> Samples:
    return bench.measure(programs, loads, lambda program, asked: _measure(bench, program, asked))


def _able(programs: Sequence[Program], connections: int) -> list[Program]:
    """Those that can have so many."""
    return [each for each in programs if each.most_connections is None or each.most_connections >= connections]


def _unable(programs: Sequence[Program], connections: int) -> str:
    names = [each.name for each in programs if each not in _able(programs, connections)]
    return f"{', '.join(names)}: select(2) ends at 1023 descriptors." if names else ""


_BUSY_COLUMNS: tuple[Column, ...] = (
    plain("CPU us/line", COST, ".2f"),
    ratio(FLOOR, COST),
    plain("lines/s", "requests_per_s"),
    plain("p50 us", "latency_us_p50"),
    plain("p99 us", "latency_us_p99"),
)


def _busy(bench: Bench, asked: Load, what: str, counts: Sequence[int]) -> Iterator[Outcome]:
    """Every connection sends again and again: one table for each number of connections, and one chart for all."""
    programs = bench.programs("echo")
    cost: dict[str, list[tuple[float, float]]] = {}
    for count in counts:
        able = _able(programs, count)
        samples = _run(bench, able, {"busy": Load(count, depth=asked.depth, bytes=asked.bytes, mode=asked.mode)})
        names = [each.name for each in able]
        for name in names:
            if own := samples.of("busy", name):
                cost.setdefault(name, []).append((count, median_of(own, COST)))
        last = count == counts[-1]
        chart: Bars | Lines = bars(samples, "busy", names, "CPU us/line", COST)
        if last and len(counts) > 2:
            chart = Lines("connections", f"CPU us/{what}", list(cost.items()))
        yield Outcome(
            f"{count} busy connections",
            ["server", *(each.title for each in _BUSY_COLUMNS)],
            rows(samples, "busy", names, FLOOR, _BUSY_COLUMNS),
            samples,
            chart,
            _unable(programs, count),
        )


def _lines(bench: Bench) -> Iterator[Outcome]:
    yield from _busy(bench, Load(0), "line", bench.choose([1, 50, 500, 5_000, 10_000], 50, bench.connections))


def _blocks(bench: Bench) -> Iterator[Outcome]:
    counts = bench.choose([1, 50, 500, 5_000], 50, bench.connections)
    yield from _busy(bench, Load(0, bytes=64, mode="blocks"), "block", counts)


def _pipelined(bench: Bench) -> Iterator[Outcome]:
    yield from _busy(bench, Load(0, depth=16), "line", bench.choose([50], 10, bench.connections))


def _silent(bench: Bench) -> Iterator[Outcome]:
    """A few busy connections alone, and the same with many that say nothing: what silence costs."""
    (busy,) = bench.choose([50], 10, bench.connections)
    programs = bench.programs("echo")
    for idle in bench.choose([900, 10_000], 100, bench.idle):
        able = _able(programs, busy + idle)
        samples = _run(bench, able, {"alone": Load(busy), "crowded": Load(busy, idle)})
        names = [each.name for each in able]
        yield Outcome(
            f"{busy} busy connections, alone and with {idle} silent ones",
            ["server", "alone, CPU us/line", f"with {idle} silent", "ratio", f"with them, x {FLOOR}", "p99 us"],
            [_silent_row(samples, name) for name in names],
            samples,
            bars(samples, "crowded", names, f"CPU us/line with {idle} silent connections", COST),
            _unable(programs, busy + idle),
        )


def _silent_row(samples: Samples, name: str) -> list[str]:
    alone, crowded = samples.of("alone", name), samples.of("crowded", name)
    floor = samples.of("crowded", FLOOR)
    if not alone or not crowded:
        return [name, *"-----"]
    return [
        name,
        f"{median_of(alone, COST):.2f}",
        f"{median_of(crowded, COST):.2f}",
        f"{median_ratio(crowded, alone, COST):.2f}",
        ratio(FLOOR, COST).text(crowded, floor),
        f"{median_of(crowded, 'latency_us_p99'):,.0f}",
    ]


def _scale(bench: Bench) -> Iterator[Outcome]:
    """The same few busy connections among more and more that are used once: does a request stay as cheap?"""
    (busy,) = bench.choose([50], 10, bench.connections)
    wanted = bench.choose([1_000, 3_000, 10_000, 19_000, 100_000], 100, bench.idle)
    room = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - busy - 50
    counts = [count for count in wanted if count <= room]
    if not counts:
        raise BenchmarkError(f"the limit of descriptors leaves room for {room} connections")
    programs = _able(bench.programs("echo"), max(counts))
    loads = {str(count): Load(busy, count, greet_each=True) for count in counts}
    samples = _run(bench, programs, loads)
    names = [each.name for each in programs]
    titles = ("CPU us/line", "bytes/connection", "p99 us")
    columns = [f"{title}, {count} idle" for title in titles for count in counts]
    cost = [
        (name, [(float(count), median_of(own, COST)) for count in counts if (own := samples.of(str(count), name))])
        for name in names
    ]
    left_out = [f"{count:,}" for count in wanted if count > room]
    yield Outcome(
        f"{busy} busy connections among {counts[0]} to {counts[-1]} that were used once",
        ["server", *columns, "CPU, most / fewest"],
        [_scale_row(samples, name, busy, counts) for name in names],
        samples,
        Lines("idle connections", "CPU us/line", cost),
        f"Not measured with {', '.join(left_out)}: a process may have {room + busy + 50:,} descriptors here."
        if left_out
        else "",
    )


def _scale_row(samples: Samples, name: str, busy: int, counts: Sequence[int]) -> list[str]:
    found = [samples.of(str(count), name) for count in counts]
    if not all(found):
        return [name, *("-" for _ in range(3 * len(counts) + 1))]
    cost = [f"{median_of(own, COST):.2f}" for own in found]
    memory = [f"{memory_of(own, busy + count):,.0f}" for own, count in zip(found, counts, strict=True)]
    late = [f"{median_of(own, 'latency_us_p99'):,.0f}" for own in found]
    return [name, *cost, *memory, *late, f"{median_ratio(found[-1], found[0], COST):.2f}"]


def _idle_memory(bench: Bench) -> Iterator[Outcome]:
    """Connections that each exchanged one line and are silent since: memory of the server for each."""
    programs = bench.programs("echo")
    for idle in bench.choose([900, 10_000], 200, bench.idle):
        able = _able(programs, idle)
        samples = _run(bench, able, {"idle": Load(0, idle, greet_each=True)})
        found = {name: samples.of("idle", name) for name in (each.name for each in able)}
        yield Outcome(
            f"{idle} connections that were used once",
            ["server", "bytes/connection", "resident before, KiB", "resident with them, KiB"],
            [memory_row(name, own, idle) for name, own in found.items()],
            samples,
            Bars("bytes/connection", [(name, memory_of(own, idle)) for name, own in found.items() if own]),
            _unable(programs, idle),
        )


def memory_of(samples: Sequence[Figures], connections: int) -> float:
    """What the server grew by for each connection, in bytes."""
    growth = [{"bytes": each["rss_open_bytes"] - each["rss_before_bytes"]} for each in samples]
    return median_of(growth, "bytes") / connections


def memory_row(name: str, samples: Sequence[Figures], connections: int) -> list[str]:
    if not samples:
        return [name, *"---"]
    return [
        name,
        f"{memory_of(samples, connections):,.0f}",
        f"{median_of(samples, 'rss_before_bytes') / 1024:,.0f}",
        f"{median_of(samples, 'rss_open_bytes') / 1024:,.0f}",
    ]


def _check(bench: Bench) -> bool:
    """Whether all servers answer as they must; prints what they did."""
    right = True
    for server in bench.programs("echo"):
        try:
            with started(server) as running:
                failures = check.failures(running.port)
        except BenchmarkError as error:
            failures = [str(error)]
        print(f"{server.name}: {'; '.join(failures) or 'answers rightly'}", flush=True)
        right = right and not failures
    if not right:
        print("echo: not all servers answer as they must", file=sys.stderr)
    return right


SCENARIOS = [
    Scenario("echo", "Lines of 32 bytes, one in flight on each connection.", _lines, _check),
    Scenario("blocks", "Blocks of 64 bytes, one in flight on each connection.", _blocks),
    Scenario("pipelined", "16 lines in flight on each connection.", _pipelined),
    Scenario("silent", "Busy connections among many that say nothing.", _silent),
    Scenario("scale", "A few busy connections among more and more idle ones.", _scale),
    Scenario("idle-memory", "Memory for each idle connection.", _idle_memory),
]
