"""``simulate``: flags that do not fit are told in the user's own words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from capacity_planner import codec
from tests.surfaces._made import cli, response
from tests.surfaces.test_cli_simulate import FLAGS, answer
from tests.surfaces.test_cli_simulate_files import TOML, refused, written

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("at", ["30m", "2h", "2026-01-31T11:59:00Z"])
def test_a_step_outside_is_refused(tmp_path: Path, at: str) -> None:
    window = "begins at 2026-01-31T12:00:00Z and lasts 30m"
    sentence = f"is outside the simulated time, which {window}. Move the step, or set --start or --duration."
    assert sentence in refused(*FLAGS, "--step", f"{at}=3")
    text = TOML.replace('at = "10m"', f'at = "{at}"').replace('"20m"', '"30m"')
    assert f"a.toml: plan.steps.0.at is '{at}', which {sentence}" in refused(written(tmp_path / "a.toml", text))


@pytest.mark.parametrize("start", ["9999-12-31T23:30:00Z", "8999-12-31T23:45:00Z"])
@pytest.mark.parametrize("more", [(), ("--spike", "5m+1m:x2"), ("--step", "5m=3"), ("--pattern", "weekly")])
def test_a_start_too_late_is_refused(start: str, more: tuple[str, ...]) -> None:
    error = refused(*FLAGS, "--start", start, *more)
    assert f"--start is {start}, which is too late: 30m from there end after the year 8999. Start earlier." in error
    assert refused(*FLAGS, "--start", start, "--json").startswith('{"code": "CONFIG_INVALID"')
    assert answer(*FLAGS, "--start", "0001-01-01T00:00:00Z", *more).summary.jobs


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--replay", "--history", "x.csv"), "--replay replays counts; --arrival-rate cannot go with it."),
        (
            ("--replay", "--history", "x.csv", "--spike", "1m+1m:x2", "--pattern", "daily"),
            "--replay replays counts; --pattern, --arrival-rate, --spike cannot go with it.",
        ),
        (("--step", "1m=2", "--step", "60s=3"), "--step 60s=3: '60s' has a step already."),
        (("--pattern", "custom"), "custom needs rates, which a flag cannot give."),
        (("--pattern", "dayly"), "'dayly' is unknown. There are: constant"),
    ],
)
def test_flags_are_named_as_they_were_typed(flags: tuple[str, ...], sentence: str) -> None:
    # a terminal's width breaks lines of the usage errors
    assert sentence in " ".join(refused(*FLAGS, *flags).replace("│", " ").split())


def test_a_plan_is_read_from_standard_input() -> None:
    load = ("simulate", "--arrival-rate", "5", "--plan", "-", "--also-add-workers", "1", "--json")
    result = cli(*load, input=codec.dumps(response()))
    assert result.exit_code in {0, 3}, result.output
    assert [item["scenario"]["plan"]["current_workers"] for item in json.loads(result.stdout)] == [10, 11]
    for text, told in (("", "--plan - is empty."), ("{", "--plan - is no JSON"), ("[]", "--plan - is no plan.")):
        error = cli(*load, input=text)
        assert (error.exit_code, error.stdout) == (2, "")
        assert told in error.stderr
        assert "Give a plan as `capacity-planner plan --json` prints it." in error.stderr


def test_a_plan_is_json_whatever_its_suffix(tmp_path: Path) -> None:
    for name in ("plan", "plan.txt", "plan.yaml"):
        path = written(tmp_path / name, codec.dumps(response()))
        assert answer("--arrival-rate", "5", "--plan", path).scenario.plan == response().plan
    for name in ("no.json", "./no.toml", "../no/where"):
        sentence = "cannot be read: No such file or directory. Give a plan as"
        shown = name.removeprefix("./")
        assert f"--plan {shown} {sentence}" in refused("--arrival-rate", "5", "--plan", name)


def test_wrong_names_come_first(tmp_path: Path) -> None:
    error = refused(written(tmp_path / "a.toml", 'duraton = "1h"\nworkers = 5\n'))
    assert error.index("duraton is not a field here. Did you mean duration?") < error.index("There is no plan")


def test_help_says_what_json_prints() -> None:
    text = " ".join(cli("simulate", "--help", env={"COLUMNS": "200"}).stdout.split())
    assert "--json prints one object for one scenario, and a list for several." in text
    assert "jq '[.] | flatten | .[].summary.slo_achievement'" in text
    assert "0s is never" in text
