"""One stable M/G/c at one load: which method answers for which law. Times are in units of E[S]."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capacity_planner.queueing import _mdc
from capacity_planner.queueing._erlang import erlang_c
from capacity_planner.queueing._laws import Deterministic
from capacity_planner.queueing._tvhf import NEVER, queue

if TYPE_CHECKING:
    from capacity_planner.queueing._law import Law

# Beyond this many servers the sums of the exact M/D/c are long and the approximation is as good.
_COUNTABLE = 1e9


def figures(law: Law, servers: float, load: float) -> tuple[float, float, float]:
    """P(W_q > 0), mean W_q and the 95th percentile of W_q + S.

    Args:
        law: of S, with mean 1.
        servers: c.
        load: a [erlang], less than c.

    >>> waiting, wait, p95 = figures(Deterministic(1.0), 1.0, 0.8)
    >>> f"{waiting:.6f} {wait:.6f} {p95:.6f}"
    '0.800000 2.000000 7.620325'
    """
    if _is_exact(law, servers, load):
        count = int(servers)
        wait = _mdc.mean_wait(count, load)
        return _mdc.wait_tail(0.0, count, load), wait, 1.0 + _mdc.wait_quantile(0.05, count, load)
    general = queue(law, servers, load)
    return general.waiting, general.wait, general.quantile()


def response_tail(law: Law, servers: float, load: float, time: float) -> float:
    """P(W_q + S > t).

    Args:
        law: of S, with mean 1.
        servers: c.
        load: a [erlang], less than c.
        time: t.
    """
    if time < 0.0:
        return 1.0
    if _is_exact(law, servers, load):
        return _mdc.wait_tail(time - 1.0, int(servers), load) if time >= 1.0 else 1.0
    return queue(law, servers, load).response_tail(time)


def wait_tail(law: Law, servers: float, load: float, time: float) -> float:
    """P(W_q > t).

    Args:
        law: of S, with mean 1.
        servers: c.
        load: a [erlang], less than c.
        time: t.
    """
    if time < 0.0:
        return 1.0
    if _is_exact(law, servers, load):
        return _mdc.wait_tail(time, int(servers), load)
    return queue(law, servers, load).wait_tail(time)


def _is_exact(law: Law, servers: float, load: float) -> bool:
    whole = servers <= _COUNTABLE and servers == int(servers)
    return isinstance(law, Deterministic) and whole and bool(erlang_c(servers, load) > NEVER)
