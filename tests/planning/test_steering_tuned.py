"""The place among the quantiles that sets itself: anew every day, and a little with every job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.domain.policy import PolicyTask, Seen
from capacity_planner.planning.steering import Knob, Steered, Steering, Tuned, gain

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.domain.congestion import FloatArray

DAY = 86_400.0
HIGHEST = 20.0


def tuned(daily: Callable[[float], float] = lambda _: 10.0, *, usual: float = 50.0, fast: float = 0.1) -> Tuned:
    return Tuned(daily, share=0.99, gain=fast, usual=usual, highest=HIGHEST)


def test_a_usual_minute_in_which_all_are_late_moves_it_by_the_gain_less_what_may_be_late() -> None:
    knob = tuned()
    assert knob.place(0.0) == 10.0
    knob.learn(50.0, 50.0)
    assert knob.place(60.0) == pytest.approx(10.0 + 0.1 * 0.99)


def test_a_minute_in_which_none_is_late_moves_it_back_by_what_might_have_been() -> None:
    knob = tuned()
    knob.place(0.0)
    knob.learn(0.0, 50.0)
    assert knob.place(60.0) == pytest.approx(10.0 - 0.1 * 0.01)


def test_where_just_so_many_are_late_as_may_be_it_stays() -> None:
    knob = tuned()
    knob.place(0.0)
    for late in [1.0, *[0.0] * 9] * 3:
        knob.learn(late, 10.0)
    assert knob.place(60.0) == pytest.approx(10.0)


def test_a_minute_without_jobs_says_nothing() -> None:
    knob = tuned()
    knob.place(0.0)
    for _ in range(1_000):
        knob.learn(0.0, 0.0)
    assert knob.place(60.0) == 10.0


@pytest.mark.parametrize("late", [True, False])
def test_within_a_day_it_moves_only_so_far(late: bool) -> None:  # noqa: FBT001 - a case
    """No farther in a whole day than in a hundred times as many jobs."""
    places = []
    for jobs in (1e3, 1e7):
        knob = tuned()
        knob.place(0.0)
        for _ in range(1_440):
            knob.learn(jobs if late else 0.0, jobs)
        places.append(knob.place(DAY - 60.0))
    assert places[0] == places[1]
    assert 0.0 < (places[0] - 10.0) * (1 if late else -1) < 10.0


def test_every_day_begins_with_its_own_place() -> None:
    asked = []

    def daily(at: float) -> float:
        asked.append(at)
        return 5.0 + at / DAY

    knob = tuned(daily)
    for day in range(3):
        assert knob.place(day * DAY + 30.0) == 5.0 + day
        for _ in range(50):
            knob.learn(50.0, 50.0)
        assert knob.place(day * DAY + 80_000.0) > 6.0 + day
    assert asked == [0.0, DAY, 2.0 * DAY]


LEARNED = st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1e9)), max_size=40)


@given(start=st.floats(0.0, HIGHEST), learned=LEARNED, usual=st.floats(0.0, 1e6))
def test_it_stays_in_the_table(start: float, learned: list[tuple[float, float]], usual: float) -> None:
    knob = tuned(lambda _: start, usual=usual)
    assert knob.place(0.0) == start
    for share, jobs in learned:
        knob.learn(share * jobs, jobs)
        assert 0.0 <= knob.place(60.0) <= HIGHEST


@given(one=st.floats(0.0, 86_400.0), other=st.floats(0.0, 86_400.0))
def test_where_workers_take_longer_to_start_it_moves_no_faster(one: float, other: float) -> None:
    slow, fast = gain(max(one, other)), gain(min(one, other))
    assert 0.0 < slow <= fast < 1.0


def test_a_fixed_place_learns_nothing() -> None:
    knob = Knob(4.5)
    knob.learn(1e9, 1e9)
    assert knob.place(0.0) == knob.place(1e6) == 4.5


@dataclass(frozen=True)
class Said:
    loads: FloatArray
    ahead: FloatArray
    scores: FloatArray


def minutes(interval: float, *, waiting: int, rate: float = 50.0, count: int = 20) -> tuple[float, Tuned]:
    """The place after so many minutes in which jobs wait, of a queue whose counts are known every interval."""
    knob = tuned(usual=rate)
    said = Said(np.full(500, 20.0), np.full((500, 3), 20.0), np.zeros((500, 21)))
    task = PolicyTask(service_time=24.0, startup_delay=60.0, allowed_wait=30.0, interval=interval, past=np.empty(0))
    decide = Steered(task, Steering(service_time=24.0, startup_delay=60.0, allowed_wait=30.0), said, knob)
    begin = 3_600.0
    for at in np.arange(begin, begin + 60.0 * (count + 1), 60.0).tolist():
        counts = np.full(int(at / interval), rate * interval / 60.0)
        decide(
            Seen(now=at, ordered=20, serving=20, busy=20, waiting=waiting, utilization=1.0, counts=counts, starting=[])
        )
    return knob.place(begin + 60.0 * count), knob


def test_jobs_are_late_when_those_that_wait_take_longer_than_may_be_waited() -> None:
    """20 servers end 25 services of 24 s in 30 s, on average: a job that finds 24 others waits as long, or longer."""
    assert minutes(60.0, waiting=24)[0] == pytest.approx(10.0 + 20.0 * 0.1 * (0.5 - 0.01))
    assert minutes(60.0, waiting=80)[0] == pytest.approx(10.0 + 20.0 * 0.1 * 0.99, abs=1e-6)
    assert minutes(60.0, waiting=0)[0] == pytest.approx(10.0 - 20.0 * 0.1 * 0.01)


def test_it_moves_as_fast_whatever_the_length_of_a_bin() -> None:
    assert minutes(300.0, waiting=25)[0] == pytest.approx(minutes(60.0, waiting=25)[0])
