"""How many workers to want now: forecast demand at a quantile, corrected by what is seen, until it is decided again.

The law is that of a controller. It wants what will be in service when a worker ordered now serves, at a quantile of
what was forecast; more where more is in service than was thought; and what works a backlog off as fast as the allowed
wait asks for, or less while waiting is allowed.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.contracts import ServiceLaw
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.policy import PolicyTask, Seen

_TARGET = 0.3
_AT_MOST = 0.6
_PACE = 2.0
_LEAST = 60.0
_DAY = 86_400.0
_REACH = 3.0
_NORMAL = NormalDist()


class Loads(Protocol):
    """What is forecast of the demand after each bin [servers]; `forecasting` makes it.

    Attributes:
        loads: of each bin, shape (n,).
        ahead: forecasts for the present, and for when a worker ordered now serves, shape (n, horizons).
        scores: quantiles of past residuals in roots of the last forecast + 1/2, ascending, shape (n, places).
    """

    @property
    def loads(self) -> FloatArray: ...  # noqa: D102
    @property
    def ahead(self) -> FloatArray: ...  # noqa: D102
    @property
    def scores(self) -> FloatArray: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is forecast of the demand, in servers busy if every job began at once.

    Attributes:
        now: at present.
        between: mean until a worker ordered now serves.
        staffed: the quantile that is staffed, when it serves.
    """

    now: float
    between: float
    staffed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What is known of the queue when it is decided.

    Attributes:
        now: the instant [s].
        serving: servers that serve.
        starting: when servers that were ordered will serve [s], and how many.
        busy: jobs in service.
        waiting: jobs that wait.
    """

    now: float
    serving: float
    starting: tuple[tuple[float, float], ...]
    busy: float
    waiting: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering:
    """The law, for one queue.

    Args:
        service_time: E[S] [s].
        startup_delay: from order to service [s].
        allowed_wait: a job is in time when it begins so soon [s].
        age: how old what is seen of busy servers is, with half the time to the next decision [s].

    References:
        PID control with a feed-forward term, for instance Åström & Hägglund (1995), PID Controllers, section 3.4.
    """

    service_time: float
    startup_delay: float
    allowed_wait: float
    age: float = 45.0

    def wanted(self, outlook: Outlook, sight: Sight) -> float:
        """Servers wanted, before whole workers and limits.

        >>> steering = Steering(service_time=60.0, startup_delay=120.0, allowed_wait=30.0)
        >>> forecast = Outlook(now=40.0, between=40.0, staffed=46.0)
        >>> steering.wanted(forecast, Sight(now=0.0, serving=46.0, starting=(), busy=40.0, waiting=0.0))
        42.55
        """
        return outlook.staffed + self.surplus(outlook.now, sight.busy) + self.drain(outlook.between, sight)

    def surplus(self, expected: float, busy: float) -> float:
        """How many more jobs than expected are in service and still will be when a worker ordered now serves."""
        return math.exp(-(self.startup_delay + self.age) / self.service_time) * (busy - expected)

    def drain(self, demand: float, sight: Sight) -> float:
        """Servers more, or fewer, so that the backlog goes to a share of what may wait.

        Args:
            demand: servers that will be busy, on average until a worker ordered now serves.
            sight: what is known of the queue.
        """
        delay = self.startup_delay
        pool = sight.serving + sum(count for _, count in sight.starting)
        work = sight.waiting * self.service_time + (demand - sight.serving) * delay
        work -= sum(max(0.0, sight.now + delay - ready) * count for ready, count in sight.starting)
        return max((max(0.0, work) - _TARGET * self.allowed_wait * pool) / self.pace, -_AT_MOST * pool)

    @property
    def pace(self) -> float:
        """The time in which a backlog is worked off [s]."""
        return _PACE * max(self.allowed_wait, _LEAST)


class Hold:
    """Lets a level fall only to the highest that was wanted within the time a worker takes to come back.

    Args:
        span: that time [s].
    """

    def __init__(self, span: float) -> None:
        self._span = span
        self._wanted: deque[tuple[float, float]] = deque()

    def held(self, now: float, wanted: float) -> float:
        """The highest level wanted of late, and now."""
        while self._wanted and self._wanted[0][0] < now - self._span - 1e-9:
            self._wanted.popleft()
        while self._wanted and self._wanted[-1][1] <= wanted:
            self._wanted.pop()
        self._wanted.append((now, wanted))
        return self._wanted[0][1]


class Knob:
    """A fixed place in the table of quantiles.

    Args:
        place: from 0 for the lowest, between two where it is not whole.
    """

    def __init__(self, place: float) -> None:
        self._place = place

    def place(self, now: float) -> float:
        """The place at an instant [s]."""
        del now
        return self._place

    def learn(self, late: float, jobs: float) -> None:
        """Take notice of the last minute: how many jobs were late, of how many."""


class Tuned(Knob):
    """A place that is set anew every day, and between moves a little with every job that is late, or is not.

    Args:
        daily: the place for the day that begins at an instant [s].
        share: of the jobs that are to be in time.
        gain: how far a usual minute in which all jobs are late moves it.
        usual: jobs in a usual minute.
        highest: the last place there is.
    """

    def __init__(
        self, daily: Callable[[float], float], *, share: float, gain: float, usual: float, highest: float
    ) -> None:
        super().__init__(0.0)
        self._daily, self._allowed, self._gain = daily, 1.0 - share, gain / max(usual, 1e-9)
        self._highest, self._day, self._moved = highest, -1, 0.0

    def place(self, now: float) -> float:
        """The place at an instant [s]."""
        if int(now // _DAY) != self._day:
            self._day, self._moved = int(now // _DAY), 0.0
            self._place = self._daily(self._day * _DAY)
        return min(max(self._place + self._moved, 0.0), self._highest)

    def learn(self, late: float, jobs: float) -> None:
        """Move, within three places of the day's and within those there are."""
        moved = self._moved + self._gain * (late - self._allowed * jobs)
        self._moved = min(max(moved, -_REACH, -self._place), _REACH, self._highest - self._place)


