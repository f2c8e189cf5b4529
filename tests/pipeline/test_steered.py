"""The planner's own policy in a closed loop: what it may know, and where the quantile that sets itself lands."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from capacity_planner.pipeline.steered import Planner
from capacity_planner.queueing._laws import Gamma, Lognormal
from capacity_planner.queueing._mixtures import Blend

from ._steered import DAY, ITSELF, LAW, MINUTE, SERVICE, Case, case, replayed, scaled

if TYPE_CHECKING:
    from capacity_planner.contracts import ServiceLaw
    from capacity_planner.simulation.closed_loop import Replay

pytestmark = pytest.mark.slow

BLEND = Blend(SERVICE, parts=((0.4, Gamma(1.0, shape=2.0)), (0.6, Lognormal(1.0, sigma=0.5))))


def paid_for(queue: Case, done: Replay) -> float:
    return float(done.paid.integrals(np.array([0.0, queue.loop.end]))[0])


def until(orders: tuple[tuple[float, int], ...], end: float) -> list[tuple[float, int]]:
    return [order for order in orders if order[0] < end]


# --- what it may know ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("late", [0, 1, 3])
def test_no_decision_knows_a_count_before_it_is_known(late: int) -> None:
    """Other counts from a minute on: it is decided otherwise when the first of them is known, and not sooner."""
    queue, minute = case(1.0, 0.25), 120
    queue = replace(queue, loop=replace(queue.loop, late_bins=late))
    other = queue.told(minute, np.random.default_rng(5))
    one, changed = (
        scaled(queue, 12.0, counts=counts, late_bins=late, model="naive") for counts in (queue.counts, other)
    )
    known = (minute + 1 + late) * MINUTE
    assert until(one.orders, known) == until(changed.orders, known) != []
    assert until(one.orders, known + MINUTE) != until(changed.orders, known + MINUTE)


@pytest.mark.parametrize(
    "law",
    [
        LAW,
        BLEND,
    ],
    ids=lambda law: law.name,
)
def test_the_quantile_that_sets_itself_knows_no_count_before_it_is_known(law: ServiceLaw) -> None:
    """Two mornings are replayed to set it, and other counts come after the second."""
    queue, minute = case(2.0, 0.2), round(0.1 * DAY)
    other = queue.told(minute, np.random.default_rng(5))
    one, changed = (scaled(queue, counts=counts, law=law) for counts in (queue.counts, other))
    known = (minute + 2) * MINUTE
    assert until(one.orders, known) == until(changed.orders, known) != []
    assert one.orders != changed.orders


def test_without_a_past_it_knows_no_count_before_it_is_known() -> None:
    queue, minute = case(0.0, 1.0), round(0.9 * DAY)
    other = queue.told(minute, np.random.default_rng(5))
    other[minute:] *= 50.0
    one, changed = (scaled(queue, counts=counts) for counts in (queue.counts, other))
    known = (minute + 2) * MINUTE
    assert until(one.orders, known) == until(changed.orders, known)


def test_the_oracle_knows_the_counts_that_come() -> None:
    """It orders for a flood so early that its workers serve when it comes."""
    queue, minute = case(1.0, 0.25), 120
    other = queue.told(minute, np.random.default_rng(5))
    one, changed = (scaled(queue, 12.0, counts=counts, oracle=True) for counts in (queue.counts, other))
    flood = minute * MINUTE
    assert until(one.orders, flood) != until(changed.orders, flood)
    assert until(one.orders, flood - 300.0) == until(changed.orders, flood - 300.0)
    assert max(workers for _, workers in until(changed.orders, flood)) > 25


def test_the_oracle_is_never_worse_off() -> None:
    queue = case(1.0, 0.5, daily=0.6)
    costs: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    for oracle in (True, False):
        for place in range(2, 20, 3):
            done = scaled(queue, float(place), oracle=oracle)
            kept = float(np.mean(done.waits <= queue.loop.task.allowed_wait))
            costs[oracle].append((kept, paid_for(queue, done)))
    for share in (0.9, 0.95, 0.98):
        paid = [np.interp(share, *np.array(sorted(costs[oracle])).T) for oracle in (True, False)]
        assert paid[0] < paid[1]


# --- the quantile that sets itself -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("daily", "seed"), [(0.0, 1), (0.6, 2)])
@pytest.mark.parametrize("share", [0.95, 0.99])
def test_it_lands_near_the_share_that_is_asked_for(share: float, daily: float, seed: int) -> None:
    """Within a point, over three days."""
    done = scaled(case(2.0, 3.0, daily=daily, seed=seed, share=share))
    assert abs(float(np.mean(done.waits <= 60.0)) - share) < 0.01


def test_it_is_the_same_every_time() -> None:
    queue = case(2.0, 0.1)
    planner = Planner(queue.counts, LAW)
    runs = [scaled(queue), replayed(queue, planner), replayed(queue, planner)]
    assert len({done.orders for done in runs}) == 1
    assert len({done.waits.tobytes() for done in runs}) == 1


@pytest.mark.parametrize(
    ("knob", "change"),
    [(12.0, {"allowed_wait": 10.0}), (12.0, {"startup_delay": 300.0}), (ITSELF, {"share": 0.8})],
)
def test_one_that_was_started_for_another_queue_starts_anew(knob: float, change: dict[str, float]) -> None:
    queue = case(2.0, 0.05)
    planner = Planner(queue.counts, LAW)
    replayed(queue, planner, knob)
    found, fresh = (replayed(queue, one, knob, **change) for one in (planner, Planner(queue.counts, LAW)))
    assert found.orders == fresh.orders


def test_one_that_was_started_for_other_limits_starts_anew() -> None:
    queue = case(2.0, 0.05)
    planner = Planner(queue.counts, LAW)
    planner.start(queue.loop.task, ITSELF)
    found, fresh = (replayed(queue, one, max_workers=11) for one in (planner, Planner(queue.counts, LAW)))
    assert found.orders == fresh.orders


# --- the edges -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("knob", [ITSELF, 0.0, 12.0, 24.0])
def test_a_first_day_without_a_past_is_served(knob: float) -> None:
    queue = case(0.0, 0.4)
    done = scaled(queue, knob)
    assert np.isfinite(done.waits).all()
    assert 5 < np.median([workers for _, workers in done.orders]) < 60


@pytest.mark.parametrize("least", [0, 2])
def test_where_no_job_ever_came_the_fewest_are_kept(least: int) -> None:
    queue = case(2.0, 0.1, load=0.0, min_workers=least)
    done = scaled(queue)
    assert queue.counts.sum() == 0.0
    assert [queue.loop.workers, *(workers for _, workers in done.orders)][-1] == least


@pytest.mark.parametrize("past", [0.0, 0.01])
def test_where_no_job_came_so_far_few_are_kept(past: float) -> None:
    done = scaled(case(past, 0.1, load=0.0, min_workers=0))
    assert max(workers for _, workers in done.orders) <= 5


def test_gaps_in_the_counts_are_no_jobs() -> None:
    queue = case(1.0, 0.1)
    gaps, zeros = queue.counts.copy(), queue.counts.copy()
    gaps[500:520], zeros[500:520] = np.nan, 0.0
    assert scaled(queue, 12.0, counts=gaps).orders == scaled(queue, 12.0, counts=zeros).orders


def test_a_higher_place_pays_more_and_keeps_more() -> None:
    queue = case(1.0, 0.5)
    done = [scaled(queue, float(place)) for place in (2, 8, 14, 20)]
    paid = [paid_for(queue, one) for one in done]
    kept = [float(np.mean(one.waits <= 60.0)) for one in done]
    assert paid == sorted(paid)
    assert kept == sorted(kept)


def test_workers_of_two_servers_cost_half_as_many() -> None:
    """But for what is rounded up to whole workers."""
    queue = case(1.0, 0.5, load=40.0)
    twice = case(1.0, 0.5, load=40.0, concurrency=2)
    paid = [paid_for(one, scaled(one, 12.0)) for one in (queue, twice)]
    assert 0.5 < paid[1] / paid[0] < 0.53
