"""The schedule: within every limit, whatever is needed; and in time, where the limits allow it."""

from __future__ import annotations

import math
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from capacity_planner.domain.config import PlannerConfig
from capacity_planner.planning.fluid import Fluid, Tolerance
from capacity_planner.planning.needs import Need
from capacity_planner.planning.schedule import Path, Reason, follow

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
    needs: list[Need], config: PlannerConfig, *, current: int, backlog: float = 0.0, since: float = math.inf
) -> Path:
    queue = Fluid(
        rates=[item.rate for item in needs],  # jobs of one second, so that λ is the offered load
        interval=INTERVAL,
        service_rate=config.worker_concurrency,
        tolerance=Tolerance(),
        backlog=backlog,
        serving=current,
    )
    return follow(needs, queue, last_change=-since, config=config)


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Need], PlannerConfig, Path, float, int]:
    config = draw(CONFIGS)
    loads = draw(st.lists(st.floats(0.0, 70.0), min_size=1, max_size=14))
    needs = [need(load, draw(st.integers(0, 5)), config) for load in loads]
    current, since = draw(st.integers(0, 80)), draw(st.just(math.inf) | st.floats(0.0, 2_000.0))
    return needs, config, walk(needs, config, current=current, backlog=draw(BACKLOGS), since=since), since, current


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
        assert change.reason is Reason.SHRINK


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


def test_a_peak_is_not_prepared_long_before_it_is_due() -> None:
    """Two steps of 10 at most, 5 minutes apart, 2 to start: ordered at 25 and 30 minutes for a peak at 35."""
    config = PlannerConfig(max_step_size=10, startup_delay=timedelta(minutes=2), safety_margin=0.0)
    needs, current = _flat_then_peak(config, 4.0, 20.0, 7)
    path = walk(needs, config, current=current)
    times = [change.at for change in path.changes]
    assert times == [1500.0, 1800.0][: len(times)]
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
    config = PlannerConfig(max_step_size=50)
    quiet: dict[str, Any] = {"current": 8, "config": config}
    needs = [need(5.0, 0, config)] * 6
    assert walk(needs, **quiet).changes == ()
    path = walk(needs, backlog=3_000.0, **quiet)
    assert path.changes[0].at == 0.0
    assert path.changes[0].after >= 5 + 3_000 / 300
    assert path.fluid.backlog == 0.0


@example(load=1.0, count=1)
@given(load=st.floats(0.0, 1e15), count=st.integers(1, 5))
def test_a_load_beyond_the_maximum_goes_to_the_maximum(load: float, count: int) -> None:
    config = PlannerConfig(max_step_size=1_000)
    path = walk([need(load, 0, config)] * count, config, current=1)
    assert all(config.min_workers <= change.after <= config.max_workers for change in path.changes)
    if load > 100:
        assert [change.after for change in path.changes] == [100]
