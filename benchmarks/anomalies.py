"""How well anomalies are found: injected ones, false alarms a week, and the Numenta Anomaly Benchmark; prints Markdown.

Run it as ``python benchmarks/anomalies.py``, or with ``--data`` naming a clone of github.com/numenta/NAB for all of its
files; without, only those that ship with the examples are scored. Nothing is tuned on what is scored: the thresholds
are the product's default and, for the trailing z-score beside it, a fixed one. Every forecast is the one-step hindcast
of the ``seasonal`` model.

References:
    Lavin & Ahmad (2015), Evaluating real-time anomaly detection algorithms: the Numenta Anomaly Benchmark, ICMLA,
    38-44. The two windows below are NAB's (MIT licence, Numenta Inc.).
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.domain.series import ForecastTask
from capacity_planner.forecasting._anomaly import Watch
from capacity_planner.registry import forecast_models

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from capacity_planner.domain.congestion import FloatArray

THRESHOLD, SPIKE = 3.0, 2.0
EXAMPLES = Path(__file__).parent.parent / "examples"
SHIPPED = {
    "realAWSCloudwatch/elb_request_count_8c0756.csv": EXAMPLES / "nab_elb_requests" / "elb_request_count_8c0756.csv",
    "realKnownCause/nyc_taxi.csv": EXAMPLES / "nyc_taxi" / "nyc_taxi.csv",
}
WINDOWS = {
    "realAWSCloudwatch/elb_request_count_8c0756.csv": [
        ("2014-04-12 09:04:00", "2014-04-13 01:44:00"),
        ("2014-04-22 11:14:00", "2014-04-23 03:54:00"),
    ],
    "realKnownCause/nyc_taxi.csv": [
        ("2014-10-30 15:30:00", "2014-11-03 22:30:00"),
        ("2014-11-25 12:00:00", "2014-11-29 19:00:00"),
        ("2014-12-23 11:30:00", "2014-12-27 18:30:00"),
        ("2014-12-29 21:30:00", "2015-01-03 04:30:00"),
        ("2015-01-24 20:30:00", "2015-01-29 03:30:00"),
    ],
}
DAY, WEEK = 86_400.0, 604_800.0
FALSE_POSITIVE, PROBATION, LONGEST_PROBATION = 0.11, 0.15, 750
Z_WINDOW, Z_THRESHOLD = 6400, 4.0
HOLD_BACK = 7
KINDS = {"spike x 3, 15 min": 900.0, "level x 2, 12 h": 43_200.0, "level x 0.4, 12 h": 43_200.0, "outage, 1 h": 3600.0}
FACTORS = dict(zip(KINDS, (3.0, 2.0, 0.4, 0.0), strict=True))
WEEKS = 6


@dataclass(frozen=True, kw_only=True)
class Trace:
    """A series of counts, shape (n,), NaN where there is a gap, and the length of its bins [s]."""

    name: str
    counts: FloatArray
    interval: float


@dataclass
class Tally:
    """Injected events, those found, how many bins late, and alarms at no event."""

    events: int = 0
    delays: list[int] = field(default_factory=list)
    elsewhere: int = 0

    def row(self) -> str:
        """Events, recall, precision, mean and median delay, as cells of a table."""
        found, alarms = len(self.delays), len(self.delays) + self.elsewhere
        late = f"{np.mean(self.delays):.1f} | {np.median(self.delays):.0f}" if found else "- | -"
        return f"{self.events} | {found / max(self.events, 1):.2f} | {found / max(alarms, 1):.2f} | {late}"


def hindcast(rates: FloatArray, interval: float) -> FloatArray:
    """What was forecast one step ahead for each rate, shape (series, n)."""
    day = round(DAY / interval)
    task = ForecastTask(ahead=(1,), interval=interval, periods=(day, 7 * day), series=len(rates))
    made = forecast_models.get("seasonal").start(task).read(rates, np.ones_like(rates))[:, :, 0]
    return np.concatenate([np.full((len(rates), 1), np.nan), made[:, :-1]], axis=1)


def watched(counts: FloatArray, interval: float) -> np.ndarray:
    """Where the planner raises an anomaly."""
    rates = counts[None] / interval
    watch = Watch(1, interval, threshold=THRESHOLD, spike=SPIKE)
    watch.read(hindcast(rates, interval), rates)
    raised: np.ndarray = watch.raised[0]
    return raised


def z_score(counts: FloatArray, interval: float) -> np.ndarray:
    """Where a count is off the mean of the trailing 6400 by four standard deviations."""
    del interval
    seen = np.isfinite(counts)
    known = np.where(seen, counts, 0.0)
    size, total, squares = (_trailing(each) for each in (seen.astype(float), known, known**2))
    mean = total / np.maximum(size, 1.0)
    deviation = np.sqrt(np.maximum(squares / np.maximum(size, 1.0) - mean**2, 0.0))
    return np.asarray(seen & (size >= 2.0) & (np.abs(known - mean) > Z_THRESHOLD * np.maximum(deviation, 1e-9)))


def _trailing(values: FloatArray) -> FloatArray:
    sums = np.concatenate([[0.0], np.cumsum(values)])
    at = np.arange(len(values))
    trailing: FloatArray = sums[at] - sums[np.maximum(at - Z_WINDOW, 0)]
    return trailing


def thinned(flags: np.ndarray, interval: float) -> np.ndarray:
    """Only flags with none in the two days before: the repeat suppression that the planner has, for its peer."""
    places = np.flatnonzero(flags)
    first = np.diff(places, prepend=-(10**9)) > 2 * DAY / interval
    thin = np.zeros_like(flags)
    thin[places[first]] = True
    return thin


def nab_score(flags: np.ndarray, windows: Sequence[tuple[int, int]]) -> float:
    """The raw score of one file under NAB's standard profile.

    A window with a flag earns what its first one does, up to 1 at its begin and 0 at its end; one without costs 1. Any
    other flag costs up to 0.11, less just after a window. The first 15 % of the file, 750 records at most, do not
    count.

    Args:
        flags: where an anomaly is told, shape (n,).
        windows: first and last record of each.

    >>> round(nab_score(np.arange(1000) == 500, [(500, 599)]), 6)
    1.0
    >>> round(nab_score(np.arange(1000) == 550, [(500, 599)]), 3)  # (2 / (1 + exp(-5 x 49 / 99)) - 1) / 0.98661
    0.856
    >>> round(nab_score(np.arange(1000) == 698, [(500, 599)]), 4)  # missed, and 0.11 x 0.98661 for the flag
    -1.1085
    >>> nab_score(np.zeros(1000, dtype=bool), [(500, 599)])
    -1.0
    >>> round(nab_score(np.arange(1000) == 300, [(500, 599)]), 6)
    -1.11
    """
    places = np.flatnonzero(flags)
    places = places[places >= min(int(PROBATION * len(flags)), LONGEST_PROBATION)]
    score = 0.0
    inside = np.zeros(len(places), dtype=bool)
    for first, last in windows:
        here = (places >= first) & (places <= last)
        inside |= here
        score += _sigmoid((places[here][0] - last) / max(last - first, 1)) / _sigmoid(-1.0) if here.any() else -1.0
    for place in places[~inside]:
        before = [(end, max(end - begin, 1)) for begin, end in windows if end < place]
        end, width = max(before, default=(-np.inf, 1))
        score += FALSE_POSITIVE * _sigmoid((place - end) / width)
    return float(score)


def _sigmoid(position: float) -> float:
    """From 1 well before a window's end over 0 at it to -1 well after."""
    return -1.0 if position > 3.0 else float(2.0 / (1.0 + np.exp(5.0 * position)) - 1.0)


