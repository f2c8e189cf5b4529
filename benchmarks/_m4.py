"""The hourly series of the M4 competition, 48 hours ahead, scored as in the competition."""

from __future__ import annotations

import csv
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from _tables import print_bar, print_table
from _traces import hourly_pieces
from capacity_planner.domain.series import ForecastTask
from capacity_planner.forecasting._conformal import LEVELS, Conformal
from capacity_planner.forecasting._ladder import ladder
from capacity_planner.registry import forecast_models

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from capacity_planner.domain.congestion import FloatArray

MODELS = ("naive", "ewma", "linear", "holt_winters", "seasonal", "ridge", "auto")
AHEAD = tuple(range(1, 49))
DAY, WEEK = 24, 168
BATCH = 64
WHOLE = 414
INTERVALS = {0.8: (0.1, 0.9), 0.9: (0.05, 0.95)}
_SECONDS = 3600.0
_SURE = 1.645  # of the competition's test for a season, at 90 %
_STAND_IN = (748, 6)


@dataclass(frozen=True, slots=True)
class Split:
    """A series of hourly values and the 48 that followed it."""

    before: FloatArray
    after: FloatArray

    @property
    def scale(self) -> float:
        """Mean absolute difference from the day before."""
        return float(np.abs(self.before[DAY:] - self.before[:-DAY]).mean())


def run(folder: Path | None, cache: Path) -> None:
    """Print the tables."""
    del cache
    train = next(iter(sorted(folder.rglob("Hourly-train.csv"))), None) if folder else None
    if train is None:
        print("\nNo Hourly-train.csv with Hourly-test.csv beside it: a stand-in of the shipped traces by the hour.")
        splits = [Split(piece[:-48], piece[-48:]) for piece in hourly_pieces(*_STAND_IN)]
    else:
        splits = [Split(*pair) for pair in zip(_rows(train), _rows(train.with_name("Hourly-test.csv")), strict=True)]
    print(
        f"\n{len(splits)} series, 48 hours ahead, each model read from cold over the whole series with the seasons 24 "
        "and 168 given. OWA is against Naive2 on the same series; MSIS is scaled like MASE. Time is that of reading "
        f"and forecasting with bounds, in batches of up to {BATCH} series."
    )
    reference = np.mean([_errors(split, naive2(split.before)) for split in splits], axis=0)
    rows = [["Naive2", *_cells(reference, reference), "", "", "", "", ""]]
    for name in MODELS:
        points, quantiles, took = _forecast(splits, name)
        median = quantiles[..., LEVELS.index(0.5)]
        errors = np.mean([_errors(*pair) for pair in zip(splits, points, strict=True)], axis=0)
        bounds = [figure for level in INTERVALS for figure in _bounds(splits, quantiles, level)]
        each = f"{1e3 * took / len(splits):.1f}"
        rows.append([name, *_cells(errors, reference), *(f"{figure:.2f}" for figure in bounds), each])
        if name == "auto":
            errors = np.mean([_errors(*pair) for pair in zip(splits, median, strict=True)], axis=0)
            rows.append(["auto, its median", *_cells(errors, reference), "", "", "", "", ""])
    print_table(["", "sMAPE", "MASE", "OWA", "cov. 80 %", "MSIS 80", "cov. 90 %", "MSIS 90", "ms a series"], rows)
    if len(splits) != WHOLE:
        print(f"\nThe bars are for the competition's {WHOLE} series, and say nothing of these {len(splits)}.")
        return
    print("\nBars, for the median of auto:\n")
    print_bar("OWA", float((errors / reference).mean()), 0.44)
    print_bar("MSIS 90", bounds[3], 5.6)
    print_bar("coverage of 80 % and 90 %, larger error in points", max(abs(bounds[0] - 80), abs(bounds[2] - 90)), 2.0)


