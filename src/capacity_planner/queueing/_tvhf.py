"""M/G/c by Tijms, van Hoorn and Federgruen: a first delay and then the wait of an M/G/1 served c times faster.

T = W + S with W and S independent, and given a wait W = D = R + Y_1 + … + Y_N: R is the least of c residual lives, N is
geometric with parameter ρ, Y = S_e/c. It is exact for M/M/c and M/G/1, in light traffic and for the rate of decay.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from capacity_planner.queueing._delay import Lattice, first_delay
from capacity_planner.queueing._erlang import erlang_c
from capacity_planner.queueing._mdc import mean_wait
from capacity_planner.queueing._roots import falling_root

if TYPE_CHECKING:
    from capacity_planner.queueing._delay import FirstDelay
    from capacity_planner.queueing._law import Law

# Below this chance of waiting nothing that a float shows beside P(S > t) is left to compute.
NEVER = 1e-17
_TINY = 1e-290
_SAME = 1e-9


@dataclass(frozen=True, eq=False)
class Queue:
    """A stable M/G/c, times in units of E[S].

    Attributes:
        law: of S, with mean 1.
        servers: c.
        load: a [erlang], less than c.
        first: the least of c residual lives; ``None`` when nobody waits.
        waiting: P(W_q > 0).
        delay: E[W_q | W_q > 0].
    """

    law: Law
    servers: float
    load: float
    first: FirstDelay | None
    waiting: float
    delay: float

    @property
    def wait(self) -> float:
        """Mean W_q."""
        return self.waiting * self.delay

    def wait_tail(self, time: float) -> float:
        """P(W_q > t), t ≥ 0."""
        lattice = self._lattice(time) if time > 0.0 else None
        return self.waiting if lattice is None else self.waiting * lattice.delay_tail(time)

    def response_tail(self, time: float) -> float:
        """P(W_q + S > t), t ≥ 0."""
        lattice = self._lattice(time) if time > 0.0 else None
        return self._late(lattice, time)

    def quantile(self, exceedance: float = 0.05) -> float:
        """The response that is exceeded with the given probability."""
        least = self.law.quantile(1.0 - exceedance)
        width = self.delay * (0.5 + max(math.log(max(self.waiting, exceedance) / exceedance), 0.0))
        reach = 1.2 * (least + width)
        lattice = self._lattice(reach)
        if lattice is None:
            return least
        while self._late(lattice, reach) > exceedance:
            reach *= 2.0
            lattice = self._lattice(reach)

        def excess(time: float) -> float:
            return math.log(max(self._late(lattice, time), 1e-300) / exceedance)

        return falling_root(excess, least, reach - least, 1e-12)

    def _late(self, lattice: Lattice | None, time: float) -> float:
        late = float(self.law.tail(time))
        return late if lattice is None else late + self.waiting * max(lattice.response_tail(time) - late, 0.0)

    def _lattice(self, reach: float) -> Lattice | None:
        if self.first is None:
            return None
        return Lattice.of(self.law, self.servers, self.load, self.first, reach)


@lru_cache(maxsize=256)
def queue(law: Law, servers: float, load: float) -> Queue:
    """The queue of a law, whatever its mean.

    Args:
        law: of the service time.
        servers: c.
        load: a [erlang], less than c.

    References:
        Tijms, van Hoorn, Federgruen (1981), Adv. Appl. Prob. 13:186-206; Tijms (2003), section 9.6.

    >>> from capacity_planner.queueing._laws import Gamma
    >>> heavy = queue(Gamma(1.0, shape=0.25), servers=1.0, load=0.8)
    >>> f"{heavy.waiting:.6f} {heavy.delay:.6f} {heavy.quantile():.5f}"
    '0.800000 12.500000 36.76333'
    """
    law = replace(law, mean=1.0)
    waiting = float(erlang_c(servers, load))
    if waiting <= NEVER:
        return Queue(law, servers, load, None, waiting, 0.5 * (1.0 + law.scv) / (servers - load))
    first = first_delay(law, max(servers, 1.0))
    delay = first.mean + load / (servers - load) * (1.0 + law.scv) / (2.0 * servers)
    if law.scv <= 1.0 + _SAME and servers != 1.0:
        waiting = min(kimura_wait(law.scv, servers, load) / delay, 1.0)
    return Queue(law, servers, load, first, waiting, delay)


def kimura_wait(scv: float, servers: float, load: float) -> float:
    """Mean W_q of M/G/c for SCV ≤ 1, in units of E[S].

    Args:
        scv: of the service time.
        servers: c; the exact M/D/c ratio is interpolated between whole c.
        load: a [erlang], less than c.

    References:
        Kimura (1986), Oper. Res. 34:751-763, with the exact mean wait of M/D/c.

    >>> f"{kimura_wait(0.5, 1.0, 0.8):.12f}"
    '3.000000000000'
    """
    markov = float(erlang_c(servers, load)) / (servers - load)
    return markov * (1.0 + scv) / (2.0 * scv + (1.0 - scv) / _fixed_to_markov(servers, load / servers))


def _fixed_to_markov(servers: float, utilization: float) -> float:
    """Mean wait of M/D/c over that of M/M/c."""
    whole = max(math.floor(servers), 1)
    low = _whole_ratio(whole, utilization)
    if servers <= whole:
        return low
    return low + (servers - whole) * (_whole_ratio(whole + 1, utilization) - low)


def _whole_ratio(servers: int, utilization: float) -> float:
    if servers == 1:
        return 0.5
    load = utilization * servers
    markov = float(erlang_c(servers, load)) / (servers - load)
    return mean_wait(servers, load) / markov if markov > _TINY else 1.0