def normalised(raw: float, windows: int) -> float:
    """0 for a detector that tells nothing, 100 for a perfect one.

    >>> normalised(-5.0, 5), normalised(5.0, 5)
    (0.0, 100.0)
    """
    return 100.0 * (raw + windows) / (2.0 * windows)


def nab_file(path: Path, limits: Iterable[Sequence[str]], name: str) -> tuple[Trace, list[tuple[int, int]]]:
    """A file of NAB and the records that its windows span; what is no whole number is taken in thousandths."""
    with path.open(newline="") as lines:
        rows = list(csv.reader(lines))[1:]
    stamps = [datetime.fromisoformat(row[0]).replace(tzinfo=None) for row in rows]
    counts = np.array([float(row[1]) if row[1] else np.nan for row in rows])
    interval = float(np.median([(b - a).total_seconds() for a, b in pairwise(stamps)]))
    if (counts[np.isfinite(counts)] % 1.0).any():
        counts = 1000.0 * counts
    spans = []
    for begin, end in limits:
        inside = [at for at, stamp in enumerate(stamps) if _at(begin) <= stamp <= _at(end)]
        spans.append((inside[0], inside[-1]))
    return Trace(name=name, counts=counts, interval=interval), spans


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)


def corpus(folder: Path | None) -> list[tuple[Trace, list[tuple[int, int]]]]:
    """The files of a clone of NAB, or those that ship with the examples."""
    if folder is None:
        return [nab_file(path, WINDOWS[name], name) for name, path in SHIPPED.items()]
    labels = json.loads((folder / "labels" / "combined_windows.json").read_text())
    absent = [name for name in labels if not (folder / "data" / name).is_file()]
    if absent:
        print(f"Not in {folder / 'data'}, so left out: {', '.join(absent)}.")
    names = sorted(set(labels) - set(absent))
    return [nab_file(folder / "data" / name, labels[name], name) for name in names]


