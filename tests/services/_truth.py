"""What a test's queue really did, written down by its load generator and its jobs, and what a source says of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING

import pytest

from capacity_planner.domain.scaling import Gap

if TYPE_CHECKING:
    from pathlib import Path

    from capacity_planner.contracts import MetricSource
    from capacity_planner.domain.metrics import Metrics

# A job that the generators of all frameworks share: it is told how long it takes, and writes down what it did.
JOB = """
import os, time

def write(name, line):
    file = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, (line + "\\n").encode())
    os.close(file)

def job(seconds):
    began = time.time()
    write("starts.log", f"{began:.6f}")
    time.sleep(seconds)
    ended = time.time()
    write("ends.log", f"{ended:.6f} {ended - began:.6f}")
"""
# Calls `enqueue(seconds)` in a Poisson stream: python load.py SEED LEAST MOST RATE:SECONDS …, times uniform.
LOAD = """
import random, sys, time
from jobs import write

def stream(enqueue):
    dice = random.Random(int(sys.argv[1]))
    least, most = float(sys.argv[2]), float(sys.argv[3])
    due = time.time()
    for phase in sys.argv[4:]:
        rate, span = map(float, phase.split(":"))
        end = due + span
        while True:
            step = dice.expovariate(rate) if rate else span
            if due + step >= end:
                due = end
                break
            due += step
            time.sleep(max(0.0, due - time.time()))
            while True:
                try:
                    enqueue(dice.uniform(least, most))
                    break
                except Exception as error:
                    print(repr(error), flush=True)
                    time.sleep(0.05)
            write("arrivals.log", f"{time.time():.6f}")
"""


class Truth:
    """The record of a test, as far as it is written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def arrivals(self, since: float, until: float) -> int:
        """Jobs that came."""
        return sum(since < at <= until for at, *_ in self._read("arrivals"))

    def waiting(self, at: float) -> int:
        """Jobs that had come and had not begun."""
        return self.arrivals(0, at) - sum(begin <= at for begin, *_ in self._read("starts"))

    def active(self, at: float) -> int:
        """Jobs that had begun and had not ended."""
        return sum(begin <= at for begin, *_ in self._read("starts")) - sum(end <= at for end, *_ in self._read("ends"))

    def durations(self, since: float, until: float) -> list[float]:
        """Times that the jobs took that ended."""
        return [took for end, took in self._read("ends") if since < end <= until]

    def _read(self, name: str) -> list[list[float]]:
        path = self._folder / f"{name}.log"
        lines = path.read_text().splitlines() if path.exists() else []
        return [[float(word) for word in line.split()] for line in lines]


@dataclass(frozen=True, slots=True)
class Look:
    """One sample, and when it was taken."""

    at: float
    sample: Metrics


def looks(source: MetricSource, queue: str, *, every: float, count: int) -> list[Look]:
    """Samples at even intervals, the first after one of them."""
    found: list[Look] = []
    began = time.time()
    for number in range(1, count + 1):
        time.sleep(max(0.0, began + number * every - time.time()))
        found.append(look(source, queue))
    return found


def look(source: MetricSource, queue: str) -> Look:
    """One sample, which must be one."""
    got = source.collect(queue, None, datetime.now(UTC))
    at = time.time()
    assert not isinstance(got, Gap), got.reason
    (sample,) = got
    return Look(at, sample)


def first(source: MetricSource, queue: str) -> float:
    """Take the reading that makes no sample yet."""
    got = source.collect(queue, None, datetime.now(UTC))
    assert isinstance(got, Gap)
    assert "rate needs two" in got.reason
    return time.time()


def recovered(source: MetricSource, queue: str, *, seconds: float) -> float:
    """When the source has something to say again, after gaps that say why it has not."""
    end = time.monotonic() + seconds
    while isinstance(got := source.collect(queue, None, datetime.now(UTC)), Gap):
        assert time.monotonic() < end, got.reason
        time.sleep(1)
    return time.time()


def rate(since: float, found: list[Look]) -> float:
    """The arrival rate over all samples, each by its time."""
    begins = [since, *(item.at for item in found)]
    spans = [end - begin for begin, end in pairwise(begins)]
    jobs = sum(item.sample.arrival_rate * span for item, span in zip(found, spans, strict=True))
    return jobs / sum(spans)


def assert_true(
    truth: Truth, since: float, found: list[Look], *, workers: int, jobs: int = 200, cost: float = 0.0
) -> None:
    """Rate, service time, backlog and workers are within 5 % of what really was.

    Args:
        truth: the record.
        since: when the reading before the first sample was taken.
        found: the samples.
        workers: that really ran.
        jobs: how many of the last the service time is of.
        cost: what a job cost a slot [s], where that was seen; the service time may then be as much.
    """
    until = found[-1].at
    came = truth.arrivals(since, until) / (until - since)
    took = fmean(truth.durations(0, until)[-jobs:])
    waited = [truth.waiting(item.at) for item in found]
    said = [item.sample.backlog for item in found]
    ran = [item.sample.current_workers for item in found]
    service = [round(item.sample.service_time.total_seconds(), 4) for item in found]
    shown = (
        f"rate {rate(since, found):.4g} {came:.4g}, backlog {said} {waited}, service {service} {took:.4g} {cost:.4g}"
    )
    assert rate(since, found) == pytest.approx(came, rel=0.05), shown
    assert 0.95 * took <= service[-1] <= 1.05 * max(took, cost), shown
    assert sum(said) == pytest.approx(sum(waited), rel=0.05, abs=len(found)), shown
    assert ran == [workers] * len(found), f"workers {ran} {workers}, {shown}"


def cost_of_a_job(truth: Truth, found: list[Look], slots: int) -> float:
    """What a job cost a slot over some samples, in which the queue never ran empty [s]."""
    since, until = found[0].at, found[-1].at
    return slots * (until - since) / len(truth.durations(since, until))
