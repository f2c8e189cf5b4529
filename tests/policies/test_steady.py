"""In the closed loop, on steady Poisson traffic of load 40, each law ends where it aims."""

from __future__ import annotations

import numpy as np
import pytest

from tests.policies._sights import LOAD, mean_workers, steady

# An autoscaler that follows the highest wish of five minutes stays above its aim, by the noise of so many wishes:
# about two standard deviations of a minute's mean load, 2·sqrt(40/2)/40 = 0.22, and its tolerance of a tenth.
AIMS = [("hpa", 0.8), ("hpa", 0.5), ("keda", 1.0), ("keda", 0.5), ("seasonal_hpa", 0.5)]


@pytest.mark.parametrize(("name", "knob"), AIMS)
def test_the_hpa_ends_near_load_over_target(name: str, knob: float) -> None:
    workers = mean_workers(steady(name, knob))
    assert 1.0 <= workers / (LOAD / knob) <= 1.3


def test_target_tracking_ends_between_its_alarms() -> None:
    """Out above 0.5, in below 0.45 for 15 minutes, of which the highest counts."""
    assert 1.0 <= mean_workers(steady("aws_tracking", 0.5)) / (LOAD / 0.5) <= 1.2


@pytest.mark.parametrize(("name", "knob"), [("static", 1.2), ("seasonal_naive", 1.2)])
def test_what_follows_the_past_is_at_its_headroom(name: str, knob: float) -> None:
    assert mean_workers(steady(name, knob)) == pytest.approx(1.2 * LOAD, rel=1e-3)


@pytest.mark.parametrize("name", ["judoscale", "judoscale_brisk"])
def test_judoscale_keeps_most_waits_near_its_range(name: str) -> None:
    waits = steady(name, 30.0).waits
    assert np.mean(waits[len(waits) // 6 :] < 60.0) > 0.9


@pytest.mark.parametrize("name", ["hpa", "keda", "aws_tracking", "judoscale"])
def test_a_more_generous_knob_costs_more_and_more_are_in_time(name: str) -> None:
    knobs = {"hpa": (0.85, 0.6), "keda": (1.25, 0.8), "aws_tracking": (0.8, 0.5), "judoscale": (120.0, 4.0)}[name]
    thrifty, generous = (steady(name, knob) for knob in knobs)
    assert mean_workers(generous) > mean_workers(thrifty)
    assert np.mean(generous.waits <= 30.0) > np.mean(thrifty.waits <= 30.0)