def generated() -> list[Trace]:
    """Six weeks of 5 minutes with a day and a week in them: Poisson and negative binomial counts at three levels."""
    at = np.arange(round(WEEKS * WEEK / 300.0))
    shape = (1.0 - 0.7 * np.cos(2.0 * np.pi * at / 288)) * np.where(at // 288 % 7 >= 5, 0.6, 1.0)
    traces = []
    for seed, level in enumerate((5.0, 50.0, 500.0)):
        draw = np.random.default_rng(seed)
        mean = level * shape
        mixed = draw.gamma(20.0, mean / 20.0)
        traces.append(
            Trace(name=f"Poisson, mean {level:g}", counts=draw.poisson(mean).astype(np.float64), interval=300.0)
        )
        counts = draw.poisson(mixed).astype(np.float64)
        traces.append(Trace(name=f"negative binomial, mean {level:g}", counts=counts, interval=300.0))
    return traces


def injected(trace: Trace, kind: str, draw: np.random.Generator) -> tuple[FloatArray, list[tuple[int, int]]]:
    """Counts with an event every three to four days after the first week, where ten jobs or more are at stake."""
    day, length = round(DAY / trace.interval), max(1, round(KINDS[kind] / trace.interval))
    counts, spans = trace.counts.copy(), []
    at = HOLD_BACK * day + int(draw.integers(day))
    while at + length + day < len(counts):
        here = slice(at, at + length)
        changed = np.floor(trace.counts[here] * FACTORS[kind] + draw.random(length))
        if np.nanmax(np.abs(changed - trace.counts[here]), initial=0.0) >= 10.0:
            counts[here] = changed
            spans.append((at, at + length))
        at += int(day * (3.0 + draw.random()))
    return counts, spans


def tallied(traces: Sequence[Trace], kind: str) -> Tally:
    """How one kind of event is found; alarms up to two hours after an event belong to it."""
    tally = Tally()
    for seed, trace in enumerate(traces):
        counts, spans = injected(trace, kind, np.random.default_rng(seed))
        alarms = np.flatnonzero(watched(counts, trace.interval))
        tally.events += len(spans)
        elsewhere = alarms >= HOLD_BACK * DAY / trace.interval
        for first, end in spans:
            inside = alarms[(alarms >= first) & (alarms < end)]
            tally.delays += [int(inside[0]) - first] if len(inside) else []
            elsewhere &= (alarms < first) | (alarms >= end + 7200.0 / trace.interval)
        tally.elsewhere += int(elsewhere.sum())
    return tally


def print_injections(title: str, traces: Sequence[Trace]) -> None:
    """Alarms a week on the traces as they are, and a table of injected events."""
    weeks = [len(trace.counts) * trace.interval / WEEK for trace in traces]
    alarms = [int(watched(trace.counts, trace.interval).sum()) for trace in traces]
    print(f"\n## {title}\n\n| trace | weeks | alarms a week |\n| --- | --- | --- |")
    for trace, span, count in zip(traces, weeks, alarms, strict=True):
        print(f"| {trace.name} | {span:.1f} | {count / span:.2f} |")
    print("\n| injected | events | recall | precision | mean delay [bins] | median |")
    print("| --- | --- | --- | --- | --- | --- |")
    for kind in KINDS:
        print(f"| {kind} | {tallied(traces, kind).row()} |")


def print_nab(files: Sequence[tuple[Trace, list[tuple[int, int]]]]) -> None:
    """Scores under NAB's standard profile, by file where they are few."""
    detectors: dict[str, Callable[[FloatArray, float], np.ndarray]] = {
        "anomaly watch": watched,
        "z-score": z_score,
        "z-score, once in two days": lambda counts, interval: thinned(z_score(counts, interval), interval),
    }
    total = sum(len(spans) for _, spans in files)
    print(f"\n## NAB, standard profile, {len(files)} files, {total} windows\n\n| detector | score |\n| --- | --- |")
    for name, detector in detectors.items():
        raws = [nab_score(detector(trace.counts, trace.interval), spans) for trace, spans in files]
        print(f"| {name} | {normalised(sum(raws), total):.1f} |")
        if len(files) <= len(SHIPPED):
            for raw, (trace, spans) in zip(raws, files, strict=True):
                print(f"| {name}, {trace.name} | {normalised(raw, len(spans)):.1f} |")


def print_speed() -> None:
    """Time to read two weeks of five minutes, and one more bin."""
    print("\n## Time\n\n| series | two weeks [ms per series] | one bin [µs per series] |\n| --- | --- | --- |")
    for series in (1, 64, 1000):
        rates = np.random.default_rng(1).poisson(30.0, (series, 4032)) / 300.0
        expected = np.full_like(rates, 0.1)
        watch = Watch(series, 300.0, threshold=THRESHOLD, spike=SPIKE)
        began = time.perf_counter()
        watch.read(expected, rates)
        middle = time.perf_counter()
        for at in range(100):
            watch.read(expected[:, at : at + 1], rates[:, at : at + 1])
        whole, one = middle - began, (time.perf_counter() - middle) / 100
        print(f"| {series} | {1e3 * whole / series:.2f} | {1e6 * one / series:.2f} |")


def main() -> int:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, help="a clone of github.com/numenta/NAB")
    folder: Path | None = parser.parse_args().data
    if folder is None:
        print("No --data: of NAB only the two files that ship with the examples are scored.")
    elif not (folder / "labels" / "combined_windows.json").is_file():
        print(f"{folder} has no labels/combined_windows.json: it is no clone of github.com/numenta/NAB.")
        print("Of NAB only the two files that ship with the examples are scored.")
        folder = None
    print_injections("Shipped examples", [trace for trace, _ in corpus(None)])
    print_injections("Generated traffic", generated())
    print_nab(corpus(folder))
    print_speed()
    return 0


if __name__ == "__main__":
    sys.exit(main())
