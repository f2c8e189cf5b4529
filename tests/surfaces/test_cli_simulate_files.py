"""``simulate``: scenario files of every format, several scenarios, what overrides what, and what does not fit."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from capacity_planner import codec
from capacity_planner.domain.simulation import Simulation
from tests.surfaces._made import MINUTE, NOW, cli, response
from tests.surfaces.test_cli_simulate import answer, answers

EXAMPLES = Path(__file__).parents[2] / "examples" / "scenarios"
SECOND = timedelta(seconds=1)
TOML = """
duration = "20m"
start = 2026-01-31T12:00:00Z
scale = 2
[traffic_pattern]
base_rate = 1.0
spikes = [{ start_time = "5m", duration = "5m", magnitude = 2, shape = "bell" }]
[plan]
workers = 4
steps = [{ at = "10m", workers = 6 }]
service_time = "1s"
service_time_std = "500ms"
slo = { p95_latency = "8s" }
"""
YAML = """
duration: 20m
start: 2026-01-31T12:00:00Z
scale: 2
traffic_pattern:
  base_rate: 1.0
  spikes: [{start_time: 5m, duration: 5m, magnitude: 2, shape: bell}]
plan:
  workers: 4
  steps: [{at: 10m, workers: 6}]
  service_time: 1s
  service_time_std: 500ms
  slo: {p95_latency: 8s}
"""
JSON: dict[str, Any] = {
    "duration": 1_200_000_000_000,
    "start": "2026-01-31T12:00:00Z",
    "scale": 2,
    "traffic_pattern": {
        "base_rate": 1.0,
        "spikes": [{"start_time": "5m", "duration": "5m", "magnitude": 2, "shape": "bell"}],
    },
    "plan": {
        "workers": 4,
        "steps": [{"at": "10m", "workers": 6}],
        "service_time": 1_000_000_000,
        "service_time_std": "500ms",
        "slo": {"p95_latency": "8s"},
    },
}
SEVERAL = f"""
slo = {{ error_budget = 0.5, p95_latency = "9s" }}
{TOML}
[[scenarios]]
name = "kept"

[[scenarios]]
plan = {{ workers = 9 }}
slo = {{ error_budget = 0.25 }}

