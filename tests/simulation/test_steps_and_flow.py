"""What is counted by interval, against counting it one by one."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.simulation._flow import Flow, Occupancy, segments
from capacity_planner.simulation._peak import Peaks
from capacity_planner.simulation._steps import Steps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capacity_planner.domain.congestion import FloatArray

INSTANTS = st.one_of(st.integers(0, 48).map(lambda quarters: quarters / 4), st.floats(0.0, 12.0))
EDGES = st.lists(st.integers(1, 44).map(lambda quarters: quarters / 4), max_size=6).map(
    lambda inner: np.array([0.0, *sorted(set(inner)), 11.0 + 0.25])
)
LENGTHS = st.one_of(st.just(0.0), st.integers(0, 60).map(lambda quarters: quarters / 4), st.floats(0.0, 15.0))


def spans(edges: FloatArray) -> list[tuple[float, float]]:
    return list(itertools.pairwise(edges.tolist()))


def overlap(begin: float, end: float, span: tuple[float, float]) -> float:
    return max(0.0, min(end, span[1]) - max(begin, span[0]))


def blocks(count: int, cuts: list[int]) -> Iterator[slice]:
    """Blocks that are not empty, cut at these places."""
    places = sorted({0, count, *(cut for cut in cuts if cut < count)})
    return (slice(first, end) for first, end in itertools.pairwise(places))


def close(found: FloatArray, expected: list[float]) -> None:
    np.testing.assert_allclose(found, np.array(expected), rtol=1e-12, atol=1e-9)


@given(st.lists(INSTANTS, min_size=1, max_size=30), EDGES)
def test_segments_tell_the_interval_of_every_time(times: list[float], edges: FloatArray) -> None:
    ordered = np.sort(np.array(times))
    found = segments(ordered, edges)
    assert [first for _, first, _ in found] == [0, *(end for _, _, end in found[:-1])]
    assert found[-1][2] == len(times)
    for interval, first, end in found:
        assert first < end
        for time in ordered[first:end].tolist():
            assert interval == sum(edge <= time for edge in edges.tolist()) - 1


@given(st.lists(INSTANTS, max_size=30), EDGES, st.lists(st.integers(1, 29), max_size=3))
def test_a_flow_counts_and_integrates(times: list[float], edges: FloatArray, cuts: list[int]) -> None:
    ordered, flow = np.sort(np.array(times)), Flow(edges)
    for block in blocks(len(times), cuts):
        flow.add(ordered[block])
    assert flow.before.tolist() == [sum(time < edge for time in times) for edge in edges.tolist()]
    assert flow.counts.sum() == len(times)
    close(flow.integrals, [sum(overlap(time, np.inf, span) for time in times) for span in spans(edges)])


@given(st.lists(st.tuples(INSTANTS, LENGTHS), max_size=30), EDGES, st.lists(st.integers(1, 29), max_size=3))
def test_busy_time_is_that_of_every_service(
    services: list[tuple[float, float]], edges: FloatArray, cuts: list[int]
) -> None:
    begins, lengths = np.array(sorted(services)).reshape(-1, 2).T
    occupancy = Occupancy(edges)
    for block in blocks(len(services), cuts):
        occupancy.add(begins[block], lengths[block])
    expected = [sum(overlap(begin, begin + length, span) for begin, length in services) for span in spans(edges)]
    close(occupancy.integrals, expected)


@given(st.lists(st.tuples(INSTANTS, st.integers(-5, 5)), min_size=1, max_size=30), EDGES)
def test_steps_are_integrated_in_whatever_order_they_come(changes: list[tuple[float, int]], edges: FloatArray) -> None:
    one_by_one, together = Steps(), Steps()
    for time, change in changes:
        one_by_one.add(time, change)
    together.add([time for time, _ in changes], [change for _, change in changes])
    expected = [sum(change * overlap(time, np.inf, span) for time, change in changes) for span in spans(edges)]
    close(one_by_one.integrals(edges), expected)
    close(together.integrals(edges), expected)


def test_steps_after_the_end_count_for_nothing() -> None:
    steps = Steps()
    steps.add([7.0, 90.0], [2, 5])
    assert steps.integrals(np.array([0.0, 5.0, 10.0])).tolist() == [0.0, 6.0]


def longest_queues(arrivals: FloatArray, departures: FloatArray, edges: FloatArray) -> list[int]:
    """After the last arrival of each instant: those that came by then and leave later."""
    found = [0] * (len(edges) - 1)
    for time in arrivals.tolist():
        interval = sum(edge <= time for edge in edges.tolist()) - 1
        there = np.count_nonzero((arrivals <= time) & (departures > time))
        found[interval] = max(found[interval], int(there))
    return found


def peaks(arrivals: FloatArray, departures: FloatArray, edges: FloatArray, cuts: list[int]) -> list[int]:
    found = Peaks(len(edges) - 1)
    for block in blocks(len(arrivals), cuts):
        found.add(arrivals[block], departures[block], segments(arrivals[block], edges))
    most: list[int] = found.most.tolist()
    return most


@given(st.lists(st.tuples(INSTANTS, LENGTHS), max_size=40), EDGES, st.lists(st.integers(1, 39), max_size=4))
def test_a_peak_is_the_longest_queue_after_an_arrival(
    jobs: list[tuple[float, float]], edges: FloatArray, cuts: list[int]
) -> None:
    inside = sorted(job for job in jobs if job[0] < edges[-1])
    arrivals, waits = np.array(inside).reshape(-1, 2).T
    departures = np.maximum.accumulate(arrivals + waits)
    assert peaks(arrivals, departures, edges, cuts) == longest_queues(arrivals, departures, edges)


def test_a_peak_counts_those_that_never_leave() -> None:
    arrivals, edges = np.arange(20.0), np.array([0.0, 5.0, 20.0])
    never = np.full(20, np.inf)
    assert peaks(arrivals, never, edges, [3, 4, 11]) == [5, 20]
    assert peaks(arrivals, np.where(arrivals < 10.0, arrivals, never), edges, [7]) == [0, 10]


def test_a_long_queue_is_followed_through_many_blocks() -> None:
    """Up for 4 000 jobs, down for as many: queues that fill and empty the memory of departures over and over."""
    dice = np.random.default_rng(8)
    pace = np.tile(np.repeat([2.0, 0.5], 4_000), 3)
    arrivals = np.cumsum(dice.exponential(1.0 / pace))
    departures = np.empty_like(arrivals)
    free = 0.0
    for job, (arrival, service) in enumerate(zip(arrivals.tolist(), dice.exponential(1.0, len(pace)), strict=True)):
        departures[job] = max(arrival, free)
        free = departures[job] + service
    edges = np.append(np.linspace(0.0, arrivals[-1], 50)[:-1], arrivals[-1] + 1.0)
    expected = np.zeros(len(edges) - 1, dtype=int)
    there = np.arange(1, len(arrivals) + 1) - np.searchsorted(departures, arrivals, side="right")
    np.maximum.at(expected, np.searchsorted(edges, arrivals, side="right") - 1, there)
    assert peaks(arrivals, departures, edges, list(range(0, len(arrivals), 700))) == expected.tolist()
