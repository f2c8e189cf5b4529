"""The review of past plans, against cases that can be worked out by hand."""

from __future__ import annotations

import math
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
    PlanRequest,
    PlanReview,
    ReliabilityBin,
    RequiredWorkers,
    Reviewer,
    codec,
)

from ._scenarios import HOUR, MINUTE, NOON, plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner import CapacityPlan, PlanOutcome

SECOND = timedelta(seconds=1)
AMPLE, STARVED = 10, 1  # workers for 2 erlang


def came(rate: float = 1.0, hours: int = 1, step: timedelta = MINUTE, **rest: Any) -> list[Metrics]:
    """A history of a steady rate from noon on."""
    ends = [NOON + (index + 1) * step for index in range(hours * HOUR // step)]
    return [Metrics(timestamp=end, arrival_rate=rate, **rest) for end in ends]


def at(hour: int, workers: int = AMPLE, **rest: Any) -> CapacityPlan:
    """A plan for an hour, so many hours after noon."""
    made = {"id": f"at-{hour}-{workers}", "generated_at": NOON + hour * HOUR, **rest}
    return plan(workers, **made)


def needed(rate: float, demand: float, backlog: float = 0.0) -> tuple[RequiredWorkers, ...]:
    """The forecast of an hour from noon on."""
    return tuple(
        RequiredWorkers(
            start=NOON + 5 * index * MINUTE,
            end=NOON + 5 * (index + 1) * MINUTE,
            arrival_rate=rate,
            demand_rate=demand,
            offered_load=2.0 * rate,
            backlog=backlog,
            workers=3,
        )
        for index in range(12)
    )


def only(made: CapacityPlan, history: list[Metrics], **rest: Any) -> PlanOutcome:
    """What became of a single plan."""
    (found,) = Reviewer().review([made], history, **rest).outcomes
    return found


def refused(act: Callable[[], object]) -> PlannerError:
    with pytest.raises(PlannerError) as caught:
        act()
    return caught.value


def test_an_ample_plan_keeps_its_slo() -> None:
    found = only(at(0, required=needed(1.0, 1.0)), came())
    assert (found.judged, found.kept, found.runs_kept, found.broken) == (True, True, 1.0, 0.0)
    assert (found.intervals, found.max_backlog, found.unknown, found.reason) == (12, 0, 0.0, "")
    assert found.arrival_rate == pytest.approx(1.0)
    assert (found.mean_workers, found.worker_cost) == pytest.approx((10.0, 5.0))
    assert (found.forecast_error, found.bias, found.band_coverage) == pytest.approx((0.0, 0.0, 1.0))
    assert found.p95_latency is not None
    assert 5 * SECOND < found.p95_latency < 8 * SECOND  # ln(20) x 2 s, and no wait


def test_a_starved_plan_breaks_it() -> None:
    found = only(at(0, STARVED), came())
    assert (found.kept, found.runs_kept, found.confidence) == (False, 0.0, 0.9)
    assert found.broken == pytest.approx(1.0, abs=0.1)
    assert found.max_backlog == pytest.approx(1800, rel=0.1)  # one job of 2 s a second for an hour
    assert found.p95_latency is not None
    assert found.p95_latency == pytest.approx(HOUR, rel=0.1)
    assert (found.forecast_error, found.observed_kept, found.required_in_hindsight) == (None, None, None)


def test_the_error_budget_counts() -> None:
    steps = (50.0, STARVED)
    broken = plan(AMPLE, steps)
    assert only(broken, came()).kept is False
    assert only(replace(broken, slo=SLO(p95_latency=8 * SECOND, error_budget=0.2)), came()).kept is True
    assert only(broken, came()).mean_workers == pytest.approx((50 * 10 + 10) / 60, rel=0.05)


def test_workers_start_as_late_as_the_plan_says() -> None:
    at_once = plan(STARVED, (0.0, AMPLE))
    assert only(at_once, came()).kept is True
    assert only(replace(at_once, startup_delay=20 * MINUTE), came()).kept is False


def test_the_backlog_that_the_plan_knew_of_is_there() -> None:
    assert only(at(0, required=needed(1.0, 1.0, backlog=500.0)), came()).max_backlog == 490
    endless = only(at(0, required=needed(1.0, 1.0, backlog=math.inf)), came())
    assert (endless.judged, "initial_backlog" in endless.reason) == (False, True)


def test_the_forecast_is_judged_by_hand() -> None:
    history = [replace(item, arrival_rate=1.0 + 2.0 * (index % 2)) for index, item in enumerate(came(step=5 * MINUTE))]
    found = only(at(0, required=needed(1.5, 2.0)), history)
    assert found.forecast_error == pytest.approx((0.5 + 1.5) / 2)
    assert found.wape == pytest.approx(1.0 / 2.0)
    assert found.bias == pytest.approx((1.5 - 2.0) / 2.0)
    assert (found.band_coverage, found.arrival_rate) == pytest.approx((0.5, 2.0))


def test_a_window_between_two_samples_gets_its_part_of_both() -> None:
    history = [
        replace(item, arrival_rate=1.0 + 2.0 * (index >= 6)) for index, item in enumerate(came(2.0, 2, 10 * MINUTE))
    ]
    found = only(at(0, generated_at=NOON + 25 * MINUTE), history)
    assert found.arrival_rate == pytest.approx((35 * 1.0 + 25 * 3.0) / 60)


def test_the_scores_are_as_by_hand() -> None:
    plans = [at(0, confidence=0.9), at(1, STARVED, confidence=0.8), at(2, confidence=0.6)]
    found = Reviewer().review(plans, came(hours=3))
    assert (found.plans, found.judged, found.kept, found.independent_plans) == (3, 3, 2, 3.0)
    assert found.brier == pytest.approx((0.01 + 0.64 + 0.16) / 3)
    assert found.brier_of_base_rate == pytest.approx(2 / 3 * 1 / 3)
    assert (found.kept_share, found.mean_confidence) == pytest.approx((2 / 3, 2.3 / 3))
    assert found.chance == pytest.approx(1.0 - (2.3 / 3) ** 3)
    assert (found.as_stated, found.enough) == (True, False)
    assert found.reliability == (
        ReliabilityBin(low=0.5, high=0.7, plans=1, stated=0.6, kept=1.0),
        ReliabilityBin(low=0.8, high=0.9, plans=1, stated=0.8, kept=0.0),
        ReliabilityBin(low=0.9, high=0.95, plans=1, stated=0.9, kept=1.0),
    )


def test_plans_that_promise_too_much_are_found_out() -> None:
    starved = Reviewer().review([at(hour, STARVED) for hour in range(3)], came(hours=3))
    assert starved.chance == pytest.approx(0.1**3)
    assert not starved.as_stated
    modest = Reviewer().review([at(hour, STARVED, confidence=0.0) for hour in range(3)], came(hours=3))
    assert (modest.chance, modest.brier, modest.as_stated) == (1.0, 0.0, True)


def test_plans_whose_windows_overlap_count_by_what_is_new() -> None:
    plans = [at(0, id=f"{minutes}", generated_at=NOON + minutes * MINUTE) for minutes in (0, 15, 30, 120)]
    found = Reviewer().review([*plans, at(0, id="other", queue_name="other")], came(hours=3, queue_name="emails"))
    assert (found.judged, found.independent_plans) == pytest.approx((4, 1 + 0.25 + 0.25 + 1))
    assert not found.enough
    assert found.chance == 1.0


def test_gaps_up_to_a_quarter_are_filled() -> None:
    history = came()
    found = only(at(0), history[:20] + history[35:])
    assert (found.judged, found.reason) == (True, "")
    assert (found.unknown, found.arrival_rate) == pytest.approx((0.25, 1.0))
    found = only(at(0), history[:20] + history[36:])
    assert (found.judged, found.kept) == (False, None)
    assert found.unknown == pytest.approx(16 / 60)
    assert found.reason == "More than a quarter of its window is missing from the history."


def test_an_interval_that_is_missing_says_nothing_of_the_forecast() -> None:
    history = [replace(item, arrival_rate=9.0 if index == 35 else 1.0) for index, item in enumerate(came())]
    found = only(at(0, required=needed(1.0, 1.0)), history[:20] + history[35:])
    assert found.arrival_rate == pytest.approx((20 + 15 * (1 + 9) / 2 + 9 + 24) / 60)  # the gap lies between both
    assert found.forecast_error == pytest.approx(((9 + 4) / 5 - 1) / 9)  # of nine intervals one is off
    assert found.band_coverage == pytest.approx(8 / 9)


@pytest.mark.parametrize("rate", [math.nan, None])
def test_a_sample_without_a_rate_is_a_gap(rate: Any) -> None:
    history: list[Any] = [codec.encode(item) for item in came()]
    history[7]["arrival_rate"] = rate
    (found,) = Reviewer().review([at(0)], history).outcomes
    assert found.judged
    assert found.unknown == pytest.approx(1 / 60)
    samples = came()
    samples[7] = replace(samples[7], arrival_rate=math.nan)
    assert only(at(0), samples) == found


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ({"generated_at": NOON + 2 * MINUTE}, "The history ends at 2026-11-23T13:00:00Z, before its window is over."),
        ({"forecast_window": 40 * HOUR}, "The history ends at 2026-11-23T13:00:00Z, before its window is over."),
        ({"generated_at": NOON - 2 * MINUTE}, "The history begins at 2026-11-23T12:00:00Z, after its window does."),
        ({"generated_at": datetime(1, 1, 1, tzinfo=UTC)}, "The history begins at 2026-11-23T12:00:00Z"),
        ({"generated_at": datetime(9999, 12, 31, tzinfo=UTC), "forecast_window": 10**6 * HOUR}, "The history ends"),
        ({"forecast_window": timedelta(0)}, "Its forecast_window is 0s"),
        ({"slo": SLO()}, "Its SLO sets no target"),
        ({"service_time": timedelta(0)}, "It does not know its service_time"),
        ({"queue_name": "other"}, "The history has no samples of the queue 'other'."),
        ({"current_workers": 10**9}, "servers"),
    ],
)
def test_a_plan_that_cannot_be_judged_says_why(rest: dict[str, Any], reason: str) -> None:
    found = Reviewer().review([at(0, **rest)], came(queue_name="emails"))
    assert (found.plans, found.judged, found.kept_share, found.reliability) == (1, 0, None, ())
    assert reason in found.outcomes[0].reason
    assert not found.outcomes[0].judged
    assert found.as_stated
    assert codec.decode(PlanReview, codec.dumps(found)) == found


