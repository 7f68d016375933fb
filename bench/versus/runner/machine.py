"""What the figures were taken on."""

import os
import platform
import re
import subprocess
from pathlib import Path

_PACKAGES = (
    "g++ libasio-dev libcurl4 libluajit-5.1-2 libssl3 lua-cqueues lua-http lua-luv lua-sec lua-socket "
    "lua5.1 lua5.4 luajit nginx nodejs golang-go"
).split()


def description() -> list[str]:
    """One line each."""
    return [
        f"{_processor()}, {os.cpu_count()} cores, {_memory_gib():.0f} GiB",
        f"Linux {platform.release()}; load average at the start {os.getloadavg()[0]:.1f}",
        ", ".join(_versions()),
    ]


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _versions() -> list[str]:
    try:
        asked = subprocess.run(
            ["dpkg-query", "-W", "-f", "${Package} ${Version} ${db:Status-Status}\n", *_PACKAGES],
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:  # not a Debian
        return []
    words = (line.split() for line in asked.stdout.splitlines())
    return [f"{name} {version}" for name, version, status in words if status == "installed"]
