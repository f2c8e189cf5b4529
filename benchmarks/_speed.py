"""How many series a second: forecasts with bounds from state, one more rate, and two weeks read from cold."""

from __future__ import annotations

import resource
import sys
import time
from typing import TYPE_CHECKING

import numpy as np

from _tables import print_bar, print_table
from capacity_planner.domain.series import ForecastTask
from capacity_planner.forecasting._follower import Follower
from capacity_planner.registry import forecast_models

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from capacity_planner.domain.congestion import FloatArray

AHEAD = (1, 3, 6, 9, 12, 24)
INTERVAL = 300.0
BINS = 288
DAYS = 14
FROM_STATE = 256
BATCH = 64
REFRESH = 24  # intervals from one refresh of the bounds to the next
STEPS = 2 * REFRESH
MODELS = ("naive", "ewma", "holt_winters", "linear", "seasonal", "ridge", "auto")
CHUNKS = (96, 288, 2016)
_MEGABYTE = 1024.0 if sys.platform != "darwin" else 1024.0**2


def run(folder: Path | None, cache: Path) -> None:
    """Print the tables."""
    del folder, cache
    rates = _rates(FROM_STATE, DAYS * BINS + STEPS)
    print(
        f"\nPoisson counts in bins of five minutes with a day in them, seasons of a day and a week given, horizons "
        f"{', '.join(map(str, AHEAD))}; series a second of processor time on one thread."
    )
    _print_from_state(rates)
    _print_refit(rates[:BATCH, : DAYS * BINS])


def _rates(series: int, length: int) -> FloatArray:
    rng = np.random.default_rng(1)
    level, peak = rng.lognormal(2.0, 1.0, (series, 1)), rng.uniform(0.0, 1.0, (series, 1))
    mean = level * (1.0 + 0.6 * np.sin(2.0 * np.pi * (np.arange(length) / BINS + peak)))
    return rng.poisson(mean) / INTERVAL


def _task(series: int) -> ForecastTask:
    return ForecastTask(ahead=AHEAD, interval=INTERVAL, periods=(BINS, 7 * BINS), series=series)


def _follower(series: int) -> Follower:
    return Follower(forecast_models.get("auto"), _task(series), threshold=3.0, spike=2.0)


def _seconds(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def _read(follower: Follower, rates: FloatArray, chunk: int) -> None:
    for at in range(0, rates.shape[1], chunk):
        follower.read(rates[:, at : at + chunk])


def _print_from_state(rates: FloatArray) -> None:
    """Quantiles alone, and with one more rate read before each."""
    series = len(rates)
    follower = _follower(series)
    _read(follower, rates[:, : DAYS * BINS], BINS)

    def quantiles() -> None:
        for _ in range(STEPS):
            follower.quantiles(AHEAD)

    alone = series * STEPS / _seconds(quantiles)
    steps = []
    for at in range(DAYS * BINS, DAYS * BINS + STEPS):
        began = time.process_time()
        follower.read(rates[:, at : at + 1])
        follower.quantiles(AHEAD)
        steps.append(time.process_time() - began)
    amortised = series * STEPS / sum(steps)
    print(f"\n### From state: {series} series of {DAYS} days, read a day at a time\n")
    print(f"{STEPS} steps, so that the bounds are refreshed {STEPS // REFRESH} times; the usual step takes")
    print(f"{1e3 * float(np.median(steps)):.1f} ms, a refresh {1e3 * max(steps):.0f} ms, for all {series} series;")
    print(f"the process took {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MEGABYTE:.0f} MB.\n")
    print_bar("quantiles, series/s", alone, 3_000.0, at_least=True, form=",.0f")
    print_bar("one rate read and quantiles, series/s", amortised, 3_000.0, at_least=True, form=",.0f")


def _print_refit(rates: FloatArray) -> None:
    """Two weeks read from cold, per model and by how many bins are read at once."""
    rows, best = [], 0.0
    for name in (*MODELS, "auto with bounds and anomalies"):
        cells = []
        for chunk in CHUNKS:
            speed = len(rates) / _seconds(lambda name=name, chunk=chunk: _refit(name, rates, chunk))  # type: ignore[misc]
            cells.append(f"{speed:,.0f}")
            best = max(best, speed) if name == "auto" else best
        rows.append([name, *cells])
    print(f"\n### Refit: {DAYS} days read from cold, {len(rates)} series at once")
    print("\nThe models learn, and forecast where they judge themselves alone; the last row is what a plan waits for.")
    print_table(["series/s", *(f"{chunk} bins at once" for chunk in CHUNKS)], rows)
    print()
    print_bar("auto, which is all models, best of these, series/s", best, 300.0, at_least=True, form=",.0f")


def _refit(name: str, rates: FloatArray, chunk: int) -> None:
    if name not in MODELS:
        _read(_follower(len(rates)), rates, chunk)
        return
    state = forecast_models.get(name).start(_task(len(rates)))
    for at in range(0, rates.shape[1], chunk):
        part = rates[:, at : at + chunk]
        state.read(part, np.ones_like(part), np.arange(0))
