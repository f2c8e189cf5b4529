"""Kubernetes documentation, Horizontal Pod Autoscaling: "Algorithm details" and "Configurable scaling behavior"."""

from __future__ import annotations

import pytest

from tests.policies._sights import seen, started, task


@pytest.mark.parametrize("utilization", [0.72, 0.76, 0.8, 0.84, 0.88])
def test_within_a_tenth_of_the_target_nothing_happens(utilization: float) -> None:
    assert started("hpa", 0.8)(seen(utilization=utilization)) == 10


def test_beyond_the_tolerance_the_ratio_is_rounded_up() -> None:
    """10 × 0.881/0.8 = 11.01."""
    assert started("hpa", 0.8)(seen(utilization=0.881)) == 12


def test_a_whole_number_is_not_rounded_up() -> None:
    """10 × 0.7/0.5 = 14, which in floating point is a little more."""
    assert started("hpa", 0.5)(seen(utilization=0.7)) == 14


def test_down_goes_to_the_highest_wish_of_300_seconds() -> None:
    """What it finds at time 0 is its first wish, 10; 10 × 0.4/0.8 = 5 is carried out when that is 300 s old."""
    hpa = started("hpa", 0.8)
    answers = [hpa(seen(now, utilization=0.4)) for now in range(0, 301, 15)]
    assert answers == [10] * 20 + [5]


def test_a_higher_wish_within_the_window_holds_the_workers() -> None:
    """10 × 0.6/0.8 = 7.5 at 150 s is a wish for 8, which counts until 450 s."""
    hpa = started("hpa", 0.8)
    answers = {now: hpa(seen(now, utilization=0.6 if now == 150 else 0.4)) for now in range(0, 451, 15)}
    assert [answers[now] for now in (285, 300, 435, 450)] == [10, 8, 8, 5]


@pytest.mark.parametrize(("workers", "most"), [(1, 5), (2, 6), (4, 8), (5, 10), (10, 20)])
def test_up_goes_to_four_more_or_to_twice_as_many(workers: int, most: int) -> None:
    assert started("hpa", 0.1)(seen(serving=workers, utilization=1.0)) == most


def test_up_goes_step_by_step_from_what_is_ordered() -> None:
    """A wish of 10 × 1/0.1 = 100: 20, 40, 80, 100; those that start are no part of the mean, yet of the count."""
    hpa, ordered, orders = started("hpa", 0.1), 10, []
    for now in (0, 15, 30, 45, 60):
        ordered = int(hpa(seen(now, serving=10, ordered=ordered, utilization=1.0)))
        orders.append(ordered)
    assert orders == [20, 40, 80, 100, 100]


def test_workers_that_start_count_as_idle_when_it_goes_up() -> None:
    """1.0/0.8 = 1.25 on 10 of 12 is 1.04 on all, within the tolerance; 1.0/0.5 = 2 on 10 of 12 is 20 in all."""
    assert started("hpa", 0.8)(seen(serving=10, ordered=12, utilization=1.0)) == 12
    assert started("hpa", 0.5)(seen(serving=10, ordered=12, utilization=1.0)) == 20


def test_workers_that_start_never_turn_up_into_down() -> None:
    """1.25 on 10 of 20 is 0.625 on all: it would go down, so that nothing happens."""
    hpa = started("hpa", 0.8)
    assert [hpa(seen(now, serving=10, ordered=20, utilization=1.0)) for now in (0, 400, 800)] == [20] * 3


def test_workers_that_start_do_not_count_when_it_goes_down() -> None:
    """0.4/0.8 of the 10 that are ready, not of all 20."""
    hpa = started("hpa", 0.8)
    hpa(seen(0.0, serving=10, ordered=20, utilization=0.4))
    assert hpa(seen(300.0, serving=10, ordered=20, utilization=0.4)) == 5


def test_without_a_metric_nothing_happens() -> None:
    assert started("hpa", 0.8)(seen(serving=0, ordered=3, utilization=1.0)) == 3


def test_dismissed_workers_that_were_measured_do_not_count() -> None:
    """The metric is of 20, but 10 are ordered: 10 × 1.0/0.8 = 12.5."""
    assert started("hpa", 0.8)(seen(serving=20, ordered=10, utilization=1.0)) == 13


def test_it_never_goes_below_its_fewest() -> None:
    for fewest, facts in ((1, task(min_workers=0)), (3, task(min_workers=3))):
        hpa = started("hpa", 0.8, facts)
        assert hpa(seen(0.0, serving=0, utilization=0.0)) == fewest
        hpa(seen(15.0, utilization=0.0))
        assert hpa(seen(400.0, utilization=0.0)) == fewest
