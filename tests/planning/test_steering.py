"""The law of control term by term; how it is tuned is found out by asking it, so that the law may be tuned anew."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.domain.policy import PolicyTask, Seen
from capacity_planner.planning.steering import Hold, Knob, Outlook, Sight, Steered, Steering

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray

LAW = Steering(service_time=80.0, startup_delay=120.0, allowed_wait=200.0, age=45.0)
CALM = Sight(now=0.0, serving=10.0, starting=(), busy=8.0, waiting=0.0)


def pace(law: Steering) -> float:
    """In how long a backlog is worked off [s]: a job more waits, and so many more servers are wanted."""
    queue = replace(CALM, waiting=1e6)
    return law.service_time / (law.drain(10.0, replace(queue, waiting=1e6 + 1.0)) - law.drain(10.0, queue))


def target(law: Steering) -> float:
    """The share of the allowed wait that the backlog is steered to; read off a pool on which nobody waits."""
    return -law.drain(10.0, CALM) * pace(law) / (law.allowed_wait * CALM.serving)


def test_what_is_wanted_is_the_sum_of_three_terms() -> None:
    sight = Sight(now=7.0, serving=20.0, starting=((50.0, 3.0),), busy=26.0, waiting=40.0)
    outlook = Outlook(now=23.0, between=24.0, staffed=31.0)
    surplus, drain = LAW.surplus(23.0, 26.0), LAW.drain(24.0, sight)
    assert LAW.wanted(outlook, sight) == pytest.approx(31.0 + surplus + drain, rel=1e-12)


def test_of_jobs_beyond_those_expected_it_counts_who_will_be_there_still() -> None:
    """e^(-(120 + 45)/80) of three jobs more, or fewer."""
    assert LAW.surplus(23.0, 26.0) == pytest.approx(3.0 * math.exp(-165.0 / 80.0), rel=1e-12)
    assert LAW.surplus(26.0, 23.0) == pytest.approx(-3.0 * math.exp(-165.0 / 80.0), rel=1e-12)
    assert LAW.surplus(26.0, 26.0) == 0.0


def test_of_short_jobs_none_will_be_there_and_of_long_ones_all() -> None:
    assert replace(LAW, service_time=1e-3).surplus(1.0, 100.0) == 0.0
    assert replace(LAW, service_time=1e9).surplus(1.0, 100.0) == pytest.approx(99.0, rel=1e-6)


def test_a_backlog_is_foreseen_for_when_a_worker_ordered_now_serves() -> None:
    """40 waiting of 80 s, 24 - 20 servers short for 120 s, less 3 servers for the last 77 of them: 3 449 s of work."""
    sight = Sight(now=7.0, serving=20.0, starting=((50.0, 3.0),), busy=20.0, waiting=40.0)
    work = 40.0 * 80.0 + (24.0 - 20.0) * 120.0 - 3.0 * (7.0 + 120.0 - 50.0)
    allowed = target(LAW) * 200.0 * (20.0 + 3.0)
    assert LAW.drain(24.0, sight) == pytest.approx((work - allowed) / pace(LAW), rel=1e-9)


def test_a_worker_that_serves_too_late_helps_nothing_yet_but_belongs_to_the_pool() -> None:
    late, none = replace(CALM, starting=((500.0, 3.0),), waiting=90.0), replace(CALM, waiting=90.0)
    more = LAW.drain(10.0, none) - LAW.drain(10.0, late)
    assert more == pytest.approx(3.0 * target(LAW) * LAW.allowed_wait / pace(LAW), rel=1e-9)


def test_spare_servers_work_nothing_off_in_advance() -> None:
    assert LAW.drain(2.0, CALM) == LAW.drain(10.0, CALM) < 0.0


def test_a_backlog_at_its_target_asks_for_nothing() -> None:
    waiting = target(LAW) * LAW.allowed_wait * CALM.serving / LAW.service_time
    assert LAW.drain(10.0, replace(CALM, waiting=waiting)) == pytest.approx(0.0, abs=1e-9)
    assert 0.0 < target(LAW) < 1.0


@pytest.mark.parametrize("delay", [0.0, 30.0, 600.0])
@pytest.mark.parametrize("service", [0.5, 80.0, 4_000.0])
def test_the_pace_is_a_matter_of_the_allowed_wait_alone(delay: float, service: float) -> None:
    """Proportional to it, and no less than for one of a minute."""
    law = replace(LAW, startup_delay=delay, service_time=service)
    assert pace(law) == pytest.approx(pace(LAW), rel=1e-6)
    assert pace(replace(law, allowed_wait=400.0)) == pytest.approx(2.0 * pace(LAW), rel=1e-6)
    assert pace(replace(law, allowed_wait=1.0)) == pytest.approx(pace(replace(law, allowed_wait=60.0)), rel=1e-6)


def test_a_pool_gives_up_no_more_than_six_tenths_to_what_may_wait() -> None:
    """However long may be waited."""
    law = replace(LAW, allowed_wait=1e9)
    starting = replace(CALM, starting=((60.0, 5.0), (90.0, 5.0)))
    for one in (law, LAW, replace(LAW, allowed_wait=0.0)):
        assert one.drain(0.0, CALM) >= -6.0
        assert one.drain(0.0, starting) >= -12.0


FINITE = st.floats(0.0, 1e9)
SIGHTS = st.builds(
    Sight,
    now=FINITE,
    serving=FINITE,
    starting=st.lists(st.tuples(FINITE, FINITE), max_size=3).map(tuple),
    busy=FINITE,
    waiting=FINITE,
)
OUTLOOKS = st.builds(Outlook, now=FINITE, between=FINITE, staffed=FINITE)
LAWS = st.builds(
    Steering,
    service_time=st.floats(1e-3, 1e7),
    startup_delay=st.floats(0.0, 86_400.0),
    allowed_wait=st.floats(0.0, 86_400.0),
    age=st.floats(0.0, 600.0),
)


@given(law=LAWS, outlook=OUTLOOKS, sight=SIGHTS, more=FINITE)
def test_more_demand_more_in_service_and_more_waiting_never_want_fewer(
    law: Steering, outlook: Outlook, sight: Sight, more: float
) -> None:
    wanted = law.wanted(outlook, sight)
    assert math.isfinite(wanted)
    others = (
        law.wanted(replace(outlook, staffed=outlook.staffed + more), sight),
        law.wanted(outlook, replace(sight, busy=sight.busy + more)),
        law.wanted(outlook, replace(sight, waiting=sight.waiting + more)),
        law.wanted(replace(outlook, between=outlook.between + more), sight),
    )
    assert min(others) >= wanted - 1e-9 * max(map(abs, (*others, wanted)))


@given(law=LAWS, demand=FINITE, sight=SIGHTS)
def test_no_backlog_gives_up_more_than_six_tenths(law: Steering, demand: float, sight: Sight) -> None:
    pool = sight.serving + sum(count for _, count in sight.starting)
    assert law.drain(demand, sight) >= -0.6 * pool * (1.0 + 1e-12)


# --- what has been wanted is held ------------------------------------------------------------------------------------

WANTS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9)), min_size=1, max_size=60)


@given(wants=WANTS, span=st.integers(0, 300))
def test_the_highest_of_the_last_span_is_held(wants: list[tuple[int, int]], span: int) -> None:
    hold, now, past = Hold(float(span)), 0, list[tuple[int, int]]()
    for step, wanted in wants:
        now += step
        past.append((now, wanted))
        assert hold.held(float(now), float(wanted)) == max(was for at, was in past if at >= now - span)


@dataclass(frozen=True)
class Said:
    """Loads and forecasts that never change, and quantiles by place."""

    loads: FloatArray
    ahead: FloatArray
    scores: FloatArray


SCORES = np.array([-1.0, 0.0, 1.0, 3.0])
# Who is in service is gone soon and nobody may wait: what is wanted is the quantile that is staffed, and what waits.
BARE = Steering(service_time=1e-3, startup_delay=0.0, allowed_wait=0.0)


def steered(place: float = 1.0, load: float = 20.0, knob: Knob | None = None, **task: Any) -> Steered:
    facts: dict[str, Any] = {"service_time": 80.0, "startup_delay": 120.0, "allowed_wait": 0.0} | task
    said = Said(np.full(500, load), np.full((500, 3), load), np.broadcast_to(SCORES, (500, 4)))
    return Steered(PolicyTask(past=np.empty(0), **facts), BARE, said, knob or Knob(place))


def seen(now: float = 600.0, *, ordered: int, serving: int | None = None, busy: int = 0, waiting: int = 0) -> Seen:
    known = ordered if serving is None else serving
    return Seen(
        now=now,
        ordered=ordered,
        serving=known,
        busy=busy,
        waiting=waiting,
        utilization=1.0,
        counts=np.full(int(now / 60.0) + 1, 15.0),
    )


@pytest.mark.parametrize(("place", "score"), [(0.0, -1.0), (0.5, -0.5), (1.0, 0.0), (2.25, 1.5), (3.0, 3.0)])
def test_the_quantile_between_two_places_lies_between_theirs(place: float, score: float) -> None:
    """Load 20.0 + z √20.5."""
    wanted = steered(place)(seen(ordered=1, serving=20))
    assert wanted == math.ceil(20.0 + score * math.sqrt(20.5))


def test_a_quantile_below_nothing_is_nothing() -> None:
    assert steered(0.0, load=0.1)(seen(ordered=0)) == 0
    assert steered(0.0, load=-5.0)(seen(ordered=0)) == 0


def test_more_are_ordered_at_once_and_fewer_when_none_was_wanted_for_a_start_up_delay() -> None:
    decide = steered()
    assert decide(seen(0.0, ordered=5)) == 20
    most = decide(seen(30.0, ordered=20, waiting=600_000))  # work for 600 s
    assert most == math.ceil(20.0 + 600.0 / pace(BARE)) > 20
    for now in (60.0, 90.0, 120.0, 150.0):
        assert decide(seen(now, ordered=90)) == most
    assert decide(seen(151.0, ordered=90)) == 20


@pytest.mark.parametrize("waiting", [0, 600_000])
def test_what_is_ordered_by_others_is_not_added_to_while_it_is_enough(waiting: int) -> None:
    assert steered()(seen(ordered=15, waiting=waiting)) >= 20
    assert steered()(seen(ordered=10**6, waiting=waiting)) <= 10**6


def test_busy_workers_are_kept() -> None:
    assert steered()(seen(ordered=90, busy=57)) == 57
    assert steered()(seen(ordered=90, busy=200)) == 90
    assert steered(concurrency=2)(seen(ordered=90, busy=57)) == 29


@pytest.mark.parametrize("busy", [0, 15, 30])
@pytest.mark.parametrize("waiting", [0, 9, 100])
@pytest.mark.parametrize("ordered", [2, 8, 30])
def test_two_servers_to_a_worker_halve_the_workers(busy: int, waiting: int, ordered: int) -> None:
    law = replace(LAW, allowed_wait=90.0)
    said = Said(np.full(500, 20.0), np.full((500, 3), 21.0), np.broadcast_to(SCORES, (500, 4)))
    wants = []
    for concurrency in (1, 2):
        task = PolicyTask(
            service_time=80.0, startup_delay=120.0, allowed_wait=90.0, concurrency=concurrency, past=np.empty(0)
        )
        sight = seen(ordered=ordered * 2 // concurrency, busy=busy, waiting=waiting)
        sight.starting = [(650.0, 4 // concurrency)]
        wants.append(Steered(task, law, said, Knob(2.0))(sight))
    assert wants[1] == math.ceil(wants[0] / 2.0)


def test_while_no_count_is_known_nothing_changes() -> None:
    assert steered()(replace(seen(ordered=7), counts=np.empty(0))) == 7


def test_workers_that_serve_since_it_was_measured_are_not_ordered_again() -> None:
    law = Steering(service_time=1e-3, startup_delay=120.0, allowed_wait=0.0)
    task = PolicyTask(service_time=1e-3, startup_delay=120.0, allowed_wait=0.0, past=np.empty(0))
    said = Said(np.full(500, 20.0), np.full((500, 3), 20.0), np.broadcast_to(SCORES, (500, 4)))
    assert Steered(task, law, said, Knob(1.0))(seen(ordered=20, serving=10)) == 20
