"""A queue that is scaled by what is seen of it, event by event: the closed loop's yardstick, which shares no code.

Every worker and every job is followed by itself. Of what happens at one instant, services end first, then workers are
ready, then it is looked and ordered, then jobs arrive, and last waiting jobs begin.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from ._by_events import Line

if TYPE_CHECKING:
    from collections.abc import Sequence


class Event(IntEnum):
    """What may happen; the smaller goes first at one instant."""

    FINISH = 0
    READY = 1
    LOOK = 2
    ARRIVAL = 3


@dataclass(frozen=True, slots=True)
class Sight:
    """What is to be seen at an instant: of now, and of so long ago."""

    now: float
    ordered: int
    starting: tuple[float, ...]
    serving: int
    busy: int
    waiting: int
    utilization: float


@dataclass(eq=False)
class Slot:
    """A server; one that is dismissed belongs to a party that is paid until the last of it has gone."""

    free: float
    party: list[Slot] | None = None


@dataclass(kw_only=True)
class Case:
    """A queue and what is ordered, one number for every look."""

    arrivals: Sequence[float]
    services: Sequence[float]
    workers: int
    script: Sequence[int]
    concurrency: int = 1
    delay: float = 0.0
    spread: float = 0.0
    seed: int = 0
    period: float
    measured: float
    lag: float


@dataclass
class Told:
    """What happened."""

    begins: list[float]
    sights: list[Sight] = field(default_factory=list)
    orders: list[tuple[float, int]] = field(default_factory=list)
    paid: Line = field(default_factory=Line)
    serving: Line = field(default_factory=Line)


class _Act:
    def __init__(self, case: Case) -> None:
        self.case, self.now, self.ordered = case, 0.0, case.workers
        self.dice = np.random.default_rng(case.seed)
        self.told = Told([math.inf] * len(case.arrivals))
        self.line: deque[int] = deque()
        self.idle: list[Slot] = []
        self.busy: list[Slot] = []
        self.leaving: list[Slot] = []
        self.starting: list[float] = []
        self.usual: dict[float, float] = {}
        self.states: list[tuple[float, int, int, int]] = []
        self.calendar: list[tuple[float, Event, int, Any]] = []
        self.serial = itertools.count()
        for job, at in enumerate(case.arrivals):
            self.plan(at, Event.ARRIVAL, job)
        for look in range(round(len(case.script) * case.period / case.measured)):
            self.plan(look * case.measured, Event.LOOK, None)
        self.told.paid.change(0.0, case.workers)
        self.join(case.workers)

    def plan(self, at: float, event: Event, what: Any) -> None:
        heapq.heappush(self.calendar, (at, event, next(self.serial), what))

    def play(self) -> Told:
        handlers = (self.finish, self.ready, self.look, self.arrive)
        while self.calendar or self.begin():
            if self.calendar[0][0] > self.now and self.begin():
                continue
            self.now, event, _, what = heapq.heappop(self.calendar)
            handlers[event](what)
        return self.told

    def join(self, workers: int) -> None:
        slots = workers * self.case.concurrency
        self.idle += [Slot(self.now) for _ in range(slots)]
        self.told.serving.change(self.now, slots)

    def arrive(self, job: int) -> None:
        self.line.append(job)

    def begin(self) -> bool:
        begun = bool(self.line and self.idle)
        while self.line and self.idle:
            job, slot = self.line.popleft(), self.idle.pop()
            self.told.begins[job] = self.now
            slot.free = self.now + self.case.services[job]
            self.busy.append(slot)
            self.plan(slot.free, Event.FINISH, slot)
        return begun

    def finish(self, slot: Slot) -> None:
        if slot in self.leaving:
            self.leaving.remove(slot)
            self.end(slot)
        else:
            self.busy.remove(slot)
            self.idle.append(slot)

    def ready(self, at: float) -> None:
        if at in self.starting:
            self.starting.remove(at)
            self.join(1)

    def look(self, _: None) -> None:
        """The state is noted every time; every so often it is shown to who orders, when it has become old enough."""
        case, busy = self.case, len(self.busy) + len(self.leaving)
        self.states.append((self.now, self.ordered - len(self.starting), busy, len(self.line)))
        turn = self.now / case.period
        if abs(turn - round(turn)) > 1e-9:
            return
        old = [state for state in self.states if state[0] <= self.now - case.lag] or self.states[:1]
        at, serving, busy, waiting = old[-1]
        minute = [state for state in old if state[0] > at - 60.0]
        shares = [min(1.0, state[2] / (state[1] * case.concurrency)) if state[1] else 1.0 for state in minute]
        ready = tuple(self.usual[at] for at in sorted(self.starting))
        mean = sum(shares) / len(shares)
        self.told.sights.append(Sight(self.now, self.ordered, ready, serving, busy, waiting, mean))
        self.order(case.script[round(turn)])

    def order(self, wanted: int) -> None:
        more, self.ordered = wanted - self.ordered, wanted
        if more:
            self.told.orders.append((self.now, wanted))
            delay = self.case.delay * (1.0 + self.case.spread * (2.0 * float(self.dice.random()) - 1.0))
            self.told.paid.change(self.now, max(more, 0))
        for _ in range(more):
            if delay:
                self.starting.append(self.now + delay)
                self.usual[self.now + delay] = self.now + self.case.delay
                self.plan(self.now + delay, Event.READY, self.now + delay)
            else:
                self.join(1)
        for _ in range(-more):
            self.dismiss()

    def dismiss(self) -> None:
        """One worker: that which would serve last, or else as many servers as a worker has, the free first."""
        if self.starting:
            self.starting.remove(max(self.starting))
            self.told.paid.change(self.now, -1)
            return
        party: list[Slot] = []
        for _ in range(self.case.concurrency):
            pool = self.idle or self.busy
            slot = min(pool, key=lambda one: one.free)
            pool.remove(slot)
            slot.party = party
            party.append(slot)
        self.leaving += [slot for slot in party if slot.free > self.now]
        for slot in [slot for slot in party if slot.free <= self.now]:
            self.end(slot)

    def end(self, slot: Slot) -> None:
        self.told.serving.change(self.now, -1)
        assert slot.party is not None
        slot.party.remove(slot)
        if not slot.party:
            self.told.paid.change(self.now, -1)


def by_events(case: Case) -> Told:
    """Act it out."""
    return _Act(case).play()
