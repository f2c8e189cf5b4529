"""What one interval asks for."""

from __future__ import annotations

import math
from dataclasses import dataclass

_MOST = 1e15


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What one interval asks for, before the limits.

    Args:
        rate: median arrival rate [jobs/s].
        demand_rate: the quantile that is staffed [jobs/s].
        load: peak offered load at the median [erlang].
        demand_load: peak offered load at the quantile [erlang].
        slo: fewest workers that keep the SLO at the quantile.
        margin: workers for the median and the safety margin.
        unhurried: fewest workers that keep utilisation at the median within scale_up_threshold.
        drain: workers, in all, that work off the backlog expected then as it should be; 0 when none is.
    """

    rate: float
    demand_rate: float
    load: float
    demand_load: float
    slo: int
    margin: int
    unhurried: int
    drain: int = 0

    @property
    def hold(self) -> int:
        """With fewer workers than this the plan must add some."""
        return max(self.slo, self.unhurried, self.drain)

    @property
    def target(self) -> int:
        """The level that a change goes to."""
        return max(self.hold, self.margin)


def workers(servers: float, concurrency: int) -> int:
    """Whole workers that hold so many servers, and no more than anyone can count."""
    return math.ceil(min(servers / concurrency, _MOST) - 1e-9)
