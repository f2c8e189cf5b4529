"""Load from a second process: wrk (Debian package ``wrk``), and what it says."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


@dataclass(frozen=True)
class Load:
    """What wrk measured.

    Attributes:
        rate: answers per second.
        median: median latency [ms].
        p99: its 99th percentile [ms].
        failed: answers other than 2xx and 3xx, and connections that broke.
    """

    rate: float
    median: float
    p99: float
    failed: int


def load(url: str, seconds: float, *, connections: int, script: Path | None = None) -> Load:
    """Ask a URL over and over.

    Args:
        url: what to ask.
        seconds: for how long.
        connections: how many at once.
        script: Lua that makes the requests.
    """
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed. On Debian: apt-get install wrk")
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--latency", "--timeout", "10s"]
    command += ["-s", str(script)] if script else []
    said = subprocess.run([*command, url], check=True, capture_output=True, text=True).stdout
    errors = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    return Load(
        rate=float(_found(r"Requests/sec:\s+([\d.]+)", said)[0]),
        median=_milliseconds(said, "50"),
        p99=_milliseconds(said, "99"),
        failed=(int(errors[1]) if errors else 0) + (sum(map(int, broken.groups())) if broken else 0),
    )


def _found(pattern: str, said: str) -> tuple[str, ...]:
    match = re.search(pattern, said)
    if match is None:
        sys.exit(f"wrk said what is not understood:\n{said}")
    return match.groups()


def _milliseconds(said: str, percentile: str) -> float:
    number, unit = _found(rf"\s{percentile}%\s+([\d.]+)(us|ms|s|m)\s", said)
    return float(number) * _UNITS[unit]