def test_a_sampler_that_is_a_little_late_covers_the_window() -> None:
    late = [replace(item, timestamp=item.timestamp - 20 * SECOND) for item in came()]
    assert only(at(0), late).judged


def test_nothing_to_review() -> None:
    for found in (Reviewer().review([], came()), Reviewer().review([], [])):
        assert (found.plans, found.judged, found.outcomes, found.brier) == (0, 0, (), None)
    assert only(at(0), []).reason == "The history has no samples."
    assert "ends at" in only(at(0), came()[:1]).reason


def test_no_arrivals_are_no_trouble() -> None:
    found = only(at(0, 0, required=needed(0.5, 1.0)), came(0.0), hindsight=True)
    assert (found.kept, found.wape, found.bias, found.required_in_hindsight) == (True, None, None, 0)
    assert (found.forecast_error, found.band_coverage) == (0.5, 1.0)


def test_hindsight_finds_the_fewest_workers() -> None:
    found = only(at(0, id="same"), came(), hindsight=True).required_in_hindsight
    assert found is not None
    assert 3 <= found <= 6  # 2 erlang
    kept = [only(at(0, workers, id="same"), came()).kept for workers in (found - 1, found)]
    assert kept == [False, True]
    assert only(at(0, STARVED, id="same"), came(), hindsight=True).required_in_hindsight == found


