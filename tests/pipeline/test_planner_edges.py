"""Ordinary inputs that are easily forgotten, and huge ones: a whole plan that travels, or a clear error."""

from __future__ import annotations

import contextlib
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity_planner import (
    SLO,
    CapacityPlan,
    CapacityPlanner,
    ErrorCode,
    Metrics,
    PlannerConfig,
    PlannerError,
    PlanRequest,
    PlanResponse,
    codec,
)
from capacity_planner.fields import LATEST
from capacity_planner.units import UNBOUNDED

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
FIVE = timedelta(minutes=5)
TARGET = SLO(p95_latency=timedelta(seconds=10))
SECONDS = timedelta(seconds=1)


def sample(rate: float = 10.0, *, at: datetime = NOON, workers: int = 30, **facts: Any) -> Metrics:
    facts.setdefault("service_time", 2 * SECONDS)
    return Metrics(timestamp=at, arrival_rate=rate, current_workers=workers, **facts)


def whole(response: PlanResponse, config: PlannerConfig) -> CapacityPlan:
    """What holds of every answer."""
    for durations in ("text", "ns"):
        kind: Literal["text", "ns"] = "ns" if durations == "ns" else "text"
        assert codec.decode(PlanResponse, codec.dumps(response, durations=kind)) == response
    assert codec.validate(PlanResponse, response) == response
    plan = response.plan
    intervals = int(config.forecast_window / config.plan_interval)
    assert len(response.forecast) == len(plan.required) == intervals
    assert plan.generated_at < plan.valid_until
    assert plan.delta == plan.target_workers - plan.current_workers
    assert plan.steps[0].from_workers == plan.current_workers
    assert all(later.from_workers == sooner.to_workers for sooner, later in pairwise(plan.steps))
    assert all(later.scheduled_at > sooner.scheduled_at for sooner, later in pairwise(plan.steps))
    assert [step.sequence for step in plan.steps] == list(range(1, len(plan.steps) + 1))
    for step in plan.steps:
        assert step.delta == step.to_workers - step.from_workers
        assert abs(step.delta) <= config.max_step_size
        assert step.action == ("scale_up" if step.delta > 0 else "scale_down" if step.delta < 0 else "no_change")
        assert step.estimated_cost == pytest.approx(step.to_workers * config.worker_cost_per_hour)
        assert step.rationale
        inside = config.min_workers <= step.from_workers <= config.max_workers
        assert not inside or config.min_workers <= step.to_workers <= config.max_workers
    for item in response.forecast:
        assert item.lower <= item.arrival_rate <= item.upper
    assert plan.rationale
    return plan


def plan_for(metrics: Metrics, *, config: PlannerConfig | None = None, **options: Any) -> CapacityPlan:
    settled = config or PlannerConfig()
    options.setdefault("slo", TARGET)
    return whole(CapacityPlanner(settled).generate_plan(PlanRequest(current_metrics=metrics, **options)), settled)


def test_a_first_call_without_history_has_a_plan_of_which_nobody_is_sure() -> None:
    plan = plan_for(sample())
    assert plan.slo_achievable
    assert plan.confidence == 0.5


def test_an_empty_history_is_one_sample() -> None:
    assert plan_for(sample(), history=()) == plan_for(sample())


def test_no_workers_at_all_is_a_beginning() -> None:
    plan = plan_for(sample(workers=0))
    assert (plan.current_workers, plan.steps[0].action) == (0, "scale_up")
    assert plan.target_workers > 20


def test_no_arrivals_is_a_rest() -> None:
    plan = plan_for(sample(0.0, workers=1))
    assert [step.action for step in plan.steps] == ["no_change"]


def test_no_workers_and_no_arrivals_is_one_worker() -> None:
    plan = plan_for(sample(0.0, workers=0))
    assert plan.target_workers == 1


