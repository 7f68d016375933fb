"""Interleaved rounds: what disturbs the machine for a while disturbs all programs, and ratios within a round stay."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Generic, TypeVar

from runner.programs import BenchmarkError, Program

Item = TypeVar("Item")
Case = TypeVar("Case")
Figures = Mapping[str, float]


@dataclass
class Samples:
    """Figures by program and by case, one mapping for each round; and why some have none."""

    found: dict[str, dict[str, list[Figures]]] = field(default_factory=dict)  # by case, then by program
    failures: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, case: str, program: str, figures: Figures) -> None:
        self.found.setdefault(case, {}).setdefault(program, []).append(figures)

    def fail(self, case: str, program: str, why: str) -> None:
        self.failures.setdefault(case, {})[program] = why

    def of(self, case: str, program: str) -> list[Figures]:
        """Empty if it did not finish every round."""
        if program in self.failures.get(case, {}):
            return []
        return self.found.get(case, {}).get(program, [])

    def raw(self) -> dict[str, Any]:
        return {"samples": self.found, "failures": self.failures}


@dataclass(frozen=True)
class Rounds(Generic[Case]):
    """How often, and how, each program is measured in each case."""

    count: int
    measure: Callable[[Program, Case], Figures]

    def run(self, programs: Sequence[Program], cases: Mapping[str, Case]) -> Samples:
        """Measures every program in every case, each time in a new process. One that fails is not tried again."""
        samples = Samples()
        for number in range(self.count):
            for program in _rotated(programs, number):
                for name in _rotated(list(cases), number):
                    if program.name not in samples.failures.get(name, {}):
                        self._sample(samples, program, name, cases[name])
            print(f"round {number + 1} of {self.count} done", file=sys.stderr, flush=True)
        return samples

    def _sample(self, samples: Samples, program: Program, name: str, case: Case) -> None:
        try:
            samples.add(name, program.name, self.measure(program, case))
        except BenchmarkError as error:
            print(f"{program.name}, {name}: {error}", file=sys.stderr, flush=True)
            samples.fail(name, program.name, str(error))


def _rotated(items: Sequence[Item], by: int) -> Iterator[Item]:
    first = by % len(items)
    yield from items[first:]
    yield from items[:first]


def median_of(samples: Sequence[Figures], figure: str) -> float:
    return median(sample[figure] for sample in samples)


def median_ratio(values: Sequence[Figures], bases: Sequence[Figures], figure: str) -> float:
    """The median of the ratios in each round, which is steadier than the ratio of the medians."""
    return median(value[figure] / base[figure] for value, base in zip(values, bases, strict=True))