def test_no_number_of_workers_makes_jobs_shorter() -> None:
    hopeless = at(0, slo=SLO(p95_latency=3 * SECOND))
    assert only(hopeless, came(), hindsight=True).required_in_hindsight is None


@pytest.mark.parametrize(
    ("backlog", "slo", "kept"),
    [
        (4, SLO(p95_latency=8 * SECOND), True),  # 4 x 2 s / 5 = 1.6 s, and 8 s - ln(20) x 2 s = 2.0 s are allowed
        (6, SLO(p95_latency=8 * SECOND), False),
        (6, SLO(p95_latency=9 * SECOND), True),
        (6, SLO(max_backlog=5), False),
        (6, SLO(max_backlog=6), True),
        (6, SLO(drain_time=2 * SECOND), False),
        (6, SLO(drain_time=3 * SECOND), True),
    ],
)
def test_what_was_measured_is_a_second_witness(backlog: int, slo: SLO, kept: bool) -> None:  # noqa: FBT001 - expected
    assert only(at(0, slo=slo), came(backlog=backlog, current_workers=5)).observed_kept is kept


def test_a_measured_share_within_the_budget_is_kept() -> None:
    history = came(backlog=4, current_workers=5)
    history[3:6] = [replace(item, backlog=60) for item in history[3:6]]
    assert only(at(0), history).observed_kept is False
    assert only(at(0, slo=SLO(p95_latency=8 * SECOND, error_budget=0.05)), history).observed_kept is True
    nobody = [replace(history[0], current_workers=0), *history[1:]]
    assert only(at(0, slo=SLO(p95_latency=8 * SECOND, error_budget=0.05)), nobody).observed_kept is False


