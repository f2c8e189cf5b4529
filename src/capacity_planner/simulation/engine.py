"""One run: every job, from its arrival to the end of its service."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.simulation._crew import Crew
from capacity_planner.simulation._tally import Outcome, Tally
from capacity_planner.simulation.arrivals import BLOCK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from capacity_planner.contracts import ServiceLaw
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.simulation.arrivals import Arrivals
    from capacity_planner.simulation.tiers import Tier


_MOST_INTERVALS = 200


class Purpose(IntEnum):
    """What a stream of random numbers is for: each has its own, so that two plans meet the same jobs."""

    ARRIVALS = 0
    SERVICES = 1
    MOOD = 2
    BACKLOG = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Experiment:
    """A queue to be run, in float seconds.

    Args:
        edges: of the intervals that are reported, from 0 to the end of the run [s].
        arrivals: when jobs arrive.
        law: of service times.
        service_times: of the very jobs that arrive, where measured [s]; then ``law`` is for the backlog alone.
        workers: at time 0.
        concurrency: servers per worker.
        orders: instants [s] and the workers wanted from then on, ascending.
        startup_delay: from order to service [s].
        backlog: jobs that wait at time 0.
        patience: the longest wait before a job gives up [s].
        target: of the response time [s].
        seed: of all random streams.
    """

    edges: FloatArray
    arrivals: Arrivals
    law: ServiceLaw
    service_times: FloatArray | None = None
    workers: int
    concurrency: int = 1
    orders: tuple[tuple[float, int], ...] = field(default=())
    startup_delay: float = 0.0
    backlog: int = 0
    patience: float = float("inf")
    target: float = float("inf")
    seed: int = 0

    def stream(self, purpose: Purpose, replication: int) -> np.random.Generator:
        """The random numbers for one purpose; they depend on nothing but seed, replication and purpose."""
        seeds = np.random.SeedSequence(self.seed, spawn_key=(replication, purpose))
        return np.random.Generator(np.random.SFC64(seeds))


def run(
    experiment: Experiment, tier: Tier, *, replication: int = 0, tick: Callable[[int], None] | None = None
) -> Outcome:
    """Simulate one future.

    Jobs that arrive before the end are served to their end, by the workers that are there at the end.

    Args:
        experiment: the queue.
        tier: how the inner loop is run; the result is the same.
        replication: which future.
        tick: called after each block with the jobs in it; may raise to stop.
    """
    crew = Crew(
        experiment.workers,
        concurrency=experiment.concurrency,
        orders=[order for order in experiment.orders if order[0] < experiment.edges[-1]],
        delay=experiment.startup_delay,
        box=tier.box,
    )
    tally = Tally(experiment.edges, target=experiment.target, patience=experiment.patience)
    for arrivals, services, early in _jobs(experiment, replication):
        begins = tier.begin(arrivals, services, crew, experiment.patience)
        tally.add(arrivals, begins, services, early=early)
        if tick is not None:
            tick(len(arrivals))
    return tally.outcome(crew)


def _jobs(experiment: Experiment, replication: int) -> Iterator[tuple[FloatArray, FloatArray, bool]]:
    """Arrival and service times, and whether the jobs were waiting at the start, block by block."""
    dice = experiment.stream(Purpose.BACKLOG, replication)
    for first in range(0, experiment.backlog, BLOCK):
        services = np.empty(min(BLOCK, experiment.backlog - first))
        experiment.law.sample(dice, services)
        yield np.zeros(len(services)), services, True
    dice, done = experiment.stream(Purpose.SERVICES, replication), 0
    blocks = experiment.arrivals.blocks(
        experiment.stream(Purpose.ARRIVALS, replication), experiment.stream(Purpose.MOOD, replication)
    )
    for arrivals in blocks:
        if experiment.service_times is None:
            services = np.empty(len(arrivals))
            experiment.law.sample(dice, services)
        else:
            services = experiment.service_times[done : done + len(arrivals)]
        done += len(arrivals)
        for first, end in _pieces(arrivals, experiment.edges):
            yield arrivals[first:end], services[first:end], False


def _pieces(arrivals: FloatArray, edges: FloatArray) -> Iterator[tuple[int, int]]:
    """First job and the one after the last of pieces that take no long time: of few jobs, in few intervals.

    What arrives at the end or later, if only by rounding, is in none.
    """
    end = int(np.searchsorted(arrivals, edges[-1]))
    marks = {0, end, *range(0, end, BLOCK)}
    if len(edges) > _MOST_INTERVALS:
        marks |= set(np.searchsorted(arrivals[:end], edges[_MOST_INTERVALS:-1:_MOST_INTERVALS]).tolist())
    yield from itertools.pairwise(sorted(marks))
