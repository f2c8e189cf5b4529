"""``simulate``: how it begins and ends: help, exit codes, interrupts, and no traceback ever."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.surfaces._made import cli, process
from tests.surfaces.test_cli_ends import HEAVY
from tests.surfaces.test_cli_simulate import FLAGS, START

if TYPE_CHECKING:
    from pathlib import Path


def test_help_loads_nothing_heavy_and_teaches() -> None:
    code = (
        "import sys, atexit\n"
        f"atexit.register(lambda: print([m for m in {HEAVY} if m in sys.modules], file=sys.stderr))\n"
        "sys.argv = ['capacity-planner', 'simulate', '--help']\n"
        "from capacity_planner.surfaces.cli.main import run\nrun()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    for words in ("--spike START+DURATION:xN[:SHAPE]", "30m+2h:x5:bell", "Examples:", "Exit codes:", "[[scenarios]]"):
        assert words in done.stdout
    assert "Try a plan on simulated traffic" in cli("--help").stdout


def test_a_timeout_is_told_by_its_flag() -> None:
    result = cli(
        "simulate", *FLAGS, "--duration", "48h", "--arrival-rate", "100", "--workers", "150", "--timeout", "1ms"
    )
    assert (result.exit_code, result.stdout) == (1, "")
    assert "FORECAST_FAILED: --timeout is 1ms" in result.stderr


def test_an_interrupt_ends_with_130(tmp_path: Path) -> None:
    flags = ("--workers", "900", "--arrival-rate", "800", "--service-time", "1s", "--duration", "2000h")
    command = [sys.executable, "-m", "capacity_planner", "simulate", *flags, "--granularity", "1h", *START]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, text=True)
    assert running.stderr is not None
    assert "no target" in running.stderr.readline()
    running.send_signal(signal.SIGINT)
    out, error = running.communicate(timeout=60)
    assert (running.returncode, out, error) == (130, "", "")


def test_the_process_speaks_on_two_streams(tmp_path: Path) -> None:
    done = process("simulate", *FLAGS, "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["summary"]["jobs"] > 0


VALUES = st.one_of(
    st.sampled_from(
        ["0", "1", "5s", "20%", "nan", "-1", "0.5", "10m=4", "5m+5m:x2", "9999999h", "2026-01-31T12:00:00Z"]
    ),
    st.integers(-5, 10**7).map(str),
    st.floats(allow_nan=True).map(str),
    st.text(max_size=8),
)
OPTIONS = (
    *("--step", "--add-workers", "--also-add-workers", "--startup-delay", "--concurrency", "--amplitude", "--period"),
    *("--trend", "--noise", "--spike", "--scale", "--batch-size", "--service-time", "--service-time-std", "--patience"),
    *("--backlog", "--p95", "--max-backlog", "--error-budget", "--granularity", "--start", "--replications", "--seed"),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes=st.lists(st.tuples(st.sampled_from(OPTIONS), VALUES), max_size=4))
def test_no_flags_make_a_traceback(changes: list[tuple[str, str]]) -> None:
    result = cli("simulate", *FLAGS, *(part for change in changes for part in change), "--timeout", "2s")
    assert result.exit_code in {0, 2, 3} or "timed out" in result.output or "--timeout is" in result.output
    assert "Traceback" not in result.output


def test_the_shell_completes_patterns_that_flags_can_describe(tmp_path: Path) -> None:
    asked = {"_CAPACITY_PLANNER_COMPLETE": "complete_bash", "COMP_CWORD": "3"}
    done = process(cwd=tmp_path, COMP_WORDS="capacity-planner simulate --pattern s", **asked)
    assert done.stdout.split() == ["sinusoidal", "spiky"]
