"""The patterns of the traces that are shipped."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from capacity_planner.domain.series import Series
from capacity_planner.domain.traffic import PatternType
from capacity_planner.simulation.extraction import extract
from capacity_planner.simulation.traffic import curve
from capacity_planner.sources.table import read_table

EXAMPLES = Path(__file__).parents[2] / "examples"


def trace(name: str, interval: float) -> Series:
    samples = read_table(EXAMPLES / name).metrics
    last = samples[-1].timestamp
    ages = np.array([round((last - sample.timestamp).total_seconds() / interval) for sample in samples])
    rates = np.full(ages.max() + 1, np.nan)
    rates[ages.max() - ages] = [sample.arrival_rate for sample in samples]
    return Series(end=last, interval=interval, rates=rates)


def test_taxi_rides_are_a_week_with_the_new_year_on_top() -> None:
    past = trace("nyc_taxi/nyc_taxi.csv", 1800.0)
    found = extract(past)
    assert found.type is PatternType.WEEKLY
    assert found.trend == 0.0
    assert found.base_rate == pytest.approx(np.nanmean(past.rates), rel=0.01)
    assert found.noise == pytest.approx(0.14, abs=0.01)
    assert len(found.spikes) == 7
    new_year = max(found.spikes, key=lambda spike: spike.magnitude)
    assert new_year.start_time == datetime(2015, 1, 1, tzinfo=UTC)
    expected = curve(dataclasses.replace(found, spikes=()), past.end - timedelta(days=215), 215 * 86_400.0)
    marks = np.arange(215 * 48 + 1) * 1800.0
    means = np.diff(np.interp(marks, expected.edges, expected.cumulated)) / 1800.0
    past_means = past.rates[-len(means) :]
    known = np.isfinite(past_means)
    explained = 1.0 - np.var((past_means - means)[known]) / np.var(past_means[known])
    assert explained == pytest.approx(0.87, abs=0.03)


def test_requests_at_a_balancer_are_a_noisy_day() -> None:
    past = trace("nab_elb_requests/elb_request_count_8c0756.csv", 300.0)
    found = extract(past)
    assert (found.type, found.trend, found.spikes) == (PatternType.DAILY, 0.0, ())
    assert found.base_rate == pytest.approx(np.nanmean(past.rates), rel=0.01)
    assert found.noise == pytest.approx(0.83, abs=0.02)
