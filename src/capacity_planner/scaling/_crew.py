"""The workers of one queue on this machine: as many as were ordered, kept alive, and counted as they are."""

from __future__ import annotations

import logging
from dataclasses import replace
from time import monotonic, sleep
from typing import TYPE_CHECKING

from capacity_planner.errors import WorldError
from capacity_planner.scaling._care import Care, Keeping, alive, ending, rested
from capacity_planner.scaling._roster import Roster, Wanted, Worker

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LOG = logging.getLogger("capacity_planner.scaling")
_REMEMBERED = 50
_PATIENCE, _KEEPERS_PATIENCE, _LOOK = 10.0, 2.0, 0.02


class Crew:
    """The workers of one queue; safe to share between threads and processes, which the roster keeps apart.

    A worker that was told to stop counts no more, though it may finish a job: it takes no other.

    Args:
        queue_name: the queue.
        roster: what is written down about them.
        keeping: how they are kept.
    """

    def __init__(self, queue_name: str, roster: Roster, keeping: Keeping) -> None:
        self._queue, self._roster, self._keeping = queue_name, roster, keeping
        self._care = Care(queue_name, roster, keeping)

    def count(self) -> int:
        """Workers that live; from now on these settings keep them."""
        if not self._roster.folder.exists():
            return 0
        with self._roster.locked(_PATIENCE + self._keeping.settle):
            wanted = self._roster.wanted()
            if wanted.order and wanted.keeper != self._keeping.digest:
                self._roster.want(replace(wanted, keeper=self._keeping.digest))
            return len(_working(self._care.found()))

    def reach(self, workers: int, order: str) -> int:
        """Start or stop workers until so many live.

        Raises:
            WorldError: some could not be started; those that could go on.
        """
        with self._roster.locked(_PATIENCE + self._keeping.settle):
            before, found = self._roster.wanted(), self._care.found()
            living = _working(found)
            if order in before.earlier:
                return len(living)
            for worker in self._surplus(living, len(living) - workers):
                self._care.stop(worker)
            problem = self._add(found, workers - len(living))
            now = len(_working(self._care.found()))
            kept = workers if problem is None else max(now, min(before.workers, workers))
            self._roster.want(self._after(before, kept, order))
        if problem is not None:
            message = f"{now} of {workers} workers run. {problem.message}"
            raise WorldError(message, temporary=problem.temporary, reached=now)
        return now

    def tend(self, *, restore: bool = True) -> int:
        """Kill those whose patience is over, and start again those that died.

        Args:
            restore: whether to start any.

        Returns:
            Those of which something runs, also of those that were told to stop.
        """
        if not self._roster.folder.exists():
            return 0
        with self._roster.locked(_KEEPERS_PATIENCE + self._keeping.settle):
            found, now = self._care.found(), monotonic()
            for worker in found:
                self._care.look_at(worker, now)
            wanted = self._roster.wanted()
            if restore and wanted.keeper == self._keeping.digest:
                self._restore(self._keeping.bounds.kept(wanted.workers), now)
            return sum(self._care.present(worker) for worker in found)

    def dismiss(self) -> None:
        """Tell all to stop; what was ordered stays written down."""
        if self._roster.folder.exists():
            with self._roster.locked(_PATIENCE + self._keeping.settle):
                for worker in _working(self._care.found()):
                    self._care.stop(worker)

    def _after(self, before: Wanted, workers: int, order: str) -> Wanted:
        new = before.order and before.order != order
        earlier = (*before.earlier, before.order)[-_REMEMBERED:] if new else before.earlier
        return Wanted(workers=workers, order=order, earlier=earlier, keeper=self._keeping.digest)

    def _surplus(self, living: Sequence[Worker], number: int) -> list[Worker]:
        ordered = sorted(living, key=lambda worker: (worker.since, worker.number))
        return (ordered if self._keeping.oldest_first else ordered[::-1])[: max(number, 0)]

    def _add(self, found: Sequence[Worker], number: int) -> WorldError | None:
        """Start so many in the places of those that died, and further ones; what went wrong."""
        begun, taken = list[Worker](), set[int]()
        for worker in found:
            if self._care.present(worker):
                taken.add(worker.number)
            else:
                self._roster.drop(worker)
        try:
            for place in _free(taken, number):
                begun.append(self._care.start(place))
        except WorldError as error:
            return error
        finally:
            self._settle(begun)
        return self._fallen(begun)

    def _settle(self, begun: Sequence[Worker]) -> None:
        end = monotonic() + self._keeping.settle
        while monotonic() < end and any(alive(worker) for worker in begun):
            sleep(_LOOK)

    def _fallen(self, begun: Sequence[Worker]) -> WorldError | None:
        fallen = [worker for worker in begun if not alive(worker)]
        for worker in fallen:
            if self._care.present(worker):
                self._care.look_at(worker, monotonic())
            else:
                self._roster.drop(worker)
        if not fallen:
            return None
        first, log = fallen[0], self._roster.log(fallen[0].number)
        return WorldError(f"Worker {first.number} {ending(first)} at once. {log} ends:\n{self._roster.tail(log)}")

    def _restore(self, wanted: int, now: float) -> None:
        found = self._roster.workers()
        vacant = [worker for worker in found if worker.process is None]
        missing = max(wanted - len(_working(found)), 0)
        for worker in vacant[missing:]:
            self._roster.drop(worker)
        again = [(worker.number, worker.deaths) for worker in vacant[:missing] if rested(worker, now)]
        fresh = _free({worker.number for worker in found}, missing - len(vacant))
        for number, deaths in (*again, *((number, 0) for number in fresh)):
            try:
                self._care.start(number, deaths)
            except WorldError as error:
                facts = {"queue": self._queue, "worker": number, "reason": error.message}
                _LOG.warning("a worker cannot be started", extra=facts)


def _working(workers: Iterable[Worker]) -> list[Worker]:
    return [worker for worker in workers if worker.killed_at is None and alive(worker)]


def _free(taken: Iterable[int], number: int) -> list[int]:
    """The smallest numbers that nobody has.

    >>> _free({1, 3}, 3)
    [2, 4, 5]
    """
    known, wanted = set(taken), max(number, 0)
    return [place for place in range(1, len(known) + wanted + 1) if place not in known][:wanted]