def _rows(path: Path) -> list[FloatArray]:
    """The values of each row after its name; cells after the last value are blank."""
    with path.open(newline="", encoding="utf-8") as file:
        return [np.array([float(cell) for cell in row[1:] if cell.strip()]) for row in list(csv.reader(file))[1:]]


def _forecast(splits: list[Split], name: str) -> tuple[FloatArray, FloatArray, float]:
    """Points (series, 48), quantiles (series, 48, levels) and seconds; series of one length together."""
    points, quantiles = np.empty((len(splits), 48)), np.empty((len(splits), 48, len(LEVELS)))
    began = time.process_time()
    for places in _batches([len(split.before) for split in splits]):
        rates = np.stack([splits[place].before for place in places]) / _SECONDS
        task = ForecastTask(ahead=ladder(48, DAY), interval=_SECONDS, periods=(DAY, WEEK), series=len(places))
        state, conformal = forecast_models.get(name).start(task), Conformal(task)
        conformal.read(state.read(rates, np.ones_like(rates)), rates)
        said = state.predict(AHEAD)
        points[places], quantiles[places] = said * _SECONDS, conformal.quantiles(said, AHEAD) * _SECONDS
    return points, quantiles, time.process_time() - began


def _batches(lengths: list[int]) -> Iterable[list[int]]:
    for length in sorted(set(lengths)):
        alike = [place for place, found in enumerate(lengths) if found == length]
        yield from (alike[at : at + BATCH] for at in range(0, len(alike), BATCH))


def naive2(before: FloatArray) -> FloatArray:
    """The competition's yardstick: the last value, seasonally adjusted where there is a season of a day.

    References:
        Makridakis, Spiliotis & Assimakopoulos (2020), International J. Forecasting 36:54-74.
    """
    if not _seasonal(before):
        return np.full(48, before[-1])
    window = np.r_[0.5, np.ones(DAY - 1), 0.5] / DAY
    trend = np.full(len(before), np.nan)
    trend[DAY // 2 : -DAY // 2] = np.convolve(before, window, mode="valid")
    ratio = before / trend
    figure = np.array([np.nanmean(ratio[phase::DAY]) for phase in range(DAY)])
    figure /= figure.mean()
    seasonal = np.resize(figure, len(before) + 48)
    made: FloatArray = before[-1] / seasonal[len(before) - 1] * seasonal[len(before) :]
    return made


def _seasonal(before: FloatArray) -> bool:
    if len(before) < 3 * DAY:
        return False
    off = before - before.mean()
    likeness = np.array([off[lag:] @ off[: len(off) - lag] for lag in range(1, DAY + 1)]) / (off @ off)
    limit = _SURE * math.sqrt((1.0 + 2.0 * float((likeness[:-1] ** 2).sum())) / len(before))
    return bool(abs(likeness[-1]) > limit)


def _errors(split: Split, made: FloatArray) -> FloatArray:
    """SMAPE [%] and MASE."""
    size = np.abs(split.after) + np.abs(made)
    missed = np.abs(split.after - made)
    smape = 200.0 * float(np.divide(missed, size, out=np.zeros_like(missed), where=size > 0).mean())
    return np.array([smape, missed.mean() / split.scale])


def _cells(errors: FloatArray, reference: FloatArray) -> list[str]:
    return [f"{errors[0]:.2f}", f"{errors[1]:.3f}", f"{(errors / reference).mean():.3f}"]


def _bounds(splits: list[Split], quantiles: FloatArray, level: float) -> tuple[float, float]:
    """Coverage of an interval [%] and its mean scaled interval score."""
    low, high = (quantiles[..., LEVELS.index(end)] for end in INTERVALS[level])
    after = np.stack([split.after for split in splits])
    beyond = np.maximum(low - after, 0.0) + np.maximum(after - high, 0.0)
    score = (high - low + 2.0 / (1.0 - level) * beyond).mean(axis=1)
    scaled = float(np.mean(score / [split.scale for split in splits]))
    return 100.0 * float(((low <= after) & (after <= high)).mean()), scaled
