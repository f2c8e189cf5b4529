"""A queue event by event, as a person would act it out: the simulator's yardstick, with which it shares no code.

Of what happens at one instant, services end first, then workers are ready, then orders are carried out, then jobs
arrive, then waiting jobs begin, and last of all those give up whose patience ends: a job may begin at that very moment.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import deque
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity_planner.domain.congestion import FloatArray


class State(Enum):
    STARTING = "starting"
    IDLE = "idle"
    BUSY = "busy"
    DRAINING = "draining"
    ENDED = "ended"


class Event(IntEnum):
    """What may happen; the smaller goes first at one instant."""

    FINISH = 0
    READY = 1
    ORDER = 2
    ARRIVAL = 3
    GIVE_UP = 4


@dataclass(eq=False)
class Party:
    """A paid worker on its way out: it is paid until the last of its servers ends."""

    servers: int


@dataclass(eq=False)
class Server:
    """One slot of a worker; while it starts, it stands for the whole worker."""

    state: State = State.IDLE
    free: float = 0.0
    party: Party | None = None


class Line:
    """A step function of time."""

    def __init__(self) -> None:
        self._steps: list[tuple[float, int]] = []

    def change(self, time: float, by: int) -> None:
        if by:
            self._steps.append((time, by))

    def levels(self) -> tuple[FloatArray, FloatArray]:
        """Instants, each once, and the level from each of them on."""
        times, changes = np.array(sorted(self._steps) or [(0.0, 0)], dtype=float).T
        last = np.append(np.diff(times) > 0, True)
        return times[last], np.cumsum(changes)[last]

    def integrals(self, edges: FloatArray) -> FloatArray:
        times, levels = self.levels()
        ends = np.append(times[1:], math.inf)
        spans = itertools.pairwise(edges.tolist())
        return np.array(
            [levels @ np.clip(np.minimum(ends, end) - np.maximum(times, begin), 0, None) for begin, end in spans]
        )

    def peaks(self, edges: FloatArray) -> FloatArray:
        """The largest level from just before an edge to just before the next."""
        times, levels = self.levels()
        found = []
        for begin, end in itertools.pairwise(edges.tolist()):
            before = levels[times < begin][-1:]
            found.append(max([0.0, *before, *levels[(times >= begin) & (times < end)]]))
        return np.array(found)


@dataclass(kw_only=True)
class Queue:
    """What is simulated.

    Args:
        arrivals: ascending; jobs of an initial backlog arrive at 0.
        services: of the same jobs.
        end: orders from then on do not count.
    """

    arrivals: Sequence[float]
    services: Sequence[float]
    workers: int
    concurrency: int = 1
    orders: Sequence[tuple[float, int]] = ()
    delay: float = 0.0
    patience: float = math.inf
    end: float = math.inf


@dataclass
class Story:
    """What happened: when each job's service began and when it left the queue (infinity for never)."""

    begins: list[float]
    departures: list[float]
    waiting: Line = field(default_factory=Line)
    busy: Line = field(default_factory=Line)
    serving: Line = field(default_factory=Line)
    paid: Line = field(default_factory=Line)


class _Act:
    def __init__(self, queue: Queue) -> None:
        self.queue, self.now, self.wanted = queue, 0.0, queue.workers
        jobs = len(queue.arrivals)
        self.story = Story([math.inf] * jobs, [math.inf] * jobs)
        self.line: deque[int] = deque()
        self.idle: list[Server] = []
        self.busy: list[Server] = []
        self.hires: list[Server] = []
        self.serial = itertools.count()
        self.calendar: list[tuple[float, Event, int, Any]] = []
        for time, wanted in queue.orders:
            if time < queue.end:
                self.plan(time, Event.ORDER, wanted)
        for job, time in enumerate(queue.arrivals):
            self.plan(time, Event.ARRIVAL, job)
        self.story.paid.change(0.0, queue.workers)
        self.join(queue.workers)

    def plan(self, time: float, event: Event, what: Any) -> None:
        heapq.heappush(self.calendar, (time, event, next(self.serial), what))

    def play(self) -> Story:
        handlers = (self.finish, self.ready, self.order, self.arrive, self.give_up)
        while self.calendar or self.begin():
            time, event, _, _ = self.calendar[0]
            if (time > self.now or event is Event.GIVE_UP) and self.begin():
                continue
            self.now, event, _, what = heapq.heappop(self.calendar)
            handlers[event](what)
        return self.story

    def join(self, workers: int) -> None:
        servers = workers * self.queue.concurrency
        self.idle += [Server(free=self.now) for _ in range(servers)]
        self.story.serving.change(self.now, servers)

    def arrive(self, job: int) -> None:
        self.line.append(job)
        self.story.waiting.change(self.now, 1)
        if math.isfinite(self.queue.patience):
            self.plan(self.now + self.queue.patience, Event.GIVE_UP, job)

    def leave(self, job: int) -> None:
        self.story.departures[job] = self.now
        self.story.waiting.change(self.now, -1)

    def begin(self) -> bool:
        """Bring together who waits and who is idle; whether any service began."""
        begun = False
        while self.line and self.idle:
            job, server = self.line.popleft(), self.idle.pop()
            self.leave(job)
            self.story.begins[job] = self.now
            server.state, server.free = State.BUSY, self.now + self.queue.services[job]
            self.busy.append(server)
            self.story.busy.change(self.now, 1)
            self.plan(server.free, Event.FINISH, server)
            begun = True
        return begun

    def give_up(self, job: int) -> None:
        if math.isinf(self.story.begins[job]):
            self.line.remove(job)
            self.leave(job)

    def finish(self, server: Server) -> None:
        self.story.busy.change(self.now, -1)
        if server.state is State.DRAINING:
            self.end(server)
        else:
            self.busy.remove(server)
            server.state = State.IDLE
            self.idle.append(server)

    def ready(self, hire: Server) -> None:
        if hire.state is State.STARTING:
            self.hires.remove(hire)
            self.join(1)

    def order(self, wanted: int) -> None:
        more, self.wanted = wanted - self.wanted, wanted
        self.story.paid.change(self.now, max(more, 0))
        for _ in range(more):
            if self.queue.delay:
                hire = Server(State.STARTING)
                self.hires.append(hire)
                self.plan(self.now + self.queue.delay, Event.READY, hire)
            else:
                self.join(1)
        for _ in range(-more):
            self.dismiss()

    def dismiss(self) -> None:
        """One worker: the newest that does not serve yet, or else as many servers as a worker has, the free first."""
        if self.hires:
            self.hires.pop().state = State.ENDED
            self.story.paid.change(self.now, -1)
            return
        party = Party(self.queue.concurrency)
        for _ in range(party.servers):
            pool = self.idle or self.busy
            server = min(pool, key=lambda one: one.free)
            pool.remove(server)
            server.party = party
            if server.state is State.IDLE:
                self.end(server)
            else:
                server.state = State.DRAINING

    def end(self, server: Server) -> None:
        server.state = State.ENDED
        self.story.serving.change(self.now, -1)
        if server.party:
            server.party.servers -= 1
            if not server.party.servers:
                self.story.paid.change(self.now, -1)


def by_events(queue: Queue) -> Story:
    """Act out a queue."""
    return _Act(queue).play()
