"""What is seen of the demo while it runs: second by second, and what was done to the workers and why."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from statistics import fmean
from time import monotonic
from typing import TYPE_CHECKING

from capacity_planner.domain.scaling import Decision
from capacity_planner.errors import NotFoundError
from capacity_planner.surfaces.cli._demo_second import Deed, Second, percentile
from capacity_planner.surfaces.cli._demo_settings import QUEUE

if TYPE_CHECKING:
    from datetime import datetime

    from capacity_planner.domain.scaling import PlanRecord, ScalingRecord
    from capacity_planner.surfaces.cli._demo_stage import Stage

_MOST_RESPONSES = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What Redis says at one instant."""

    waiting: int
    oldest: float
    workers: int
    arrived: int
    finished: int
    responses: list[float]


@dataclass(slots=True)
class Seen:
    """What was seen so far.

    Attributes:
        seconds: those that are over.
        deeds: what was done, the oldest first.
        plan: the newest.
        gap: why there is nothing newer; empty where all is well.
        responses: of all jobs [s].
        worker_seconds: what the workers come to [s].
    """

    stage: Stage
    seconds: list[Second] = field(default_factory=list)
    deeds: list[Deed] = field(default_factory=list)
    plan: PlanRecord | None = None
    gap: str = ""
    responses: list[float] = field(default_factory=list)
    worker_seconds: float = 0.0
    _fresh: list[float] = field(default_factory=list)
    _counted: tuple[int, int] = (0, 0)
    _looked: float = 0.0
    _scaled: ScalingRecord | None = None

    def look(self) -> None:
        """Look at Redis and at the store."""
        found, elapsed = self._asked(), self.stage.clock.elapsed
        self.worker_seconds += found.workers * (elapsed - self._looked)
        self._looked = elapsed
        self._fresh += found.responses
        self._read_plan()
        self._read_scalings()
        if elapsed >= len(self.seconds) + 1:
            self.seconds.append(self._second(found))
            self.responses += self._fresh
            self._counted, self._fresh = (found.arrived, found.finished), []

    def _second(self, found: _Found) -> Second:
        return Second(
            at=self.stage.clock(),
            arrived=found.arrived - self._counted[0],
            finished=found.finished - self._counted[1],
            p95=percentile(self._fresh),
            workers=found.workers,
            wanted=self._scaled.to_workers if self._scaled else self.stage.crew,
            backlog=found.waiting,
            oldest=found.oldest,
            forecast=next(iter(self.forecast()), None),
        )

    def forecast(self) -> list[float]:
        """What the newest plan expects of its intervals [jobs/s]."""
        items = self.plan.response.forecast if self.plan else ()
        return [item.arrival_rate * self.stage.replay.speed for item in items]

    @property
    def jobs(self) -> int:
        """Jobs that are done."""
        return self._counted[1]

    @property
    def kept(self) -> float | None:
        """The share of the seconds in which the promise held; ``None`` before the first is over."""
        return fmean(second.kept for second in self.seconds) if self.seconds else None

    def _asked(self) -> _Found:
        key = self.stage.key
        with self.stage.redis.pipeline(transaction=True) as pipeline:
            pipeline.llen(key("waiting"))
            pipeline.lindex(key("waiting"), -1)
            pipeline.scard(key("workers"))
            pipeline.mget(key("arrived"), key("finished"))
            pipeline.lpop(key("responses"), _MOST_RESPONSES)
            waiting, first, workers, counts, responses = pipeline.execute()
        return _Found(
            waiting=waiting,
            oldest=max(monotonic() - json.loads(first)["wanted"], 0.0) if first else 0.0,
            workers=workers,
            arrived=int(counts[0] or 0),
            finished=int(counts[1] or 0),
            responses=[float(line.split()[1]) for line in responses or ()],
        )

    def _read_plan(self) -> None:
        try:
            status = self.stage.desk.status(QUEUE)
        except NotFoundError:
            return
        self.gap = status.gap
        known = self.plan.response.plan.id if self.plan else ""
        if not status.last_plan_id or status.last_plan_id == known:
            return
        self.plan = record = self.stage.desk.record(status.last_plan_id)
        if record.decision is Decision.RECOMMENDED:
            plan = record.response.plan
            self._tell(record.recorded_at, plan.current_workers, plan.target_workers, record.explanation, done=False)

    def _read_scalings(self) -> None:
        since = self._scaled.at if self._scaled else self.stage.replay.start
        for record in self.stage.store.scalings(QUEUE, since=since):
            if record != self._scaled:
                steps = self.stage.desk.record(record.plan_id).response.plan.steps
                why = next((step.rationale for step in steps if record.order_id.endswith(f"/{step.sequence}")), "")
                self._tell(record.at, record.from_workers, record.to_workers, why, done=True)
                self._scaled = record

    def _tell(self, at: datetime, before: int, after: int, why: str, *, done: bool) -> None:
        self.deeds.append(Deed(at=at, from_workers=before, to_workers=after, applied=done, why=why))