def test_silence_long_enough_scales_to_zero_where_zero_is_allowed() -> None:
    """At 10 $/h a violation is worth less than a worker's 0.50 $/h; at the default of 100 $/h one worker stays."""
    config = PlannerConfig(min_workers=0, violation_cost_per_hour=10.0)
    history = tuple(sample(0.0, at=NOON - index * FIVE) for index in range(280, 0, -1))
    plan = plan_for(sample(0.0, workers=3), config=config, history=history)
    assert [step.to_workers for step in plan.steps] == [0]
    assert plan_for(sample(0.0, workers=0), config=config, history=history).target_workers == 0


def test_zero_workers_with_jobs_waiting_wake_up() -> None:
    config = PlannerConfig(min_workers=0)
    history = tuple(sample(0.0, at=NOON - index * FIVE) for index in range(100, 0, -1))
    plan = plan_for(sample(0.0, workers=0, backlog=100), config=config, history=history)
    assert plan.steps[0].to_workers >= 1


def test_more_workers_than_the_maximum_come_down_to_it() -> None:
    plan = plan_for(sample(50.0, workers=300), config=PlannerConfig(max_workers=120, max_step_size=100))
    assert [step.to_workers for step in plan.steps][:2] == [200, 120]


def test_samples_in_any_order_and_twice_are_the_same_history() -> None:
    times = [NOON - index * FIVE for index in range(40, 0, -1)]
    ordered = [sample(10.0 + index % 3, at=at) for index, at in enumerate(times)]
    shuffled = tuple(ordered[::2] + ordered[::-2] + ordered)
    one, other = plan_for(sample(), history=tuple(ordered)), plan_for(sample(), history=shuffled)
    assert one == other
    planner = CapacityPlanner()
    for item in shuffled:
        planner.observe(item)
    assert planner.generate_plan(PlanRequest(current_metrics=sample(), slo=TARGET)).plan == one


def test_gaps_are_no_zeros() -> None:
    history = tuple(sample(10.0, at=NOON - index * FIVE) for index in range(100, 0, -1) if index % 10 not in {3, 4, 5})
    plan = plan_for(sample(), history=history)
    assert plan.required[-1].arrival_rate == pytest.approx(10.0, rel=1e-6)


def test_samples_finer_and_coarser_than_the_interval_are_read() -> None:
    for spacing in (SECONDS, 20 * SECONDS, timedelta(hours=1)):
        history = tuple(sample(10.0, at=NOON - index * spacing) for index in range(24, 0, -1))
        assert plan_for(sample(), history=history).required[-1].arrival_rate == pytest.approx(10.0)


def test_the_service_time_is_remembered_when_a_sample_has_none() -> None:
    earlier = sample(at=NOON - FIVE, service_time=3 * SECONDS, service_time_std=SECONDS)
    plan = plan_for(sample(service_time=timedelta(0)), history=(earlier,))
    assert (plan.service_time, plan.service_time_std) == (3 * SECONDS, SECONDS)


@pytest.mark.parametrize(
    "metrics",
    [
        sample(1e12),
        sample(1e12, service_time=UNBOUNDED),
        sample(1e-300),
        sample(5e-324),
        sample(1e6, service_time=timedelta(microseconds=1)),
        sample(10.0, service_time=UNBOUNDED),
        sample(10.0, backlog=10**15),
        sample(10.0, workers=10**6),
        sample(10.0, active_jobs=10**15),
        sample(0.0, service_time=UNBOUNDED, backlog=10**15, workers=0),
        sample(10.0, service_time_std=UNBOUNDED, service_time_p95=UNBOUNDED),
        sample(10.0, service_time_std=timedelta(microseconds=1)),
        sample(10.0, at=datetime(1970, 1, 1, tzinfo=UTC)),
        sample(10.0, at=datetime(8999, 12, 31, tzinfo=UTC)),
    ],
    ids=str,
)
@pytest.mark.parametrize("model", ["mm1", "mmc", "mgc"])
def test_huge_and_tiny_inputs_have_a_plan(metrics: Metrics, model: str) -> None:
    plan_for(metrics, config=PlannerConfig(queueing_model=model))
    plan_for(metrics, config=PlannerConfig(queueing_model=model), slo=SLO(max_backlog=1, drain_time=UNBOUNDED))


