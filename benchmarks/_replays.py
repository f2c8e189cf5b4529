"""The scenarios in which scaling policies are compared: traces at native counts, loads, delays, two regimes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

import _traces
from capacity_planner.domain.backtest import BacktestScenario
from capacity_planner.domain.scenario import ServiceFamily
from capacity_planner.errors import PlannerError
from capacity_planner.history.resample import to_series
from capacity_planner.sources.table import read_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from capacity_planner.domain.congestion import FloatArray

OURS, ORACLE, KEDA = "planner", "oracle", "keda"
NOT_RIVALS = {OURS, ORACLE}
SHARES = (0.95, 0.99, 0.999)
DELAYS = (30.0, 120.0, 600.0)
REGIMES = ("slack", "tight")
_START = datetime(2026, 1, 5, tzinfo=UTC)
_MINUTE = 60.0
_LONGEST, _WARMUP = 27.5, 14.0
_KNOWN = {
    "nasa_http_jul95": (10, 40, 200),
    "nasa_http_aug95": (10, 40),
    "bank_calls": (10, 40),
    "elb_request": (10, 40),
    "genai": (10,),
}
_OTHERS = (10, 40)


@dataclass(frozen=True, slots=True)
class Case:
    """A trace, a mean load, a start-up delay and a regime.

    Attributes:
        trace: its name.
        source: ``folder``, ``shipped`` or ``generated``.
        load: mean workers in service.
        delay: start-up delay [s].
        regime: ``slack``: a job may wait delay / 4 + 2 service times; ``tight``: delay / 4.
        counts: jobs per bin; the last 27.5 days.
        interval: length of a bin [s].
    """

    trace: str
    source: str
    load: int
    delay: float
    regime: str
    counts: FloatArray
    interval: float

    @property
    def service_time(self) -> float:
        """With which the trace has that load at its own counts [s]."""
        return self.load * self.interval / float(self.counts.mean())

    @property
    def allowed_wait(self) -> float:
        """A job may wait so long [s]."""
        return self.delay / 4.0 + (2.0 * self.service_time if self.regime == "slack" else 0.0)

    def scenario(self, share: float, **more: Any) -> BacktestScenario:
        """The question to the backtester, at an asked share of jobs in time."""
        service = timedelta(seconds=self.service_time)
        days = len(self.counts) * self.interval / 86_400.0
        return BacktestScenario(
            name=self.name,
            counts=tuple(int(count) for count in self.counts),
            interval=timedelta(seconds=self.interval),
            start=_START,
            service_time=service,
            service_time_std=service,
            service_family=ServiceFamily.LOGNORMAL,
            allowed_wait=timedelta(seconds=self.allowed_wait),
            share=share,
            startup_delay=timedelta(seconds=self.delay),
            warmup=timedelta(days=min(_WARMUP, float(int(days / 2)))),
            **more,
        )

    @property
    def name(self) -> str:
        """In words."""
        return f"{self.trace} {self.load} workers, start-up {self.delay:g} s, {self.regime}"


@dataclass(frozen=True, slots=True)
class Row:
    """A case and what came of it; costs in worker-hours over the mean load.

    Attributes:
        case: the case.
        bound: cost of the clairvoyant bound.
        jobs: per policy its cost where 99 % of jobs are in time, and whether it gets there.
        windows: the same for five-minute windows.
        shipped: per asked share what the planner delivered, its cost, the cost of its best fixed knob there, and the
            share of decisions that limits changed.
    """

    case: Case
    bound: float
    jobs: dict[str, tuple[float, bool]]
    windows: dict[str, tuple[float, bool]]
    shipped: dict[float, tuple[float, float, float, float]]


def cases(folder: Path | None) -> Iterator[Case]:
    """Every case; of the folder's traces, or where there is none of the shipped one and of generated traffic."""
    for name, source, interval, counts in _counted(folder):
        loads = next((loads for known, loads in _KNOWN.items() if known in name), _OTHERS)
        for load in loads:
            for delay in DELAYS:
                for regime in REGIMES:
                    yield Case(name, source, load, delay, regime, counts, interval)


def _counted(folder: Path | None) -> Iterator[tuple[str, str, float, FloatArray]]:
    for path in sorted(folder.rglob("*.csv*")) if folder else [_traces.ELB]:
        try:
            series = to_series(read_table(path, timezone="UTC").metrics, _MINUTE)
        except (PlannerError, ValueError) as problem:
            print(f"- {path.name} is left out: {str(problem)[:160]}")
            continue
        days = len(series.rates) * series.interval / 86_400.0
        if series.interval > 300.0 or days < 13.0:
            print(f"- {path.name} is left out: {days:.3g} days in bins of {series.interval / 60:.3g} minutes")
            continue
        yield path.name.split(".")[0], "folder" if folder else "shipped", *_last(series.rates, series.interval)
    if not folder:
        for seed, mean in ((1, 40.0), (2, 200.0)):
            yield f"generated web traffic {mean:g}", "generated", _MINUTE, _web(mean, seed)


def _last(rates: FloatArray, interval: float) -> tuple[float, FloatArray]:
    kept = np.nan_to_num(rates[-round(_LONGEST * 86_400.0 / interval) :])
    return interval, np.rint(kept * interval)


def _web(mean: float, seed: int) -> FloatArray:
    """Requests a minute with a day and a week in them, a level that wanders, and more noise than Poisson's."""
    dice, length = np.random.default_rng(seed), round(_LONGEST * 1440)
    at = np.arange(length) / 1440.0
    usual = np.exp(0.75 * np.cos(2 * np.pi * (at - 0.6)) + 0.2 * np.cos(4 * np.pi * (at - 0.4)))
    usual *= np.where(at.astype(int) % 7 < 5, 1.0, 0.65)
    walk, steps = np.zeros(length), dice.normal(0.0, 0.012, length)
    for minute in range(1, length):
        walk[minute] = 0.995 * walk[minute - 1] + steps[minute]
    rates = usual * np.exp(walk)
    counts: FloatArray = dice.poisson(rates * mean / rates.mean() * dice.gamma(8.0, 1.0 / 8.0, length)).astype(float)
    return counts
