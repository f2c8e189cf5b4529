"""The load that so many workers can take, quickly and nearly right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.planning._search import MOST_SERVERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.planning.need import Need
    from capacity_planner.planning.staffing import Staffing

_POINTS = 8
_ROOM = 2.0
_LEAST = 0.05


@dataclass(frozen=True, slots=True)
class Capacity:
    """The fewest servers for a load, exact at eight loads and joined by straight lines between them.

    Args:
        loads: ascending from 0 [erlang].
        servers: for each.
        concurrency: servers per worker.
    """

    loads: FloatArray
    servers: FloatArray
    concurrency: int

    @classmethod
    def of(cls, needs: Sequence[Need], staffing: Staffing, concurrency: int) -> Capacity:
        """For the loads that some needs are about, and for twice the largest.

        Args:
            needs: of some intervals.
            staffing: the inverse of the queueing model.
            concurrency: servers per worker.
        """
        least, most = min(need.load for need in needs), max(need.demand_load for need in needs)
        loads = np.geomspace(max(least, _LEAST), min(max(_ROOM * most, 1.0), MOST_SERVERS / _ROOM), _POINTS)
        servers = staffing.fewest_each(loads / staffing.law.mean).astype(float)
        return cls(np.concatenate([[0.0], loads]), np.concatenate([[0.0], servers]), concurrency)

    def load(self, workers: FloatArray) -> FloatArray:
        """The largest load that so many workers can take [erlang]."""
        count = np.asarray(workers, dtype=float) * self.concurrency
        beyond = count * (self.loads[-1] / self.servers[-1])
        taken: FloatArray = np.where(count > self.servers[-1], beyond, np.interp(count, self.servers, self.loads))
        return taken

    def workers(self, loads: FloatArray) -> FloatArray:
        """The fewest whole workers that can take a load [erlang]."""
        beyond = loads * (self.servers[-1] / self.loads[-1])
        servers = np.where(loads > self.loads[-1], beyond, np.interp(loads, self.loads, self.servers))
        whole: FloatArray = np.ceil(servers / self.concurrency - 1e-9)
        return whole
