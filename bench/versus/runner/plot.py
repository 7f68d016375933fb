"""Charts as SVG, drawn by gnuplot."""

import shutil
import subprocess
from pathlib import Path

from runner.outcome import Bars, Lines

_HEAD = """set terminal svg size {width},{height} font "sans,12" background "white"
set output "{file}"
set title "{title}" noenhanced
set border 3
set tics nomirror
set grid ytics lc rgb "#dddddd"
"""


def available() -> bool:
    return shutil.which("gnuplot") is not None


def draw(chart: Bars | Lines, title: str, file: Path) -> None:
    """Writes `file`."""
    script = _bars(chart, title, file) if isinstance(chart, Bars) else _lines(chart, title, file)
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def _bars(chart: Bars, title: str, file: Path) -> str:
    # Bars that lie, so that names are read without turning one's head: gnuplot has them as boxes drawn by hand.
    count = len(chart.values)
    most = max(value for _, value in chart.values) or 1.0
    lines = [_HEAD.format(width=760, height=90 + 26 * count, file=file, title=_quoted(title))]
    lines.append(f'set xlabel "{_quoted(chart.unit)}" noenhanced\nunset key\nset xrange [0:{most * 1.15:g}]')
    lines.append(f"set yrange [{-0.7}:{count - 0.3:g}]\nunset grid\nset grid xtics lc rgb '#dddddd'")
    names = ", ".join(f'"{_quoted(name)}" {count - 1 - at}' for at, (name, _) in enumerate(chart.values))
    lines.append(f"set ytics ({names}) noenhanced")
    for at, (name, value) in enumerate(chart.values):
        row = count - 1 - at
        colour = "#c0504d" if name.startswith("copas") else "#7f9fbf"
        lines.append(
            f"set object rectangle from 0,{row - 0.35:g} to {value:g},{row + 0.35:g} "
            f'fillstyle solid noborder fillcolor rgb "{colour}"'
        )
        lines.append(f'set label "{value:.3g}" at {value:g},{row} offset 0.5,0')
    lines.append("plot NaN notitle")
    return "\n".join(lines) + "\n"


def _lines(chart: Lines, title: str, file: Path) -> str:
    lines = [_HEAD.format(width=760, height=460, file=file, title=_quoted(title))]
    lines.append(f'set xlabel "{_quoted(chart.over)}" noenhanced\nset ylabel "{_quoted(chart.unit)}" noenhanced')
    lines.append("set logscale x\nset yrange [0:*]\nset key outside right noenhanced\nset format x '%.0f'")
    plots = []
    data = []
    for name, points in chart.series:
        width = 3 if name.startswith("copas") else 1.5
        plots.append(f"'-' with linespoints pointtype 7 pointsize 0.5 linewidth {width} title \"{_quoted(name)}\"")
        data.append("\n".join(f"{x:g} {y:g}" for x, y in points) + "\ne")
    lines.append("plot " + ", ".join(plots))
    return "\n".join(lines + data) + "\n"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
