"""A plan never breaks a limit, whatever is asked, and does not flap on noise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity_planner import (
    SLO,
    CapacityPlan,
    CapacityPlanner,
    Metrics,
    PlannerConfig,
    PlannerError,
    PlanRequest,
    ScalingAction,
)

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@st.composite
def requests(draw: st.DrawFn) -> PlanRequest:
    least = draw(st.integers(0, 20))
    config = PlannerConfig(
        min_workers=least,
        max_workers=draw(st.integers(max(least, 1), 200)),
        max_step_size=draw(st.integers(1, 30)),
        cooldown_period=draw(st.sampled_from([0, 1, 5, 12])) * MINUTE,
        scale_up_cooldown=draw(st.sampled_from([None, 0 * MINUTE, 3 * MINUTE])),
        startup_delay=timedelta(seconds=draw(st.sampled_from([0, 45, 300, 900]))),
        forecast_window=draw(st.sampled_from([10, 30, 60])) * MINUTE,
        plan_interval=draw(st.sampled_from([1, 5])) * MINUTE,
        worker_concurrency=draw(st.sampled_from([1, 1, 3])),
        violation_cost_per_hour=draw(st.sampled_from([0.0, 5.0, 100.0, 10_000.0])),
    )
    level, swing = draw(st.floats(0.0, 30.0)), draw(st.floats(0.0, 1.0))
    dice = np.random.default_rng(draw(st.integers(0, 10_000)))
    wave = level * (1.0 + swing * np.sin(np.arange(60) / draw(st.integers(3, 60))))
    history = tuple(
        Metrics(timestamp=NOON - (60 - at) * MINUTE, arrival_rate=float(dice.poisson(rate * 60.0)) / 60.0)
        for at, rate in enumerate(wave)
    )
    service = timedelta(seconds=draw(st.sampled_from([0.2, 2.0, 90.0])))
    now = Metrics(
        timestamp=NOON,
        arrival_rate=draw(st.floats(0.0, 60.0)),
        service_time=service,
        current_workers=draw(st.integers(0, 250)),
        backlog=draw(st.sampled_from([0, 0, 7, 3_000])),
        utilization=draw(st.sampled_from([0.0, 0.5, 1.0])),
    )
    slo = SLO(p95_latency=4 * service, error_budget=draw(st.sampled_from([0.0, 0.2])))
    return PlanRequest(current_metrics=now, slo=slo, config=config, history=history, force_regen=draw(st.booleans()))


def planned(request: PlanRequest, planner: CapacityPlanner | None = None) -> CapacityPlan:
    try:
        return (planner or CapacityPlanner()).generate_plan(request).plan
    except PlannerError as error:
        plan: CapacityPlan = error.response.plan
        return plan


@settings(max_examples=120, deadline=None)
@given(requests())
def test_a_plan_never_breaks_a_limit(request: PlanRequest) -> None:
    plan, config = planned(request), request.config or PlannerConfig()
    steps = [step for step in plan.steps if step.action is not ScalingAction.NO_CHANGE]
    level, end = plan.current_workers, plan.generated_at + config.forecast_window
    for step in steps:
        assert step.from_workers == level, "steps join up"
        assert step.delta == step.to_workers - step.from_workers != 0
        assert abs(step.delta) <= config.max_step_size
        assert (step.delta > 0) == (step.action is ScalingAction.SCALE_UP)
        assert plan.generated_at <= step.scheduled_at < end
        assert step.to_workers <= max(config.max_workers, step.from_workers), "never above, but on the way down"
        assert step.to_workers >= min(config.min_workers, step.from_workers), "never below, but on the way up"
        assert 0.0 <= step.confidence <= 1.0
        level = step.to_workers
    for before, after in pairwise(steps):
        wait = config.cooldown_up if after.delta > 0 else config.cooldown_period
        assert after.scheduled_at - before.scheduled_at >= max(wait, MINUTE)
    assert [step.sequence for step in plan.steps] == list(range(1, len(plan.steps) + 1))
    assert 0.0 <= plan.confidence <= 1.0


@settings(max_examples=25, deadline=None)
@given(requests())
def test_the_same_question_has_the_same_plan(request: PlanRequest) -> None:
    assert planned(request) == planned(request)


@pytest.mark.slow
@pytest.mark.parametrize(("service", "load"), [(2.0, 20.0), (10.0, 8.0), (10.0, 40.0), (60.0, 40.0)])
def test_stationary_noise_moves_the_pool_at_most_once_an_hour(service: float, load: float) -> None:
    """A day of Poisson traffic at one level, replanned every five minutes, each step carried out when it is due."""
    dice = np.random.default_rng(4)
    five, planner = timedelta(minutes=5), CapacityPlanner()
    workers, actions, pending = round(load / 0.7), 0, dict[datetime, int]()
    for sample in range(2 * 288):
        now = NOON + sample * five
        for at in sorted(at for at in pending if at <= now):
            workers, actions = pending.pop(at), actions + (sample >= 288)
            planner.record_scaling(workers, at)
        rate = float(dice.poisson(load / service * 300.0)) / 300.0
        metrics = Metrics(
            timestamp=now, arrival_rate=rate, service_time=timedelta(seconds=service), current_workers=workers
        )
        if sample < 288:
            planner.observe(metrics)
            continue
        plan = planned(
            PlanRequest(current_metrics=metrics, slo=SLO(p95_latency=timedelta(seconds=5 * service))), planner
        )
        pending = {
            step.scheduled_at: step.to_workers for step in plan.steps if step.delta and step.scheduled_at < now + five
        }
        if now in pending:
            workers, actions = pending.pop(now), actions + 1
            planner.record_scaling(workers, now)
    assert actions <= 24
