"""How the command begins and ends: help, version, exit codes, pipes, interrupts, and no traceback ever."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, NoReturn

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.surfaces.cli._exits import guarded
from tests.surfaces._made import FLAGS, cli, history, process

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

HEAVY = ("numpy", "scipy", "pydantic", "matplotlib", "rich")


@pytest.mark.parametrize(
    "arguments", [["--help"], ["plan", "--help"], ["staff", "-h"], ["config", "-h"], ["--version"]]
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys, atexit\n"
        f"atexit.register(lambda: print([m for m in {HEAVY} if m in sys.modules], file=sys.stderr))\n"
        f"sys.argv = ['capacity-planner', *{arguments}]\n"
        "from capacity_planner.surfaces.cli.main import run\nrun()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert "capacity-planner" in done.stdout


def test_help_teaches() -> None:
    text = cli("plan", "--help").stdout
    for words in ("Targets (SLO)", "--p95 DURATION", "Default 5m", "Examples:", "Exit codes:", "HISTORY"):
        assert words in text
    assert "Exit codes:" in cli("--help").stdout


def test_usage_errors_are_exit_code_2() -> None:
    assert cli("plan", "--wrkers", "5").exit_code == 2
    assert cli("plan", "--workers", "many").exit_code == 2
    assert cli("nope").exit_code == 2


def test_the_process_plans_and_speaks_on_two_streams(tmp_path: Path) -> None:
    path = history(tmp_path / "history.csv")
    done = process("plan", str(path), *FLAGS[2:], "--json", cwd=tmp_path)
    assert done.returncode in {0, 3}
    assert json.loads(done.stdout)["plan"]["current_workers"] == 6
    assert done.stderr.startswith("note: ")


def test_ascii_terminals_and_no_color_are_served(tmp_path: Path) -> None:
    done = process("plan", *FLAGS, cwd=tmp_path, PYTHONIOENCODING="ascii", NO_COLOR="1", PYTHONUTF8="0")
    assert done.returncode in {0, 3}, done.stderr
    assert "\x1b[" not in done.stdout


def test_json_is_utf_8_whatever_the_terminal_speaks(tmp_path: Path) -> None:
    done = process("plan", *FLAGS, "--queue-name", "gebühr", "--json", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert json.loads(done.stdout)["plan"]["queue_name"] == "gebühr"


def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "capacity_planner", "staff", *FLAGS[:4], "--from", "1", "--to", "200"]
    done = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path)
    assert done.stdout
    assert done.stderr
    done.stdout.close()
    error = done.stderr.read()
    done.stderr.close()
    assert (done.wait(60), error) == (141, b"")


def ended(error: BaseException, *, debug: bool = False) -> int:
    @guarded
    def command(*, debug: bool) -> NoReturn:
        raise error

    with pytest.raises(typer.Exit) as caught:
        command(debug=debug)
    return caught.value.exit_code


def test_an_interrupt_is_130() -> None:
    assert ended(KeyboardInterrupt()) == 130


def test_the_unexpected_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(RuntimeError("two\nlines")) == 1
    assert capsys.readouterr().err == "Unexpected RuntimeError: two lines. --debug shows where.\n"
    assert ended(RuntimeError("x"), debug=True) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_failed_forecast_is_unexpected() -> None:
    assert ended(PlannerError(ErrorCode.FORECAST_FAILED, "x")) == 1


FIELDS = (
    "--arrival-rate",
    "--service-time",
    "--service-time-std",
    "--service-time-p95",
    "--workers",
    "--backlog",
    "--p95",
)
OPTIONS = ("--max-backlog", "--drain-time", "--error-budget", "--availability", "--min-workers", "--max-workers")
MORE = ("--max-step-size", "--cooldown", "--safety-margin", "--confidence", "--startup-delay", "--concurrency", "--at")
VALUES = st.one_of(
    st.sampled_from(
        ["0", "1", "5s", "2", "1e308", "nan", "-1", "0.5", "100ms", "PT1S", "999999h", "2026-01-01T00:00:00Z"]
    ),
    st.integers(-5, 10**7).map(str),
    st.floats(allow_nan=True).map(str),
    st.text(max_size=8),
)
MODELS = st.sampled_from([[], ["--queueing-model", "mm1"], ["--queueing-model", "mgc"], ["--model", "linear"]])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    changes=st.lists(st.tuples(st.sampled_from((*FIELDS, *OPTIONS, *MORE)), VALUES), max_size=4),
    model=MODELS,
    command=st.sampled_from(["plan", "staff"]),
)
def test_no_arguments_make_a_traceback(changes: list[tuple[str, str]], model: list[str], command: str) -> None:
    base = FLAGS if command == "plan" else (*FLAGS[:4], *FLAGS[6:])
    result = cli(command, *base, *(part for change in changes for part in change), *model)
    assert result.exit_code in {0, 2, 3, 4}, result.output
    assert "Traceback" not in result.output
