"""Interleaved rounds: what disturbs the machine for a while disturbs all servers, and ratios within a round stay."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from runner.load import Load, Sample, measure
from runner.servers import BenchmarkError, Server, started

Item = TypeVar("Item")


@dataclass
class Samples:
    """Samples by server and by the name of the load, one for each round."""

    by_server: dict[str, dict[str, list[Sample]]] = field(default_factory=dict)

    def add(self, server: str, load: str, sample: Sample) -> None:
        self.by_server.setdefault(server, {}).setdefault(load, []).append(sample)

    def of(self, server: str, load: str) -> list[Sample]:
        return self.by_server[server][load]

    def raw(self) -> dict[str, Any]:
        return {
            server: {load: [sample.raw for sample in samples] for load, samples in by_load.items()}
            for server, by_load in self.by_server.items()
        }


@dataclass(frozen=True)
class Rounds:
    """How often, and with what, each server is measured."""

    generator: Path
    servers: Sequence[Server]
    count: int

    def run(self, loads: Mapping[str, Load]) -> Samples:
        """Measures every server under every load, each time in a new process."""
        samples = Samples()
        for number in range(self.count):
            for server in _rotated(self.servers, number):
                for name in _rotated(list(loads), number):
                    samples.add(server.name, name, self._measure(server, loads[name]))
            print(f"round {number + 1} of {self.count} done", file=sys.stderr)
        return samples

    def _measure(self, server: Server, load: Load) -> Sample:
        try:
            with started(server) as running:
                sample = measure(self.generator, load, running)
        except BenchmarkError as error:
            raise BenchmarkError(f"{server.name}: {error}") from error
        if sample.errors > 0:
            raise BenchmarkError(f"{server.name}: {sample.errors} connections ended, or got wrong answers")
        return sample


def _rotated(items: Sequence[Item], by: int) -> Iterator[Item]:
    first = by % len(items)
    yield from items[first:]
    yield from items[:first]


def median_ratio(values: Sequence[float], bases: Sequence[float]) -> float:
    """The median of the ratios in each round, which is steadier than the ratio of the medians."""
    return median(value / base for value, base in zip(values, bases, strict=True))
