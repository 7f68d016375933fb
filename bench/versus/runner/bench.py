"""What scenarios are given: the programs that take part, how long to measure, and which core."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runner import peers
from runner.outcome import Outcome
from runner.programs import Program
from runner.rounds import Case, Figures, Rounds, Samples


class Skipped(Exception):
    """A scenario cannot run here, which is no failure."""


@dataclass
class Bench:
    """One run of the benchmarks; None stands for the scenario's own choice."""

    build: Path
    rounds: int
    seconds: float
    warmup: float
    smoke: bool = False
    wanted: Sequence[str] | None = None
    connections: Sequence[int] | None = None
    idle: Sequence[int] | None = None
    failed: bool = False
    _said: set[str] = field(default_factory=set)

    def built(self, name: str) -> Path:
        return peers.built(name, self.build)

    def programs(self, family: str, leave_out: Sequence[str] = ()) -> list[Program]:
        """Those of a family that can run here; says of the others why they cannot."""
        found = self.available([each for each in peers.of(family, self.build) if each.name not in leave_out])
        if not found:
            raise Skipped("none of its programs takes part")
        return found

    def available(self, programs: Sequence[Program]) -> list[Program]:
        found = []
        for program in programs:
            if self.wanted is not None and program.name not in self.wanted:
                continue
            if reason := program.missing():
                self._say_once(f"skipped {program.name}: {reason}")
            else:
                found.append(program)
        return found

    def require(self, program: Program) -> None:
        """Leaves the scenario if something is missing that it cannot do without."""
        if reason := program.missing():
            raise Skipped(reason)

    def choose(self, counts: Sequence[int], few: int, chosen: Sequence[int] | None) -> Sequence[int]:
        """How many of something: what the command line says, or a scenario's own numbers, or few for a smoke test."""
        return chosen or ([few] if self.smoke else counts)

    def measure(
        self,
        programs: Sequence[Program],
        cases: Mapping[str, Case],
        measure: Callable[[Program, Case], Figures],
    ) -> Samples:
        samples = Rounds(self.rounds, measure).run(programs, cases)
        self.failed = self.failed or bool(samples.failures)
        return samples

    def _say_once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            print(text, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Scenario:
    """Something to measure; `measure` gives one outcome for each table."""

    name: str
    about: str
    measure: Callable[[Bench], Iterator[Outcome]]
    check: Callable[[Bench], bool] | None = None  # whether all programs do what they must, for the smoke test
