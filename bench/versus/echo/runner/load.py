"""Calls the load generator."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.servers import BenchmarkError, Running


@dataclass(frozen=True)
class Load:
    """What the load generator is asked to do; its usage text says more."""

    connections: int
    seconds: float
    warmup: float = 0.3
    idle: int = 0
    greet_each: bool = False

    def arguments(self) -> list[str]:
        numbers = {
            "--connections": self.connections,
            "--seconds": self.seconds,
            "--warmup": self.warmup,
            "--idle": self.idle,
        }
        flags = ["--greet-each"] if self.greet_each else []
        return [str(word) for option in numbers.items() for word in option] + flags


@dataclass(frozen=True)
class Sample:
    """What one run of the load generator measured."""

    cpu_us: float  # CPU time of the server for each request; 0 when there were none
    requests_per_s: float
    p50_us: float
    p99_us: float
    resident_growth: int  # bytes
    errors: int
    raw: dict[str, Any]


def program(build: Path) -> Path:
    """Where the load generator is; raises when it was not built."""
    path = build / "bench" / "echo-load"
    if not path.exists():
        raise BenchmarkError(f"{path} does not exist; build with -DCOPAS_BENCH=ON, or say --build DIR")
    return path


def measure(generator: Path, load: Load, server: Running) -> Sample:
    """Runs the load against a server."""
    limit = 60 + load.warmup + load.seconds
    command = [str(generator), "--port", str(server.port), "--pid", str(server.pid), *load.arguments()]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, timeout=limit, check=True)
    except subprocess.TimeoutExpired as error:
        raise BenchmarkError(f"the load generator was not done within {limit:g} s") from error
    except subprocess.CalledProcessError as error:
        raise BenchmarkError("the load generator failed") from error
    found: dict[str, Any] = json.loads(done.stdout)
    return Sample(
        cpu_us=found["server_cpu_us_per_request"] or 0.0,
        requests_per_s=found["requests_per_s"],
        p50_us=found["latency_us"]["p50"],
        p99_us=found["latency_us"]["p99"],
        resident_growth=found["rss_open_bytes"] - found["rss_before_bytes"],
        errors=found["errors"],
        raw=found,
    )
