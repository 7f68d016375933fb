"""The report: tables and charts in a folder, with all samples behind them."""

import json
import re
import time
from collections.abc import Sequence
from pathlib import Path

from runner import machine, plot
from runner.bench import Scenario
from runner.outcome import Outcome
from runner.table import markdown


class Report:
    """Written anew after each scenario, so that what was measured is there when a later one fails."""

    def __init__(self, folder: Path, command: Sequence[str]) -> None:
        self._folder = folder
        self._samples: dict[str, list[object]] = {}
        self._parts = [_head(command)]
        folder.mkdir(parents=True, exist_ok=True)

    def begin(self, scenario: Scenario) -> None:
        self._parts.append(f"## {scenario.name}\n\n{scenario.about}\n")
        self._scenario = scenario.name

    def add(self, outcome: Outcome) -> None:
        part = text(outcome)
        if outcome.chart and plot.available():
            name = re.sub(r"[^a-z0-9]+", "-", f"{self._scenario} {outcome.title}".lower()).strip("-") + ".svg"
            plot.draw(outcome.chart, outcome.title, self._folder / name)
            part += f"\n![{outcome.title}]({name})\n"
        self._parts.append(part)
        self._samples.setdefault(self._scenario, []).append(outcome.raw())
        self._write()

    def remark(self, words: str) -> None:
        self._parts.append(words + "\n")
        self._write()

    def _write(self) -> None:
        (self._folder / "report.md").write_text("\n".join(self._parts))
        (self._folder / "samples.json").write_text(json.dumps(self._samples, indent=1) + "\n")


def text(outcome: Outcome) -> str:
    """An outcome as Markdown."""
    parts = [f"### {outcome.title}", markdown(outcome.header, outcome.rows)]
    failures = {f"{name}: {why}" for by_name in outcome.samples.failures.values() for name, why in by_name.items()}
    parts += [f"Not measured: {'; '.join(sorted(failures))}."] if failures else []
    parts += [outcome.note] if outcome.note else []
    return "\n\n".join(parts) + "\n"


def _head(command: Sequence[str]) -> str:
    about = "\n".join(f"- {line}" for line in machine.description())
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    return (
        f"# Benchmarks\n\n`{' '.join(command)}`, {when}\n\n{about}\n\n"
        "Medians, and medians of the ratios within a round; `bench/README.md` says how they are taken and read.\n"
    )
