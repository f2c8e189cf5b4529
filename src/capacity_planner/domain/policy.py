"""What a scaling policy is told, and what it sees; float seconds and NumPy arrays."""

from __future__ import annotations

from dataclasses import dataclass, field

from capacity_planner.domain.congestion import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PolicyTask:
    """A queue that a policy is to scale, as it is known before the policy starts.

    Attributes:
        service_time: E[S] [s].
        startup_delay: from order to service [s].
        allowed_wait: a job is in time when its service begins so soon after its arrival [s].
        latency: where it is promised, a job is in time when its response is within it, and ``allowed_wait`` is what a
            slow job leaves of it [s]; 0 judges by the wait.
        share: of the jobs that are to be in time.
        min_workers: never fewer.
        max_workers: never more.
        concurrency: servers per worker.
        interval: length of a bin of counts [s].
        past: arrivals per bin before time 0, oldest first, shape (n,).
    """

    service_time: float
    startup_delay: float
    allowed_wait: float
    latency: float = 0.0
    share: float = 0.99
    min_workers: int = 1
    max_workers: int = 1_000_000
    concurrency: int = 1
    interval: float = 60.0
    past: FloatArray

    @property
    def load(self) -> float:
        """Mean offered load of the past, in workers."""
        rate = float(self.past.mean()) / self.interval if len(self.past) else 0.0
        return rate * self.service_time / self.concurrency


@dataclass(slots=True, kw_only=True)
class Seen:
    """What a policy sees when it decides; what is measured is some seconds old.

    Attributes:
        now: time since the replay began [s].
        ordered: workers wanted at present, starting ones among them.
        starting: when ordered workers are expected to serve [s], and how many, the next first.
        serving: workers that serve, as measured.
        busy: jobs in service, as measured.
        waiting: jobs that wait, as measured.
        utilization: busy share of the serving workers, mean over the last minute as measured.
        counts: arrivals per bin of all bins that are known, those before the replay among them, oldest first.
    """

    now: float
    ordered: int
    serving: int
    busy: int
    waiting: int
    utilization: float
    counts: FloatArray
    starting: list[tuple[float, int]] = field(default_factory=list)
