"""What RQ's workers and registries say of a queue, and what is remembered of it from one reading to the next."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from capacity_planner.sources._rates import WORKERS, Tally
from capacity_planner.sources._sorted_sets import MOST, Gained

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FIELDS = ("queues", "birth", "death", "successful_job_count", "failed_job_count", "total_working_time")


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker as its hash tells it; the last words of one that went are there for a minute.

    Attributes:
        key: of its hash.
        id: the key and when it was born: a name may be used again.
        queues: that it serves.
        runs: whether it said that it was born, and not that it died.
        jobs: that it ended, failed ones among them.
        worked: the time that these took [s].
    """

    key: str
    id: str
    queues: frozenset[str]
    runs: bool
    jobs: Tally
    worked: Tally


@dataclass(slots=True)
class Seen:
    """What is remembered of a queue.

    Attributes:
        workers: the keys of its workers.
        held: the jobs that they hold, those of dead ones among them.
        finished: its registry of jobs that succeeded.
        failed: its registry of jobs that failed.
        times: service times of its newest jobs [s].
    """

    workers: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()
    finished: Gained = field(default_factory=Gained)
    failed: Gained = field(default_factory=Gained)
    times: dict[str, float] = field(default_factory=dict)

    def look(self, workers: frozenset[str], held: frozenset[str], answers: Sequence[Any], now: float) -> bool:
        """Remember what is there now; whether the registries can have lost none of what they had meanwhile."""
        self.finished.read(answers[:4], expired=now)
        self.failed.read(answers[4:], expired=now)
        self.workers, self.held = workers, held
        return self.finished.sure and self.failed.sure

    def ended(self, own: Iterable[Worker] | None, *, kept: bool) -> Mapping[str, Mapping[str, Tally]]:
        """Jobs that ended, by the workers where these serve no other queue, and by the registries."""
        found = {} if own is None else {WORKERS: {worker.id: worker.jobs for worker in own}}
        total = self.finished.total + self.failed.total
        return {**found, **({"registries": {"": Tally(total)}} if kept else {})}

    def learn(self, took: Mapping[str, float | None]) -> None:
        """Remember service times, the newest first, but no more than some hundred."""
        self.times |= {job: seconds for job, seconds in reversed(list(took.items())) if seconds is not None}
        self.times = dict(list(self.times.items())[-MOST:])


def held_by(executions: Iterable[tuple[str, float]]) -> frozenset[str]:
    """The jobs of some executions."""
    return frozenset(member.rpartition(":")[0] or member for member, _ in executions)


def alive(executions: Iterable[tuple[str, float]], now: float) -> list[tuple[str, float]]:
    """Executions whose heartbeat has not run out, as RQ's own upkeep has it: to that, a negative score is no time."""
    return [(member, ends) for member, ends in executions if not 0 <= ends <= now]


def workers_of(keys: Iterable[str], hashes: Iterable[Sequence[str | None]], now: datetime) -> list[Worker]:
    """The workers whose hashes are there."""
    told = ((key, dict(zip(FIELDS, values, strict=True))) for key, values in zip(keys, hashes, strict=True))
    return [_worker(key, values, now) for key, values in told if any(values.values())]


def seconds_between(started: str | None, ended: str | None) -> float | None:
    """The time between two instants as RQ writes them; ``None`` without one of them."""
    if not (started and ended):
        return None
    return max(0.0, (datetime.fromisoformat(ended) - datetime.fromisoformat(started)).total_seconds())


def _worker(key: str, told: Mapping[str, str | None], now: datetime) -> Worker:
    born = told["birth"] or ""
    age = (now - datetime.fromisoformat(born)).total_seconds() if born else math.inf
    done = int(told["successful_job_count"] or 0) + int(told["failed_job_count"] or 0)
    return Worker(
        key=key,
        id=f"{key}@{born}",
        queues=frozenset(filter(None, (told["queues"] or "").split(","))),
        runs=bool(born) and told["death"] is None,
        jobs=Tally(done, age),
        worked=Tally(float(told["total_working_time"] or 0.0), age),
    )
