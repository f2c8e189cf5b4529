"""Arrival traces for the forecasting benchmark: the shipped ones, those of a folder, and generated traffic."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.errors import PlannerError
from capacity_planner.history.resample import to_series
from capacity_planner.sources.table import read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from capacity_planner.domain.congestion import FloatArray

HERE = Path(__file__).resolve().parent.parent
ELB = HERE / "examples" / "nab_elb_requests" / "elb_request_count_8c0756.csv"
TAXI = HERE / "examples" / "nyc_taxi" / "nyc_taxi.csv"
INTERVAL = 300.0
DAY = 86_400.0
LEAST_DAYS = 10
MOST_DAYS = 35
SPARSE = 1.0
_BINS = 288
_GENERATED_DAYS = 28
_NOT_TRACES = ("Hourly-train.csv", "Hourly-test.csv")


@dataclass(frozen=True, slots=True)
class Trace:
    """Rates on an even grid [jobs/s], NaN where nothing was measured, and where they are from."""

    name: str
    source: str
    interval: float
    rates: FloatArray

    @property
    def mean(self) -> float:
        """Mean count per bin."""
        return float(np.nanmean(self.rates) * self.interval)

    @property
    def group(self) -> str:
        """``counts``; ``sparse`` with a mean below one per bin; ``levels`` where the values are no whole numbers."""
        counts = self.rates[np.isfinite(self.rates)] * self.interval
        if np.abs(counts - np.rint(counts)).max() > 1e-6 * max(1.0, counts.max()):
            return "levels"
        return "sparse" if self.mean < SPARSE else "counts"


def shipped() -> list[Trace]:
    """The examples: requests every five minutes, and taxi rides every thirty, each at its own interval."""
    return [read(ELB, "shipped"), read(TAXI, "shipped", interval=1800.0)]


def in_folder(folder: Path) -> list[Trace]:
    """Every CSV below a folder that can be read as arrivals in bins of five minutes; a line for each that cannot."""
    traces = []
    for path in sorted(path for path in folder.rglob("*") if path.name.endswith((".csv", ".csv.gz"))):
        if path.name in _NOT_TRACES:
            continue
        try:
            traces.append(read(path, "folder"))
        except (PlannerError, ValueError) as problem:
            print(f"- {path.relative_to(folder)} is left out: {str(problem).replace(str(path), 'it')}")
    return traces


def read(path: Path, source: str, *, interval: float = INTERVAL) -> Trace:
    """The last five weeks of a file; times without a zone are taken as UTC.

    Raises:
        PlannerError: the file cannot be read as arrivals.
        ValueError: its bins are too long, or it is too short.
    """
    series = to_series(read_table(path, timezone="UTC").metrics, interval)
    if series.interval > interval:
        raise ValueError(f"its bins are of {series.interval / 60:.3g} minutes")
    rates = series.rates[-round(MOST_DAYS * DAY / interval) :]
    if len(rates) * interval < LEAST_DAYS * DAY:
        raise ValueError(f"it covers {len(rates) * interval / DAY:.3g} days")
    return Trace(path.name.removesuffix(".gz").removesuffix(".csv"), source, interval, rates)


def generated() -> list[Trace]:
    """Traffic of several kinds from fixed seeds, four weeks each."""
    return [
        Trace(f"{name} {seed}", "generated", INTERVAL, kind(np.random.default_rng(1000 * at + seed)) / INTERVAL)
        for at, (name, kind) in enumerate(_KINDS.items())
        for seed in (1, 2)
    ]


def hourly_pieces(hours: int, pieces: int) -> Iterator[FloatArray]:
    """Hourly counts of the shipped traces, cut into pieces of ``hours`` hours; what is missing counts nothing."""
    for trace in shipped():
        bins = round(3600.0 / trace.interval)
        counts = np.nan_to_num(trace_counts(trace))
        whole = counts[len(counts) % bins :].reshape(-1, bins).sum(axis=1)
        length = min(hours, len(whole))
        for at in range(min(pieces, len(whole) // length)):
            yield whole[len(whole) - (at + 1) * length : len(whole) - at * length]


def trace_counts(trace: Trace) -> FloatArray:
    """The whole trace as counts per bin, where a shipped one was cut to its last weeks."""
    path = ELB if trace.interval == INTERVAL else TAXI
    return to_series(read_table(path).metrics, trace.interval).rates * trace.interval


def _usual(rng: np.random.Generator, level: float) -> FloatArray:
    """Expected counts per bin with a day and a week in them."""
    at = np.arange(_GENERATED_DAYS * _BINS) / _BINS
    peak, second = rng.uniform(0.0, 1.0, 2)
    day = np.exp(0.9 * np.cos(2 * np.pi * (at - peak)) + 0.3 * np.cos(4 * np.pi * (at - second)))
    week = np.where(at.astype(int) % 7 < 5, 1.0, 0.55)
    mean: FloatArray = level * day * week
    return mean


def _walk(rng: np.random.Generator, spread: float, memory: float) -> FloatArray:
    """A logarithm that wanders about zero, with a standard deviation ``spread``."""
    steps = rng.normal(0.0, spread * np.sqrt(1.0 - memory**2), _GENERATED_DAYS * _BINS)
    walk = np.zeros_like(steps)
    for at in range(1, len(steps)):
        walk[at] = memory * walk[at - 1] + steps[at]
    return walk


def _counted(rng: np.random.Generator, mean: FloatArray) -> FloatArray:
    return rng.poisson(mean).astype(float)


def _poisson(rng: np.random.Generator) -> FloatArray:
    return _counted(rng, _usual(rng, 40.0))


def _dispersed(rng: np.random.Generator) -> FloatArray:
    return _counted(rng, _usual(rng, 60.0) * np.exp(_walk(rng, 0.3, 0.97)) * rng.gamma(8.0, 1.0 / 8.0, 28 * _BINS))


def _bursty(rng: np.random.Generator) -> FloatArray:
    mean = _usual(rng, 30.0)
    for start in rng.integers(0, len(mean), 60):
        length = int(rng.integers(6, 36))
        mean[start : start + length] *= rng.uniform(2.0, 6.0)
    return _counted(rng, mean)


def _growth(rng: np.random.Generator) -> FloatArray:
    return _counted(rng, _usual(rng, 20.0) * np.exp(np.linspace(0.0, 1.5, 28 * _BINS) + _walk(rng, 0.1, 0.99)))


def _regimes(rng: np.random.Generator) -> FloatArray:
    mean = _usual(rng, 50.0) * np.exp(_walk(rng, 0.1, 0.95))
    for start in (12 * _BINS + 100, 19 * _BINS + 30, 24 * _BINS + 200):
        mean[start:] *= rng.choice((0.4, 0.6, 1.8, 2.5))
    return _counted(rng, mean)


def _sparse(rng: np.random.Generator) -> FloatArray:
    return _counted(rng, _usual(rng, 0.3))


def _steps(rng: np.random.Generator) -> FloatArray:
    """Utilisation: levels that stay for hours, and a little noise."""
    length = 28 * _BINS
    level = np.repeat(rng.uniform(5.0, 90.0, length), rng.integers(24, 240, length))[:length]
    return np.maximum(level + rng.normal(0.0, 1.2, length), 0.0)


_KINDS: dict[str, Callable[[np.random.Generator], FloatArray]] = {
    "poisson": _poisson,
    "over-dispersed": _dispersed,
    "bursty": _bursty,
    "growth": _growth,
    "regime change": _regimes,
    "sparse": _sparse,
    "step-like utilisation": _steps,
}
