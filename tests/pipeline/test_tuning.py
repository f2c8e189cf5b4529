"""The place that would have kept the promise: found among what was replayed, and in what really is replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.domain.policy import PolicyTask
from capacity_planner.forecasting._load import Loads
from capacity_planner.pipeline.tuning import PLACES, Goal, Replays
from capacity_planner.planning.steering import Steering
from capacity_planner.queueing._laws import Exponential
from capacity_planner.simulation.tiers import PLAIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity_planner.domain.congestion import FloatArray

MINUTE = 60.0
JOBS = 1_000.0


def replays(counts: FloatArray, *, share: float = 0.95, window: float = 0.0, **known: Any) -> Replays:
    """Forecasts that say ten whatever comes, with quantiles that go up by one root a place."""
    loads = Loads(
        loads=np.full(len(counts), 10.0),
        ahead=np.full((len(counts), 3), 10.0),
        scores=np.broadcast_to(np.arange(PLACES) - 1.0, (len(counts), PLACES)),
    )
    return Replays(
        counts=counts,
        loads=loads,
        law=Exponential(60.0),
        task=PolicyTask(service_time=60.0, startup_delay=60.0, allowed_wait=20.0, past=np.empty(0)),
        steering=Steering(service_time=60.0, startup_delay=60.0, allowed_wait=20.0),
        goal=Goal(share=share, window=window),
        tier=PLAIN,
        **known,
    )


def found(kept: Sequence[float], share: float) -> float:
    """The best place where it is known what share each keeps."""
    known = {place: (np.full(10, JOBS), np.full(10, JOBS * part)) for place, part in enumerate(kept)}
    return replays(np.zeros(10), share=share, _known=known).best(0.0, 600.0)


def rising(*steps: tuple[int, float]) -> list[float]:
    """Shares of all places, by straight lines between some."""
    places, shares = zip(*steps, strict=True)
    return list(np.interp(np.arange(PLACES), places, shares))


def test_the_lowest_place_that_keeps_the_share_is_taken() -> None:
    kept = rising((0, 0.5), (10, 0.9), (12, 1.0))
    assert found(kept, 0.9) == pytest.approx(10.0)
    assert found(kept, 0.95) == pytest.approx(11.0)
    assert found(kept, 0.97) == pytest.approx(11.4)


def test_where_all_keep_it_the_lowest_is_taken() -> None:
    assert found(rising((0, 0.96), (PLACES - 1, 1.0)), 0.95) == 0.0
    assert found([1.0] * PLACES, 0.99) == 0.0


def test_where_only_the_highest_keeps_it_the_highest_is_not_far() -> None:
    kept = [0.5] * (PLACES - 1) + [0.99]
    assert PLACES - 2 < found(kept, 0.98) < PLACES - 1
    assert found(kept, 0.99) == pytest.approx(PLACES - 1)


def test_where_none_keeps_it_the_lowest_is_taken_that_keeps_nearly_as_much_as_the_highest() -> None:
    """Four in a hundred come before anybody can serve."""
    kept = rising((0, 0.5), (10, 0.95), (12, 0.96))
    place = found(kept, 0.99)
    assert place == pytest.approx(11.2)
    assert float(np.interp(place, np.arange(PLACES), kept)) == pytest.approx(0.96 - 0.1 * 0.04, abs=0.003)


def test_where_nothing_helps_nothing_is_spent() -> None:
    assert found([0.4] * PLACES, 0.99) == 0.0
    assert found([0.0] * PLACES, 0.99) == 0.0


def test_where_nobody_came_the_lowest_is_enough() -> None:
    nothing = {place: (np.zeros(10), np.zeros(10)) for place in range(PLACES)}
    assert replays(np.zeros(10), _known=nothing).best(0.0, 600.0) == 0.0


@given(steps=st.lists(st.floats(0.0, 1.0), min_size=PLACES, max_size=PLACES), share=st.floats(0.5, 0.999))
def test_a_place_keeps_what_can_be_kept_and_none_below_does(steps: list[float], share: float) -> None:
    kept = sorted(steps)
    place = found(kept, share)
    assert 0.0 <= place <= PLACES - 1
    wanted = share if kept[-1] >= share else kept[-1] - 0.1 * (1.0 - kept[-1])
    shares = np.interp([place, place - 0.01], np.arange(PLACES), kept)
    assert shares[0] >= wanted - 1e-9
    assert place == 0.0 or shares[1] < wanted + 1e-9


def test_only_the_asked_time_counts() -> None:
    """The first five minutes are kept from place 3 on, the others from 7."""
    known = {place: (np.full(10, JOBS), JOBS * np.repeat([place >= 3, place >= 7], 5)) for place in range(PLACES)}
    one = replays(np.zeros(10), _known=known)
    assert 2.0 < one.best(0.0, 300.0) <= 3.0
    assert 6.0 < one.best(300.0, 600.0) <= 7.0
    assert 6.0 < one.best(0.0, 600.0) <= 7.0


def test_windows_are_kept_when_nearly_all_of_their_jobs_are() -> None:
    """Nine of ten windows have 96 % of their jobs in time, and of the last 94 %; one that is empty does not count."""
    jobs = np.array([JOBS] * 10 + [0.0])
    known = {place: (jobs, jobs * ([0.96] * 9 + [0.94, 0.0] if place >= 4 else [0.9] * 11)) for place in range(PLACES)}
    for share in (0.9, 0.99):  # of ten; where that cannot be, as many as can
        place = replays(np.zeros(11), share=share, window=MINUTE, _known=known).best(0.0, 660.0)
        assert 3.0 < place <= 4.0


# --- real replays ----------------------------------------------------------------------------------------------------


def poisson(minutes: int, mean: float = 10.0) -> FloatArray:
    counts: FloatArray = np.random.default_rng(2).poisson(mean, minutes).astype(float)
    return counts


def test_every_job_is_counted_in_the_minute_of_its_arrival() -> None:
    counts = poisson(600)
    jobs, kept = replays(counts)._run(12)  # noqa: SLF001 - what came of each minute
    np.testing.assert_array_equal(jobs, counts)
    assert (kept <= jobs).all()
    hours = replays(counts, window=3_600.0)._run(12)  # noqa: SLF001 - as above
    np.testing.assert_array_equal(hours[0], counts.reshape(10, 60).sum(axis=1))
    assert hours[1].sum() == kept.sum()


def test_a_window_that_the_end_cuts_is_counted_too() -> None:
    counts = poisson(610)
    jobs, _ = replays(counts, window=3_600.0)._run(12)  # noqa: SLF001 - as above
    assert (len(jobs), jobs.sum()) == (11, counts.sum())


def test_higher_places_keep_more_and_the_best_keeps_what_is_asked() -> None:
    counts = poisson(1_440)
    one = replays(counts, share=0.9)
    shares = [one._run(place)[1].sum() / counts.sum() for place in range(8)]  # noqa: SLF001 - as above
    assert shares == sorted(shares)
    assert np.interp(one.best(0.0, 86_400.0), np.arange(8), shares) == pytest.approx(0.9, abs=1e-9)


def test_gaps_are_no_jobs_and_parts_of_a_job_are_rounded() -> None:
    counts = poisson(300)
    odd = counts + 0.3
    odd[100:110] = np.nan
    jobs, _ = replays(odd)._run(12)  # noqa: SLF001 - as above
    np.testing.assert_array_equal(jobs, np.where(np.isnan(odd), 0.0, counts))


def test_jobs_to_come_change_nothing_of_those_before() -> None:
    """More of them: their dice are their own."""
    counts = poisson(600)
    other = counts.copy()
    other[400:] = 50.0
    one, changed = (replays(each)._run(12) for each in (counts, other))  # noqa: SLF001 - as above
    np.testing.assert_array_equal(one[0][:400], changed[0][:400])
    np.testing.assert_array_equal(one[1][:390], changed[1][:390])
