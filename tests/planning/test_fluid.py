"""The queue as a fluid: what comes and is not served waits."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.planning.fluid import Fluid, Tolerance

INF = math.inf


def fluid(
    rates: list[float],
    *,
    serving: int,
    backlog: float = 0.0,
    interval: float = 60.0,
    tolerance: Tolerance | None = None,
    service_rate: float = 1.0,
) -> Fluid:
    return Fluid(
        rates=rates,
        interval=interval,
        service_rate=service_rate,
        tolerance=tolerance or Tolerance(),
        backlog=backlog,
        serving=serving,
    )


def test_a_backlog_grows_by_what_is_not_served() -> None:
    """10 jobs/s on 4 workers of 2 jobs/s: 2 jobs/s more for 120 s, on 50: 290."""
    queue = fluid([10.0, 10.0], serving=4, service_rate=2.0, backlog=50.0)
    queue.advance(120.0)
    assert queue.backlog == pytest.approx(290.0)
    assert queue.opening == pytest.approx([50.0, 170.0])
    assert queue.worker_seconds == pytest.approx(480.0)


def test_an_idle_worker_serves_nothing_in_advance() -> None:
    queue = fluid([0.0, 10.0], serving=4, service_rate=2.0, backlog=8.0)
    queue.advance(120.0)
    assert queue.backlog == pytest.approx(120.0)


# A plan of integer seconds: what a walk of one-second strides does is then exact.
RATES = st.lists(st.integers(0, 20), min_size=1, max_size=6)
LEVELS = st.integers(0, 20)
BACKLOGS = st.integers(0, 500)
ORDERS = st.dictionaries(st.integers(0, 200), LEVELS, max_size=5)


def strides(
    rates: list[int], serving: int, backlog: int, startup: int, orders: dict[int, int]
) -> tuple[float, list[int]]:
    """Backlog at the end and workers each second, second by second.

    Every worker is followed by itself: an order drops those that started last, or adds some that serve after their
    start-up.
    """
    waiting = float(backlog)
    ready = [-1] * serving
    seen = []
    for second in range(len(rates) * 60):
        if second in orders:
            level = orders[second]
            ready = sorted(ready)[:level]
            ready += [second + startup] * (level - len(ready))
        working = sum(at <= second for at in ready)
        seen.append(working)
        waiting = max(0.0, waiting + rates[second // 60] - working)
    return waiting, seen


@given(rates=RATES, serving=LEVELS, backlog=BACKLOGS, startup=st.integers(0, 150), orders=ORDERS)
def test_what_waits_is_what_came_less_what_was_served(
    rates: list[int], serving: int, backlog: int, startup: int, orders: dict[int, int]
) -> None:
    queue = fluid([float(rate) for rate in rates], serving=serving, backlog=float(backlog))
    for at, level in sorted(orders.items()):
        if at < queue.end:
            queue.advance(at)
            queue.order(level, at + startup)
    queue.advance(queue.end)
    waiting, seen = strides(rates, serving, backlog, startup, orders)
    assert queue.backlog == pytest.approx(waiting)
    assert queue.worker_seconds == pytest.approx(sum(seen))
    assert queue.least == [min(seen[index * 60 : index * 60 + 60]) for index in range(len(rates))]


@given(rates=RATES, serving=LEVELS, backlog=BACKLOGS, stops=st.lists(st.floats(0.0, 400.0), max_size=8))
def test_a_walk_in_parts_is_the_walk_at_once(rates: list[int], serving: int, backlog: int, stops: list[float]) -> None:
    tolerance = Tolerance(wait=7.0, jobs=80, drain=100.0)
    whole = fluid([float(rate) for rate in rates], serving=serving, backlog=float(backlog), tolerance=tolerance)
    whole.order(serving + 3, 45.0)
    parts = whole.copy()
    whole.advance(whole.end)
    for stop in [*sorted(stops), parts.end]:
        parts.advance(stop)
    assert parts.backlog == pytest.approx(whole.backlog, abs=1e-5)
    assert parts.late == pytest.approx(whole.late, abs=1e-5)
    assert parts.least == whole.least
    assert parts.opening == pytest.approx(whole.opening, abs=1e-5)
    assert parts.worker_seconds == pytest.approx(whole.worker_seconds)


@pytest.mark.parametrize(
    ("tolerance", "backlog", "serving", "late"),
    [
        # 10 jobs/s come; 15 workers of 1 job/s drain 5 jobs/s, and 300 jobs are gone after 60 s
        (Tolerance(jobs=100), 300.0, 15, [40.0, 0.0]),
        (Tolerance(wait=10.0), 300.0, 15, [30.0, 0.0]),  # a wait of 10 s is 150 jobs
        (Tolerance(wait=10.0, jobs=100), 300.0, 15, [40.0, 0.0]),  # the tighter
        (Tolerance(drain=30.0), 300.0, 15, [30.0, 0.0]),  # from 30 s on nothing may wait
        (Tolerance(drain=60.0), 300.0, 15, [0.0, 0.0]),
        (Tolerance(drain=30.0, jobs=250), 300.0, 15, [40.0, 0.0]),
        (Tolerance(), 300.0, 15, [0.0, 0.0]),
        # 5 workers: it grows by 5 jobs/s
        (Tolerance(jobs=100), 0.0, 5, [40.0, 60.0]),
        (Tolerance(wait=100.0), 0.0, 5, [0.0, 20.0]),  # 500 jobs after 100 s
        # as many as come: it stays
        (Tolerance(jobs=100), 100.0, 10, [0.0, 0.0]),
        (Tolerance(jobs=100), 101.0, 10, [60.0, 60.0]),
        # nobody serves: whoever waits, waits too long
        (Tolerance(wait=10.0), 0.0, 0, [60.0, 60.0]),
    ],
)
def test_the_time_in_which_too_many_wait(tolerance: Tolerance, backlog: float, serving: int, late: list[float]) -> None:
    queue = fluid([10.0, 10.0], serving=serving, backlog=backlog, tolerance=tolerance)
    queue.advance(120.0)
    assert queue.late == pytest.approx(late, abs=1e-5)


def test_nobody_waits_where_nothing_comes() -> None:
    queue = fluid([0.0], serving=0, tolerance=Tolerance(wait=0.0, jobs=1, drain=1.0))
    queue.advance(60.0)
    assert queue.late == [0.0]


def test_a_worker_serves_once_it_has_started() -> None:
    """2 workers too few for 45 s: 90 jobs, then 3 too many for 15 s: 45 jobs left."""
    queue = fluid([10.0], serving=8)
    queue.order(13, 45.0)
    queue.advance(60.0)
    assert queue.backlog == pytest.approx(45.0)
    assert queue.least == [8]
    assert queue.worker_seconds == pytest.approx(8 * 45 + 13 * 15)


def test_fewer_workers_stop_at_once_and_those_still_starting_never_serve() -> None:
    queue = fluid([0.0, 0.0], serving=8)
    queue.order(20, 45.0)
    queue.advance(30.0)
    queue.order(10, 30.0)
    queue.advance(46.0)
    assert queue.serving == 10
    queue.order(5, 46.0)
    assert queue.serving == 5
    queue.advance(120.0)
    assert queue.serving == 5
    assert queue.least == [5, 5]


def test_a_copy_walks_on_its_own() -> None:
    queue = fluid([10.0, 10.0], serving=8)
    queue.order(9, 100.0)
    queue.advance(60.0)
    other = queue.copy()
    other.order(0, 60.0)
    other.advance(120.0)
    assert (queue.time, queue.serving, queue.backlog) == (60.0, 8, 120.0)
    assert queue.starting == [(100.0, 9)]
    assert len(queue.late) == 1


def test_a_year_in_seconds_ends() -> None:
    queue = fluid([1.0] * 1000, serving=2, interval=366 * 86.4, backlog=10.0)
    queue.order(3, 0.1)
    queue.advance(INF)
    assert queue.time == pytest.approx(queue.end)
    assert len(queue.late) == len(queue.least) == len(queue.opening) == 1000
