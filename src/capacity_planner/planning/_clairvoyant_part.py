"""The linear programme behind the clairvoyant bound: some bins in a row, solved as they are or at given prices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.domain.congestion import FloatArray

_WHOLE = 1e-9


class Prices(NamedTuple):
    """What a part is paid for what all parts owe together.

    Attributes:
        in_time: per unit of work that is done in time.
        paid: per unit of paid work, up to 1, which is what it costs.
    """

    in_time: float
    paid: float


class Solution(NamedTuple):
    """What a part does.

    Attributes:
        workers: paid for serving or for idling, per bin, shape (n,).
        paid: their sum.
        started: workers that were started.
        in_time: work that is done in time.
    """

    workers: FloatArray
    paid: float
    started: float
    in_time: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Bins in a row; work is counted in what one worker does in a bin.

    The variables are, per bin: workers w, workers started u, V and K, where K is all the work to be done in time that
    has come by the end of the bin, and V what of it has been served.

    Args:
        load: work that comes with each bin, shape (n,).
        start: what a start costs, in bins.
        wait: allowed wait, in bins.
        minimum: fewest workers.
        check: called before it is solved; raises to stop.
    """

    load: FloatArray
    start: float
    wait: float
    minimum: float
    check: Callable[[], None] = lambda: None

    def priced(self, prices: Prices) -> Solution:
        """The cheapest for these prices, where neither a share nor the rest of the work is asked for."""
        return self._solve(prices, [], [])

    def asked(self, share: float) -> Solution:
        """The cheapest that does this share of the work in time, and is paid for all of it."""
        n, work = len(self.load), float(self.load.sum())
        paid, in_time = np.zeros(4 * n - 1), np.zeros(4 * n - 1)
        paid[:n], in_time[-1] = -1.0, -1.0
        return self._solve(Prices(0.0, 0.0), [paid, in_time], [-work, -share * work])

    def _solve(self, prices: Prices, rows: list[FloatArray], limits: list[float]) -> Solution:
        # SciPy's optimisers take half a second to load, and only a backtest needs them.
        from scipy.optimize import linprog  # noqa: PLC0415

        self.check()
        from scipy.sparse import csr_array, vstack  # noqa: PLC0415

        n = len(self.load)
        blocks, right = self._rows()
        matrix = vstack([blocks, csr_array(np.array(rows))]) if rows else blocks
        solved = linprog(
            self._costs(prices),
            A_ub=matrix,
            b_ub=np.concatenate([right, limits]),
            bounds=np.stack([np.repeat([self.minimum, 0.0], [n, 3 * n - 1]), np.full(4 * n - 1, np.inf)], axis=1),
            method="highs-ds",
        )
        if solved.x is None:
            raise ArithmeticError(f"HiGHS found no optimum of a programme that has one: {solved.message}")
        workers: FloatArray = solved.x[:n]
        return Solution(workers, float(workers.sum()), float(solved.x[n : 2 * n - 1].sum()), float(solved.x[-1]))

    def _costs(self, prices: Prices) -> FloatArray:
        n = len(self.load)
        costs = np.repeat([1.0 - prices.paid, self.start, 0.0], [n, n - 1, 2 * n])
        costs[-1] = -prices.in_time
        return costs

    def _rows(self) -> tuple[Any, FloatArray]:
        """A and b of A·(w, u, V, K) <= b."""
        from scipy.sparse import block_array, eye_array  # noqa: PLC0415 - as above

        n = len(self.load)
        one = eye_array(n)
        change = one - eye_array(n, k=-1)
        # The workers of the first bin are there without a start: of that row nothing is left.
        rows = [
            ([change.tocsr()[1:], -eye_array(n - 1), None, None], np.zeros(n - 1)),
            ([-one, None, change, None], np.zeros(n)),  # no more is served than there are workers
            ([None, None, -change, None], np.zeros(n)),
            ([None, None, None, change], self.load),
            ([None, None, None, -change], np.zeros(n)),
            ([None, None, one, -one], np.zeros(n)),  # nothing is served before it comes
            *(([None, None, -one, due], left) for due, left in self._due()),
        ]
        kept = [row for row in rows if len(row[1])]
        return block_array([row for row, _ in kept], format="csr"), np.concatenate([right for _, right in kept])

    def _due(self) -> list[tuple[Any, FloatArray]]:
        """What of K must be served by the end of each bin, and what of that may be missing.

        Where the allowed wait ends within a bin, so much of it has passed: f. Of the load of jobs that come evenly in
        that bin, no less than f² lies before: a mean number in service that rises from 0 ever slower. The load of
        jobs from before falls, so that f of it or more lies before. All that is late may lie before.
        """
        from scipy.sparse import eye_array  # noqa: PLC0415 - as above

        n = len(self.load)
        whole = math.ceil(self.wait - _WHOLE)
        due = [(eye_array(n, k=-min(whole, n)), np.zeros(n))]
        passed = whole - self.wait
        if passed > _WHOLE and whole <= n:
            missing = np.concatenate([np.zeros(whole - 1), self.load[: n - whole + 1]])
            due.append((eye_array(n, k=1 - whole), (1.0 - passed**2) * missing))
        return due
