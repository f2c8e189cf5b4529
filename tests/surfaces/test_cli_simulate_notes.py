"""``simulate``: what was assumed, replaced or has no effect is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from capacity_planner import codec
from tests.surfaces._made import cli, history, response
from tests.surfaces.test_cli_simulate import FLAGS, answer, answers
from tests.surfaces.test_cli_simulate_files import EXAMPLES, TOML, written

if TYPE_CHECKING:
    from pathlib import Path

WHAT_IF = (str(EXAMPLES / "what_if.toml"), "--scale", "0.02", "--duration", "23h")


def told(*arguments: str) -> str:
    """The notes."""
    result = cli("simulate", *arguments, "--json")
    assert result.exit_code in {0, 3}, result.output
    return result.stderr


@pytest.mark.parametrize(
    ("flags", "cause"),
    [
        (("--add-workers", "5"), "--add-workers replaces"),
        (("--workers", "50"), "--workers replaces"),
        (("--workers", "50", "--seed", "3"), "--workers replaces"),
    ],
)
def test_scenarios_that_flags_make_the_same_are_told(flags: tuple[str, ...], cause: str) -> None:
    note = f"current plan and +20 % workers are now the same: {cause} what they differ in."
    assert note in told(*WHAT_IF, *flags)
    assert "the same" not in told(*WHAT_IF, "--seed", "3")


def test_names_differ_whatever_they_were(tmp_path: Path) -> None:
    names = "".join(f'\n[[scenarios]]\nname = "{name}"\n' for name in ("one", "one", "one (2)", "one"))
    path = written(tmp_path / "a.toml", TOML + names)
    assert [item.scenario.name for item in answers(path)] == ["one", "one (3)", "one (2)", "one (4)"]
    assert "are the same." in told(path)


def test_what_of_a_plan_is_outside_the_simulated_time_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "plan.json", codec.dumps(response()))
    load = ("--arrival-rate", "5", "--plan", path)
    assert told(*load) == ""
    late = ("--start", "2026-01-31T12:10:00Z")
    assert "2 of the plan's 2 steps are before the simulated time, and carried out by then." in told(*load, *late)
    assert "the plan ends at 2026-01-31T13:00:00Z; its last workers stay." in told(*load, *late)
    assert answer(*load, *late).scenario.name == "mail: 40 workers"
    early = ("--start", "2026-01-31T11:58:00Z", "--duration", "5m")
    assert "1 of the plan's 2 steps is after the simulated time, and not carried out." in told(*load, *early)
    assert answer(*load, *early).scenario.name == "mail: 10 to 25 workers"


def test_the_spikes_of_a_file_stay_on_a_history(tmp_path: Path) -> None:
    past = ("--history", str(history(tmp_path / "past.csv", samples=900)))
    path = written(tmp_path / "a.toml", TOML)
    pattern = answer(path, *past).scenario.traffic_pattern
    assert pattern is not None
    assert [item.magnitude for item in pattern.spikes] == [2]
    assert 1.8 < pattern.base_rate < 2.6
    assert "a.toml: --history replaces its traffic_pattern; its spikes stay." in told(path, *past)
    assert "its traffic_pattern, and its spikes with it." in told(path, *past, "--replay", "--duration", "15m")


@pytest.mark.parametrize(
    ("flags", "note"),
    [
        ("--pattern sinusoidal", "--pattern sinusoidal has no effect without --amplitude."),
        ("--pattern linear", "--pattern linear has no effect without --amplitude."),
        ("--pattern spiky", "--pattern spiky has no effect without --amplitude."),
        ("--amplitude 1", "--amplitude has no effect on constant traffic."),
        ("--period 1h", "--period has no effect on constant traffic."),
        ("--noise-period 1m", "--noise-period has no effect without --noise."),
        ("--timezone UTC", "--timezone has no effect without --history."),
        ("--unit rate", "--unit has no effect without --history."),
        ("--stamp end", "--stamp has no effect without --history."),
        ("--skip-bad-rows", "--skip-bad-rows has no effect without --history."),
        ("--service-family exponential --service-time-std 2s", "--service-time-std has no effect with"),
        ("--service-family deterministic --service-time-p95 2s", "--service-time-p95 has no effect with"),
    ],
)
def test_flags_without_effect_are_told(flags: str, note: str) -> None:
    assert note in told(*FLAGS, *flags.split())


@pytest.mark.parametrize(
    "flags",
    ["", "--pattern daily", "--pattern spiky --amplitude 1", "--noise 0.1 --noise-period 1m", "--service-time-std 2s"],
)
def test_flags_with_an_effect_are_not(flags: str) -> None:
    assert told(*FLAGS, *flags.split()) == ""