def test_without_a_backlog_column_nobody_knows() -> None:
    assert only(at(0), came(current_workers=5)).observed_kept is None
    assert only(at(0), came(backlog=5)).observed_kept is None


def test_plans_come_in_any_form_and_order() -> None:
    history = came(hours=3)
    planner = CapacityPlanner(PlannerConfig(max_step_size=100))
    slo = SLO(p95_latency=20 * SECOND)
    metrics = replace(history[59], service_time=2 * SECOND, current_workers=5)
    response = planner.generate_plan(PlanRequest(current_metrics=metrics, slo=slo, history=tuple(history[:59])))
    forms: list[Any] = [response, at(2), codec.encode(response), response.plan, codec.encode(at(0)), at(0)]
    found = Reviewer().review(forms, list(reversed(history)))
    assert [item.generated_at for item in found.outcomes] == [NOON, NOON + HOUR, NOON + 2 * HOUR]
    assert found.judged == 3
    assert found.outcomes[1].plan_id == response.plan.id
    again = Reviewer().review(iter([at(0), at(2), response.plan]), iter(history))
    assert (again.id, again.outcomes) == (found.id, found.outcomes)
    assert Reviewer().review(response, history).outcomes == found.outcomes[1:2]  # type: ignore[arg-type]
    assert codec.decode(PlanReview, codec.dumps(found, durations="ns")) == found


def test_plans_without_an_id_are_told_apart_by_what_they_say() -> None:
    plans = [at(0, id=""), at(0, STARVED, id=""), at(0, id="")]
    assert Reviewer().review(plans, came()).kept == 1


