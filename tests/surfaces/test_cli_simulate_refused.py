"""``simulate``: what does not fit is told at once, with file or flag, field, value and remedy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capacity_planner import codec
from tests.surfaces._made import cli, response
from tests.surfaces.test_cli_simulate import FLAGS
from tests.surfaces.test_cli_simulate_files import JSON, SEVERAL, TOML, YAML, refused, written

if TYPE_CHECKING:
    from pathlib import Path

WRONG = {
    "duration = 5": "a.toml: duration is 5, which is not a duration",
    'granularity = "1h"': "a.toml: granularity is 1h, which is longer than duration 20m",
    "batch = 2": "a.toml: batch is not a field here. Did you mean batch_size?",
    'scale = "much"': "a.toml: scale is 'much', which must be a number",
    "slo = 5": "a.toml: slo is 5, which is no table",
    "slo = { p95_latency = 5 }": "a.toml: slo.p95_latency is 5, which is not a duration",
    "slo = { error_budget = 2 }": "a.toml: slo.error_budget is 2, which must be at most 1",
    "plan = { workers = 1, steps = [{ at = 10, workers = 1 }] }": "a.toml: plan.steps.0.at is 10, which is neither",
    'plan = { workers = 1, steps = [{ at = "-1m", workers = 1 }] }': "which is before the start",
    'plan = { workers = 1, steps = [{ at = "1m", workers = 1 }, { at = "60s", workers = 2 }] }': "has a step already",
    'plan = { workers = 1, steps = [{ at = "1m" }] }': "which is no step",
    'plan = { workers = 1, steps = "later" }': "a.toml: plan.steps is 'later', which is no list",
    "plan = { workers = 1.5 }": "a.toml: plan.workers is 1.5, which is not a whole number",
    'plan = { workers = 1, add_workers = "many" }': "a.toml: plan.add_workers is 'many'",
    "plan = { worker = 1 }": "a.toml: plan.worker is not a field here. Did you mean workers?",
    "plan = 7": "a.toml: plan is 7, which is no table",
    'plan_file = "no.json"': "no.json cannot be read: No such file",
    "plan_file = 5": "a.toml: plan_file is 5, which is no path",
    "traffic_pattern = { base_rate = 1, noise = 3 }": "a.toml: traffic_pattern.noise is 3, which must be at most 1",
    'traffic_pattern = { type = "dayly" }': "a.toml: traffic_pattern.type is 'dayly'",
    'traffic_pattern = { base_rate = 1, spikes = [{ start_time = "9h", duration = "1m", magnitude = 2 }] }': "outside",
    'start = "noon"': "a.toml: start is 'noon', which is not an instant",
    "name = 5": "a.toml: name is 5, which is not a text",
    "scenarios = 5": "a.toml has something else than tables in scenarios",
    "scenarios = []": "a.toml has something else than tables in scenarios",
    "[[": "a.toml is no TOML",
    "duraton = 5": "a.toml: duraton is not a field here. Did you mean duration?",
    'plan = { workers = 1, slo = { p95 = "5s" } }': "plan.slo.p95 is not a field here. Did you mean p95_latency?",
    "slo_override = { budget = 1 }": "a.toml: slo_override.budget is not a field here",
    "traffic_pattern = 5": "a.toml: traffic_pattern is 5, which is no table.",
    "trace = 5": "a.toml: trace is 5, which is no table.",
    "seed = 2026-01-01": "a.toml: seed is 2026-01-01",
    "start = 2026-01-01T00:00:00": "a.toml: start is 2026-01-01T00:00:00, which has no time zone",
}
FINE = {
    "duration": '"20m"',
    "start": "2026-01-31T12:00:00Z",
    "traffic_pattern": "{ base_rate = 1.0 }",
    "plan": '{ workers = 2, service_time = "1s" }',
}


@pytest.mark.parametrize(("line", "told"), WRONG.items(), ids=list(WRONG))
def test_what_does_not_fit_is_told_with_file_field_and_remedy(tmp_path: Path, line: str, told: str) -> None:
    name = line.partition(" ")[0]
    rest = [f"{key} = {value}" for key, value in FINE.items() if key != name and (key, name) != ("plan", "plan_file")]
    assert told in refused(written(tmp_path / "a.toml", "\n".join([*rest, line])))


def test_all_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    bad = SEVERAL.replace('duration = "20m"', "duration = 5").replace("workers = 9", "workers = -9")
    text = refused(
        written(tmp_path / "a.toml", bad), written(tmp_path / "b.yaml", YAML.replace("base_rate: 1.0", "base_rate: no"))
    )
    assert "3 problems; nothing was simulated." in text
    for words in ("a.toml: duration is 5", "a.toml [a 2]: plan.workers is -9", "b.yaml: traffic_pattern.base_rate is"):
        assert text.count(words) == 1
    unread = refused(str(tmp_path / "no.toml"), str(tmp_path / "x.csv"), written(tmp_path / "c.json", "[1]"))
    assert "no.toml cannot be read: No such file or directory." in unread
    assert "x.csv is no .toml" in unread
    assert "c.json has something else than tables" in unread


def test_problems_are_listed_for_programs(tmp_path: Path) -> None:
    result = cli("simulate", written(tmp_path / "a.toml", TOML.replace("workers = 4", "workers = -4")), "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    told = json.loads(result.stderr)
    assert (told["code"], told["details"]["value"]) == ("CONFIG_INVALID", "-4")
    assert told["details"]["errors"][0]["field"].endswith("a.toml: plan.workers")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.yaml", "plan: {workers: 1}\nplan: {workers: 2}", "plan is written twice"),
        ("a.yaml", "- 1", "a.yaml has no tables, but a list. Write it under a name, such as scenarios."),
        ("a.toml", "duration = 1h", 'Write durations in quotes, such as "1h30m".'),
        ("a.json", '{"name": "a", "name": "b"}', "a.json is no JSON: name is written twice"),
        ("a.json", "5", "a.json is no JSON object"),
        ("a.json", "{", "a.json is no JSON"),
        ("a.json", codec.dumps(response()), "is a plan, not a scenario. Give it with --plan."),
        ("a.json", json.dumps({**JSON, "duration": 900}), "below 1 µs"),
    ],
)
def test_files_that_cannot_be_read_are_a_sentence(tmp_path: Path, name: str, text: str, told: str) -> None:
    error = refused(written(tmp_path / name, text))
    assert told in error
    assert "config init" not in error


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--workers", "5"), "There is no traffic. Give --arrival-rate"),
        (("--arrival-rate", "5"), "There is no plan. Give --workers 10"),
        (
            ("--workers", "5", "--arrival-rate", "5", *FLAGS[-2:]),
            ": No service time is known. Give --service-time, such as 2s.",
        ),
        ((*FLAGS, "--workers", "-5"), "--workers is -5, which must be at least 0"),
        ((*FLAGS, "--noise", "2"), "--noise is 2.0, which must be at most 1"),
        ((*FLAGS, "--granularity", "2h"), "--granularity is 2h, which is longer than duration 30m"),
        ((*FLAGS, "--spike", "9h+1m:x2"), "--spike 9h+1m:x2 is outside the simulated time"),
        ((*FLAGS, "--spike", "soon+1m:x2"), "--spike soon+1m:x2: 'soon' is neither"),
        ((*FLAGS, "--spike", "1m+1m:x2:round"), "unknown shape 'round'"),
        ((*FLAGS, "--spike", "1m+1:x2"), "has the duration '1', which has no unit"),
        ((*FLAGS, "--spike", "1m+1m:xx"), "has no number after x"),
        ((*FLAGS, "--spike", "1m"), "Write START+DURATION:xN[:SHAPE]"),
        ((*FLAGS, "--step", "1m"), "--step is '1m', which is no step"),
        ((*FLAGS, "--step", "never=5"), "--step never=5: 'never' is neither"),
        ((*FLAGS, "--also-add-workers", "x"), "--also-add-workers is 'x'"),
        ((*FLAGS, "--add-workers", "99999999"), "must be at most 1,000,000"),
        ((*FLAGS, "--replay"), "--replay replays a history, and there is none"),
        ((*FLAGS, "--timeout", "5"), "--timeout is '5', which has no unit"),
        ((*FLAGS, "--start", "noon"), "--start is 'noon', which is not an instant"),
        ((*FLAGS, "--seed", "-1"), "--seed is -1"),
        ((*FLAGS, "--plan", "no.json"), "no.json cannot be read"),
        ((*FLAGS, "--plot", "a.gif"), "a.gif"),
        ((*FLAGS, "--history", "no.csv"), "no.csv"),
        ((*FLAGS, "--arrival-rate", "1e9", "--duration", "9999h"), "more than 1e+10 are too many"),
        ((*FLAGS, "--service-family", "gamma"), "but"),
    ],
)
def test_flags_that_do_not_fit_are_a_sentence(arguments: tuple[str, ...], told: str) -> None:
    assert told in refused(*arguments)


ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 50)
    | st.floats()
    | st.sampled_from(["", "5s", "20%", "10m", "daily", "x"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["at", "workers", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)
FIELDS = (
    *("duration", "granularity", "start", "name", "scale", "slo", "slo_override", "plan", "plan_file", "trace"),
    *("traffic_pattern", "replications", "service_time", "scenarios", "scenario", "timeline", "batch_size"),
    *("plan.workers", "plan.steps", "plan.add_workers", "plan.slo", "plan.service_time", "plan.generated_at"),
    *("plan.current_workers", "plan.queue_name", "traffic_pattern.spikes", "traffic_pattern.type"),
    *("traffic_pattern.rates", "traffic_pattern.base_rate", "traffic_pattern.trend", "trace.counts"),
)


@pytest.mark.slow
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.sampled_from(FIELDS), ODD), min_size=1, max_size=3))
def test_no_file_makes_a_traceback(tmp_path: Path, changes: list[tuple[str, Any]]) -> None:
    body = json.loads(json.dumps({**JSON, "duration": "10m"}))
    for name, value in changes:
        table, _, inner = name.rpartition(".")
        if not table:
            body[name] = value
        elif isinstance(body.setdefault(table, {}), dict):
            body[table][inner] = value
    for suffix in ("json", "yaml"):
        result = cli("simulate", written(tmp_path / f"a.{suffix}", json.dumps(body)), "--timeout", "5s")
        assert result.exit_code in {0, 2, 3}, result.output
        assert "Traceback" not in result.output
