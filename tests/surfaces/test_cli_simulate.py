"""``simulate``: from flags; its result as text and as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from capacity_planner import codec
from capacity_planner.domain.scenario import ServiceFamily
from capacity_planner.domain.simulation import Simulation
from capacity_planner.domain.traffic import PatternType, SpikeShape
from tests.surfaces._made import MINUTE, NOW, cli, history, response

if TYPE_CHECKING:
    from pathlib import Path

START = ("--start", "2026-01-31T12:00:00Z")
FLAGS = ("--workers", "6", "--arrival-rate", "3", "--service-time", "1s", "--p95", "8s", "--duration", "30m", *START)
SECOND = timedelta(seconds=1)


def answers(*arguments: str) -> list[Simulation]:
    result = cli("simulate", *arguments, "--json")
    assert result.exit_code in {0, 3}, result.output
    told = json.loads(result.stdout)
    return [codec.validate(Simulation, item) for item in (told if isinstance(told, list) else [told])]


def answer(*arguments: str) -> Simulation:
    (only,) = answers(*arguments)
    return only


def test_flags_alone_make_the_scenario() -> None:
    found = answer(*FLAGS, "--step", "10m=9", "--step", "2026-01-31T12:20:00Z=4", "--backlog", "5", "--seed", "7")
    scenario, plan = found.scenario, found.scenario.plan
    assert (plan.current_workers, plan.target_workers, plan.generated_at) == (6, 9, NOW)
    assert [(step.scheduled_at - NOW, step.from_workers, step.to_workers) for step in plan.steps] == [
        (10 * MINUTE, 6, 9),
        (20 * MINUTE, 9, 4),
    ]
    assert plan.slo.p95_latency == 8 * SECOND
    assert (scenario.initial_backlog, scenario.seed, scenario.service_time) == (5, 7, SECOND)
    assert [point.workers for point in found.timeline] == [6, 6, 9, 9, 4, 4]


def test_every_flag_reaches_the_scenario() -> None:
    traffic = (
        "--pattern daily --amplitude 1 --period 12h --trend -0.5 --noise 0.2 --noise-period 1m --batch-size 2 --scale 2"
    )
    service = "--service-time-std 2s --service-time-p95 4s --service-family hyperexponential --patience 20s"
    slo = "--max-backlog 90 --drain-time 5m --error-budget 0.1 --availability 0.95"
    rest = "--granularity 10m --replications 3 --startup-delay 1m --concurrency 2 --add-workers 50% --queue-name mail"
    spikes = ("--spike", "5m+10m:x3:bell", "--spike", "2026-01-31T12:20:00+00:00+1m:x0.5")
    found = answer(*FLAGS, *f"{traffic} {service} {slo} {rest}".split(), *spikes)
    scenario = found.scenario
    pattern = scenario.traffic_pattern
    assert pattern is not None
    assert (pattern.type, pattern.base_rate, pattern.amplitude, pattern.trend) == (PatternType.DAILY, 6, 2, -1)
    assert (pattern.period, pattern.noise, scenario.batch_size) == (timedelta(hours=12), 0.2, 2)
    assert pattern.noise_period == MINUTE
    assert [(item.start_time - NOW, item.duration, item.magnitude, item.shape) for item in pattern.spikes] == [
        (5 * MINUTE, 10 * MINUTE, 3.0, SpikeShape.BELL),
        (20 * MINUTE, MINUTE, 0.5, SpikeShape.INSTANT),
    ]
    assert (scenario.service_time_std, scenario.service_time_p95) == (2 * SECOND, 4 * SECOND)
    assert (scenario.service_family, scenario.patience) == (ServiceFamily.HYPEREXPONENTIAL, 20 * SECOND)
    plan = scenario.plan
    assert (plan.slo.max_backlog, plan.slo.drain_time, plan.slo.error_budget) == (90, 5 * MINUTE, 0.1)
    assert (scenario.granularity, scenario.replications, scenario.startup_delay) == (10 * MINUTE, 3, MINUTE)
    assert (plan.worker_concurrency, plan.current_workers, plan.queue_name) == (2, 9, "mail")
    assert len(found.confidence_intervals) > 5


def test_the_same_flags_give_the_same_result() -> None:
    one, two = answer(*FLAGS), answer(*FLAGS)
    assert (one.id, one.summary, one.scenario.plan.id) == (two.id, two.summary, two.scenario.plan.id)
    assert answer(*FLAGS, "--seed", "1").summary != one.summary


def test_prices_come_from_flags_and_settings(tmp_path: Path) -> None:
    settings_file = tmp_path / "settings.toml"
    settings_file.write_text('[planner]\nworker_cost_per_hour = 3\nworker_concurrency = 2\n[slo]\np95_latency = "9s"\n')
    assert answer(*FLAGS, "--worker-cost", "2").summary.total_cost == pytest.approx(6.0)
    flags = [item for item in FLAGS if item not in {"--p95", "8s"}]
    found = answer(*flags, "--config", str(settings_file))
    assert found.summary.total_cost == pytest.approx(9.0)
    assert (found.scenario.plan.slo.p95_latency, found.scenario.plan.worker_concurrency) == (9 * SECOND, 2)


def test_a_broken_slo_is_exit_code_3_and_printed_all_the_same() -> None:
    broken = cli("simulate", *FLAGS, "--workers", "2")
    assert broken.exit_code == 3
    for words in ("2 workers: SLO ", "Violations", "critical", "error budget used", "for violations"):
        assert words in broken.stdout
    assert cli("simulate", *FLAGS, "--workers", "2", "--error-budget", "1").exit_code == 0
    assert cli("simulate", *FLAGS).exit_code == 0


def test_more_workers_are_tried_side_by_side() -> None:
    found = answers(*FLAGS, "--workers", "3", "--also-add-workers", "100%", "--also-add-workers", "-1")
    assert [item.scenario.name for item in found] == ["3 workers", "3 workers, +100 % workers", "3 workers, -1 worker"]
    assert [item.scenario.plan.current_workers for item in found] == [3, 6, 2]
    assert len({item.summary.jobs for item in found}) == 1
    text = cli("simulate", *FLAGS, "--workers", "2", "--also-add-workers", "100%")
    assert text.exit_code == 3
    assert "1 of 2 keeps the SLO: 2 workers, +100 % workers, $1.00" in text.stdout


def test_a_plan_is_tried_as_plan_json_printed_it(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(codec.dumps(response()), encoding="utf-8")
    load = ("--arrival-rate", "5", "--plan", str(path))
    found = answer(*load)
    assert found.scenario.plan == response().plan
    assert (found.scenario.duration, found.scenario.slo_override) == (response().plan.forecast_window, None)
    path.write_text(codec.dumps(response().plan, durations="ns"), encoding="utf-8")
    assert answer(*load).scenario.plan == response().plan
    more = answer(*load, "--add-workers", "20%", "--p95", "3s").scenario
    assert (more.plan.current_workers, [step.to_workers for step in more.plan.steps]) == (12, [30, 48])
    assert more.plan.id != response().plan.id
    assert more.slo_override is not None
    assert (more.slo_override.p95_latency, more.slo_override.max_backlog) == (3 * SECOND, 500)
    hand = answer(*load, "--workers", "8").scenario.plan
    assert (hand.current_workers, hand.steps, hand.service_time) == (8, (), 2 * SECOND)
    stepped = answer(*load, "--step", "5m=9").scenario.plan
    assert [(step.from_workers, step.to_workers) for step in stepped.steps] == [(10, 9)]


def test_the_pattern_of_a_history_is_simulated(tmp_path: Path) -> None:
    path = str(history(tmp_path / "history.csv", samples=900))
    flags = ("--workers", "4", "--service-time", "1s", "--p95", "8s", "--duration", "1h", "--history", path)
    result = cli("simulate", *flags)
    assert "found " in result.stderr
    scenario = answer(*flags, "--noise", "0").scenario
    assert scenario.plan.generated_at == NOW
    assert scenario.traffic_pattern is not None
    assert scenario.traffic_pattern.noise == 0
    assert 0.9 < scenario.traffic_pattern.base_rate < 1.3


def test_the_counts_of_a_history_are_replayed(tmp_path: Path) -> None:
    path = str(history(tmp_path / "history.csv"))
    flags = ("--workers", "4", "--service-time", "1s", "--p95", "8s", "--history", path, "--replay")
    whole = answer(*flags)
    assert (whole.scenario.plan.generated_at, whole.scenario.duration) == (NOW - 1500 * MINUTE, 1500 * MINUTE)
    assert whole.summary.jobs == sum(300 + index % 60 for index in range(300))
    part = answer(*flags, "--start", "2026-01-31T11:00:00Z", "--scale", "1.5")
    assert part.scenario.duration == timedelta(hours=1)
    assert part.summary.jobs == pytest.approx(1.5 * sum(300 + index % 60 for index in range(288, 300)), abs=1)
    later = cli("simulate", *flags, "--start", "2026-02-01T11:00:00Z", "--duration", "1h")
    assert "2026-01-31T11:00:00Z to 2026-01-31T12:00:00Z is replayed" in later.stderr
    early = cli("simulate", *flags, "--start", "2020-01-01T00:00:00Z", "--duration", "1h")
    assert (early.exit_code, early.stdout) == (2, "")
    assert "--replay needs 1h from 2020-01-01T00:00:00Z" in early.stderr


def test_what_is_assumed_is_told() -> None:
    flags = ("--workers", "1", "--arrival-rate", "0.1", "--service-time", "1s", "--duration", "10m")
    result = cli("simulate", *flags)
    assert result.exit_code == 0
    assert f"taking {datetime.now(UTC):%Y-%m}" in result.stderr
    assert "no target is set" in result.stderr
    assert "no SLO to keep" in result.stdout


def test_nanoseconds_are_written_for_go() -> None:
    result = cli("simulate", *FLAGS, "--json", "--durations", "ns")
    assert json.loads(result.stdout)["scenario"]["duration"] == 1_800_000_000_000
    assert codec.decode(Simulation, result.stdout).scenario.duration == 30 * MINUTE
