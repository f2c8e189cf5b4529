"""What a queue would cost one who knows all jobs beforehand: below what any policy pays for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.planning._clairvoyant_part import Part, Prices, Solution

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.domain.congestion import FloatArray

_WHOLE_BINS = 1440  # HiGHS solves so many in about a second, and twice as many in about eight
_PART_BINS = 720
_SAMPLE, _SAMPLED_ROUNDS, _ROUNDS = 4, 8, 2
_GAP = 2e-3
_DEAREST = 1.0 - 1e-4  # workers that cost nothing would be any number


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bound:
    """A clairvoyant's cost.

    Attributes:
        worker_seconds: paid, the start-up of workers among them [s].
        workers: that serve or idle, mean of each bin, shape (n,); of a load in parts no more than a picture.
    """

    worker_seconds: float
    workers: FloatArray


def bound(
    load: FloatArray,
    *,
    interval: float,
    startup_delay: float,
    allowed_wait: float,
    share: float,
    minimum: float = 0.0,
    check: Callable[[], None] = lambda: None,
) -> Bound:
    """The least worker time that any policy pays for the same jobs, by a linear programme.

    Workers may be started and stopped by fractions, at a bin's begin, for just the work that is known to come; those
    of the first bin are there without a start, any other is paid for its start-up delay too. Of the work, ``share`` is
    done in time: it is served no later than if each job had waited ``allowed_wait``. The rest may be done at any time,
    even before it comes, but is paid for; what the end of the load cuts off is paid for as well.

    A policy's own numbers, averaged over the bins, satisfy all that, so that it pays no less, counted from the order
    of a worker to the end of the last job. That holds for every policy that does not choose by service time which
    jobs are late: late jobs are then late work. Where ``allowed_wait`` is no multiple of ``interval`` it holds on
    average over where in its bin a job arrives, provided that jobs arrive evenly within a bin.

    A long load is cut where it is low, into parts that are priced for what they owe together (Lagrange). Any price
    gives a lower bound; those that are found come within about 1 % of the programme in one piece.

    Args:
        load: workers busy in each bin if every job began as it arrived, mean: jobs in service over servers per
            worker, shape (n,).
        interval: length of a bin [s].
        startup_delay: from order to service, mean [s].
        allowed_wait: a job is in time when its service begins so soon after its arrival [s].
        share: of the work that is to be done in time, from 0 to 1.
        minimum: fewest workers.
        check: called before every programme, each a second at most; raises to stop.

    Returns:
        The bound, and workers by which it is reached; of a long load about those.

    References:
        Geoffrion (1974), Mathematical Programming Study 2:82-114 (Lagrangian bounds); Kelley (1960), Journal of the
        Society for Industrial and Applied Mathematics 8:703-712 (the search for prices).

    >>> burst = bound(np.array([0, 0, 8.0, 0, 0, 0]), interval=60, startup_delay=30, allowed_wait=60, share=1.0)
    >>> round(burst.worker_seconds), burst.workers.round(6).tolist()
    (600, [0.0, 0.0, 4.0, 4.0, 0.0, 0.0])
    """
    scale = float(np.mean(load)) if len(load) else 0.0
    if scale <= 0.0:
        return Bound(worker_seconds=minimum * interval * len(load), workers=np.full(len(load), float(minimum)))
    whole = Part(
        load=np.asarray(load, dtype=float) / scale,
        start=startup_delay / interval,
        wait=allowed_wait / interval,
        minimum=minimum / scale,
        check=check,
    )
    cost, workers = _cheapest(whole, share)
    return Bound(worker_seconds=cost * scale * interval, workers=np.abs(workers) * scale)  # the solver says -0.0


def _cheapest(whole: Part, share: float) -> tuple[float, FloatArray]:
    if len(whole.load) <= _WHOLE_BINS:
        solution = whole.asked(share)
        return solution.paid + whole.start * solution.started, solution.workers
    parts = _cut(whole)
    sampled = parts[len(parts) // (2 * _SAMPLE) :: max(len(parts) // _SAMPLE, 1)]
    prices = _Search(sampled, share).run(_SAMPLED_ROUNDS, Prices(0.5 * (1.0 + whole.start), 0.5))
    search = _Search(parts, share)
    search.run(_ROUNDS, prices)
    workers = search.workers()
    # The prices are not quite settled, so that the mixture may hold more workers than the bound pays for.
    return search.best, np.maximum(workers * min(search.best / float(workers.sum()), 1.0), whole.minimum)


def _cut(whole: Part) -> list[Part]:
    """Parts of about the same length, from one low to the next: there the least is lost by not looking back."""
    load = whole.load
    middles = np.arange(_PART_BINS, len(load) - _PART_BINS // 2, _PART_BINS)
    reach = _PART_BINS // 4
    cuts = [int(at - reach + np.argmin(load[at - reach : at + reach])) for at in middles]
    return [replace(whole, load=piece) for piece in np.split(load, cuts)]


class _Search:
    """The prices at which the parts cost most, by cutting planes.

    Args:
        parts: what is priced.
        share: of all the work, to be done in time.
    """

    def __init__(self, parts: list[Part], share: float) -> None:
        self.parts, self.work = parts, float(sum(part.load.sum() for part in parts))
        self.in_time = share * self.work
        self.best = self.work
        self._planes: list[tuple[float, float, float]] = []
        self._workers: list[FloatArray] = []
        self._shares: FloatArray = np.ones(0)

    def run(self, rounds: int, prices: Prices) -> Prices:
        """Begin with some prices, and return the best ones known."""
        top, bottom = prices, -np.inf
        for _ in range(rounds):
            value = self._try(prices)
            if value > bottom:
                top, bottom = prices, value
            highest, prices = self._highest()
            if highest - bottom <= _GAP * self.work:
                break
        self.best = max(self.best, bottom)
        return top

    def workers(self) -> FloatArray:
        """Per bin, of the mixture of all that was tried that owes nothing."""
        mixed: FloatArray = np.tensordot(self._shares, np.stack(self._workers), axes=1)
        return mixed

    def _try(self, prices: Prices) -> float:
        solutions = [part.priced(prices) for part in self.parts]
        self._workers.append(np.concatenate([solution.workers for solution in solutions]))
        plane = self._plane(solutions)
        self._planes.append(plane)
        return plane[0] + plane[1] * prices.in_time + plane[2] * prices.paid

    def _plane(self, solutions: list[Solution]) -> tuple[float, float, float]:
        """Its cost, and what it owes in time and in paid work."""
        paid = sum(solution.paid for solution in solutions)
        started = sum(solution.started for solution in solutions)
        in_time = sum(solution.in_time for solution in solutions)
        return paid + self.parts[0].start * started, self.in_time - in_time, self.work - paid

    def _highest(self) -> tuple[float, Prices]:
        """The highest point under all planes: no bound is higher."""
        from scipy.optimize import linprog  # noqa: PLC0415 - as in the parts

        planes = np.array(self._planes)
        # A unit of work in time costs at most a worker of its own, started for it.
        bounds = [(None, None), (0.0, 1.0 + self.parts[0].start), (0.0, _DEAREST)]
        matrix = np.column_stack([np.ones(len(planes)), -planes[:, 1:]])
        solved = linprog([-1.0, 0.0, 0.0], A_ub=matrix, b_ub=planes[:, 0], bounds=bounds, method="highs-ds")
        self._shares = -solved.ineqlin.marginals
        return float(solved.x[0]), Prices(float(solved.x[1]), float(solved.x[2]))
