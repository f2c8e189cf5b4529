"""Our engine on M/M/c, and its two tiers."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, NamedTuple
from unittest.mock import patch

import numpy as np

from capacity_planner.queueing._laws import Exponential
from capacity_planner.simulation._curve import RateCurve
from capacity_planner.simulation.arrivals import PoissonArrivals
from capacity_planner.simulation.engine import Experiment, run
from capacity_planner.simulation.tiers import COMPILER, Compiler, Tier

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

LOAD = 0.8
SERVERS = (4, 100)


class Measured(NamedTuple):
    """A run: processor time [s], 95th percentile of the response [s], jobs, and what ran them."""

    seconds: float
    p95: float
    jobs: int
    version: str = ""

    @property
    def each(self) -> float:
        """Processor time a job [s]."""
        return self.seconds / self.jobs


def mmc(servers: int, jobs: float, *, load: float = LOAD, seed: int = 0) -> Experiment:
    """About so many jobs of mean 1 s, in one interval."""
    rate = load * servers
    edges = np.array([0.0, jobs / rate])
    arrivals = PoissonArrivals(RateCurve(edges, np.array([rate])))
    return Experiment(edges=edges, arrivals=arrivals, law=Exponential(1.0), workers=servers, seed=seed)


def ours(experiment: Experiment, tier: Tier) -> Measured:
    """One run of ours."""
    began = time.process_time()
    outcome = run(experiment, tier)
    return Measured(time.process_time() - began, outcome.total_p95, int(outcome.arrived.sum()))


def compiled() -> Tier:
    """The compiled tier, ready."""
    tier = COMPILER.wait()
    if tier is None:
        sys.exit("Numba is needed: pip install capacity-planner[fast]")
    ours(mmc(2, 1000), tier)
    return tier


def plain_only() -> AbstractContextManager[object]:
    """Within it, simulators have the plain tier alone."""
    return patch("capacity_planner.pipeline.simulator.COMPILER", _Never())


class _Never(Compiler):
    """Has not compiled, and will not."""

    def pays(self, jobs: float) -> bool:
        """No."""
        del jobs
        return False