def gain(startup_delay: float) -> float:
    """How fast a place may move where its effect is seen a start-up delay [s] later.

    >>> gain(60.0), gain(600.0)
    (0.1, 0.02)
    """
    return min(0.1, 12.0 / max(startup_delay, 1e-9))


class Steered:
    """The law in a closed loop: called with what is seen, it says how many workers are wanted.

    Args:
        task: the queue.
        steering: the law.
        loads: what is forecast of the demand after each bin.
        knob: which quantile is staffed.
        law: of the service times, where jobs are judged by their response.
    """

    def __init__(
        self, task: PolicyTask, steering: Steering, loads: Loads, knob: Knob, law: ServiceLaw | None = None
    ) -> None:
        self._task, self._steering, self._knob, self._law = task, steering, knob, law
        self._hold = Hold(task.startup_delay)
        said = np.maximum(loads.ahead, 0.0)
        far, near = said[:, -1], said[:, min(1, said.shape[1] - 1)]
        self._now = ((loads.loads + said[:, 0]) / 2.0).tolist()
        self._between = ((near + far) / 2.0).tolist()
        self._then, self._root = far.tolist(), np.sqrt(far + 0.5).tolist()
        self._scores = loads.scores

    def __call__(self, seen: Seen) -> float:
        """Workers wanted: more at once, fewer only to what was wanted within a start-up delay, and to what is busy."""
        at, servers = len(seen.counts) - 1, self._task.concurrency
        if at < 0:
            return seen.ordered
        self._learn(seen)
        outlook = Outlook(now=self._now[at], between=self._between[at], staffed=self._staffed(at, seen.now))
        sight = Sight(
            now=seen.now,
            serving=(seen.ordered - sum(count for _, count in seen.starting)) * servers,
            starting=tuple((ready, count * servers) for ready, count in seen.starting),
            busy=seen.busy,
            waiting=seen.waiting,
        )
        wanted = math.ceil(self._steering.wanted(outlook, sight) / servers - 1e-9)
        held = self._hold.held(seen.now, wanted)
        if wanted >= seen.ordered:
            return wanted
        return min(max(held, math.ceil(seen.busy / servers)), seen.ordered)

    def _staffed(self, at: int, now: float) -> float:
        place = self._knob.place(now)
        low = int(place)
        scores = self._scores[at]
        score = float(scores[low])
        if place > low:
            score += (place - low) * (float(scores[low + 1]) - score)
        staffed: float = self._then[at] + score * self._root[at]
        return max(staffed, 0.0)

    def _learn(self, seen: Seen) -> None:
        """Take the jobs that arrive now to be as late as those that wait will make them.

        A job that finds n others waiting begins after the end of about n + 1 services on all servers, those among them
        that will serve before it is late.
        """
        task = self._task
        soon = sum(count for ready, count in seen.starting if ready <= seen.now + task.allowed_wait)
        jobs = float(seen.counts[-1]) * min(1.0, _LEAST / task.interval)
        ends, pace = seen.waiting + 1, task.service_time / max((seen.serving + soon) * task.concurrency, 1)
        if task.latency and self._law is not None:
            wait = ends * pace if seen.waiting else 0.0
            late = float(self._law.tail(max(task.latency - wait, 0.0)))
        elif seen.waiting:
            late = _NORMAL.cdf((ends * pace - task.allowed_wait) / (math.sqrt(ends) * pace))
        else:
            late = 0.0
        self._knob.learn(late * jobs, jobs)
