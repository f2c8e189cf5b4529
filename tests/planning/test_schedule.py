"""The schedule: within every limit, whatever is needed; and in time, where the limits allow it."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from capacity_planner.domain.config import PlannerConfig
from capacity_planner.planning import _levels
from capacity_planner.planning.fluid import Fluid, Tolerance
from capacity_planner.planning.need import Need
from capacity_planner.planning.schedule import Path, Reason, follow

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.domain.congestion import FloatArray

INTERVAL = 300.0
EPSILON = 1e-5
MINUTES = st.integers(0, 20).map(lambda count: timedelta(minutes=count))
BACKLOGS = st.just(0) | st.integers(0, 5_000)

CONFIGS = st.builds(
    PlannerConfig,
    min_workers=st.integers(0, 10),
    max_workers=st.integers(10, 60),
    max_step_size=st.integers(1, 20),
    cooldown_period=MINUTES,
    scale_up_cooldown=st.none() | MINUTES,
    startup_delay=st.integers(0, 900).map(lambda count: timedelta(seconds=count)),
    scale_up_threshold=st.floats(0.6, 1.0),
    scale_down_threshold=st.floats(0.0, 0.59),
    worker_concurrency=st.integers(1, 4),
)


def need(load: float, extra: int, config: PlannerConfig) -> Need:
    """What a load asks for when the SLO wants ``extra`` workers more than stability does."""
    per_worker = config.worker_concurrency
    slo = (math.floor(load / per_worker) + 1 + extra) if load else 0
    return Need(
        rate=load,
        demand_rate=load,
        load=load,
        demand_load=load,
        slo=slo,
        margin=math.ceil(slo * (1 + config.safety_margin) - 1e-9),
        unhurried=math.ceil(load / config.scale_up_threshold / per_worker - 1e-9),
    )


def walk(
    needs: list[Need],
    config: PlannerConfig,
    *,
    current: int,
    backlog: float = 0.0,
    since: float = math.inf,
    violation: Callable[[int, FloatArray], FloatArray] | None = None,
) -> Path:
    queue = fluid(needs, config, current=current, backlog=backlog)
    return follow(needs, queue, last_change=-since, config=config, violation=violation)


def fluid(needs: list[Need], config: PlannerConfig, *, current: int, backlog: float = 0.0) -> Fluid:
    return Fluid(
        rates=[item.rate for item in needs],  # jobs of one second, so that λ is the offered load
        interval=INTERVAL,
        service_rate=config.worker_concurrency,
        tolerance=Tolerance(),
        backlog=backlog,
        serving=current,
    )


def tails(needs: list[Need], spread: float = 0.2) -> Callable[[int, FloatArray], FloatArray]:
    """P(the SLO is broken): a half at what the SLO needs, and half as much with every fifth of that more."""

    def violation(index: int, levels: FloatArray) -> FloatArray:
        item = needs[index]
        return np.minimum(0.5 ** ((levels - item.slo) / (1 + spread * item.slo) + 1), 1.0)

    return violation


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Need], PlannerConfig, Path, float, int]:
    config = draw(CONFIGS)
    loads = draw(st.lists(st.floats(0.0, 70.0), min_size=1, max_size=14))
    needs = [need(load, draw(st.integers(0, 5)), config) for load in loads]
    if draw(st.booleans()):
        at = draw(st.integers(0, len(needs) - 1))
        needs[at] = replace(needs[at], drain=draw(st.integers(1, 60)))
    current, since = draw(st.integers(0, 80)), draw(st.just(math.inf) | st.floats(0.0, 2_000.0))
    violation = tails(needs) if draw(st.booleans()) else None
    path = walk(needs, config, current=current, backlog=draw(BACKLOGS), since=since, violation=violation)
    return needs, config, path, since, current


@settings(max_examples=400)
@given(situations())
def test_every_limit_is_kept(situation: tuple[list[Need], PlannerConfig, Path, float, int]) -> None:
    needs, config, path, since, current = situation
    level, last = current, -since
    for change in path.changes:
        up = change.after > change.before
        assert change.before == level
        assert change.after != change.before
        assert abs(change.after - change.before) <= config.max_step_size
        cooldown = (config.cooldown_up if up else config.cooldown_period).total_seconds()
        assert change.at >= last + cooldown - EPSILON
        assert change is path.changes[0] or change.at >= last + 60.0 - EPSILON
        assert change.at >= 0.0
        assert change.at < len(needs) * INTERVAL
        if config.min_workers <= level <= config.max_workers:
            assert config.min_workers <= change.after <= config.max_workers
        elif level > config.max_workers:
            assert not up
        else:
            assert up
        level, last = change.after, change.at
    assert [change.at for change in path.changes] == sorted({change.at for change in path.changes})


@settings(max_examples=400)
@given(situations())
def test_workers_go_only_where_they_are_idle_and_never_too_many(
    situation: tuple[list[Need], PlannerConfig, Path, float, int],
) -> None:
    needs, config, path, _, _ = situation
    for change in path.changes:
        if change.after > change.before or change.before > config.max_workers:
            continue
        load = needs[int(change.at / INTERVAL + 1e-9)].load
        assert load < config.scale_down_threshold * change.before * config.worker_concurrency + 1e-9
        assert load <= config.scale_up_threshold * change.after * config.worker_concurrency + 1e-9
        assert change.after >= min(needs[int(change.at / INTERVAL + 1e-9)].target, config.max_workers)
        assert change.before - change.after > min(change.before / 10, config.max_step_size - 1)
        assert change.reason is Reason.SHRINK


@settings(max_examples=400)
@given(situations())
def test_an_addition_goes_to_the_target_of_the_interval_it_is_for(
    situation: tuple[list[Need], PlannerConfig, Path, float, int],
) -> None:
    needs, config, path, _, _ = situation
    startup = config.startup_delay.total_seconds()
    for change in path.changes:
        if change.after > change.before:
            ahead = needs[min(int((change.at + startup) / INTERVAL + 1e-9), len(needs) - 1) :]
            asked = min(ahead[0].target, config.max_workers)
            assert change.after >= min(asked, change.before + config.max_step_size)
            assert change.reason is not Reason.SHRINK
            assert change.wanted >= change.after


@settings(max_examples=200)
@given(situations())
def test_no_worker_goes_while_jobs_wait(situation: tuple[list[Need], PlannerConfig, Path, float, int]) -> None:
    needs, config, path, _, current = situation
    queue = fluid(needs, config, current=current, backlog=path.fluid.opening[0])
    first = True
    for change in path.changes:
        queue.advance(change.at)
        if change.after < change.before <= config.max_workers:
            assert not needs[int(change.at / INTERVAL + 1e-9)].drain
            assert not first or queue.backlog < 1
            first = False
        startup = config.startup_delay.total_seconds() if change.after > change.before else 0.0
        queue.order(change.after, change.at + startup)


def test_jobs_that_wait_hold_all_workers_until_they_are_gone() -> None:
    """100 jobs of a second, and 8 workers for 5 jobs/s: gone after 33 s, so at the next minute some may go."""
    config = PlannerConfig()
    needs = [replace(need(5.0, 0, config), load=1.0)] * 6
    assert walk(needs, config, current=12).changes[0].at == 0.0
    assert walk(needs, config, current=12, backlog=100.0).changes[0].at == 60.0
    assert walk([replace(needs[0], drain=8), *needs[1:]], config, current=12).changes[0].at == 300.0


@settings(max_examples=200)
@given(situations())
def test_the_queue_of_the_path_is_the_queue_of_its_steps(
    situation: tuple[list[Need], PlannerConfig, Path, float, int],
) -> None:
    needs, config, path, _, current = situation
    startup = config.startup_delay.total_seconds()
    queue = Fluid(
        rates=[item.rate for item in needs],
        interval=INTERVAL,
        service_rate=config.worker_concurrency,
        tolerance=Tolerance(),
        backlog=path.fluid.opening[0],
        serving=current,
    )
    for change in path.changes:
        queue.advance(change.at)
        queue.order(change.after, change.at + (startup if change.after > change.before else 0.0))
    queue.advance(queue.end)
    assert queue.least == path.fluid.least
    assert queue.backlog == pytest.approx(path.fluid.backlog, abs=1e-3)
    assert queue.worker_seconds == pytest.approx(path.fluid.worker_seconds)


@settings(max_examples=200)
@given(config=CONFIGS, load=st.floats(0.1, 30.0), extra=st.integers(0, 5), count=st.integers(1, 12))
def test_a_pool_of_the_right_size_is_left_alone(config: PlannerConfig, load: float, extra: int, count: int) -> None:
    item = need(load, extra, config)
    current = min(max(item.target, config.min_workers), config.max_workers)
    assert walk([item] * count, config, current=current).changes == ()


def _flat_then_peak(config: PlannerConfig, low: float, peak: float, at: int) -> tuple[list[Need], int]:
    needs = [need(low, 0, config)] * at + [need(peak, 0, config)] * 3
    return needs, max(needs[0].target, config.min_workers)


def _in_time(config: PlannerConfig, low: float, peak: float, at: int) -> bool | None:
    """Whether the peak finds its workers, or ``None`` when the limits forbid it."""
    needs, current = _flat_then_peak(config, low, peak, at)
    steps = math.ceil((needs[-1].hold - current) / config.max_step_size)
    gap = max(config.cooldown_up.total_seconds(), 60.0)  # without a cooldown a step a minute
    spent = max(steps - 1, 0) * gap + config.startup_delay.total_seconds()
    if needs[-1].hold > config.max_workers or spent > at * INTERVAL:
        return None
    path = walk(needs, config, current=current)
    return path.fluid.least[at] >= needs[-1].hold


@settings(max_examples=400)
@given(config=CONFIGS, low=st.floats(0.0, 20.0), peak=st.floats(10.0, 60.0), at=st.integers(1, 12))
def test_a_peak_ahead_is_prepared_in_time(config: PlannerConfig, low: float, peak: float, at: int) -> None:
    prepared = _in_time(config, low, peak, at)
    assume(prepared is not None)
    assert prepared


@pytest.mark.parametrize(
    ("cooldown", "startup", "step"),
    [
        (60, 0, 5),  # two steps, of which the second can come a minute after the first
        (60, 30, 10),  # one step, which must be ordered half a minute ahead
        (120, 0, 5),
        (0, 0, 5),
        (0, 30, 10),
        (0, 120, 5),
        (0, 420, 3),
    ],
)
def test_a_peak_ahead_is_prepared_in_time_with_a_short_cooldown(cooldown: int, startup: int, step: int) -> None:
    config = PlannerConfig(
        scale_up_cooldown=timedelta(seconds=cooldown), startup_delay=timedelta(seconds=startup), max_step_size=step
    )
    assert _in_time(config, 5.0, 12.0, 6)


def test_a_peak_is_not_prepared_before_it_is_due() -> None:
    """Two steps of 10 at most, 5 minutes apart, 2 to start: ordered at 28 and 33 minutes for a peak at 35."""
    config = PlannerConfig(max_step_size=10, startup_delay=timedelta(minutes=2), safety_margin=0.0)
    needs, current = _flat_then_peak(config, 4.0, 20.0, 7)
    path = walk(needs, config, current=current)
    assert [change.at for change in path.changes] == [1680.0, 1980.0]
    assert path.fluid.least[7] >= needs[-1].hold


def test_the_specs_ramp_takes_ten_every_five_minutes() -> None:
    """8 workers, 47 needed and 50 at most, steps of 10: 18, 28, 38, 48, then the rest."""
    config = PlannerConfig(max_step_size=10, min_workers=2, max_workers=50)
    path = walk([need(45.9, 8, config)] * 12, config, current=8)
    assert [(change.at, change.after) for change in path.changes] == [
        (0.0, 18),
        (300.0, 28),
        (600.0, 38),
        (900.0, 48),
        (1200.0, 50),
    ]
    assert {change.wanted for change in path.changes} == {50}


def test_a_cooldown_from_before_holds_the_first_step_back() -> None:
    config = PlannerConfig()
    path = walk([need(20.0, 3, config)] * 12, config, current=10, since=100.0)
    assert path.changes[0].at == pytest.approx(200.0)


def test_a_cooldown_of_zero_on_the_way_up_climbs_every_minute_and_still_shrinks_slowly() -> None:
    config = PlannerConfig(scale_up_cooldown=timedelta(0), cooldown_period=timedelta(minutes=15), max_step_size=5)
    up = walk([need(20.0, 3, config)] * 12, config, current=10, since=100.0)
    assert up.changes[0].at == 0.0
    assert all(later.at - sooner.at == 60.0 for sooner, later in pairwise(up.changes))
    down = walk([need(2.0, 0, config)] * 12, config, current=30, since=100.0)
    assert down.changes[0].at == pytest.approx(800.0)
    assert all(later.at - sooner.at >= 900.0 for sooner, later in pairwise(down.changes))


def test_above_the_maximum_the_plan_comes_down_step_by_step() -> None:
    config = PlannerConfig(max_workers=20, max_step_size=10)
    path = walk([need(15.0, 2, config)] * 6, config, current=45)
    assert [(change.at, change.after) for change in path.changes] == [(0.0, 35), (300.0, 25), (600.0, 20)]
    assert path.changes[0].reason is Reason.MAXIMUM


def test_below_the_minimum_the_plan_goes_up_to_it() -> None:
    config = PlannerConfig(min_workers=4)
    path = walk([need(0.0, 0, config)] * 6, config, current=0)
    assert [(change.at, change.after, change.reason) for change in path.changes] == [(0.0, 4, Reason.MINIMUM)]


def test_nothing_to_do_goes_to_zero_where_zero_is_allowed() -> None:
    config = PlannerConfig(min_workers=0, scale_down_threshold=0.5)
    path = walk([need(0.0, 0, config)] * 6, config, current=10)
    assert [(change.at, change.after) for change in path.changes] == [(0.0, 0)]


def test_a_backlog_is_worked_off() -> None:
    """3000 jobs of a second in 5 minutes are ten more workers, and none goes before they are gone."""
    config = PlannerConfig(max_step_size=50)
    needs = [need(5.0, 0, config)] * 6
    assert walk(needs, config, current=8).changes == ()
    draining = [replace(needs[0], drain=15), *needs[1:]]
    path = walk(draining, config, current=8, backlog=3_000.0)
    assert [(change.at, change.after, change.reason) for change in path.changes[:1]] == [(0.0, 15, Reason.BACKLOG)]
    assert path.fluid.opening[1] == 0.0
    assert path.fluid.backlog == 0.0


# --- headroom, where violations cost ---------------------------------------------------------------------------------


def bought(violation_cost: float, worker_cost: float = 0.5, **rest: Any) -> list[int]:
    config = PlannerConfig(
        violation_cost_per_hour=violation_cost, worker_cost_per_hour=worker_cost, max_step_size=100, **rest
    )
    needs = [need(20.0, 3, config)] * 12
    return [change.after for change in walk(needs, config, current=10, violation=tails(needs)).changes]


def test_headroom_beyond_the_target_is_bought_where_violations_are_dear() -> None:
    config = PlannerConfig()
    target = need(20.0, 3, config).target
    assert bought(0.0) == bought(0.01) == [target]
    dear, dearer = bought(100.0), bought(1_000.0)
    assert target < dear[0] < dearer[0] < config.max_workers


def test_headroom_is_bought_up_to_where_a_worker_costs_what_it_saves() -> None:
    """At 24 workers half of the hours break the SLO, half as many with every 5.8 more: P(n) = 2^-(1 + (n - 24)/5.8).

    The worker after n saves P(n) - P(n + 1) = P(n) (1 - 2^(-1/5.8)) hours of 100 $ for 0.50 $: up to P(n) = 4.4 %, so
    up to n = 24 + 5.8 (log2(1/0.044) - 1) = 44.2.
    """
    share = 1 - 2 ** (-1 / 5.8)
    assert bought(100.0) == [math.ceil(24 + 5.8 * (math.log2(share / 0.005) - 1))]


def test_workers_that_cost_nothing_are_not_bought_for_nothing() -> None:
    config = PlannerConfig()
    assert bought(0.0, worker_cost=0.0) == [need(20.0, 3, config).target]
    assert bought(1.0, worker_cost=0.0) == [config.max_workers]


@settings(max_examples=200)
@given(config=CONFIGS, load=st.floats(0.1, 30.0), extra=st.integers(0, 5), count=st.integers(1, 12))
def test_a_pool_that_holds_buys_no_headroom(config: PlannerConfig, load: float, extra: int, count: int) -> None:
    needs = [need(load, extra, config)] * count
    current = min(max(needs[0].hold, config.min_workers), config.max_workers)
    dear = replace(config, scale_down_threshold=0.0)
    assert walk(needs, dear, current=current, violation=tails(needs)).changes == ()


def test_headroom_is_kept_until_the_peak_is_over_although_a_removal_acts_at_once() -> None:
    """Orders for the quiet time serve from 30 minutes on; who left when they were made would be missing until then."""
    config = PlannerConfig(startup_delay=timedelta(minutes=10), max_step_size=100, violation_cost_per_hour=1_000.0)
    busy, quiet = need(30.0, 3, config), need(5.0, 0, config)
    needs = [replace(busy, load=10.0)] * 6 + [quiet] * 6
    path = walk(needs, config, current=60, violation=tails(needs))
    assert path.changes[0].at == 1800.0


@settings(max_examples=100)
@given(situations(), st.data())
def test_the_same_question_has_the_same_answer(
    situation: tuple[list[Need], PlannerConfig, Path, float, int], data: st.DataObject
) -> None:
    needs, config, _, since, current = situation
    violation = tails(needs) if data.draw(st.booleans()) else None
    one, other = (walk(needs, config, current=current, since=since, violation=violation) for _ in range(2))
    assert one.changes == other.changes


def test_a_single_worker_more_or_less_moves_no_pool() -> None:
    config = PlannerConfig(safety_margin=0.0, scale_up_threshold=1.0, scale_down_threshold=0.99)
    needs = [need(load, 0, config) for load in (49.0, 48.0, 46.0, 47.0, 49.5, 45.0)]
    assert walk(needs, config, current=50).changes == ()
    assert walk(needs, config, current=60).changes[0].after == 50


def test_a_valley_between_two_peaks_is_used_where_it_is_long_enough() -> None:
    """Down at once, since a worker is back in 2 minutes, and up again in time."""
    config = PlannerConfig(max_step_size=50, startup_delay=timedelta(minutes=2))
    peak, valley = need(40.0, 3, config), need(10.0, 2, config)
    path = walk([peak] * 2 + [valley] * 4 + [peak] * 2, config, current=peak.target)
    assert [(change.at, change.after) for change in path.changes] == [(600.0, valley.target), (1680.0, peak.target)]
    assert min(path.fluid.least[:2] + path.fluid.least[6:]) >= peak.hold


@example(load=1.0, count=1)
@given(load=st.floats(0.0, 1e15), count=st.integers(1, 5))
def test_a_load_beyond_the_maximum_goes_to_the_maximum(load: float, count: int) -> None:
    config = PlannerConfig(max_step_size=1_000)
    path = walk([need(load, 0, config)] * count, config, current=1)
    assert all(config.min_workers <= change.after <= config.max_workers for change in path.changes)
    if load > 100:
        assert [change.after for change in path.changes] == [100]


@pytest.mark.parametrize("size", [300, 1_500, 10_000])
@pytest.mark.parametrize("seed", range(5))
def test_thinning_out_the_levels_of_a_large_pool_costs_next_to_nothing(
    monkeypatch: pytest.MonkeyPatch, size: int, seed: int
) -> None:
    dice = np.random.default_rng(seed)
    config = PlannerConfig(max_workers=4_000, max_step_size=size)
    needs = [need(float(load), 60, config) for load in dice.uniform(300, 3_000, 12)]
    thin = walk(needs, config, current=2_000)
    monkeypatch.setattr(_levels, "_MOST_CELLS", 10**9)
    full = walk(needs, config, current=2_000)
    holds = np.array([need.hold for need in needs])
    short, least = (np.maximum(holds - path.fluid.least, 0).sum() for path in (thin, full))
    assert short == least
    assert thin.fluid.worker_seconds == pytest.approx(full.fluid.worker_seconds, rel=1e-3)


@pytest.mark.parametrize("size", [15, 1_000, 1_000_000])
@pytest.mark.parametrize("current", [0, 500_000, 999_999])
def test_a_million_workers_are_planned(size: int, current: int) -> None:
    config = PlannerConfig(max_workers=1_000_000, max_step_size=size, scale_up_cooldown=timedelta(0))
    needs = [need(600_000 + 300_000 * math.sin(index), 1_000, config) for index in range(12)]
    path = walk(needs, config, current=current, violation=tails(needs))
    assert path.changes
    assert all(abs(change.after - change.before) <= size for change in path.changes)
    if size == 1_000_000:
        assert all(least >= min(item.hold, 1_000_000) for item, least in zip(needs, path.fluid.least, strict=True))


@pytest.mark.parametrize(("interval", "count"), [(1, 2_016), (300, 2_016), (301, 12), (86_400, 7)])
def test_any_grid_of_intervals_is_planned(interval: int, count: int) -> None:
    """Up in time for the wave, and down again, at every spacing."""
    config = PlannerConfig(
        plan_interval=timedelta(seconds=interval), forecast_window=timedelta(seconds=interval * count)
    )
    needs = [need(30 - 20 * math.cos(index * 2 * math.pi / count), 3, config) for index in range(count)]
    queue = replace(fluid(needs, config, current=needs[0].target), interval=float(interval))
    path = follow(needs, queue, last_change=-math.inf, config=config)
    assert {change.after > change.before for change in path.changes} == {True, False}
    assert all(least >= item.hold for item, least in zip(needs, path.fluid.least, strict=True))
