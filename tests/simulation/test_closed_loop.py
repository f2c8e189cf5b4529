"""The closed loop against a queue that is acted out event by event, and against queueing theory."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from capacity_planner.domain.congestion import ServiceTime
from capacity_planner.domain.policy import PolicyTask, Seen
from capacity_planner.queueing._laws import Exponential
from capacity_planner.queueing.mmc import MMC
from capacity_planner.simulation.arrivals import MeasuredArrivals
from capacity_planner.simulation.closed_loop import Loop, Replay, run
from capacity_planner.simulation.engine import Experiment
from capacity_planner.simulation.engine import run as run_engine
from capacity_planner.simulation.tiers import COMPILER, PLAIN, Tier

from ._closed_by_events import Case, Sight, by_events

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity_planner.domain.congestion import FloatArray

SEEDS = range(300)
NOTHING = np.empty(0)


class Scripted:
    """Wants one number after another, and keeps what it saw."""

    def __init__(self, script: Sequence[float]) -> None:
        self._script = iter(script)
        self.seen: list[Seen] = []

    def __call__(self, seen: Seen) -> float:
        self.seen.append(replace(seen, starting=list(seen.starting)))
        return next(self._script)


def loop(arrivals: FloatArray, services: FloatArray, minutes: int, workers: int = 1, **settings: Any) -> Loop:
    """A queue with bins of a minute; settings of the task and of the loop."""
    task: dict[str, Any] = {"service_time": 60.0, "startup_delay": 0.0, "allowed_wait": 30.0}
    task |= {"min_workers": 0, "past": NOTHING}
    task |= {name: settings.pop(name) for name in list(settings) if name in PolicyTask.__dataclass_fields__}
    counts = np.bincount((arrivals / 60.0).astype(int), minlength=minutes).astype(float)
    return Loop(
        task=PolicyTask(**task), arrivals=arrivals, services=services, counts=counts, workers=workers, **settings
    )


def drawn(seed: int) -> tuple[Loop, list[int], float]:
    """A small queue with a bit of everything, what is ordered at each decision, and how often it is decided."""
    dice = np.random.default_rng(seed)
    minutes, period = int(dice.integers(2, 25)), float(dice.choice([15.0, 30.0, 60.0]))
    arrivals = np.sort(dice.uniform(0.0, 60.0 * minutes, int(dice.choice([0, 3, 40, 150]))))
    decisions = math.ceil(minutes * 60.0 / period)
    script = np.repeat(dice.choice([0, 0, 1, 2, 3, 5, 9], decisions), dice.choice([1, 1, 3, 6], decisions))
    case = loop(
        arrivals,
        dice.exponential(float(dice.choice([3.0, 30.0, 200.0])), len(arrivals)),
        minutes,
        workers=int(dice.integers(0, 6)),
        lag=float(dice.choice([0.0, 30.0, 60.0, 90.0])),
        spread=float(dice.choice([0.0, 0.2, 0.9])),
        seed=seed,
        concurrency=int(dice.choice([1, 1, 2, 3])),
        startup_delay=float(dice.choice([0.0, 30.0, 60.0, 100.0, 400.0])),
    )
    return case, script[:decisions].tolist(), period


def sights(seen: Sequence[Seen]) -> list[Sight]:
    """With the starting workers one by one."""
    found = []
    for one in seen:
        ready = tuple(at for at, count in one.starting for _ in range(count))
        found.append(Sight(one.now, one.ordered, ready, one.serving, one.busy, one.waiting, one.utilization))
    return found


def check(case: Loop, script: Sequence[int], period: float, tier: Tier = PLAIN) -> Replay:
    policy, edges = Scripted(script), np.linspace(0.0, 2.0 * case.end, 41)
    found = run(case, policy, period, tier)
    told = by_events(
        Case(
            arrivals=case.arrivals.tolist(),
            services=case.services.tolist(),
            workers=case.workers,
            script=script,
            concurrency=case.task.concurrency,
            delay=case.task.startup_delay,
            spread=case.spread,
            seed=case.seed,
            period=period,
            measured=15.0 if period < 60.0 else 30.0,
            lag=case.lag,
        )
    )
    assert sights(policy.seen) == told.sights
    assert found.waits.tolist() == (np.array(told.begins) - case.arrivals).tolist()
    assert list(found.orders) == told.orders
    np.testing.assert_allclose(found.paid.integrals(edges), told.paid.integrals(edges), rtol=1e-9, atol=1e-7)
    np.testing.assert_allclose(found.serving.integrals(edges), told.serving.integrals(edges), rtol=1e-9, atol=1e-7)
    return found


@pytest.mark.parametrize("tenth", range(10))
def test_random_queues_under_random_orders_are_the_same_job_for_job(tenth: int) -> None:
    for seed in SEEDS[tenth::10]:
        check(*drawn(seed))


def test_what_is_drawn_has_a_bit_of_everything() -> None:
    """Cancelled starts, a queue without workers, and jobs that are never served."""
    runs = [(case, run(case, Scripted(script), period, PLAIN)) for case, script, period in map(drawn, SEEDS)]
    quick = [
        (one, other)
        for case, found in runs
        for one, other in zip(found.orders, found.orders[1:], strict=False)
        if other[1] < one[1] and other[0] - one[0] < case.task.startup_delay
    ]
    assert len(quick) > 100
    assert sum(0 in {wanted for _, wanted in found.orders} for _, found in runs) > 100
    assert sum(bool(np.isinf(found.waits).any()) for _, found in runs) > 10
    assert sum(bool((found.waits > 60.0).any()) for _, found in runs) > 100


def test_both_tiers_are_the_same() -> None:
    pytest.importorskip("numba", reason="the compiled tier needs the extra that has Numba")
    tier = COMPILER.wait()
    assert tier is not None
    for seed in SEEDS[:60]:
        case, script, period = drawn(seed)
        found, again = check(case, script, period, tier), run(case, Scripted(script), period, PLAIN)
        assert found.waits.tobytes() == again.waits.tobytes()
        assert found.orders == again.orders


def test_a_run_is_the_same_every_time_and_another_seed_starts_workers_at_other_times() -> None:
    case, script, period = drawn(3)
    case = replace(case, spread=0.2, task=replace(case.task, startup_delay=100.0))
    one, same, other = (Scripted(script) for _ in range(3))
    waits = [run(case, policy, period, PLAIN).waits.tobytes() for policy in (one, same)]
    run(replace(case, seed=99), other, period, PLAIN)
    assert waits[0] == waits[1]
    assert sights(one.seen) == sights(same.seen) != sights(other.seen)


def test_start_up_delays_are_spread_evenly_around_the_mean() -> None:
    """A second worker comes and goes every ten minutes: shown with the usual delay, it serves after its own."""
    case = loop(NOTHING, NOTHING, 5_000, startup_delay=100.0, spread=0.3)
    policy = Scripted(([2] * 5 + [1] * 5) * 500)
    done = run(case, policy, 60.0, PLAIN)
    assert {one.starting[0][0] % 600.0 for one in policy.seen if one.starting} == {100.0}
    serving = done.serving.integrals(np.arange(0.0, 5_000 * 60.0 + 1.0))
    ready = np.flatnonzero(np.diff(serving) > 1e-6)
    delays = ready[np.diff(ready, prepend=-600) > 1] % 600 + 1.0
    assert len(delays) == 500
    assert 69.0 <= delays.min() < 73.0
    assert 127.0 < delays.max() <= 131.0
    assert abs(delays.mean() - 100.0) < 1.0 + 4.0 * 60.0 / math.sqrt(12.0 * len(delays))


@pytest.mark.parametrize(("interval", "late"), [(60.0, 0), (60.0, 1), (60.0, 3), (300.0, 1)])
def test_counts_become_known_when_their_bin_has_ended_and_so_many_bins_later(interval: float, late: int) -> None:
    past, counts = np.arange(5.0), 100.0 + np.arange(12.0)
    task = PolicyTask(service_time=9.0, startup_delay=0.0, allowed_wait=1.0, past=past, interval=interval)
    policy = Scripted([1] * 1_000)
    case = Loop(task=task, arrivals=NOTHING, services=NOTHING, counts=counts, workers=1, late_bins=late)
    run(case, policy, 15.0, PLAIN)
    assert len(policy.seen) == 12 * interval / 15.0
    whole = [*past, *counts]
    for seen in policy.seen:
        ended = sum((at + 1) * interval <= seen.now for at in range(12))
        assert seen.counts.tolist() == whole[: 5 + ended - late]


def test_nothing_is_known_of_counts_before_the_first_is_due() -> None:
    policy = Scripted([1] * 5)
    run(loop(NOTHING, NOTHING, 5), policy, 60.0, PLAIN)
    assert [len(seen.counts) for seen in policy.seen] == [0, 0, 1, 2, 3]


def test_what_is_measured_is_so_old() -> None:
    """Nobody serves, and a job arrives every second."""
    case = loop(np.arange(600.0) + 0.5, np.ones(600), 10, workers=0, lag=45.0)
    policy = Scripted([0] * 40)
    run(case, policy, 15.0, PLAIN)
    assert [seen.waiting for seen in policy.seen] == [max(0, round(seen.now - 45.0)) for seen in policy.seen]
    assert {seen.utilization for seen in policy.seen} == {1.0}  # nobody who serves is idle


def test_what_is_wanted_is_rounded_up_and_kept_within_the_limits() -> None:
    case = loop(NOTHING, NOTHING, 8, workers=3, min_workers=2, max_workers=7)
    wants = [3.0, 3.2, 5.0 + 1e-12, 1.9, -4.0, 6.5, 1e9, 7.0]
    found = run(case, Scripted(wants), 60.0, PLAIN)
    assert found.orders == ((60.0, 4), (120.0, 5), (180.0, 2), (300.0, 7))


def test_a_pool_that_rests_serves_what_came_meanwhile_when_it_is_back() -> None:
    """Off at 60 s, back ordered at 300 s: a job of 90 s waits until the worker serves at 400 s."""
    case = loop(np.array([10.0, 90.0]), np.array([100.0, 5.0]), 10, startup_delay=100.0, spread=0.0)
    found = run(case, Scripted([1, 0, 0, 0, 0, 1, 1, 1, 1, 1]), 60.0, PLAIN)
    assert found.waits.tolist() == [0.0, 310.0]
    # Paid to the end of its job at 110 s, and again from 300 s on.
    assert found.paid.integrals(np.array([0.0, 300.0, 600.0])).tolist() == [110.0, 300.0]


@pytest.mark.parametrize("concurrency", [1, 3])
def test_a_policy_that_holds_is_the_open_loop(concurrency: int) -> None:
    """The same jobs on as many workers have the same responses as in the simulator of a fixed plan."""
    dice = np.random.default_rng(concurrency)
    arrivals, services = np.sort(dice.uniform(0.0, 86_400.0, 12_000)), dice.exponential(60.0, 12_000)
    found = run(loop(arrivals, services, 1_440, workers=3, concurrency=concurrency), lambda _: 3.0, 60.0, PLAIN)
    case = Experiment(
        edges=np.linspace(0.0, 86_400.0, 1_441),
        arrivals=MeasuredArrivals(arrivals),
        service_times=services,
        law=Exponential(60.0),
        workers=3,
        concurrency=concurrency,
    )
    outcome = run_engine(case, PLAIN)
    responses = np.bincount((arrivals / 60.0).astype(int), found.waits + services, minlength=1_440)
    np.testing.assert_allclose(responses, outcome.response, rtol=1e-9, atol=1e-6)
    assert np.count_nonzero(found.waits) == outcome.waited
    assert not found.orders


@pytest.mark.parametrize(("servers", "rho"), [(1, 0.6), (4, 0.8), (20, 0.9)])
def test_the_mean_wait_on_so_many_servers_is_that_of_theory(servers: int, rho: float) -> None:
    """M/M/c (Erlang 1917), on the means of independent days of which the first sixth does not count."""
    rate, minutes, means = rho * servers / 10.0, 1_440, []
    for seed in range(24):
        dice = np.random.default_rng([servers, seed])
        arrivals = np.cumsum(dice.exponential(1.0 / rate, int(rate * minutes * 60.0 * 1.2)))
        arrivals = arrivals[arrivals < minutes * 60.0]
        case = loop(arrivals, dice.exponential(10.0, len(arrivals)), minutes, workers=servers)
        waits = run(case, lambda _: float(servers), 60.0, PLAIN).waits
        means.append(waits[arrivals > minutes * 10.0].mean())
    exact = float(MMC().solve(rate, servers, ServiceTime(mean=10.0)).wait)
    assert abs(np.mean(means) - exact) < 3.5 * np.std(means, ddof=1) / math.sqrt(len(means))
