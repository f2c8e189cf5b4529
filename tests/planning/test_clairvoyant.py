"""The clairvoyant bound: solved by hand, by another programme, and never above what a policy pays."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from capacity_planner.domain.policy import PolicyTask
from capacity_planner.planning import clairvoyant
from capacity_planner.planning.clairvoyant import Bound, bound
from capacity_planner.registry import policies
from capacity_planner.simulation._steps import Steps
from capacity_planner.simulation.closed_loop import Loop, Replay, run
from capacity_planner.simulation.tiers import PLAIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity_planner.contracts import Decide
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.policy import Seen

MINUTE = 60.0


def cost(
    load: Sequence[float], *, startup: float = 30.0, wait: float = 0.0, share: float = 1.0, minimum: float = 0.0
) -> float:
    return bound(
        np.array(load, dtype=float),
        interval=MINUTE,
        startup_delay=startup,
        allowed_wait=wait,
        share=share,
        minimum=minimum,
    ).worker_seconds


@pytest.mark.parametrize("startup", [0.0, 600.0])
@pytest.mark.parametrize("wait", [0.0, 7.5, 200.0])
@pytest.mark.parametrize("share", [0.9, 1.0])
def test_a_constant_load_costs_itself(startup: float, wait: float, share: float) -> None:
    """Those of the first minute are there, and all work is paid for."""
    assert cost([5.0] * 50, startup=startup, wait=wait, share=share) == pytest.approx(5.0 * 50 * MINUTE)


@pytest.mark.parametrize(
    ("wait", "seconds"),
    [
        (0.0, 480.0 + 8 * 30.0),
        (60.0, 480.0 + 4 * 30.0),  # half of it a minute later
        (180.0, 480.0 + 2 * 30.0),  # 2 workers for 4 minutes
        (15.0, 480.0 + 4.5 * 30.0),  # (45/60)² of it has come 15 s before the minute ends: 4.5 are served by then
        (30.0, 480.0 + 4 * 30.0),  # (30/60)² of it, 2, of the 4 that are served in the first minute anyway
    ],
)
def test_a_burst_is_spread_over_the_allowed_wait(wait: float, seconds: float) -> None:
    """8 workers' work of a minute, 30 s for a start."""
    assert cost([0, 0, 8, 0, 0, 0, 0, 0], wait=wait) == pytest.approx(seconds)


def test_the_workers_of_the_first_bin_need_no_start() -> None:
    assert cost([8, 0, 0], startup=600.0) == pytest.approx(480.0)


def test_workers_idle_where_that_is_cheaper_than_a_start() -> None:
    """Two idle minutes are 120 s a worker."""
    assert cost([4, 0, 0, 4], startup=600.0) == pytest.approx(4 * 4 * MINUTE)
    assert cost([4, 0, 0, 4], startup=60.0) == pytest.approx(2 * 4 * MINUTE + 4 * 60.0)


def test_late_work_fills_up_and_is_paid() -> None:
    """2 workers are there and 2 are started for the 4 that are in time; what is late keeps the 2 busy before."""
    assert cost([0, 0, 8, 0, 0], share=0.5) == pytest.approx(480.0 + 2 * 30.0)


def test_what_the_end_cuts_off_is_paid() -> None:
    assert cost([0, 0, 8], wait=300.0, startup=600.0) == pytest.approx(480.0)


def test_the_fewest_workers_are_paid_always() -> None:
    assert cost([0.0] * 10, minimum=2.0) == pytest.approx(2 * 10 * MINUTE)
    assert cost([0, 0, 8, 0, 0], minimum=2.0) == pytest.approx((4 * 2 + 8) * MINUTE + 6 * 30.0)


def test_nothing_costs_nothing() -> None:
    assert cost([]) == 0.0
    empty = bound(np.zeros(3), interval=60, startup_delay=30, allowed_wait=30, share=0.99)
    assert (empty.worker_seconds, empty.workers.tolist()) == (0.0, [0.0, 0.0, 0.0])


def test_a_wait_longer_than_the_load_leaves_the_work_alone() -> None:
    assert cost([1, 7, 0, 3], wait=1e6, startup=1e4) == pytest.approx(11 * MINUTE)


def test_ten_times_the_load_costs_ten_times_as_much() -> None:
    load = np.random.default_rng(1).poisson(5.0, 60).tolist()
    assert cost([1e5 * x for x in load], wait=30.0) == pytest.approx(1e5 * cost(load, wait=30.0))


LOADS = st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0, 5.0, 9.0]), min_size=1, max_size=9)
TIMES = st.sampled_from([0.0, 10.0, 30.0, 50.0, 60.0, 90.0, 120.0, 200.0])
SHARES = st.sampled_from([0.5, 0.9, 0.99, 1.0])


