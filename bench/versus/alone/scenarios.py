"""Programs that need no peer: they measure themselves, and print one line for each figure, `NAME VALUE UNIT`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from runner.bench import Bench, Scenario
from runner.outcome import Bars, Lines, Outcome
from runner.programs import BenchmarkError, Program, run
from runner.rounds import Figures, Samples, median_of, median_ratio

_PAIRS = {"copas-lua5.4": "bare-lua5.4", "copas-luajit": "bare-luajit"}


@dataclass
class _Figures:
    """Runs the programs of a family; remembers the units that they print."""

    bench: Bench
    units: dict[str, str] = field(default_factory=dict)

    def measure(self, program: Program, number: int) -> Figures:
        ended = run(program, [number], patience=60 if self.bench.smoke else 300)
        found = {}
        for line in ended.output.splitlines():
            match line.split():
                case [name, value, unit]:
                    found[name] = float(value)
                    self.units[name] = unit
                case _:
                    raise BenchmarkError(f"printed {line!r}")
        if not found:
            raise BenchmarkError("printed no figure")
        return found


def _tables(bench: Bench, family: str, numbers: Sequence[int], few: int, what: str, chart: str) -> Iterator[Outcome]:
    """A table for each number that the programs are called with, and one of what a bare coroutine costs."""
    programs = bench.programs(family)
    names = [each.name for each in programs]
    chosen = [few] if bench.smoke else numbers
    figures = _Figures(bench)
    samples = bench.measure(programs, {str(number): number for number in chosen}, figures.measure)
    for number in chosen:
        own = {name: samples.of(str(number), name) for name in names}
        titles = [f"{name}, {unit}" for name, unit in figures.units.items()]
        yield Outcome(
            f"{family}, {number:,} {what}",
            ["program", *titles],
            [[name, *(_cell(found, figure) for figure in figures.units)] for name, found in own.items()],
            _only(samples, str(number)),
            _chart(samples, chosen, names, chart, figures.units.get(chart, ""), what)
            if number == chosen[-1]
            else None,
        )
        pairs = [(ours, bare) for ours, bare in _PAIRS.items() if own.get(ours) and own.get(bare)]
        common = [figure for figure in figures.units if pairs and all(_has(own[bare], figure) for _, bare in pairs)]
        if common:
            yield Outcome(
                f"{family}, {number:,} {what}: ratio to bare coroutines",
                ["program", *common],
                [
                    [ours, *(f"{median_ratio(own[ours], own[bare], each):.2f}" for each in common)]
                    for ours, bare in pairs
                ],
                Samples(),
            )


def _has(samples: Sequence[Figures], figure: str) -> bool:
    return bool(samples) and all(figure in each for each in samples)


def _cell(samples: Sequence[Figures], figure: str) -> str:
    return f"{median_of(samples, figure):,.4g}" if _has(samples, figure) else "-"


def _only(samples: Samples, case: str) -> Samples:
    failures = {case: samples.failures[case]} if case in samples.failures else {}
    return Samples({case: samples.found.get(case, {})}, failures)


def _chart(
    samples: Samples, numbers: Sequence[int], names: Sequence[str], figure: str, unit: str, what: str
) -> Bars | Lines | None:
    series = []
    for name in names:
        found = [(float(number), samples.of(str(number), name)) for number in numbers]
        points = [(number, median_of(own, figure)) for number, own in found if _has(own, figure)]
        if points:
            series.append((name, points))
    if not series:
        return None
    if len(numbers) > 1:
        return Lines(what, f"{figure}, {unit}", series)
    return Bars(f"{figure}, {unit}", [(name, points[0][1]) for name, points in series])


def _scenario(name: str, about: str, numbers: Sequence[int], few: int, what: str, chart: str) -> Scenario:
    return Scenario(name, about, lambda bench: _tables(bench, name, numbers, few, what, chart))


SCENARIOS = [
    _scenario("timers", "Timers and tasks that sleep, all alive.", [1_000, 30_000, 1_000_000], 1_000, "timers", "task"),
    _scenario("tasks", "Switches between tasks, and tasks that end at once.", [2_000_000], 20_000, "times", "switch-2"),
    _scenario("primitives", "Locks, semaphores and queues.", [1_000_000], 10_000, "times", "queue-handed-over"),
    _scenario("dns", "Timers of 1 ms while a look-up takes long: how late.", [2_000], 50, "ms to answer", "slow-latest"),
    _scenario("collector", "The longest stop of Lua's collector.", [10_000, 100_000], 1_000, "threads", "longest-stop"),
]
