"""How often a program wakes up that has nothing to do: a server that nobody calls, and a timer of a minute."""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from runner.bench import Bench, Scenario
from runner.outcome import Outcome
from runner.programs import BenchmarkError, Running, started
from runner.rounds import Samples


def _wakeups(running: Running) -> int:
    """Context switches of all its threads so far."""
    count = 0
    for status in Path(f"/proc/{running.pid}/task").glob("*/status"):
        count += sum(int(found) for found in re.findall(r"_ctxt_switches:\s*(\d+)", status.read_text()))
    return count


def _idle(bench: Bench) -> Iterator[Outcome]:
    settle, window = (0.3, 0.3) if bench.smoke else (3.0, 10.0)
    samples = Samples()
    with ExitStack() as stack:  # all at once: they do nothing, so they are in nobody's way
        running: dict[str, Running] = {}
        for program in bench.programs("idle"):
            try:
                running[program.name] = stack.enter_context(started(program))
            except BenchmarkError as error:
                samples.fail("idle", program.name, str(error))
                bench.failed = True
        time.sleep(settle)
        before = {name: _wakeups(each) for name, each in running.items()}
        time.sleep(window)
        for name, each in running.items():
            samples.add("idle", name, {"wakeups": _wakeups(each) - before[name]})
    yield Outcome(
        f"{window:g} s, after {settle:g} s to settle",
        ["program", "context switches"],
        [[name, f"{samples.of('idle', name)[0]['wakeups']:.0f}"] for name in running],
        samples,
    )


SCENARIOS = [Scenario("idle", "Wake-ups of a program that has nothing to do.", _idle)]