def test_several_queues_have_their_own_arrivals() -> None:
    history = came(queue_name="quiet") + came(20.0, queue_name="busy")
    plans = [at(0, id=name, queue_name=name) for name in ("busy", "quiet")]
    assert [item.kept for item in Reviewer().review(plans, history).outcomes] == [False, True]
    unnamed = Reviewer().review([at(0, queue_name="")], history).outcomes[0]
    assert unnamed.reason == "It names no queue, and the history has several."
    assert only(at(0, queue_name=""), came(queue_name="quiet")).judged
    error = refused(lambda: Reviewer().review(plans, came()))
    assert (error.code, error.details["field"]) == (ErrorCode.INVALID_METRICS, "history.queue_name")
    assert "'busy', 'quiet'" in error.message


def test_samples_without_a_queue_are_of_the_one_asked_for() -> None:
    history = came(queue_name="emails")
    history[5:9] = [replace(item, queue_name="") for item in history[5:9]]
    assert only(at(0), history).unknown == 0.0


def test_of_several_samples_at_one_instant_the_last_counts() -> None:
    assert only(at(0), came(50.0) + came()).arrival_rate == pytest.approx(1.0)


def test_the_same_question_has_the_same_answer() -> None:
    first, second = (Reviewer().review([at(0)], came()) for _ in range(2))
    assert (first.id, first.outcomes) == (second.id, second.outcomes)
    other = Reviewer(PlannerConfig(seed=7)).review([at(0)], came())
    assert other.id != first.id
    assert other.outcomes[0].p95_latency != first.outcomes[0].p95_latency


def test_prices_are_the_settings() -> None:
    (found,) = Reviewer(PlannerConfig(worker_cost_per_hour=2.0)).review([at(0)], came()).outcomes
    assert found.worker_cost == pytest.approx(20.0)


def test_a_close_call_is_kept_in_a_share_of_the_runs() -> None:
    shares = [only(at(0, 4, id=str(index)), came(), replications=20).runs_kept for index in range(6)]
    assert any(0.0 < share < 1.0 for share in shares if share is not None)


def test_progress_is_told_and_may_stop_it() -> None:
    told: list[float] = []
    Reviewer().review([at(0), at(1)], came(hours=2), progress=told.append)
    assert (told[0], told[-1], told) == (0.5, 1.0, sorted(told))

    def stop(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Reviewer().review([at(0), at(1)], came(hours=2), progress=stop)


def test_a_timeout_stops_it() -> None:
    error = refused(lambda: Reviewer().review([at(0)], came(), timeout=timedelta(0)))
    assert (error.code, error.details["timed_out"]) == (ErrorCode.FORECAST_FAILED, True)
    assert "review fewer plans" in error.message


@pytest.mark.parametrize(
    ("plans", "history", "rest", "field", "code"),
    [
        (5, [], {}, "plans", ErrorCode.CONFIG_INVALID),
        ("plans.json", [], {}, "plans", ErrorCode.CONFIG_INVALID),
        ([5], [], {}, "plans.0", ErrorCode.CONFIG_INVALID),
        ([{"confidence": 2}], [], {}, "plans.0.confidence", ErrorCode.CONFIG_INVALID),
        ([], 5, {}, "history", ErrorCode.INVALID_METRICS),
        ([], Metrics(timestamp=NOON, arrival_rate=1.0), {}, "history", ErrorCode.INVALID_METRICS),
        ([], [{"timestamp": "noon", "arrival_rate": 1}], {}, "history.0.timestamp", ErrorCode.INVALID_METRICS),
        ([], [], {"replications": 0}, "replications", ErrorCode.CONFIG_INVALID),
        ([], [], {"progress": 5}, "progress", ErrorCode.CONFIG_INVALID),
        ([], [], {"timeout": 5}, "timeout", ErrorCode.CONFIG_INVALID),
    ],
)
def test_what_cannot_be_read_is_named(plans: Any, history: Any, rest: Any, field: str, code: ErrorCode) -> None:
    error = refused(lambda: Reviewer().review(plans, history, **rest))
    fields = [item["field"] for item in error.details.get("errors", [error.details])]
    assert (error.code, field in fields) == (code, True), error.details
    assert error.message
