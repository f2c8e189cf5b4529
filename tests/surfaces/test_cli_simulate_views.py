"""What ``simulate`` shows: in terminals of all kinds, and in pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from capacity_planner.domain.slo import SLO
from capacity_planner.pipeline.simulator import Simulator
from capacity_planner.surfaces.cli import _simulating
from capacity_planner.surfaces.cli._picture_simulation import draw_simulations
from capacity_planner.surfaces.cli._scenarios import Asked
from capacity_planner.surfaces.cli._simulation_lines import lines_of
from capacity_planner.surfaces.cli._simulation_words import time_words, verdict
from capacity_planner.units import UNBOUNDED
from tests.surfaces._made import MINUTE, cli, process
from tests.surfaces.test_cli_simulate import FLAGS, answer, answers

if TYPE_CHECKING:
    from pathlib import Path

    from capacity_planner.domain.simulation import Simulation

SHORT = (*FLAGS, "--workers", "3", "--max-backlog", "40", "--error-budget", "0.2")
BOTH = (*SHORT, "--also-add-workers", "2")


@pytest.mark.parametrize("columns", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("arguments", [SHORT, BOTH, (*SHORT, "--replications", "3", "--duration", "50h")])
def test_it_adapts_to_the_width(arguments: tuple[str, ...], columns: int) -> None:
    text = cli("simulate", *arguments, "--scale", "0.5", env={"COLUMNS": str(columns)}).stdout
    assert max(len(line.rstrip()) for line in text.splitlines()) <= columns
    assert len(text.splitlines()) < 90
    assert "…" not in text


def test_one_scenario_has_all_parts() -> None:
    text = cli("simulate", *SHORT, "--replications", "3", "--patience", "5s", env={"COLUMNS": "120"}).stdout
    text = " ".join(text.split())
    parts = (
        "SLO: p95 within 8s, at most 40 waiting, 20 % of intervals may miss it",
        "mean of 3 runs",
        "gave up",
        "┊ target",
    )
    for words in (
        *parts,
        "95 % sure between",
        "error budget used",
        "efficiency",
        "for workers ($1.50/h)",
        "12:00",
        "█",
    ):
        assert words in text


def test_a_change_of_workers_is_held_against_none() -> None:
    text = cli("simulate", *FLAGS, "--workers", "2", "--step", "5m=8").stdout
    assert "Against staying at 2 workers the plan saves" in text
    assert "Against" not in cli("simulate", *FLAGS).stdout


def test_the_best_of_each_column_is_marked_without_colour() -> None:
    text = cli("simulate", *BOTH, env={"COLUMNS": "120"}).stdout
    row = next(line for line in text.splitlines() if line.startswith("3 workers, +2 workers ") and "$" in line)
    assert row.count("*") >= 4
    assert "* best of its column" in text
    assert "\x1b[" not in text


def test_ascii_terminals_and_no_color_are_served(tmp_path: Path) -> None:
    for arguments in (SHORT, BOTH):
        done = process("simulate", *arguments, cwd=tmp_path, PYTHONIOENCODING="ascii", NO_COLOR="1", PYTHONUTF8="0")
        assert done.returncode in {0, 3}, done.stderr
        assert "\x1b[" not in done.stdout
        assert "?" not in done.stdout
        assert "#" in done.stdout


def test_a_backlog_is_judged_where_there_is_no_latency() -> None:
    flags = [item for item in FLAGS if item not in {"--p95", "8s"}]
    assert "at most 9 waiting" in cli("simulate", *flags, "--max-backlog", "9").stdout
    mixed = cli("simulate", *flags, "--drain-time", "1m")
    assert "backlog gone in 1m" in mixed.stdout


def test_long_simulations_are_condensed_to_their_worst() -> None:
    found = answer(*FLAGS, "--duration", "10h")
    lines = lines_of(found.timeline, 24)
    assert len(lines) == 24
    assert max(line.p95 for line in lines) == max(item.p95_latency.total_seconds() for item in found.timeline)
    assert max(line.waiting for line in lines) == found.summary.max_backlog


def test_response_times_are_words() -> None:
    assert [time_words(value) for value in (0.0, 0.12345, 6.0191, 93.4, UNBOUNDED.total_seconds())] == [
        "0s",
        "123ms",
        "6.02s",
        "1m33s",
        "never",
    ]


def with_verdict(found: Simulation, name: str, used: float, cost: float) -> Simulation:
    return replace(
        found,
        scenario=replace(found.scenario, name=name),
        slo_analysis=replace(found.slo_analysis, error_budget_used=used),
        summary=replace(found.summary, total_cost=cost),
    )


def test_the_verdict_names_the_cheapest_that_keeps_the_slo() -> None:
    plain = answer(*FLAGS)
    good, dear, bad = (
        with_verdict(plain, name, used, cost) for name, used, cost in (("good", 0, 5), ("dear", 1, 9), ("bad", 2, 1))
    )
    assert verdict([good, dear]) == "All keep the SLO; cheapest of them: good, $5.00"
    assert verdict([bad, dear, good]) == "2 of 3 keep the SLO; cheapest of them: good, $5.00"
    assert verdict([bad, dear]) == "1 of 2 keeps the SLO: dear, $9.00"
    assert verdict([bad]).startswith("None of 1 keeps its SLO; nearest: bad")
    none = replace(bad, scenario=replace(bad.scenario, plan=replace(bad.scenario.plan, slo=SLO())))
    assert verdict([none]) == "No SLO to keep; cheapest: bad, $1.00"


@pytest.mark.parametrize(("name", "magic"), [("a.png", b"\x89PNG\r\n"), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF")])
def test_plot_makes_a_picture(tmp_path: Path, name: str, magic: bytes) -> None:
    pytest.importorskip("matplotlib")
    result = cli("simulate", *SHORT, "--plot", str(tmp_path / name))
    assert result.exit_code in {0, 3}, result.output
    assert (tmp_path / name).read_bytes().startswith(magic)
    assert [item.name for item in tmp_path.iterdir()] == [name]


def test_the_picture_tells_scenarios_apart(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "a.svg"
    more = [part for count in range(1, 8) for part in ("--also-add-workers", str(count))]
    draw_simulations(path, answers(*SHORT, *more))
    text = path.read_text(encoding="utf-8")
    for words in (
        "jobs/s",
        "capacity",
        "jobs waiting",
        "target 8 s",
        "target 40 jobs",
        "so far [$]",
        "time [UTC]",
    ):
        assert words in text
    assert text.count("stroke-dasharray") > 6
    assert "3 workers, +7 workers" in text
    assert len([line for line in text.splitlines() if ">3 workers, +7 workers</text>" in line]) == 1


def test_a_picture_of_jobs_that_give_up_is_finite(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    found = answer(*FLAGS, "--workers", "1", "--patience", "2s")
    assert found.summary.p95_latency == UNBOUNDED
    draw_simulations(tmp_path / "a.svg", [found])
    assert "SLO broken" in (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert "never" in cli("simulate", *FLAGS, "--workers", "1", "--patience", "2s").stdout


def test_a_bar_is_shown_to_a_person_who_waits(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_simulating, "_NOTICEABLE", 0.0)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    scenarios = [item.scenario for item in answers(*BOTH)]
    asked = Asked(Simulator(), 9 * MINUTE, scenarios)
    assert len(_simulating.simulated(asked, visible=True)) == 2
    shown = capsys.readouterr()
    assert "3 workers" in shown.err
    assert shown.out == ""
    _simulating.simulated(asked, visible=False)
    assert capsys.readouterr().err == ""
