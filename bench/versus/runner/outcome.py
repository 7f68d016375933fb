"""What a scenario found out: a table, a chart, and all samples behind them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from runner.rounds import Figures, Samples, median_of, median_ratio

Series = list[tuple[float, float]]


@dataclass(frozen=True)
class Bars:
    """One bar for each program."""

    unit: str
    values: Sequence[tuple[str, float]]

    def __bool__(self) -> bool:
        return bool(self.values)


@dataclass(frozen=True)
class Lines:
    """One line for each program, over a number that grows."""

    over: str
    unit: str
    series: Sequence[tuple[str, Series]]

    def __bool__(self) -> bool:
        return bool(self.series)


@dataclass(frozen=True)
class Outcome:
    """One table, what it may be drawn as, and all samples behind it."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    samples: Samples
    chart: Bars | Lines | None = None
    note: str = ""

    def raw(self) -> dict[str, Any]:
        return {"title": self.title, **self.samples.raw()}


@dataclass(frozen=True)
class Column:
    """A column of a table: how to say a program's figures, given those of the floor."""

    title: str
    text: Callable[[Sequence[Figures], Sequence[Figures]], str]


def plain(title: str, figure: str, form: str = ",.0f") -> Column:
    """The median of a figure."""
    return Column(title, lambda samples, _: format(median_of(samples, figure), form))


def ratio(floor: str, figure: str) -> Column:
    """The median ratio to the same figure of the floor."""

    def text(samples: Sequence[Figures], bases: Sequence[Figures]) -> str:
        return f"{median_ratio(samples, bases, figure):.2f}" if len(samples) == len(bases) else "-"

    return Column(f"x {floor}", text)


def rows(
    samples: Samples, case: str, programs: Sequence[str], floor: str, columns: Sequence[Column]
) -> list[list[str]]:
    """A row for each program; one that could not be measured says so by dashes."""
    bases = samples.of(case, floor)
    found = []
    for program in programs:
        own = samples.of(case, program)
        found.append([program, *(column.text(own, bases) if own else "-" for column in columns)])
    return found


def bars(samples: Samples, case: str, programs: Sequence[str], unit: str, figure: str) -> Bars:
    """The medians of a figure as bars."""
    return Bars(
        unit,
        [(program, median_of(own, figure)) for program in programs if (own := samples.of(case, program))],
    )