[[scenarios]]
name = "more"
description = "A fifth more."
plan = {{ add_workers = "20%", startup_delay = "1m" }}
traffic_pattern = {{ base_rate = 2.0 }}
"""


def written(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def refused(*arguments: str) -> str:
    """What is told, after a look at how."""
    result = cli("simulate", *arguments)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert "Traceback" not in result.stderr
    return result.stderr


@pytest.mark.parametrize(
    ("name", "text"), [("a.toml", TOML), ("a.yaml", YAML), ("a.yml", YAML), ("a.json", json.dumps(JSON))]
)
def test_every_format_says_the_same(tmp_path: Path, name: str, text: str) -> None:
    scenario = answer(written(tmp_path / name, text)).scenario
    assert (scenario.name, scenario.duration, scenario.start) == ("a", 20 * MINUTE, NOW)
    pattern, plan = scenario.traffic_pattern, scenario.plan
    assert pattern is not None
    assert (pattern.base_rate, pattern.spikes[0].start_time, pattern.spikes[0].magnitude) == (2.0, NOW + 5 * MINUTE, 2)
    assert (plan.current_workers, plan.service_time, plan.service_time_std) == (4, SECOND, SECOND / 2)
    assert [(step.scheduled_at, step.to_workers) for step in plan.steps] == [(NOW + 10 * MINUTE, 6)]
    assert plan.slo.p95_latency == 8 * SECOND


def test_several_scenarios_share_what_stands_above(tmp_path: Path) -> None:
    kept, other, more = (item.scenario for item in answers(written(tmp_path / "a.toml", SEVERAL)))
    assert [kept.name, other.name, more.name] == ["kept", "a 2", "more"]
    assert [len(item.plan.steps) for item in (kept, other, more)] == [1, 0, 1]
    assert (other.plan.current_workers, more.plan.current_workers, more.plan.steps[0].to_workers) == (9, 5, 8)
    assert [item.plan.slo.error_budget for item in (kept, other, more)] == [0.5, 0.25, 0.5]
    assert {item.plan.slo.p95_latency for item in (kept, other, more)} == {9 * SECOND}
    assert more.traffic_pattern is not None
    assert (more.traffic_pattern.base_rate, len(more.traffic_pattern.spikes)) == (4.0, 1)
    assert (more.plan.startup_delay, more.description) == (MINUTE, "A fifth more.")


def test_flags_override_every_scenario(tmp_path: Path) -> None:
    flags = ("--arrival-rate", "0.5", "--service-time", "2s", "--p95", "5s", "--duration", "15m", "--scale", "1")
    for item in answers(written(tmp_path / "a.toml", SEVERAL), *flags, "--spike", "1m+1m:x3"):
        scenario = item.scenario
        assert scenario.traffic_pattern is not None
        assert (scenario.traffic_pattern.base_rate, len(scenario.traffic_pattern.spikes)) == (0.5, 1)
        assert (scenario.service_time, scenario.duration) == (2 * SECOND, 15 * MINUTE)
        assert scenario.plan.slo.p95_latency == 5 * SECOND
        assert scenario.plan.service_time == SECOND
    assert {item.scenario.plan.steps for item in answers(written(tmp_path / "b.toml", SEVERAL), "--workers", "3")} == {
        ()
    }


def test_several_files_are_compared(tmp_path: Path) -> None:
    paths = [written(tmp_path / name, TOML) for name in ("a.toml", "b.toml")]
    (tmp_path / "more").mkdir()
    found = answers(*paths, written(tmp_path / "more" / "a.toml", TOML))
    assert [item.scenario.name for item in found] == ["a", "b", "a (2)"]


def test_a_plan_lies_beside_its_scenario(tmp_path: Path) -> None:
    written(tmp_path / "plan.json", codec.dumps(response()))
    text = 'plan_file = "plan.json"\nplan = { add_workers = 3 }\nslo = { max_backlog = 9 }\n'
    scenario = answer(written(tmp_path / "a.toml", f"{text}[traffic_pattern]\nbase_rate = 5.0")).scenario
    assert (scenario.plan.current_workers, scenario.plan.steps[-1].to_workers) == (13, 43)
    assert scenario.plan.slo == response().plan.slo
    assert scenario.slo_override is not None
    assert (scenario.slo_override.max_backlog, scenario.slo_override.error_budget) == (9, 0.01)
    assert "a.toml: plan_file is 'no.json'" not in refused(
        written(tmp_path / "b.toml", 'plan_file = "no.json"\n[traffic_pattern]\nbase_rate = 1.0')
    )


def test_a_whole_plan_may_stand_in_a_file(tmp_path: Path) -> None:
    body = {"plan": codec.encode(response().plan), "traffic_pattern": {"base_rate": 5}, "duration": "10m"}
    assert answer(written(tmp_path / "a.json", json.dumps(body))).scenario.plan == response().plan
    body["plan"]["target_workers"] = -1
    assert "a.json: plan.target_workers is -1" in refused(written(tmp_path / "a.json", json.dumps(body)))


def test_what_simulate_prints_can_be_tried_again(tmp_path: Path) -> None:
    found = answers(written(tmp_path / "a.toml", SEVERAL))
    again = answers(written(tmp_path / "b.json", json.dumps([codec.encode(item) for item in found])))
    assert [item.scenario for item in again] == [item.scenario for item in found]
    assert [item.id for item in again] == [item.id for item in found]
    assert answer(written(tmp_path / "c.json", codec.dumps(found[0]))).summary == found[0].summary


def test_a_trace_is_replayed(tmp_path: Path) -> None:
    text = (
        TOML.replace("base_rate = 1.0", "base_rate = 1.0\n")
        + '[[scenarios]]\ntrace = {counts = [60, 0, 30, 0], interval = "5m"}'
    )
    found = answer(written(tmp_path / "a.toml", text))
    assert found.scenario.traffic_pattern is None
    assert found.summary.jobs == 180
    times = text.replace('counts = [60, 0, 30, 0], interval = "5m"', "arrival_times = [1.0, 2.0]")
    assert "measured arrival_times cannot have" in refused(written(tmp_path / "a.toml", times))


def test_a_start_with_the_plan_is_known(tmp_path: Path) -> None:
    text = TOML.replace("start = ", "# ").replace("[plan]", "[plan]\ngenerated_at = 2026-01-01T00:00:00Z")
    scenario = answer(written(tmp_path / "a.toml", text)).scenario
    assert (scenario.start, scenario.plan.generated_at) == (None, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("name", ["black_friday.toml", "what_if.toml"])
def test_the_examples_are_as_they_say(name: str) -> None:
    result = cli("simulate", str(EXAMPLES / name), "--json", "--scale", "0.02", "--p95", "9s", "--service-time", "2s")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    found = [codec.validate(Simulation, item) for item in (told if isinstance(told, list) else [told])]
    lengths = {"black_friday.toml": (1, 6, 72), "what_if.toml": (2, 24, 96)}[name]
    assert (len(found), found[0].scenario.duration // timedelta(hours=1), len(found[0].timeline)) == lengths
