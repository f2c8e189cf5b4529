"""The inverse for many rates at once: each is staffed as if it were asked for alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.domain.congestion import ServiceTime
from capacity_planner.planning._search import fewest_each
from capacity_planner.planning.staffing import Staffing, Targets
from capacity_planner.registry import queue_models

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


def asked(count: int, dice: np.random.Generator) -> Iterator[tuple[float, float | None, int | None]]:
    """Mean service times, latency targets above the p95 of exponential service, and backlog targets."""
    for index in range(count):
        mean, slack = (math.exp(dice.uniform(math.log(1e-3), math.log(most))) for most in (1e4, 20.0))
        latency = (math.log(20.0) + slack) * mean if index % 4 != 3 else None
        yield mean, latency, int(dice.integers(1, 200)) if index % 4 >= 2 else None


def check_each(name: str, service: ServiceTime, targets: Targets, rates: list[float]) -> None:
    """Each as if it were asked for alone."""
    together, alone = (Staffing(queue_models.get(name), service, targets) for _ in range(2))
    assert together.fewest_each(np.array(rates)).tolist() == [alone.fewest(rate) for rate in rates]


@pytest.mark.parametrize("name", ["mm1", "mmc"])
@pytest.mark.parametrize("largest", [3.0, 300.0, 1e6])
def test_many_rates_at_once_are_staffed_as_one_by_one(name: str, largest: float) -> None:
    dice = np.random.default_rng(round(largest))
    for mean, latency, backlog in asked(40, dice):
        rates = np.exp(dice.uniform(math.log(1e-3), math.log(largest), 12)) / mean
        targets = Targets(p95_latency=latency, max_backlog=backlog)
        check_each(name, ServiceTime(mean=mean), targets, [0.0, *rates.tolist(), *rates[:2].tolist()])


@pytest.mark.parametrize(("name", "spread"), [("mg1", 0.0), ("mg1", 1.5), ("mgc", 0.0), ("mgc", 0.5), ("mgc", 2.0)])
def test_many_rates_at_once_are_staffed_as_one_by_one_for_general_service(name: str, spread: float) -> None:
    dice = np.random.default_rng(6)
    for mean, latency, backlog in asked(4, dice):
        generous = None if latency is None else latency * (1.0 + spread)
        rates = np.exp(dice.uniform(math.log(1e-2), math.log(60.0), 6)) / mean
        targets = Targets(p95_latency=generous, max_backlog=backlog)
        check_each(name, ServiceTime(mean=mean, std=spread * mean), targets, [*rates.tolist(), 0.0])


def test_many_rates_at_once_have_an_answer_where_one_has() -> None:
    """Nothing, next to nothing, whole loads, a target that service alone breaks, and loads beyond counting."""
    rates = [0.0, 5e-324, 1e-300, 1.0, 2.0, 51.0, 1e9, 1e15, 2.0**53, 1e18, 1e300]
    for targets in (Targets(), Targets(p95_latency=1e-3), Targets(max_backlog=1), Targets(p95_latency=9.0)):
        check_each("mmc", ServiceTime(mean=1.0), targets, rates)
    staffing = Staffing(queue_models.get("mmc"), ServiceTime(mean=1.0), Targets(p95_latency=9.0))
    assert staffing.fewest_each(np.empty(0)).tolist() == []


@given(
    wanted=st.lists(st.tuples(st.integers(0, 2**50), st.integers(0, 2**50), st.integers(0, 2**50)), max_size=20),
)
def test_the_least_of_many_is_found_from_any_start(wanted: list[tuple[int, int, int]]) -> None:
    least, start, floor = np.array(wanted, dtype=np.int64).reshape(-1, 3).T
    asked = []

    def enough(at: NDArray[np.intp], numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        assert np.all(numbers >= floor[at])
        asked.append(len(at))
        return np.asarray(numbers >= least[at])

    assert fewest_each(enough, start, floor).tolist() == np.maximum(least, floor).tolist()
    assert len(asked) <= 110
    assert asked == sorted(asked, reverse=True)
