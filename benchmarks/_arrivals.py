"""Rolling origins over arrival traces, after nine days: errors, pinball losses and coverage."""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from _tables import print_bar, print_table
from _traces import DAY, INTERVAL, Trace, generated, in_folder, shipped
from capacity_planner.domain.series import ForecastTask
from capacity_planner.forecasting import _season
from capacity_planner.forecasting._conformal import LEVELS, Conformal
from capacity_planner.registry import forecast_models

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from capacity_planner.domain.congestion import FloatArray

MODELS = ("naive", "ewma", "seasonal", "holt_winters", "linear", "ridge", "auto")
SIMPLE = ("naive", "ewma", "seasonal")
MINUTES = (5, 15, 30, 45, 60, 120)
JUDGED = (0.5, 0.9, 0.95, 0.99)
START_DAYS = 9
WINDOW_DAYS = 7
HOUR = 3600.0
_AT_ONCE = 576
_NEAR, _FAR = "≤ 1 h", "2 h"
_TINY = 1e-12
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Scores:
    """What a trace says; by the span of horizons.

    Attributes:
        trace: the trace.
        errors: mean absolute error of each model, and of the median of ``auto``, over that of naive.
        losses: pinball loss of ``auto`` at each of `JUDGED` over that of naive with quantiles of its last residuals.
        covered: shares of outcomes at or below the quantile at each of `JUDGED`.
        beyond: how far the levels lie outside the shares below, and at or below, the quantile in whole jobs: what is
            left of the coverage error when ties are no error.
    """

    trace: Trace
    errors: dict[str, dict[str, float]]
    losses: dict[str, FloatArray]
    covered: dict[str, FloatArray]
    beyond: dict[str, FloatArray]


def run(folder: Path | None, cache: Path) -> None:
    """Print the tables."""
    del cache
    began = time.process_time()
    print(
        f"\nOrigins after {START_DAYS} days, every 65 minutes (150 with bins of 30), so that no phase of the hour is "
        "left out; horizons of 5, 15, 30, 45, 60 and 120 minutes; at each origin the seasons are those found in what "
        "was known by the last full day. Errors and pinball losses are over those of naive, with quantiles of its "
        f"residuals of the last {WINDOW_DAYS} days; pooled as geometric means. Sparse: fewer than one job per bin. "
        "Levels: values that are no whole numbers, such as utilisation. Ties aside: a level between the shares of "
        "outcomes below, and at or below, the quantile in whole jobs is met."
    )
    traces = [*shipped(), *(in_folder(folder) if folder else ()), *generated()]
    scores = [scored(trace) for trace in traces]
    _print_traces(scores)
    pools: dict[str, list[Scores]] = {}
    for item in scores:
        pools.setdefault(_pool(item.trace), []).append(item)
    for name, pool in pools.items():
        print(f"\n### {name}: {len(pool)} traces")
        _print_pool(pool)
    print(f"\nAll of it took {time.process_time() - began:.0f} s.")


def _pool(trace: Trace) -> str:
    if trace.interval > INTERVAL:
        return f"bins of {trace.interval / 60:.0f} minutes"
    source = "generated" if trace.source == "generated" else "real"
    return f"{source}, {trace.group}"


def horizons(interval: float) -> dict[int, str]:
    """Horizons in intervals, each with its span."""
    steps = {minute: minute * 60.0 / interval for minute in MINUTES}
    return {
        round(step): _NEAR if minute <= HOUR / 60.0 else _FAR
        for minute, step in steps.items()
        if step >= 1.0 and step.is_integer()
    }


