"""The servers of a queue: when each is free next, how the plan changes them, and how long each is paid."""

from __future__ import annotations

import math
from bisect import insort
from typing import TYPE_CHECKING, Any

import numpy as np

from capacity_planner.simulation._steps import Steps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Crew:
    """Workers that come and go by a plan.

    A worker that is ordered serves from its start-up delay on. A worker that is dismissed is, in this order: one that
    does not serve yet, the one farthest from serving first; an idle one; the one that is free first, as soon as it is.
    No order calls a dismissed worker back. With several servers to a worker it is the servers that go in this order,
    and a worker is paid until the last of its number has gone.

    Args:
        workers: at time 0, all idle.
        concurrency: servers per worker.
        orders: instants [s] and the workers wanted from then on, ascending.
        delay: start-up delay [s].
        box: makes of sorted numbers what the inner loop takes.

    Attributes:
        free: when each server is free next, as a heap; infinity alone when there is none.
        paid: paid workers over time, from order to end.
        serving: servers over time, from start-up to the end of their last job.
    """

    def __init__(
        self,
        workers: int,
        *,
        concurrency: int,
        orders: Sequence[tuple[float, int]],
        delay: float,
        box: Callable[[Any], Any],
    ) -> None:
        self._box, self._concurrency, self._delay = box, concurrency, delay
        self._orders = list(reversed(orders))
        self._coming: list[tuple[float, int]] = []
        self._wanted = workers
        self._leaving: list[Any] = []
        self.paid, self.serving = Steps(), Steps()
        self.paid.add(0.0, workers)
        self.serving.add(0.0, workers * concurrency)
        self._keep(np.zeros(workers * concurrency))

    @property
    def until(self) -> float:
        """When the servers change next [s]; infinity for never."""
        return min(self._orders[-1][0] if self._orders else math.inf, self._coming[0][0] if self._coming else math.inf)

    def change(self) -> bool:
        """Carry out what is due next; false when nothing is."""
        if not self._orders and not self._coming:
            return False
        if self._coming and self._coming[0][0] == self.until:
            self._arrive(*self._coming.pop(0))
        else:
            self.order(*self._orders.pop())
        return True

    def finish(self, end: float) -> None:
        """Carry out what is due before ``end``, when no job is left that could begin earlier."""
        while self.until < end:
            self.change()

    @property
    def starting(self) -> list[tuple[float, int]]:
        """When workers that were ordered will serve [s], and how many, the next first."""
        return self._coming

    def busy(self, now: float) -> int:
        """Servers in service at ``now`` [s], not before the last change; dismissed ones at their last job count."""
        self._leaving = [ends for ends in self._leaving if ends[-1] > now]
        leaving = sum(len(ends) - int(np.searchsorted(ends, now, side="right")) for ends in self._leaving)
        free = self.free
        staying = int(np.count_nonzero(free > now)) if isinstance(free, np.ndarray) else sum(at > now for at in free)
        return leaving + (staying if free[0] < math.inf else 0)

    def order(self, now: float, wanted: int, delay: float | None = None) -> None:
        """Have ``wanted`` workers from now on.

        Args:
            now: not before what was carried out last [s].
            wanted: workers, starting ones among them.
            delay: start-up delay of those that are added [s]; ``None`` takes the crew's.
        """
        wait = self._delay if delay is None else delay
        more, self._wanted = wanted - self._wanted, wanted
        if more > 0:
            self.paid.add(now, more)
            if wait > 0:
                insort(self._coming, (now + wait, more))
            else:
                self._arrive(now, more)
        elif more < 0:
            self._dismiss(now, -more)

    def _arrive(self, now: float, workers: int) -> None:
        servers = workers * self._concurrency
        self.serving.add(now, servers)
        self._keep(np.concatenate((self._known(), np.full(servers, now))))

    def _dismiss(self, now: float, workers: int) -> None:
        while workers and self._coming:
            ready, coming = self._coming.pop()
            cancelled = min(coming, workers)
            workers -= cancelled
            self.paid.add(now, -cancelled)
            if coming > cancelled:
                self._coming.append((ready, coming - cancelled))
        free = np.sort(self._known())
        leaving = np.maximum(free[: workers * self._concurrency], now)
        self.serving.add(leaving, np.full(len(leaving), -1))
        if len(leaving) and leaving[-1] > now:
            self._leaving.append(leaving)
        last = leaving[self._concurrency - 1 :: self._concurrency]
        self.paid.add(last, np.full(len(last), -1))
        self._keep(free[len(leaving) :])

    def _known(self) -> Any:
        free = np.asarray(self.free)
        return free[np.isfinite(free)]

    def _keep(self, free: Any) -> None:
        self.free = self._box(np.sort(free) if len(free) else [math.inf])
