"""Samples in time order, within a window."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.domain.metrics import Metrics
from capacity_planner.history.memory import SampleStore, merge

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
WINDOW = timedelta(minutes=30)
SAMPLES = st.lists(
    st.builds(
        lambda minutes, rate: Metrics(timestamp=NOON + timedelta(minutes=minutes), arrival_rate=rate),
        st.integers(-60, 60),
        st.floats(0, 100),
    ),
    max_size=40,
)


@given(SAMPLES)
def test_what_is_kept_is_what_lies_within_the_window_of_the_newest_in_order(samples: list[Metrics]) -> None:
    store = SampleStore()
    for item in samples:
        store.add(item, WINDOW)
    kept = store.samples()
    if not samples:
        assert kept == ()
        return
    newest = max(item.timestamp for item in samples)
    assert [item.timestamp for item in kept] == sorted({item.timestamp for item in kept})
    assert kept[-1].timestamp == newest
    assert all(newest - item.timestamp <= WINDOW for item in kept)
    assert {item.timestamp for item in kept} == {
        item.timestamp for item in samples if newest - item.timestamp <= WINDOW
    }


@given(SAMPLES)
def test_a_store_of_unbounded_window_is_a_merge(samples: list[Metrics]) -> None:
    store = SampleStore()
    for item in samples:
        store.add(item, timedelta(days=100))
    assert store.samples() == merge(samples, until=NOON + timedelta(days=1), window=timedelta(days=100))


def test_of_two_samples_at_one_instant_the_later_given_counts() -> None:
    first, second = (Metrics(timestamp=NOON, arrival_rate=rate) for rate in (1.0, 2.0))
    store = SampleStore()
    assert store.add(first, WINDOW)
    assert not store.add(first, WINDOW)
    assert store.add(second, WINDOW)
    assert store.samples() == (second,)
    assert merge([first, second], until=NOON, window=WINDOW) == (second,)


def test_what_came_later_is_not_merged() -> None:
    items = [Metrics(timestamp=NOON + timedelta(minutes=minute), arrival_rate=1.0) for minute in (-31, -30, -29, 0, 1)]
    assert merge(items, until=NOON, window=WINDOW) == tuple(items[1:4])