def scored(trace: Trace) -> Scores:
    """Every model on a trace."""
    spans = horizons(trace.interval)
    ahead = tuple(spans)
    day, hour = round(DAY / trace.interval), round(HOUR / trace.interval)
    every = next(step for step in itertools.count(hour) if math.gcd(step, day) == 1)
    origins = np.arange(START_DAYS * day - 1, len(trace.rates) - max(ahead), every)
    came = trace.rates[origins[:, None] + np.array(ahead)]
    points, quantiles = said(trace, ahead, origins, MODELS)
    places = [LEVELS.index(level) for level in JUDGED]
    ours = quantiles[..., places]
    reference = sliding(trace, ahead, origins, points["naive"])
    points["median"] = ours[..., 0]
    result = Scores(trace, {}, {}, {}, {})
    for span in dict.fromkeys(spans.values()):
        at = [number for number, of in enumerate(spans.values()) if of == span]
        missed = {name: float(np.nanmean(np.abs(came - made)[:, at])) for name, made in points.items()}
        result.errors[span] = {name: miss / max(missed["naive"], _TINY) for name, miss in missed.items()}
        lost, usual = (pinball(came[:, at], part[:, at]) for part in (ours, reference))
        result.losses[span] = lost / np.maximum(usual, _TINY)
        known = np.isfinite(came[:, at])
        off = (came[:, at][known][:, None] - ours[:, at][known]) * trace.interval
        below, covered = (off < -_ROUNDING).mean(axis=0), (off <= _ROUNDING).mean(axis=0)
        until = (off < 1.0 - _ROUNDING).mean(axis=0) if trace.group != "levels" else covered
        result.covered[span] = covered
        result.beyond[span] = np.maximum(below - JUDGED, 0.0) + np.minimum(until - JUDGED, 0.0)
    return result


