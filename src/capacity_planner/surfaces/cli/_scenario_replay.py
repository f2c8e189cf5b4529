"""A history → counts to be replayed, whatever instant the scenario begins at."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from capacity_planner import units
from capacity_planner.simulation._steps import Steps
from capacity_planner.surfaces.cli._scenario_traffic import refuse, rounded

if TYPE_CHECKING:
    from datetime import datetime

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.surfaces.cli._scenario_traffic import Past

_CYCLES = (timedelta(days=7), timedelta(days=1))
_MOST_COUNTS, _FINEST = 1_000_000, 60
_SECOND, _MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)


def replayed(past: Past, start: datetime, span: timedelta) -> tuple[dict[str, Any], list[str]]:
    """The trace of a scenario, and notes on which time it is and what is missing there.

    Raises:
        PlannerError: ``CONFIG_INVALID``: the history is too short.
    """
    begin = _begin(past, start, span)
    piece = _piece(past, begin, span)
    count = -(-span // piece)
    if count > _MOST_COUNTS:
        raise refuse(f"--replay has more than {_MOST_COUNTS:,} counts. Simulate a shorter --duration.")
    spans = _spans(past, begin)
    edges = np.append(np.arange(count) * piece.total_seconds(), span.total_seconds())
    notes = [f"{past.name}: {units.format_instant(begin)} to {units.format_instant(begin + span)} is replayed."]
    notes += _missing(past, _known(spans), (begin, span))
    return {"counts": rounded(_jobs(past, spans).integrals(edges).tolist()), "interval": piece}, notes


def _piece(past: Past, begin: datetime, span: timedelta) -> timedelta:
    """The length of the counts: the history's, or so much of it that begin and end fall between two of them."""
    offset = (begin - past.begin) % past.length
    common = math.gcd(*(value // _MICROSECOND for value in (past.length, offset, span))) * _MICROSECOND
    most = max(_FINEST * math.ceil(span / past.length), 1)
    if common % _SECOND == timedelta(0) and span // common <= min(most, _MOST_COUNTS):
        return common
    if common in (past.length, span):
        return common
    if most > _MOST_COUNTS:
        most = math.ceil(span / past.length)
    return -(-span // most)


def _jobs(past: Past, spans: FloatArray) -> Steps:
    """Jobs per second after the begin; what overlaps adds up."""
    first, last = spans
    return _during(first, last, np.array([sample.arrival_rate for sample in past.reading.metrics]))


def _known(spans: FloatArray) -> Steps:
    """One where there is a sample, else zero."""
    first, last = spans
    free = np.maximum(first, np.append(-np.inf, last[:-1]))
    return _during(free, last, np.ones_like(last))


def _during(first: FloatArray, last: FloatArray, values: FloatArray) -> Steps:
    found = Steps()
    found.add(first, values)
    found.add(last, -values)
    return found


def _spans(past: Past, begin: datetime) -> FloatArray:
    """Begin and end of every sample's time [s after the begin], shape (2, n).

    A rate holds no further back than to the sample before.
    """
    last = np.array([(sample.timestamp - begin).total_seconds() for sample in past.reading.metrics])
    first = last - past.length.total_seconds()
    if past.reading.unit == "rate":
        first[1:] = np.maximum(first[1:], last[:-1])
    return np.array([first, last])


def _missing(past: Past, known: Steps, time: tuple[datetime, timedelta]) -> list[str]:
    """A note on the intervals of the history that are not there."""
    (begin, span), length = time, past.length.total_seconds()
    first = -((begin - past.begin) % past.length).total_seconds()
    edges: FloatArray = np.arange(math.ceil((span.total_seconds() - first) / length) + 1, dtype=float) * length + first
    gaps = int(np.count_nonzero(known.integrals(edges) < length / 2.0))
    if not gaps:
        return []
    verb = "is" if gaps == 1 else "are"
    told = f"{gaps:,} of {len(edges) - 1:,} intervals of the history {verb} missing and replayed as 0 jobs."
    return [f"{past.name}: {told}"]


def _begin(past: Past, start: datetime, span: timedelta) -> datetime:
    """The scenario's own time where the history has it, else the newest like time of a week or a day before."""
    latest = past.end - span
    if past.begin <= start <= latest:
        return start
    for cycle in _CYCLES:
        moved = start - max(-((latest - start) // cycle), 0) * cycle
        if past.begin <= moved <= latest:
            return moved
    known = f"{units.format_instant(past.begin)} to {units.format_instant(past.end)}"
    asked = f"{units.words(span)} from {units.format_instant(start)}"
    message = f"--replay needs {asked}, or that time of an earlier day; {past.name} has {known}."
    raise refuse(f"{message} Set --start or --duration.")