@settings(max_examples=50, deadline=None)
@given(LOADS, TIMES, TIMES, SHARES, TIMES, TIMES, SHARES)
def test_who_asks_for_less_pays_no_more(
    load: list[float], startup: float, wait: float, share: float, shorter: float, longer: float, less: float
) -> None:
    base = cost(load, startup=startup, wait=wait, share=share)
    slack = 1e-6 * (1.0 + base)
    assert cost(load, startup=min(startup, shorter), wait=wait, share=share) <= base + slack
    assert cost(load, startup=startup, wait=max(wait, longer), share=share) <= base + slack
    assert cost(load, startup=startup, wait=wait, share=min(share, less)) <= base + slack
    assert base >= sum(load) * MINUTE - slack


def by_bins(load: list[float], startup: float, wait: float, share: float, minimum: float) -> float:
    """The same question in other variables and for another solver: per bin w, u, v served and l late, all dense."""
    n, bins = len(load), wait / MINUTE
    rows, right = [], []

    def row(limit: float, **parts: FloatArray) -> None:
        rows.append(np.concatenate([parts.get(name, np.zeros(n)) for name in "wuvl"]))
        right.append(limit)

    def first(count: int) -> FloatArray:
        return np.where(np.arange(n) < count, 1.0, 0.0)

    def at(place: int) -> FloatArray:
        return np.where(np.arange(n) == place, 1.0, 0.0)

    for k in range(n):
        row(0.0, w=-at(k), v=at(k))
        if k:
            row(0.0, w=at(k) - at(k - 1), u=-at(k))
        row(sum(load[: k + 1]), v=first(k + 1), l=first(k + 1))
        whole = k + 1 - math.ceil(bins)
        row(-sum(load[: max(whole, 0)]), v=-first(k + 1), l=-first(whole))
        if math.ceil(bins) > bins and whole >= 0:
            came = (math.ceil(bins) - bins) ** 2 * load[whole]
            row(-sum(load[:whole]) - came, v=-first(k + 1), l=-first(whole + 1))
    row((1.0 - share) * sum(load), l=np.ones(n))
    row(-sum(load), w=-np.ones(n))
    costs = np.repeat([MINUTE, startup, 0.0, 0.0], n)
    bounds = [(minimum, None)] * n + [(0, None)] * 2 * n + [(0, x) for x in load]
    return float(linprog(costs, A_ub=np.array(rows), b_ub=right, bounds=bounds, method="highs-ipm").fun)


@settings(max_examples=60, deadline=None)
@given(LOADS, TIMES, TIMES, SHARES, st.sampled_from([0.0, 0.7, 3.0]))
def test_another_programme_and_solver_find_the_same(
    load: list[float], startup: float, wait: float, share: float, minimum: float
) -> None:
    found = cost(load, startup=startup, wait=wait, share=share, minimum=minimum)
    assert found == pytest.approx(by_bins(load, startup, wait, share, minimum), rel=1e-6, abs=1e-6)


def days(count: int) -> FloatArray:
    """Load of 40 in the mean with a daily rhythm, of Poisson arrivals whose service is about two minutes."""
    dice, minutes = np.random.default_rng(3), np.arange(count * 1440)
    counts = dice.poisson(40.0 * (1.0 + 0.6 * np.sin(2.0 * np.pi * minutes / 1440.0)))
    load: FloatArray = np.convolve(counts, np.exp(-np.arange(20) / 2.0) * (1.0 - math.exp(-0.5)))[: len(counts)]
    return load


def of_days(load: FloatArray, wait: float, startup: float) -> Bound:
    return bound(load, interval=MINUTE, startup_delay=startup, allowed_wait=wait, share=0.99)


