"""Calls the load generators."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runner.programs import BenchmarkError, Running
from runner.rounds import Figures


def measure(generator: Path, server: Running, arguments: Sequence[object], patience: float) -> Figures:
    """Runs a load against a server; nested figures get names like `latency_us_p50`."""
    command = [str(generator), "--port", str(server.port), "--pid", str(server.pid), *map(str, arguments)]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, timeout=patience, check=True)
    except subprocess.TimeoutExpired as error:
        raise BenchmarkError(f"the load generator was not done within {patience:g} s") from error
    except subprocess.CalledProcessError as error:
        raise BenchmarkError("the load generator failed") from error
    found = dict(_flat(json.loads(done.stdout)))
    if found.get("errors", 0) > 0:
        raise BenchmarkError(f"{found['errors']:.0f} connections ended, or got wrong answers")
    return found


def _flat(figures: dict[str, Any], prefix: str = "") -> list[tuple[str, float]]:
    flat: list[tuple[str, float]] = []
    for name, value in figures.items():
        if isinstance(value, dict):
            flat += _flat(value, f"{prefix}{name}_")
        elif value is not None:
            flat.append((prefix + name, float(value)))
    return flat