def test_the_largest_rate_that_is_allowed_has_a_plan() -> None:
    plan_for(sample(1e15))


def test_the_latest_instant_that_is_allowed_has_a_plan_that_travels() -> None:
    plan_for(sample(at=LATEST))


def test_the_largest_pool_that_is_allowed_has_a_plan() -> None:
    plan_for(sample(workers=10**9), config=PlannerConfig(worker_concurrency=10_000))


def test_the_largest_price_that_is_allowed_has_a_plan_that_travels() -> None:
    plan_for(sample(workers=3), config=PlannerConfig(worker_cost_per_hour=1e9))


def test_few_samples_far_apart_ask_for_little_memory() -> None:
    config = PlannerConfig(plan_interval=SECONDS, forecast_window=200 * SECONDS)
    near = tuple(sample(at=NOON - index * SECONDS) for index in range(1, 12))
    request = PlanRequest(
        current_metrics=sample(), slo=TARGET, config=config, history=(sample(at=NOON - 80_000 * SECONDS), *near)
    )
    tracemalloc.start()
    try:
        with contextlib.suppress(PlannerError):  # the time may be up; the memory was asked for all the same
            CapacityPlanner().generate_plan(request, timeout=timedelta(milliseconds=500))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 32 * 2**20


def test_gos_zero_time_is_no_time_of_measurement() -> None:
    with pytest.raises(PlannerError) as caught:
        plan_for(sample(at=datetime(1, 1, 1, tzinfo=UTC)))
    assert caught.value.code is ErrorCode.INVALID_METRICS
    assert caught.value.details["field"] == "current_metrics.timestamp"


@pytest.mark.parametrize("rate", [1e16, 1e300, float("inf"), float("nan"), -1e-300])
def test_a_rate_beyond_reason_is_refused(rate: float) -> None:
    with pytest.raises(PlannerError) as caught:
        plan_for(sample(rate))
    assert caught.value.code is ErrorCode.INVALID_METRICS
    assert caught.value.details["field"] == "current_metrics.arrival_rate"


def test_a_backlog_to_drain_says_how_many_workers_it_takes() -> None:
    """10 jobs/s x 2 s is 20 erlang; 3000 jobs in 10 minutes are 5 jobs/s more: 30 workers."""
    slo = SLO(drain_time=timedelta(minutes=10))
    plan = plan_for(sample(workers=21, backlog=3_000), slo=slo, config=PlannerConfig(max_step_size=50))
    assert plan.steps[0].to_workers >= 30
    assert plan.required[2].backlog == pytest.approx(0.0, abs=1.0)