def said(
    trace: Trace, ahead: tuple[int, ...], origins: NDArray[np.intp], models: tuple[str, ...]
) -> tuple[dict[str, FloatArray], FloatArray]:
    """Points per model, (origins, horizons), and quantiles of ``auto``, (origins, horizons, levels)."""
    day = round(DAY / trace.interval)
    ends = [int(at + 1) // day * day for at in origins]
    by_day = {end: _season.periods(trace.rates[:end], trace.interval) for end in sorted(set(ends))}
    points = {name: np.empty((len(origins), len(ahead))) for name in models}
    quantiles = np.empty((len(origins), len(ahead), len(LEVELS)))
    for periods in dict.fromkeys(by_day.values()):
        chosen = np.array([by_day[end] == periods for end in ends])
        rates = trace.rates[None, : origins[chosen].max() + 1]
        task = ForecastTask(ahead=ahead, interval=trace.interval, periods=periods)
        for name in models:
            state = forecast_models.get(name).start(task)
            parts = [rates[:, at : at + _AT_ONCE] for at in range(0, rates.shape[1], _AT_ONCE)]
            whole = np.concatenate([state.read(part, np.ones_like(part)) for part in parts], axis=1)
            points[name][chosen] = whole[0, origins[chosen]]
        quantiles[chosen] = Conformal(task).hindcast(whole, rates, origins[chosen])[0]
    return points, quantiles


def sliding(trace: Trace, ahead: tuple[int, ...], origins: NDArray[np.intp], points: FloatArray) -> FloatArray:
    """The reference: naive, with quantiles of its residuals of the last seven days, (origins, horizons, judged)."""
    length = round(WINDOW_DAYS * DAY / trace.interval)
    found = np.empty((len(origins), len(ahead), len(JUDGED)))
    for at, step in enumerate(ahead):
        residuals = trace.rates[step:] - trace.rates[:-step]
        windows = np.lib.stride_tricks.sliding_window_view(residuals, length)[origins - step - length + 1]
        take = np.nanquantile if np.isnan(windows).any() else np.quantile
        found[:, at] = points[:, at, None] + take(windows, JUDGED, axis=1).T
    return np.maximum(found, 0.0)


def pinball(came: FloatArray, quantiles: FloatArray) -> FloatArray:
    """Mean pinball loss at each of `JUDGED`."""
    levels, missed = np.array(JUDGED), came[..., None] - quantiles
    loss: FloatArray = np.nanmean(np.maximum(levels * missed, (levels - 1.0) * missed), axis=(0, 1))
    return loss


def _print_traces(scores: list[Scores]) -> None:
    print(f"\n### Every trace, {_NEAR}")
    losses, covered = [f"pinball {level}" for level in JUDGED], [f"coverage {level}" for level in JUDGED[1:]]
    names = [*MODELS[1:], "median"]
    rows = []
    for item in scores:
        errors = [f"{item.errors[_NEAR][name]:.3f}" for name in names]
        ratios = [f"{ratio:.3f}" for ratio in item.losses[_NEAR]]
        shares = [f"{100 * share:.1f}" for share in item.covered[_NEAR][1:]]
        rows.append([item.trace.name, f"{item.trace.mean:.3g}", *errors, *ratios, *shares])
    print_table(["trace", "mean", *names, *losses, *covered], rows)


def _print_pool(pool: list[Scores]) -> None:
    spans = list(pool[0].errors)
    names = [*MODELS[1:], "median"]
    rows = [[span, *(f"{_pooled([item.errors[span][name] for item in pool]):.3f}" for name in names)] for span in spans]
    print_table(["MAE over naive", *names], rows)
    rows = [
        [span, *(f"{_pooled([float(item.losses[span][at]) for item in pool]):.3f}" for at in range(len(JUDGED)))]
        for span in spans
    ]
    print_table(["pinball over the reference", *map(str, JUDGED)], rows)
    _print_coverage(pool, spans)
    worse = {i.trace.name: i.errors[_NEAR]["auto"] / min(i.errors[_NEAR][name] for name in SIMPLE) for i in pool}
    safe = float(np.mean([ratio <= 1.05 for ratio in worse.values()]))
    print(f"\nBars, {_NEAR}:\n")
    name = max(worse, key=worse.__getitem__)
    print_bar(f"MAE of auto over the best of naive, ewma and seasonal, worst trace ({name})", worse[name], 1.05)
    print_bar("the same, % of traces at or below 1.05", 100 * safe, 95.0, at_least=True)
    if pool[0].trace.group == "counts":
        print_bar("pinball at 0.95 over the reference", _pooled([float(item.losses[_NEAR][2]) for item in pool]), 0.92)
        for what, off in (("", _off(pool, _NEAR)), (", ties aside", _off(pool, _NEAR, ties=True))):
            within = 100.0 * float((np.abs(off) <= 2.0).mean(axis=0).min())
            print_bar(
                f"traces with coverage within 2 points{what}, % (least of the levels)", within, 95.0, at_least=True
            )
            print_bar(f"mean coverage error{what}, points (largest of the levels)", np.abs(off.mean(axis=0)).max(), 1.0)


def _off(pool: list[Scores], span: str, *, ties: bool = False) -> FloatArray:
    """Coverage errors at the upper levels [points], shape (traces, levels)."""
    shares = [item.beyond[span] if ties else item.covered[span] - JUDGED for item in pool]
    off: FloatArray = 100.0 * np.array(shares)[:, 1:]
    return off


def _print_coverage(pool: list[Scores], spans: list[str]) -> None:
    rows = []
    for span in spans:
        plain, beyond = _off(pool, span), _off(pool, span, ties=True)
        for at, level in enumerate(JUDGED[1:]):
            off, left = plain[:, at], beyond[:, at]
            worst, last = int(np.abs(off).argmax()), int(np.abs(left).argmax())
            cells = [f"{100 * level + off.mean():.1f}", f"{off.mean():+.2f}", f"{np.abs(off).mean():.2f}"]
            cells += [f"{100 * (np.abs(off) <= 2.0).mean():.0f} %", f"{off[worst]:+.1f} {pool[worst].trace.name}"]
            cells += [f"{left.mean():+.2f}", f"{100 * (np.abs(left) <= 2.0).mean():.0f} %"]
            rows.append([span, str(level), *cells, f"{left[last]:+.1f} {pool[last].trace.name}"])
    aside = ["ties aside: mean error", "within 2 points", "worst"]
    head = ["coverage", "level", "mean", "mean error", "mean absolute error", "within 2 points", "worst"]
    print_table([*head, *aside], rows)


def _pooled(ratios: list[float]) -> float:
    return math.exp(float(np.mean([math.log(max(ratio, _TINY)) for ratio in ratios])))
