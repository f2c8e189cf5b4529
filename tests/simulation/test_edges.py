"""Inputs at the edge of what there can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from capacity_planner.errors import PlannerError
from capacity_planner.queueing._laws import Exponential
from capacity_planner.simulation.arrivals import MeasuredArrivals
from capacity_planner.simulation.engine import Experiment, run
from capacity_planner.simulation.tiers import COMPILER, PLAIN

if TYPE_CHECKING:
    from capacity_planner.simulation.tiers import Tier

TIERS = [PLAIN, *([COMPILER.wait()] if COMPILER.possible else [])]


@pytest.mark.parametrize("tier", TIERS, ids=lambda tier: tier.name)
def test_measured_times_may_be_read_only(tier: Tier) -> None:
    times, services = np.array([1.0, 2.0]), np.array([5.0, 1.0])
    times.setflags(write=False)
    services.setflags(write=False)
    found = run(_queue(times, services), tier)
    assert found.response.tolist() == [5.0 + 5.0]


@pytest.mark.parametrize("tier", TIERS, ids=lambda tier: tier.name)
def test_what_arrives_at_the_end_or_later_is_left_out(tier: Tier) -> None:
    assert run(_queue(np.array([1.0, 100.0, 200.0]), np.ones(3)), tier).arrived.tolist() == [1]
    assert run(_queue(np.array([100.0]), np.ones(1)), tier).arrived.tolist() == [0]


def _queue(times: np.ndarray, services: np.ndarray) -> Experiment:
    return Experiment(
        edges=np.array([0.0, 100.0]),
        arrivals=MeasuredArrivals(times),
        law=Exponential(1.0),
        service_times=services,
        workers=1,
    )


def test_more_waiting_jobs_than_can_be_held_are_refused_before_memory_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("capacity_planner.simulation._peak.MOST_WAITING", 1_000)
    with pytest.raises(PlannerError, match="Plan more workers") as caught:
        run(_queue(np.linspace(0.0, 99.0, 50_000), np.ones(50_000)), PLAIN)
    assert caught.value.code == "CONFIG_INVALID"
