"""The planner over many queues: what it answers, what blocks it, and what it remembers."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner import (
    SLO,
    CapacityPlanner,
    ErrorCode,
    Metrics,
    PlannerConfig,
    PlannerError,
    PlannerState,
    PlanRequest,
    PlanResponse,
    codec,
    default_config,
)

if TYPE_CHECKING:
    from collections.abc import Callable

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
FIVE = timedelta(minutes=5)
TARGET = SLO(p95_latency=timedelta(seconds=10))


def sample(rate: float = 10.0, *, at: datetime = NOON, workers: int = 30, queue: str = "q", **facts: Any) -> Metrics:
    facts.setdefault("service_time", timedelta(seconds=2))
    return Metrics(timestamp=at, arrival_rate=rate, current_workers=workers, queue_name=queue, **facts)


def request(
    rate: float = 10.0, *, slo: SLO = TARGET, metrics: dict[str, Any] | None = None, **options: Any
) -> PlanRequest:
    return PlanRequest(current_metrics=sample(rate, **(metrics or {})), slo=slo, **options)


def refused(ask: Callable[[], Any]) -> PlannerError:
    with pytest.raises(PlannerError) as caught:
        ask()
    return caught.value


def quiet_day(planner: CapacityPlanner, *, rate: float = 10.0, queue: str = "q", count: int = 100) -> None:
    """A sample every five minutes up to five minutes before noon; the rate goes up and down by a tenth."""
    for index in range(count, 0, -1):
        planner.observe(sample(rate * (1.0 + 0.1 * ((index * 7) % 5 - 2) / 2), at=NOON - index * FIVE, queue=queue))


# --- the nine codes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (request(-1.0), "current_metrics.arrival_rate"),
        (request(float("nan")), "current_metrics.arrival_rate"),
        (request(metrics={"at": datetime(2026, 1, 31, 12)}), "current_metrics.timestamp"),  # noqa: DTZ001 - the case
        (request(metrics={"utilization": 75.0}), "current_metrics.utilization"),
        (request(metrics={"service_time": timedelta(0)}), "current_metrics.service_time"),
        (request(metrics={"workers": -1}), "current_metrics.current_workers"),
        (request(queue_name="other"), "current_metrics.queue_name"),
        (request(history=(sample(-5.0),)), "history"),
    ],
)
def test_invalid_metrics(bad: PlanRequest, field: str) -> None:
    error = refused(lambda: CapacityPlanner().generate_plan(bad))
    assert error.code is ErrorCode.INVALID_METRICS
    assert str(error.details["field"]).startswith(field)


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (request(slo=SLO()), "slo"),
        (request(slo=SLO(error_budget=0.5, availability=0.9)), "slo"),
        (request(slo=SLO(p95_latency=timedelta(seconds=-1))), "slo.p95_latency"),
        (request(config=PlannerConfig(min_workers=5, max_workers=4)), "config.min_workers"),
        (request(config=PlannerConfig(safety_margin=-1.0)), "config.safety_margin"),
    ],
)
def test_config_invalid(bad: PlanRequest, field: str) -> None:
    error = refused(lambda: CapacityPlanner().generate_plan(bad))
    assert (error.code, error.details["field"]) == (ErrorCode.CONFIG_INVALID, field)


@pytest.mark.parametrize(
    "config",
    [
        PlannerConfig(forecast_model="prophet"),
        PlannerConfig(queueing_model="mmcc"),
        PlannerConfig(service_time_model="pareto"),
    ],
)
def test_model_not_supported(config: PlannerConfig) -> None:
    error = refused(lambda: CapacityPlanner().generate_plan(request(config=config)))
    assert error.code is ErrorCode.MODEL_NOT_SUPPORTED
    assert refused(lambda: CapacityPlanner(config)).code is ErrorCode.MODEL_NOT_SUPPORTED
    assert refused(lambda: CapacityPlanner().update_config(config)).code is ErrorCode.MODEL_NOT_SUPPORTED


def test_insufficient_history_is_a_warning_while_ewma_can_do_without() -> None:
    response = CapacityPlanner().generate_plan(request())
    assert ErrorCode.INSUFFICIENT_HISTORY in [warning.code for warning in response.warnings]
    planner = CapacityPlanner()
    quiet_day(planner)
    response = planner.generate_plan(request())
    assert ErrorCode.INSUFFICIENT_HISTORY not in [warning.code for warning in response.warnings]


def test_slo_unachievable() -> None:
    impossible = request(slo=SLO(p95_latency=timedelta(seconds=1)))
    response = CapacityPlanner().generate_plan(impossible)
    assert ErrorCode.SLO_UNACHIEVABLE in [warning.code for warning in response.warnings]
    assert not response.plan.slo_achievable
    error = refused(lambda: CapacityPlanner().generate_plan(replace(impossible, strict=True)))
    assert error.code is ErrorCode.SLO_UNACHIEVABLE
    assert isinstance(error.response, PlanResponse)


def test_capacity_limit_exceeded() -> None:
    small = request(100.0, config=PlannerConfig(max_workers=40))
    response = CapacityPlanner().generate_plan(small)
    assert ErrorCode.CAPACITY_LIMIT_EXCEEDED in [warning.code for warning in response.warnings]
    assert (response.plan.slo_achievable, response.plan.target_workers) == (False, 40)
    error = refused(lambda: CapacityPlanner().generate_plan(replace(small, strict=True)))
    assert error.code is ErrorCode.CAPACITY_LIMIT_EXCEEDED
    assert error.response.plan == response.plan


def test_cooldown_active() -> None:
    planner = CapacityPlanner()
    planner.record_scaling(10, NOON - timedelta(minutes=2), queue_name="q")
    error = refused(lambda: planner.generate_plan(request(metrics={"workers": 10})))
    assert error.code is ErrorCode.COOLDOWN_ACTIVE
    assert error.details["retry_after"] == "180s"
    assert error.response.plan.steps[0].scheduled_at == NOON + timedelta(minutes=3)
    assert error.response.plan.steps[0].from_workers == 10


def test_anomaly_detected() -> None:
    planner = CapacityPlanner()
    quiet_day(planner)
    error = refused(lambda: planner.generate_plan(request(100.0)))
    assert error.code is ErrorCode.ANOMALY_DETECTED
    assert error.details["value"] == 100.0
    assert error.details["expected"] == pytest.approx(10.0, rel=0.2)
    assert error.response.plan.target_workers > 30


def test_forecast_failed_when_the_time_is_up() -> None:
    planner = CapacityPlanner()
    quiet_day(planner)
    before = planner.get_state()
    for timeout in (timedelta(0), timedelta(microseconds=1), timedelta(seconds=-1)):
        error = refused(lambda timeout=timeout: planner.generate_plan(request(), timeout=timeout))  # type: ignore[misc]
        assert error.code is ErrorCode.FORECAST_FAILED
        assert error.details["timed_out"] is True
    assert planner.get_state() == before
    assert planner.generate_plan(request(), timeout=timedelta(minutes=1)).plan


def test_waiting_for_another_call_counts_towards_the_timeout() -> None:
    planner = CapacityPlanner()
    planner.observe(sample(at=NOON - FIVE))
    lock = planner._queues["q"].lock  # noqa: SLF001 - a call that takes long, held as long as we like
    holding, done = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            holding.set()
            done.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait(10)
    try:
        error = refused(lambda: planner.generate_plan(request(), timeout=timedelta(milliseconds=50)))
    finally:
        done.set()
        thread.join()
    assert error.code is ErrorCode.FORECAST_FAILED
    assert planner.generate_plan(request()).plan


def test_the_longest_timeout_is_a_timeout() -> None:
    from capacity_planner.units import UNBOUNDED  # noqa: PLC0415 - beside its one use

    assert CapacityPlanner().generate_plan(request(), timeout=UNBOUNDED).plan
    assert CapacityPlanner().generate_plan(request(), timeout=timedelta(days=100_000)).plan


@pytest.mark.parametrize("timeout", [5, "5", 5.0, True, timedelta.max])
def test_a_timeout_that_is_none_is_refused(timeout: Any) -> None:
    error = refused(lambda: CapacityPlanner().generate_plan(request(), timeout=timeout))
    assert (error.code, error.details["field"]) == (ErrorCode.CONFIG_INVALID, "timeout")


# --- cooldown --------------------------------------------------------------------------------------------------------


def test_force_regen_skips_the_cooldown() -> None:
    planner = CapacityPlanner()
    planner.record_scaling(10, NOON - timedelta(minutes=2), queue_name="q")
    response = planner.generate_plan(request(metrics={"workers": 10}, force_regen=True))
    assert response.plan.steps[0].scheduled_at == NOON


def test_after_the_cooldown_the_plan_is_free() -> None:
    planner = CapacityPlanner()
    planner.record_scaling(10, NOON - FIVE, queue_name="q")
    assert planner.generate_plan(request(metrics={"workers": 10})).plan.steps[0].scheduled_at == NOON


def test_a_scale_up_cooldown_of_zero_lets_a_step_up_through() -> None:
    config = PlannerConfig(scale_up_cooldown=timedelta(0))
    planner = CapacityPlanner(config)
    planner.record_scaling(10, NOON - timedelta(seconds=1), queue_name="q")
    assert planner.generate_plan(request(metrics={"workers": 10})).plan.steps[0].scheduled_at == NOON
    error = refused(lambda: planner.generate_plan(request(0.5, metrics={"workers": 60})))
    assert error.code is ErrorCode.COOLDOWN_ACTIVE


def test_a_cooldown_with_nothing_to_do_blocks_nothing() -> None:
    planner = CapacityPlanner()
    planner.record_scaling(30, NOON - timedelta(minutes=1), queue_name="q")
    plan = planner.generate_plan(request()).plan
    assert [step.action for step in plan.steps] == ["no_change"]


def test_a_scaling_is_remembered() -> None:
    planner = CapacityPlanner()
    planner.observe(sample(workers=10))
    planner.record_scaling(12, NOON)
    state = planner.get_state("q")
    assert (state.last_scaling, state.cooldown_until) == (NOON, NOON + FIVE)


def test_workers_that_were_ordered_and_do_not_serve_yet_are_not_ordered_again() -> None:
    """30 of 40 workers serve, the other ten were ordered two minutes ago and take ten: the pool is 40 and enough."""
    config = PlannerConfig(startup_delay=timedelta(minutes=10), cooldown_period=timedelta(0))
    busy = request(12.0, metrics={"workers": 25})
    asked = CapacityPlanner(config).generate_plan(busy).plan.target_workers
    assert asked > 25
    planner = CapacityPlanner(config)
    planner.record_scaling(asked, NOON - timedelta(minutes=2), queue_name="q")
    plan = planner.generate_plan(busy).plan
    assert [step.action for step in plan.steps] == ["no_change"]
    assert plan.steps[0].to_workers == asked


def test_a_scaling_to_another_size_makes_the_answer_new() -> None:
    planner = CapacityPlanner(PlannerConfig(startup_delay=timedelta(minutes=10)))
    planner.record_scaling(35, NOON - FIVE, queue_name="q")
    planner.generate_plan(request())
    planner.record_scaling(45, NOON - FIVE, queue_name="q")
    assert not planner.generate_plan(request()).cache_hit


@pytest.mark.parametrize(
    ("workers", "at"), [(-1, NOON), (1.5, NOON), (True, NOON), ("5", NOON), (5, NOON.replace(tzinfo=None)), (5, "soon")]
)
def test_a_scaling_that_cannot_be_is_refused(workers: Any, at: Any) -> None:
    planner = CapacityPlanner()
    planner.observe(sample())
    before = planner.get_state()
    assert refused(lambda: planner.record_scaling(workers, at)).code is ErrorCode.INVALID_METRICS
    assert planner.get_state() == before


# --- anomaly ---------------------------------------------------------------------------------------------------------


def test_an_anomaly_is_flagged_with_its_begin_and_clears_again() -> None:
    planner = CapacityPlanner()
    quiet_day(planner)
    planner.generate_plan(request(10.0, metrics={"at": NOON}))
    calm = planner.get_state()
    assert (calm.anomaly_detected, calm.anomaly_start) == (False, None)
    assert calm.baseline_metrics == sample(10.0)

    refused(lambda: planner.generate_plan(request(100.0, metrics={"at": NOON + FIVE})))
    goes_on = planner.generate_plan(request(120.0, metrics={"at": NOON + 2 * FIVE}))
    assert ErrorCode.ANOMALY_DETECTED in [item.code for item in goes_on.warnings]
    state = planner.get_state()
    assert (state.anomaly_detected, state.anomaly_start) == (True, NOON + FIVE)
    assert state.baseline_metrics == sample(10.0)
    assert state.last_plan == goes_on.plan
    assert state.recent_history[-1].arrival_rate == 120.0

    for minutes in (15, 20, 25):
        planner.generate_plan(request(10.0, metrics={"at": NOON + timedelta(minutes=minutes)}))
    cleared = planner.get_state()
    assert (cleared.anomaly_detected, cleared.anomaly_start) == (False, None)


def test_an_ordinary_day_is_no_anomaly() -> None:
    planner = CapacityPlanner()
    quiet_day(planner)
    for rate in (9.0, 10.0, 11.0):
        assert (
            CapacityPlanner()
            .generate_plan(request(rate, history=planner.get_state("q").recent_history))
            .plan.slo_achievable
        )


# --- memory ----------------------------------------------------------------------------------------------------------


def test_the_same_question_is_answered_from_memory() -> None:
    planner = CapacityPlanner()
    first, second = planner.generate_plan(request()), planner.generate_plan(request())
    assert (first.cache_hit, second.cache_hit) == (False, True)
    assert replace(second, cache_hit=False, generation_time=first.generation_time) == first
    assert not planner.generate_plan(request(force_regen=True)).cache_hit
    assert not planner.generate_plan(request(10.1)).cache_hit


def test_what_the_answer_depends_on_makes_it_new() -> None:
    planner = CapacityPlanner()
    planner.generate_plan(request())
    planner.observe(sample(11.0, at=NOON - FIVE))
    assert not planner.generate_plan(request()).cache_hit
    planner.record_scaling(30, NOON - 2 * FIVE)
    assert not planner.generate_plan(request()).cache_hit
    planner.update_config(PlannerConfig(max_workers=90))
    assert not planner.generate_plan(request()).cache_hit
    assert planner.generate_plan(request()).cache_hit


def test_the_same_plan_has_the_same_id() -> None:
    one, other = (CapacityPlanner().generate_plan(request()).plan for _ in range(2))
    assert one == other
    assert one.id == other.id
    assert CapacityPlanner().generate_plan(request(11.0)).plan.id != one.id


def test_settings_change_at_once_or_not_at_all() -> None:
    planner = CapacityPlanner()
    before = planner.generate_plan(request(100.0)).plan
    bad: Any = {"max_workers": 40, "min_workers": 90}
    assert refused(lambda: planner.update_config(bad)).code is ErrorCode.CONFIG_INVALID
    assert planner.generate_plan(request(100.0, force_regen=True)).plan == before
    assert planner.get_state().config_version == 0
    planner.update_config(PlannerConfig(max_workers=40))
    assert planner.get_state().config_version == 1
    assert planner.generate_plan(request(100.0)).plan.target_workers == 40


def test_a_request_can_bring_its_own_settings() -> None:
    planner = CapacityPlanner(PlannerConfig(max_workers=40))
    assert planner.generate_plan(request(100.0, config=PlannerConfig(max_workers=50))).plan.target_workers == 50
    assert planner.generate_plan(request(100.0)).plan.target_workers == 40


def test_reset_forgets_one_queue_or_all() -> None:
    planner = CapacityPlanner()
    for name in ("a", "b", "c"):
        planner.observe(sample(queue=name))
    planner.reset("a")
    assert planner.get_state("a") == PlannerState()
    assert planner.get_state("b").recent_history == (sample(queue="b"),)
    planner.reset()
    assert planner.get_state("b") == planner.get_state("c") == PlannerState()
    planner.reset("never seen")


def test_a_state_travels() -> None:
    planner = CapacityPlanner()
    quiet_day(planner, count=10)
    planner.generate_plan(request())
    planner.record_scaling(31, NOON)
    state = planner.get_state()
    assert state.last_plan
    assert state.forecast_cache
    assert codec.decode(PlannerState, codec.dumps(state)) == state
    assert codec.decode(PlannerState, codec.dumps(state, durations="ns")) == state


def test_queues_do_not_know_of_each_other() -> None:
    planner = CapacityPlanner()
    quiet_day(planner, queue="a")
    planner.record_scaling(5, NOON, queue_name="a")
    alone = CapacityPlanner().generate_plan(request(metrics={"queue": "b"}))
    assert planner.generate_plan(request(metrics={"queue": "b"})).plan == alone.plan
    assert planner.get_state("b").last_scaling is None


def test_a_thousand_queues_are_kept_apart() -> None:
    planner = CapacityPlanner()
    for index in range(1_000):
        planner.observe(sample(float(index), queue=f"queue-{index}"))
    for index in (0, 1, 499, 999):
        assert [item.arrival_rate for item in planner.get_state(f"queue-{index}").recent_history] == [float(index)]


def test_to_look_is_not_to_use() -> None:
    planner = CapacityPlanner()
    planner.observe(sample())
    assert planner.get_state("never seen") == PlannerState()
    assert planner.get_state().recent_history == (sample(),)


def test_the_newest_update_never_goes_back() -> None:
    planner = CapacityPlanner()
    planner.observe(sample(at=NOON))
    planner.observe(sample(at=NOON - FIVE))
    assert planner.get_state().last_update == NOON


def test_a_plan_for_an_earlier_instant_does_not_turn_the_newest_update_back() -> None:
    planner = CapacityPlanner()
    planner.observe(sample(at=NOON))
    planner.generate_plan(request(metrics={"at": NOON - FIVE}))
    assert planner.get_state().last_update == NOON


def test_a_plan_knows_nothing_of_what_came_later() -> None:
    planner = CapacityPlanner()
    planner.observe(sample(500.0, at=NOON + FIVE))
    assert planner.generate_plan(request()).plan == CapacityPlanner().generate_plan(request()).plan


def test_the_history_window_forgets() -> None:
    planner = CapacityPlanner(PlannerConfig(history_window=timedelta(hours=1)))
    quiet_day(planner, count=100)
    kept = planner.get_state("q").recent_history
    assert kept[-1].timestamp == NOON - FIVE
    assert kept[0].timestamp == NOON - FIVE - timedelta(hours=1)


# --- threads ---------------------------------------------------------------------------------------------------------


def test_eight_threads_share_a_planner() -> None:
    planner = CapacityPlanner()
    names = ["a", "b", "c"]

    def work(thread: int) -> int:
        answers = 0
        for turn in range(12):
            name = names[(thread + turn) % 3]
            at = NOON + timedelta(minutes=turn, seconds=thread)
            planner.observe(sample(10.0 + thread, at=at, queue=name))
            try:
                plan = planner.generate_plan(request(10.0, metrics={"at": at, "queue": name})).plan
                assert plan.queue_name == name
            except PlannerError as error:
                assert error.code in {ErrorCode.COOLDOWN_ACTIVE, ErrorCode.ANOMALY_DETECTED}  # noqa: PT017 - either
            answers += 1
            state = planner.get_state(name)
            assert all(item.queue_name == name for item in state.recent_history)
            assert list(state.recent_history) == sorted(state.recent_history, key=lambda item: item.timestamp)
            if turn == 5:
                planner.record_scaling(30, at, queue_name=name)
            if turn == 8 and thread % 2:
                planner.update_config(PlannerConfig(max_workers=100 + thread))
            if turn == 10 and thread == 7:
                planner.reset(name)
        return answers

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [12] * 8
    assert planner.get_state("a").config_version == 4


def test_the_same_question_from_many_threads_is_worked_out_once() -> None:
    planner = CapacityPlanner()
    quiet_day(planner)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: planner.generate_plan(request()), range(16)))
    assert sum(not answer.cache_hit for answer in answers) == 1
    assert len({answer.plan.id for answer in answers}) == 1


# --- the way in ------------------------------------------------------------------------------------------------------


def test_a_mapping_as_json_gives_it_is_a_request() -> None:
    text = json.dumps(
        {
            "queue_name": "q",
            "current_metrics": {
                "timestamp": "2026-01-31T13:00:00+01:00",
                "arrival_rate": 10,
                "service_time": 2_000_000_000,
                "current_workers": 30,
            },
            "slo": {"p95_latency": "10s"},
        }
    )
    asked = codec.decode(PlanRequest, text)
    assert CapacityPlanner().generate_plan(asked).plan == CapacityPlanner().generate_plan(request()).plan
    mapping: Any = json.loads(text)
    assert CapacityPlanner().generate_plan(mapping).plan == CapacityPlanner().generate_plan(request()).plan


def test_a_configuration_as_a_mapping_is_taken() -> None:
    mapping: Any = {"max_workers": 40}
    planner = CapacityPlanner(mapping)
    assert planner.generate_plan(request(100.0)).plan.target_workers == 40


def test_the_default_is_the_default_config() -> None:
    explicit = CapacityPlanner(default_config()).generate_plan(request()).plan
    assert explicit == CapacityPlanner().generate_plan(request()).plan
