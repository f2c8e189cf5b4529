"""What ``simulate`` shows at its edges: verdicts, replications, nothing served, narrow terminals, crowded pictures."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import warnings
from typing import TYPE_CHECKING

import pytest

from capacity_planner.domain.slo import SLO
from capacity_planner.surfaces.cli._draw import curve_bar
from capacity_planner.surfaces.cli._picture import shortened
from capacity_planner.surfaces.cli._picture_simulation import draw_simulations
from capacity_planner.surfaces.cli._simulation_words import budget, promise
from tests.surfaces._made import MINUTE, cli, process
from tests.surfaces.test_cli_simulate import FLAGS, answer, answers

if TYPE_CHECKING:
    from pathlib import Path

RUNS = (*FLAGS, "--workers", "4", "--replications", "4")


def shown(*arguments: str, columns: int = 120) -> str:
    return cli("simulate", *arguments, env={"COLUMNS": str(columns)}).stdout


def test_the_verdict_is_in_words() -> None:
    assert "SLO broken: 6 of 6 intervals broke it, none may; p95" in shown(*FLAGS, "--workers", "2")
    assert "none may" not in shown(*FLAGS)
    assert "SLO kept: no interval broke it" in shown(*FLAGS)
    some = shown(*FLAGS, "--workers", "2", "--error-budget", "0.05")
    assert "SLO broken: 6 of 6 intervals broke it, 5 % may" in some
    assert "on average 6 of 6" in shown(*FLAGS, "--workers", "2", "--replications", "2")
    assert promise(SLO(p95_latency=8 * MINUTE)) == "SLO: p95 within 8m, no interval may miss it"
    assert (budget(float("inf")), budget(0.5)) == ("none allowed", "50 %")


@pytest.mark.parametrize("columns", [40, 80, 140])
def test_replications_say_how_sure_they_are(columns: int) -> None:
    text = " ".join(shown(*RUNS, "--also-add-workers", "1", columns=columns).split())
    assert re.search(r"± \d+ %", text)
    assert "± $" in text
    assert "±: where the true mean lies, 95 % sure." in text
    marks = "Figures are means over 4 runs; an interval is marked when at least half of the runs broke it."
    assert marks in text
    assert marks in " ".join(shown(*RUNS, columns=columns).split())
    assert "Figures are means" not in shown(*FLAGS)


def test_who_is_never_served_did_not_give_up() -> None:
    text = shown(*FLAGS, "--workers", "0")
    assert "were never served" in text
    assert "gave up" not in text
    figures = {line[:14].strip(): line.split()[-1] for line in text.splitlines() if line}
    assert (figures["p95 response"], figures["mean response"]) == ("never", "–")
    assert "gave up" in shown(*FLAGS, "--workers", "1", "--patience", "2s")


def test_nothing_that_arrives_has_no_latency() -> None:
    text = shown(*FLAGS, "--arrival-rate", "0")
    assert "p95 –, $" in text
    assert all(" – " in line for line in text.splitlines() if line.startswith("12:"))


def test_a_violation_of_nearly_all_is_not_one_of_all() -> None:
    found = answer(*FLAGS, "--workers", "2", "--duration", "2h")
    period = found.slo_analysis.violation_periods[0]
    assert " (99." in period.impact


@pytest.mark.slow
@pytest.mark.parametrize("columns", [40, 50, 60, 70, 80, 100])
@pytest.mark.parametrize("duration", ["30m", "60h", "800h"])
def test_the_p95_and_its_mark_are_never_cut(columns: int, duration: str) -> None:
    flags = ("--workers", "2", "--duration", duration, "--scale", "0.8")
    lines = shown(*FLAGS, *flags, "--granularity", "10m", columns=columns).splitlines()
    heading = next(place for place, line in enumerate(lines) if line.startswith("UTC"))
    assert " p95 " in lines[heading]
    drawn = lines[heading + 2]
    assert (" x" in drawn, max(map(len, lines)) <= columns) == (True, True)
    assert "…" not in "".join(lines)
    assert ("┊ target" in " ".join(lines)) == ("┊" in drawn)
    assert lines[heading].split().count("p95") == 1


def test_long_times_have_their_month() -> None:
    assert "31 Jan 12:00" in shown(*FLAGS, "--duration", "800h", "--granularity", "1h", "--scale", "0.1")


@pytest.mark.parametrize("value", [3.0, 7.9, 8.0, 8.1, 24.0, 1e9])
def test_the_target_is_always_marked(value: float) -> None:
    for width in (6, 7, 13, 48):
        text = curve_bar(value, 8.0, 24.0, width).plain
        assert text.count("┊") == 1
        assert len(text) <= width
        assert text.endswith("┊") == (value <= 8.0)


def test_a_failure_in_json_is_only_that(tmp_path: Path) -> None:
    done = process("simulate", *FLAGS[:-2], "--json", "--timeout", "1us", cwd=tmp_path)
    assert json.loads(done.stderr)["code"]
    done = process("simulate", "--workers", "5", "--arrival-rate", "3", "--service-time", "1s", "--json", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr.startswith("note: ")


def test_an_early_interrupt_leaves_no_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "capacity_planner", "simulate", *FLAGS, "--duration", "9000h"]
    for tenths in range(5, 9):
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, text=True)
        time.sleep(tenths / 10)
        running.send_signal(signal.SIGINT)
        _, error = running.communicate(timeout=60)
        assert running.returncode == 130
        assert "Traceback" not in error


def test_an_interrupt_of_the_imports_ends_with_130() -> None:
    code = (
        "import sys\n"
        "class Stop:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'typer':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Stop())\n"
        "from capacity_planner.surfaces.cli.main import run\nrun()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")


def test_plain_terminals_read_no_question_marks(tmp_path: Path) -> None:
    flags = (*RUNS, "--also-add-workers", "1")
    done = process("simulate", *flags, cwd=tmp_path, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert "?" not in done.stdout
    assert "~ $" in done.stdout


def test_a_crowded_picture_is_drawn_without_a_warning(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    more = [part for count in range(1, 15) for part in ("--also-add-workers", str(count))]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_simulations(tmp_path / "a.svg", answers(*FLAGS, "--queue-name", "$a_long_name$ 列 " * 20, *more))
    text = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert "the first 12 of 15 scenarios are drawn" in text
    assert "+11 workers" in text
    assert "+12 workers</text>" not in text
    assert capfd.readouterr() == ("", "")
    assert (len(shortened("n" * 100)), shortened("n")) == (40, "n")


def test_an_endless_p95_does_not_look_finite(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    draw_simulations(tmp_path / "a.svg", [answer(*FLAGS, "--workers", "1", "--patience", "2s")])
    assert "p95 never ends" in (tmp_path / "a.svg").read_text(encoding="utf-8")
    draw_simulations(tmp_path / "b.svg", [answer(*FLAGS, "--workers", "1")])
    text = (tmp_path / "b.svg").read_text(encoding="utf-8")
    assert "(log)" in text
    assert "never ends" not in text
