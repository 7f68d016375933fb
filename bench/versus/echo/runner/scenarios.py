"""What is measured, and the table it ends up in."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from runner.load import Load, Sample
from runner.rounds import Rounds, Samples, median_ratio
from runner.table import markdown

REFERENCE = "epoll"


@dataclass(frozen=True)
class Outcome:
    """One table, and all samples behind it."""

    title: str
    table: str
    samples: Samples

    def raw(self) -> dict[str, Any]:
        return {"title": self.title, "samples": self.samples.raw()}


@dataclass(frozen=True)
class Plan:
    """The numbers that the command line may change; None stands for the scenario's own."""

    connections: Sequence[int]
    seconds: float
    warmup: float
    idle: int | None = None


def busy(rounds: Rounds, plan: Plan) -> Iterator[Outcome]:
    """Every connection sends line after line: CPU time of the server for each, with one table for each count."""
    for connections in plan.connections:
        load = Load(connections, plan.seconds, plan.warmup, plan.idle or 0)
        samples = rounds.run({"busy": load})
        bases = [sample.cpu_us for sample in samples.by_server.get(REFERENCE, {}).get("busy", [])]
        rows = [_busy_row(name, samples.of(name, "busy"), bases) for name in samples.by_server]
        header = ["server", "CPU us/line", f"x {REFERENCE}", "lines/s", "p50 us", "p99 us"]
        silent = f" and {load.idle} silent" if load.idle else ""
        yield Outcome(f"{connections} busy connections{silent}", markdown(header, rows), samples)


def _busy_row(name: str, samples: Sequence[Sample], bases: Sequence[float]) -> list[str]:
    cpu = [sample.cpu_us for sample in samples]
    return [
        name,
        f"{median(cpu):.2f}",
        f"{median_ratio(cpu, bases):.2f}" if bases else "-",
        f"{median(sample.requests_per_s for sample in samples):,.0f}",
        f"{median(sample.p50_us for sample in samples):,.0f}",
        f"{median(sample.p99_us for sample in samples):,.0f}",
    ]


def silent(rounds: Rounds, plan: Plan, busy_connections: int = 10) -> Iterator[Outcome]:
    """A few busy connections alone, and the same with many that say nothing: what silence costs."""
    idle = 900 if plan.idle is None else plan.idle
    alone = Load(busy_connections, plan.seconds, plan.warmup)
    crowded = Load(busy_connections, plan.seconds, plan.warmup, idle)
    samples = rounds.run({"alone": alone, "crowded": crowded})
    rows = [_silent_row(name, samples.of(name, "alone"), samples.of(name, "crowded")) for name in samples.by_server]
    header = ["server", "alone, CPU us/line", f"with {idle} silent", "ratio"]
    title = f"{busy_connections} busy connections, alone and with {idle} silent ones"
    yield Outcome(title, markdown(header, rows), samples)


def _silent_row(name: str, alone: Sequence[Sample], crowded: Sequence[Sample]) -> list[str]:
    bases = [sample.cpu_us for sample in alone]
    values = [sample.cpu_us for sample in crowded]
    return [name, f"{median(bases):.2f}", f"{median(values):.2f}", f"{median_ratio(values, bases):.2f}"]


def idle_memory(rounds: Rounds, plan: Plan) -> Iterator[Outcome]:
    """Connections that each exchanged one line and are silent since: memory of the server for each."""
    idle = 5000 if plan.idle is None else plan.idle
    load = Load(0, plan.seconds, warmup=0, idle=idle, greet_each=True)
    samples = rounds.run({"idle": load})
    rows = [_memory_row(name, samples.of(name, "idle"), idle) for name in samples.by_server]
    header = ["server", "bytes/connection", "RSS before, KiB", "RSS open, KiB"]
    yield Outcome(f"{idle} connections that were used once", markdown(header, rows), samples)


def _memory_row(name: str, samples: Sequence[Sample], connections: int) -> list[str]:
    return [
        name,
        f"{median(sample.resident_growth for sample in samples) / connections:,.0f}",
        f"{median(sample.raw['rss_before_bytes'] for sample in samples) / 1024:,.0f}",
        f"{median(sample.raw['rss_open_bytes'] for sample in samples) / 1024:,.0f}",
    ]


SCENARIOS: dict[str, Callable[[Rounds, Plan], Iterator[Outcome]]] = {
    "busy": busy,
    "silent": silent,
    "idle-memory": idle_memory,
}