def test_concurrency_divides_the_workers() -> None:
    alone = plan_for(sample(40.0, workers=200))
    four = plan_for(sample(40.0, workers=50), config=PlannerConfig(worker_concurrency=4))
    assert max(item.workers for item in four.required) in {
        -(-max(item.workers for item in alone.required) // 4) + extra for extra in (0, 1)
    }


def test_a_startup_delay_longer_than_the_window_leaves_nothing_to_be_done_in_it() -> None:
    config = PlannerConfig(startup_delay=timedelta(hours=2))
    plan = plan_for(sample(50.0, workers=30), config=config)
    assert not plan.slo_achievable


@pytest.mark.parametrize(
    ("facts", "model", "p95"),
    [
        # exponential service of 2 s; deterministic service; a lognormal or gamma in between
        ({}, "mmc", 5.9915),
        ({}, "mgc", 5.9915),
        ({"service_time_std": timedelta(0), "service_time_p95": timedelta(0)}, "mgc", 5.9915),  # Go's zeros: not known
        ({"service_time_std": timedelta(0)}, "mgc", 2.0),
        ({"service_time_std": 2 * SECONDS}, "mgc", 5.9915),  # the spread of the exponential
        ({"service_time_p95": 2 * SECONDS}, "mgc", 2.0),
    ],
)
def test_the_spread_of_the_service_time_decides_what_can_be_kept(facts: dict[str, Any], model: str, p95: float) -> None:
    config = PlannerConfig(queueing_model=model)
    for factor, achievable in ((0.97, False), (1.5, True)):
        slo = SLO(p95_latency=timedelta(seconds=p95 * factor))
        response = CapacityPlanner(config).generate_plan(
            PlanRequest(current_metrics=sample(workers=60, **facts), slo=slo)
        )
        whole(response, config)
        unachievable = ErrorCode.SLO_UNACHIEVABLE in [warning.code for warning in response.warnings]
        assert unachievable is not achievable


METRICS = st.builds(
    sample,
    st.floats(0.0, 1e4) | st.sampled_from([0.0, 1e-9, 1e9]),
    workers=st.integers(0, 300),
    backlog=st.integers(0, 10**6),
    service_time=st.floats(1e-3, 1e4).map(lambda value: timedelta(seconds=value)),
    service_time_std=st.none() | st.floats(0.0, 1e4).map(lambda value: timedelta(seconds=value)),
    utilization=st.floats(0.0, 1.0),
)
CONFIGS = st.builds(
    PlannerConfig,
    min_workers=st.integers(0, 10),
    max_workers=st.integers(10, 500),
    max_step_size=st.integers(1, 50),
    cooldown_period=st.integers(0, 3_000).map(lambda value: value * SECONDS),
    scale_up_cooldown=st.none() | st.integers(0, 3_000).map(lambda value: value * SECONDS),
    startup_delay=st.integers(0, 3_000).map(lambda value: value * SECONDS),
    plan_interval=st.integers(1, 10).map(lambda value: value * 60 * SECONDS),
    worker_concurrency=st.integers(1, 5),
    queueing_model=st.sampled_from(["mm1", "mmc"]),
    confidence_threshold=st.floats(0.0, 0.999),
    safety_margin=st.floats(0.0, 2.0),
)
SLOS = st.builds(
    SLO,
    p95_latency=st.floats(0.001, 1e5).map(lambda value: timedelta(seconds=value)),
    max_backlog=st.integers(0, 10**5),
    error_budget=st.floats(0.0, 1.0),
    drain_time=st.integers(0, 10_000).map(lambda value: value * SECONDS),
)


@settings(max_examples=70)
@given(METRICS, CONFIGS, SLOS)
def test_every_plan_is_whole(metrics: Metrics, config: PlannerConfig, slo: SLO) -> None:
    plan = plan_for(metrics, config=config, slo=slo)
    gaps = pairwise(plan.steps)
    for sooner, later in gaps:
        least = config.cooldown_up if later.delta > 0 else config.cooldown_period
        assert later.scheduled_at - sooner.scheduled_at >= least
        assert later.scheduled_at >= sooner.cooldown_until
    if plan.confidence and not plan.slo_achievable:
        assert plan.confidence < 1.0


@settings(max_examples=25)
@given(METRICS, CONFIGS, SLOS)
def test_more_workers_allowed_is_never_less_sure(metrics: Metrics, config: PlannerConfig, slo: SLO) -> None:
    free = replace(config, max_step_size=10_000, scale_up_cooldown=timedelta(0), startup_delay=timedelta(0))
    less = plan_for(metrics, config=free, slo=slo)
    more = plan_for(metrics, config=replace(free, max_workers=free.max_workers * 2), slo=slo)
    assert more.confidence >= less.confidence - 1e-9


def test_the_history_of_another_queue_is_refused() -> None:
    request = PlanRequest(
        current_metrics=sample(), slo=TARGET, queue_name="mine", history=(replace(sample(), queue_name="other"),)
    )
    with pytest.raises(PlannerError, match="Send the history of one queue") as caught:
        CapacityPlanner().generate_plan(request)
    assert caught.value.code is ErrorCode.INVALID_METRICS


@pytest.mark.parametrize("at", [datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)])
def test_a_scaling_outside_of_our_time_is_refused(at: datetime) -> None:
    with pytest.raises(PlannerError, match=r"^INVALID_METRICS: at is"):
        CapacityPlanner().record_scaling(3, at)
