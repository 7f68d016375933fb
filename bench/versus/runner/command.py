"""The command line."""

import argparse
import os
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from runner import peers
from runner.bench import Bench, Scenario, Skipped
from runner.programs import PROJECT, BenchmarkError
from runner.report import Report, text


_MANY_DESCRIPTORS = 120_000


def _numbers(given: str) -> list[int]:
    return [int(word) for word in given.split(",")]


def _names(given: str) -> list[str]:
    return given.split(",")


def _directory(given: str) -> Path:
    return Path(given).resolve()


def _arguments(scenarios: Sequence[Scenario]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench/versus/run",
        description="Measures this project and others in the same scenarios; bench/README.md says how to read it.",
    )
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="default all; see --list")
    parser.add_argument("--list", action="store_true", help="say which scenarios there are")
    parser.add_argument("--smoke", action="store_true", help="check that everything works, in seconds")
    parser.add_argument("--connections", type=_numbers, metavar="LIST", help="in place of a scenario's own")
    parser.add_argument("--idle", type=_numbers, metavar="LIST", help="silent connections, likewise")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement; default 2")
    parser.add_argument("--warmup", type=float, default=0.3, help="seconds before it; default 0.3")
    parser.add_argument("--rounds", type=int, default=5, help="default 5")
    parser.add_argument("--peers", type=_names, metavar="LIST", help="default all")
    parser.add_argument("--core", type=int, help="core for all processes; default the last")
    parser.add_argument("--build", type=_directory, default=PROJECT / "build", metavar="DIR", help="default build")
    report = PROJECT / "out" / "bench"
    parser.add_argument("--out", type=_directory, default=report, metavar="DIR", help="default out/bench")
    chosen = parser.parse_args()
    _refuse_unknown(parser, chosen.scenarios, [each.name for each in scenarios], "scenario")
    _refuse_unknown(parser, chosen.peers or [], peers.all_names(), "peer")
    if chosen.rounds < 1:
        parser.error("--rounds must be at least 1")
    return chosen


def _refuse_unknown(parser: argparse.ArgumentParser, given: Sequence[str], known: Sequence[str], what: str) -> None:
    unknown = set(given) - set(known)
    if unknown:
        parser.error(f"no {what} {', '.join(sorted(unknown))}; there are {', '.join(known)}")


def _prepare_process(core: int | None) -> None:
    """What all processes inherit: one core, and room for many connections."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0)) if core is None else core})
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (_MANY_DESCRIPTORS, _MANY_DESCRIPTORS))
    except ValueError:  # not ours to raise: scenarios do with what there is, and say so
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _end_in_order(number: int, _: FrameType | None) -> NoReturn:
    sys.exit(128 + number)  # an exception: the servers are stopped on its way


def _run(bench: Bench, scenarios: Sequence[Scenario], report: Report | None) -> None:
    for scenario in scenarios:
        print(f"\n## {scenario.name}\n\n{scenario.about}", flush=True)
        if report:
            report.begin(scenario)
        try:
            if bench.smoke and scenario.check and not scenario.check(bench):
                bench.failed = True
            for outcome in scenario.measure(bench):
                print(f"\n{text(outcome)}", flush=True)
                if report:
                    report.add(outcome)
        except Skipped as reason:
            print(f"skipped {scenario.name}: {reason}", file=sys.stderr, flush=True)
            if report:
                report.remark(f"Skipped: {reason}.")
        except BenchmarkError as error:
            print(f"{scenario.name}: {error}", file=sys.stderr)
            bench.failed = True
            if report:
                report.remark(f"Not measured: {error}.")


def main(scenarios: Sequence[Scenario]) -> int:
    chosen = _arguments(scenarios)
    if chosen.list:
        print("\n".join(f"{each.name:16} {each.about}" for each in scenarios))
        return 0
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end_in_order)
    wanted = [each for each in scenarios if not chosen.scenarios or each.name in chosen.scenarios]
    times = (1, 0.1, 0.02) if chosen.smoke else (chosen.rounds, chosen.seconds, chosen.warmup)
    bench = Bench(chosen.build, *times, chosen.smoke, chosen.peers, chosen.connections, chosen.idle)
    report = None if chosen.smoke else Report(chosen.out, ["bench/versus/run", *sys.argv[1:]])
    _prepare_process(chosen.core)
    _run(bench, wanted, report)
    if report:
        print(f"\nwritten: {chosen.out / 'report.md'}")
    return 1 if bench.failed else 0
