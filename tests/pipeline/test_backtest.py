"""The backtester, on histories that can be worked out by hand."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from capacity_planner import (
    SLO,
    Backtest,
    Backtester,
    BacktestScenario,
    ErrorCode,
    JobTrace,
    PlannerConfig,
    PlannerError,
    codec,
)
from capacity_planner.pipeline import backtest as room
from capacity_planner.pipeline._backtest_jobs import filled, stage_of, warmup_of
from capacity_planner.simulation.tiers import COMPILER, PLAIN
from tests.pipeline._backtests import HOUR, MINUTE, SECOND, START, Stub, registered, scenario

if TYPE_CHECKING:
    from collections.abc import Iterator

FIXED = Stub("stub", lambda task, knob, seen: knob, grid=(1.0, 2.0, 3.0), default=2.0)
BUSY = Stub("busy", lambda task, knob, seen: (seen.busy + seen.waiting) * knob, grid=(0.8, 1.2, 2.0), default=1.2)
WILD = Stub("wild", lambda task, knob, seen: 1 + (seen.now // 60) % 40, period=15.0)


@pytest.fixture(autouse=True)
def _stubs() -> Iterator[None]:
    FIXED.tasks.clear()
    yield from registered(FIXED, BUSY, WILD)


def every_ten_seconds(hours: int = 4, service: float = 5.0) -> JobTrace:
    """A job every ten seconds."""
    times = tuple(10.0 * index for index in range(360 * hours))
    return JobTrace(arrival_times=times, service_times=(service,) * len(times))


def test_a_static_policy_by_hand() -> None:
    asked = scenario(counts=(), trace=every_ten_seconds())
    found = Backtester(PlannerConfig(worker_cost_per_hour=2.0)).run(asked)
    (outcome,) = found.outcomes
    assert found.scored_from == START + HOUR
    assert (found.scored, found.jobs) == (3 * HOUR, 1080)
    assert outcome.worker_hours == pytest.approx(6.0)
    assert outcome.mean_workers == pytest.approx(2.0)
    assert outcome.cost == pytest.approx(12.0)
    assert (outcome.share_in_time, outcome.windows_in_time, outcome.kept) == (1.0, 1.0, True)
    assert (outcome.p99_wait, outcome.worst_p95_wait, outcome.max_backlog) == (timedelta(0), timedelta(0), 0)
    assert outcome.p95_latency == 5 * SECOND
    assert outcome.utilization == pytest.approx(0.25, rel=1e-3)
    assert (outcome.actions_per_hour, outcome.time_limited, outcome.violation_cost) == (0.0, 0.0, 0.0)
    assert (outcome.policy, outcome.knob) == ("stub", 2.0)
    assert found.static_workers == 1
    assert found.static_worker_hours == pytest.approx(3.0)


def test_waits_by_hand() -> None:
    """Five jobs at once each minute of 10 s each on one worker wait 0, 10, 20, 30 and 40 s."""
    times = tuple(60.0 * minute for minute in range(60) for _ in range(5))
    trace = JobTrace(arrival_times=times, service_times=(10.0,) * 300)
    fixed = replace(scenario(counts=(), trace=trace, warmup=timedelta(0)), max_workers=1, share=0.5)
    (outcome,) = Backtester().run(fixed).outcomes
    assert outcome.share_in_time == pytest.approx(0.4)
    assert (outcome.windows_in_time, outcome.kept) == (0.0, False)
    assert (outcome.p50_wait, outcome.p95_wait, outcome.worst_p95_wait) == (20 * SECOND, 40 * SECOND, 40 * SECOND)
    assert outcome.p95_latency == 50 * SECOND
    assert (outcome.max_backlog, outcome.drain_time) == (4, 40 * SECOND)
    assert outcome.utilization == pytest.approx(50 / 60)
    assert outcome.time_limited == 1.0
    assert outcome.violation_cost == pytest.approx(100.0)
    by_response = replace(fixed, allowed_wait=None, slo=SLO(p95_latency=30 * SECOND), share=0.6)
    again = Backtester().run(by_response)
    assert again.outcomes[0].share_in_time == pytest.approx(0.6)
    assert again.told_wait == 20 * SECOND
    assert again.static_workers == 1


def test_a_worker_is_paid_from_its_order_to_its_end() -> None:
    """One worker to the half hour; then two, of which one starts for 10 minutes; jobs take longer than the rest."""
    late = Stub("late", lambda task, knob, seen: 1 if seen.now < 1800 else 2)
    trace = JobTrace(arrival_times=(0.0, 1800.0, 3599.0), service_times=(5.0, 1.0, 5.0))
    asked = scenario(counts=(), trace=trace, warmup=timedelta(0), policies=("late",), startup_delay=10 * MINUTE)
    for _ in registered(late):
        (outcome,) = Backtester().run(asked).outcomes
    assert outcome.worker_hours == pytest.approx(1.5)
    assert (outcome.actions_per_hour, outcome.reversals_per_hour) == (1.0, 0.0)


def test_all_policies_meet_the_same_jobs_and_the_past_is_told() -> None:
    asked = scenario(counts=tuple(range(1, 49)), interval=5 * MINUTE, warmup=2 * HOUR, policies=("stub", "busy"))
    stage = stage_of(asked, 0)
    assert stage.counts.reshape(-1, 5).sum(axis=1).tolist() == list(range(1, 49))
    assert (stage.begin, len(stage.task.past), stage.loop.end) == (3600.0, 60, 10800.0)
    assert len(stage.loop.arrivals) == stage.loop.counts.sum()
    assert np.array_equal(stage_of(asked, 0).loop.services, stage.loop.services)
    assert not np.array_equal(stage_of(asked, 1).loop.arrivals[:20], stage.loop.arrivals[:20])
    Backtester().run(asked)
    Backtester().run(replace(asked, policies=("busy", "stub")))
    one, two = FIXED.tasks
    assert np.array_equal(one.past, two.past)
    assert (one.service_time, one.allowed_wait, one.share) == (5.0, 10.0, 0.99)


def test_a_policy_does_not_know_the_newest_minutes() -> None:
    FIXED.seen.clear()
    Backtester().run(scenario(late_bins=3))
    past = len(FIXED.tasks[0].past)
    assert all(known <= past + int(now / 60) - 3 for now, _, known in FIXED.seen if now > 240)


def test_the_warm_up_is_not_scored() -> None:
    """A storm before the scored time costs nothing and delays nobody in it."""
    storm = (6000,) * 10 + (0,) * 110 + (6,) * 120
    found = Backtester().run(scenario(counts=storm, warmup=2 * HOUR, policies=("busy",)))
    calm = found.outcomes[0]
    assert found.jobs == 720
    assert calm.max_backlog < 50
    assert calm.worker_hours < 10


def test_the_default_warm_up_is_half_and_at_most_a_fortnight() -> None:
    assert Backtester().run(scenario(warmup=None)).scored_from == START + 2 * HOUR
    long = replace(scenario(), counts=(1,) * (40 * 24), interval=HOUR, warmup=None)
    assert warmup_of(long) == 14 * 1440


def test_the_same_question_has_the_same_answer() -> None:
    asked = scenario(policies=("busy", "stub"), sweep=True, startup_delay=MINUTE, service_time_std=None)
    one, two = (Backtester().run(asked) for _ in range(2))
    assert replace(one, duration=two.duration, created_at=two.created_at) == two
    other = Backtester().run(replace(asked, seed=1))
    assert other.id != one.id
    assert other.outcomes != one.outcomes


def test_both_tiers_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = COMPILER.wait()
    asked = scenario(policies=("busy",), service_time_std=None)
    monkeypatch.setattr(room, "_tier", lambda jobs, timeout: PLAIN)
    plain = Backtester().run(asked)
    monkeypatch.setattr(room, "_tier", lambda jobs, timeout: compiled or PLAIN)
    fast = Backtester().run(asked)
    assert replace(fast, duration=plain.duration, created_at=plain.created_at) == plain


def test_limits_are_never_broken_and_counted() -> None:
    WILD.seen.clear()
    limits = {"max_step_size": 3, "cooldown_period": 5 * MINUTE, "scale_up_cooldown": MINUTE, "max_workers": 20}
    (outcome,) = Backtester().run(scenario(policies=("wild",), **limits)).outcomes
    levels = [(now, ordered) for now, ordered, _ in WILD.seen]
    changes = [(late[0], late[1] - early[1]) for early, late in itertools.pairwise(levels)]
    moved = [(now, change) for now, change in changes if change]
    assert moved
    assert max(abs(change) for _, change in moved) <= 3
    assert max(level for _, level in levels) <= 20
    gaps = [(late[0] - early[0], late[1]) for early, late in itertools.pairwise(moved)]
    assert all(gap >= (60.0 if change > 0 else 300.0) for gap, change in gaps)
    assert 0.5 < outcome.time_limited < 1.0
    free = Backtester().run(scenario(policies=("wild",))).outcomes[0]
    assert free.time_limited == 0.0


def test_the_sweep_and_equal_attainment() -> None:
    found = Backtester().run(scenario(policies=("stub",), sweep=True, counts=(30,) * 240, service_time=20 * SECOND))
    (frontier,) = found.frontiers
    assert [point.knob for point in frontier.points] == [1.0, 2.0, 3.0]
    assert [point.worker_hours for point in frontier.points] == pytest.approx([3.0, 6.0, 9.0])
    (equal,) = found.equal
    assert not equal.reached
    assert equal.worker_hours == pytest.approx(2.0 * found.static_worker_hours)
    assert equal.to_planner is None
    assert equal.regret == pytest.approx(equal.worker_hours / found.bound_worker_hours - 1.0)


def test_the_static_number_is_the_fewest_that_would_have_done() -> None:
    asked = scenario(counts=(30,) * 240, service_time=20 * SECOND, service_time_std=None, share=0.9)
    workers = Backtester().run(asked).static_workers
    for level, kept in ((workers, True), (workers - 1, False)):
        stub = Stub("level", lambda task, knob, seen: knob, default=float(level))
        for _ in registered(stub):
            (outcome,) = Backtester().run(replace(asked, policies=("level",))).outcomes
        assert outcome.kept is kept


def test_the_bound_is_below_what_any_policy_pays() -> None:
    asked = scenario(counts=tuple(5 + (i // 30) % 4 * 8 for i in range(240)), policies=("busy", "stub"), sweep=True)
    found = Backtester().run(replace(asked, service_time=30 * SECOND, share=0.95))
    reached = [item for item in found.equal if item.reached]
    assert reached
    assert all(item.worker_hours >= found.bound_worker_hours for item in reached)
    assert found.outcomes == tuple(sorted(found.outcomes, key=lambda item: not item.kept))


def test_the_planner_the_oracle_and_the_bound() -> None:
    rates = 20 + 15 * np.sin(np.arange(1440) / 1440 * 2 * math.pi)
    counts = tuple(np.random.default_rng(3).poisson(rates).tolist())
    asked = scenario(counts=counts, policies=("planner", "oracle"), service_time=30 * SECOND, warmup=None)
    found = Backtester().run(replace(asked, startup_delay=2 * MINUTE, forecast_model="ewma"))
    assert found.split is not None
    assert found.split.bound <= found.split.oracle
    planner = found.outcome("planner")
    assert planner is not None
    assert planner.knob is None
    assert found.kept is planner.kept


def test_it_is_equal_after_a_round_trip() -> None:
    found = Backtester().run(scenario(policies=("busy", "stub"), sweep=True))
    assert codec.decode(Backtest, codec.dumps(found)) == found
    assert codec.decode(BacktestScenario, codec.dumps(found.scenario)) == found.scenario
    mapping = codec.encode(found.scenario)
    assert Backtester().run(mapping).outcomes == found.outcomes


def test_the_timeline_adds_up() -> None:
    found = Backtester().run(scenario(counts=(), trace=every_ten_seconds()))
    line = found.timeline
    assert line.start == found.scored_from
    assert len(line.arrival_rate) == len(line.bound_workers) == 180
    assert set(line.arrival_rate) == {0.1}
    (track,) = line.tracks
    assert set(track.workers) == {2.0}
    assert set(track.p95_wait) == {0.0}
    long = Backtester().run(scenario(counts=(1,) * 1440, interval=5 * MINUTE, warmup=timedelta(0)))
    assert len(long.timeline.arrival_rate) <= 500
    rates = np.array(long.timeline.arrival_rate) * long.timeline.interval.total_seconds()
    assert rates.sum() == pytest.approx(1440, rel=0.01)


@pytest.mark.parametrize(
    "changes",
    [
        {"counts": (0,) * 240},
        {"counts": (5,), "warmup": timedelta(0)},
        {"counts": (0,), "warmup": timedelta(0), "min_workers": 0},
        {"counts": (None, *(6,) * 200, None, None)},
        {"counts": (6,) * 60 + (0,) * 60, "interval": 17 * SECOND, "warmup": None},
        {"counts": (), "trace": JobTrace(arrival_times=(0.0,), service_times=(1e-3,)), "warmup": timedelta(0)},
        {"counts": (), "trace": JobTrace(counts=(3, 0, 9), interval=HOUR, service_times=(1.0, 9.0))},
        {"worker_concurrency": 7, "startup_delay": HOUR},
        {"allowed_wait": timedelta(0)},
        {"max_workers": 0, "min_workers": 0},
        {"metric_lag": timedelta(0), "late_bins": 0},
    ],
)
def test_odd_histories_have_an_answer(changes: dict[str, object]) -> None:
    found = Backtester().run(scenario(policies=("stub", "busy", "planner"), forecast_model="ewma", **changes))
    assert len(found.outcomes) == 3
    assert codec.decode(Backtest, codec.dumps(found)) == found


def test_gaps_are_filled_by_like_times_and_told() -> None:
    day = tuple(range(24))
    counts, gaps = filled((*day, *day[:6], None, None, *day[8:]), 3600.0)
    assert (counts[30], counts[31], gaps) == (6, 7, 2)
    assert filled((None, 4, None, 8, None), 60.0)[0].tolist() == [4, 4, 6, 8, 8]
    found = Backtester().run(scenario(counts=(6, None, *(6,) * 238)))
    assert any(note.startswith("1 interval") for note in found.notes)


def test_progress_and_timeouts() -> None:
    shares: list[float] = []
    Backtester().run(scenario(policies=("stub", "busy"), sweep=True), progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) > 20
    with pytest.raises(PlannerError, match="replay less") as caught:
        Backtester().run(scenario(counts=(60,) * 40_000, policies=("busy",)), timeout=timedelta(milliseconds=50))
    assert caught.value.details["timed_out"]


def test_a_policy_that_fails_is_named() -> None:
    bad = Stub("bad", lambda task, knob, seen: math.nan)
    for _ in registered(bad):
        with pytest.raises(PlannerError, match="The policy bad failed") as caught:
            Backtester().run(scenario(policies=("bad",)))
    assert caught.value.code == ErrorCode.FORECAST_FAILED