@pytest.mark.slow
@pytest.mark.parametrize(("wait", "startup"), [(0.0, 120.0), (30.0, 120.0), (120.0, 600.0)])
def test_a_long_load_in_parts_is_bounded_from_below(
    monkeypatch: pytest.MonkeyPatch, wait: float, startup: float
) -> None:
    load = days(1)
    whole = of_days(load, wait, startup)
    monkeypatch.setattr(clairvoyant, "_WHOLE_BINS", 400)
    monkeypatch.setattr(clairvoyant, "_PART_BINS", 240)
    parts = of_days(load, wait, startup)
    assert load.sum() * MINUTE - 1e-6 <= parts.worker_seconds <= whole.worker_seconds + 1e-3
    assert parts.worker_seconds >= 0.98 * whole.worker_seconds
    assert parts.workers.shape == load.shape
    assert load.sum() * 0.95 <= parts.workers.sum() <= parts.worker_seconds / MINUTE * (1.0 + 1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(("wait", "startup"), [(0.0, 120.0), (30.0, 120.0), (150.0, 600.0)])
def test_two_days_in_parts_are_near_two_days_in_one(
    monkeypatch: pytest.MonkeyPatch, wait: float, startup: float
) -> None:
    load = days(2)
    parts = of_days(load, wait, startup).worker_seconds
    monkeypatch.setattr(clairvoyant, "_WHOLE_BINS", 10_000)
    whole = of_days(load, wait, startup).worker_seconds
    assert 0.99 * whole <= parts <= whole * (1.0 + 1e-9)


# What a policy pays for jobs in the closed loop, against the bound of the load that these jobs were.


def queue(rates: Sequence[float], *, startup: float, wait: float, even: bool = False, seed: int = 0) -> Loop:
    """Jobs of 60 s in the mean, so that rates per minute are loads: Poisson and exponential, or both even."""
    dice = np.random.default_rng(seed)
    counts = np.asarray(rates, dtype=int) if even else dice.poisson(rates)
    places = [(np.arange(n) + 0.5) / n if even else np.sort(dice.random(n)) for n in counts]
    arrivals = np.concatenate([MINUTE * (k + place) for k, place in enumerate(places)])
    services = np.full(len(arrivals), 60.0) if even else dice.exponential(60.0, len(arrivals))
    past = np.full(1440, float(np.mean(rates)))
    task = PolicyTask(service_time=60.0, startup_delay=startup, allowed_wait=wait, past=past)
    return Loop(task=task, arrivals=arrivals, services=services, counts=counts.astype(float), workers=int(counts[0]))


def bound_of(loop: Loop, share: float) -> float:
    """Of the load to the end of the last job as if all began at once."""
    ends = loop.arrivals + loop.services
    busy = Steps()
    busy.add(loop.arrivals, np.ones(len(ends)))
    busy.add(ends, -np.ones(len(ends)))
    edges = np.arange(math.ceil(ends.max() / MINUTE) + 1) * MINUTE
    return bound(
        np.maximum(busy.integrals(edges) / MINUTE, 0.0),
        interval=MINUTE,
        startup_delay=loop.task.startup_delay,
        allowed_wait=loop.task.allowed_wait,
        share=share,
        minimum=loop.task.min_workers,
    ).worker_seconds


def paid_of(loop: Loop, replay: Replay) -> float:
    """To the end of the last job."""
    return float(replay.paid.integrals(np.array([0.0, (loop.arrivals + replay.waits + loop.services).max()]))[0])


RHYTHM = (30.0 + 20.0 * np.sin(np.arange(480) / 40.0)).tolist()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["static", "hpa", "keda", "aws_tracking", "judoscale_brisk"])
@pytest.mark.parametrize(("startup", "wait"), [(30.0, 7.5), (120.0, 150.0)])
def test_no_policy_pays_less_for_the_same_share(name: str, startup: float, wait: float) -> None:
    loop = queue(RHYTHM, startup=startup, wait=wait)
    policy = policies.get(name)
    for knob in policy.grid[::3]:
        replay = run(loop, policy.start(loop.task, knob), policy.period, PLAIN)
        share = float(np.mean(replay.waits <= wait))
        assert paid_of(loop, replay) >= bound_of(loop, share) * (1.0 - 1e-9)


def test_with_nothing_left_to_chance_a_fixed_number_pays_the_bound() -> None:
    """10 jobs a minute, evenly, of 60 s: 10 workers are always busy and nobody waits."""
    loop = queue([10.0] * 240, startup=120.0, wait=0.0, even=True)
    replay = run(loop, lambda _: 10.0, MINUTE, PLAIN)
    assert replay.waits.max() == pytest.approx(0.0, abs=1e-6)
    assert 1.0 <= paid_of(loop, replay) / bound_of(loop, 1.0) <= 1.01


def foreknowing(rates: Sequence[float], lead: float) -> Decide:
    """One who orders what is needed now or when it will have started."""

    def decide(seen: Seen) -> float:
        now, then = (rates[min(int(at / MINUTE), len(rates) - 1)] for at in (seen.now, seen.now + lead))
        return max(now, then)

    return decide


def test_one_who_knows_all_jobs_pays_little_more_than_the_bound() -> None:
    """Steps from 10 to 20 jobs a minute and back: 4 times 10 workers start, 60 s each, in 4 hours of load 15."""
    rates = ([10.0] * 30 + [20.0] * 30) * 4
    loop = queue(rates, startup=60.0, wait=60.0, even=True)
    replay = run(loop, foreknowing(rates, 75.0), 15.0, PLAIN)
    share = float(np.mean(replay.waits <= 60.0))
    assert share == 1.0
    assert 1.0 <= paid_of(loop, replay) / bound_of(loop, share) <= 1.03
