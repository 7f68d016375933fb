"""Start, an empty loop, exit."""

from collections.abc import Iterator

from runner.bench import Bench, Scenario
from runner.outcome import Column, Outcome, bars, plain, ratio, rows
from runner.peers import copas_command, upstream_command
from runner.programs import Program, run
from runner.rounds import Figures

FLOOR = "lua5.4"


def _programs(bench: Bench) -> list[Program]:
    runtime = bench.build / "bin" / "copas"
    loop = 'require("copas").loop()'
    return [
        Program("lua5.4", ("lua5.4", "-e", "")),
        Program("luajit", ("luajit", "-e", "")),
        Program("copas", (str(runtime), "-e", ""), needs=(runtime,)),
        copas_command("copas-lua5.4", ("lua5.4", "-e", loop), bench.build / "lua" / "5.4"),
        copas_command("copas-luajit", ("luajit", "-e", loop), bench.build / "lua" / "5.1"),
        Program("luv", ("lua5.4", "-e", 'require("luv").run()'), probe='require "luv"'),
        Program("cqueues", ("lua5.4", "-e", 'assert(require("cqueues").new():loop())'), probe='require "cqueues"'),
        upstream_command("upstream-lua5.1", ("lua5.1", "-e", 'require "copas"')),
        Program("node", ("node", "-e", "")),
    ]


def _start(bench: Bench) -> Iterator[Outcome]:
    times = 2 if bench.smoke else 20
    columns: tuple[Column, ...] = (
        plain("CPU ms", "cpu_ms", ".2f"),
        ratio(FLOOR, "cpu_ms"),
        plain("ms", "wall_ms", ".2f"),
    )

    def measure(program: Program, count: int) -> Figures:
        ended = [run(program, patience=60) for _ in range(count)]
        cpu = sorted(each.cpu_s for each in ended)[count // 2]
        wall = sorted(each.wall_s for each in ended)[count // 2]
        return {"cpu_ms": cpu * 1e3, "wall_ms": wall * 1e3}

    programs = bench.available(_programs(bench))
    names = [each.name for each in programs]
    samples = bench.measure(programs, {"start": times}, measure)
    yield Outcome(
        "start and end",
        ["program", *(each.title for each in columns)],
        rows(samples, "start", names, FLOOR, columns),
        samples,
        bars(samples, "start", names, "CPU ms", "cpu_ms"),
        "`copas` is the runtime with `-e ''`. Debian's Copas has a loop that never ends, so it is only loaded.",
    )


SCENARIOS = [Scenario("start", "Start, an empty loop, exit.", _start)]
