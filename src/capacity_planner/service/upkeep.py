"""What is done now and then, by one replica for all: old samples are thinned, past plans judged."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from operator import attrgetter
from time import monotonic
from typing import TYPE_CHECKING

from capacity_planner.errors import PlannerError, UnavailableError
from capacity_planner.pipeline.review import Reviewer, told

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from capacity_planner.domain.metrics import Metrics
    from capacity_planner.domain.plan import CapacityPlan
    from capacity_planner.domain.review import PlanOutcome
    from capacity_planner.domain.server import ServerSettings
    from capacity_planner.service.desk import Desk
    from capacity_planner.service.telemetry import Telemetry
    from capacity_planner.store.store import Store

_LOG = logging.getLogger("capacity_planner.upkeep")
_THIN_EVERY, _JUDGE_EVERY = timedelta(hours=1), timedelta(seconds=30)
_BUDGET, _LONGEST = timedelta(seconds=10), timedelta(seconds=15)  # with the last plan less than until the next turn
_AT_ONCE = 50
_RUNS = 3
_MANY_JOBS, _MOST_JOBS = 500_000, 2_000_000
_BEFORE, _LATE = timedelta(hours=1), timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Keeps the store small, and the record of past plans up to date.

    Args:
        desk: the planners.
        store: what is kept.
        telemetry: what is counted.
        server: for how long.
        replica: who this is.
        budget: how long to judge plans at a time; what is left then is left for the next time.
    """

    desk: Desk
    store: Store
    telemetry: Telemetry
    server: ServerSettings
    replica: str
    budget: timedelta = _BUDGET

    def run(self, now: datetime) -> None:
        """Do what is due.

        Raises:
            UnavailableError: the store does not answer; what was done stays done.
        """
        self._tell_accuracy()
        if self.store.take_turn("judge", self.replica, _JUDGE_EVERY):
            self._judge(now)
        if self.store.take_turn("thin", self.replica, _THIN_EVERY):
            server = self.server
            done = self.store.maintain(
                keep_samples=server.keep_samples, keep_bins=server.keep_bins, keep_plans=server.keep_plans
            )
            _LOG.info("the store was thinned", extra=dict(done))

    def _tell_accuracy(self) -> None:
        """Per model the mean share that its forecasts got right, over the queues that this replica plans for."""
        found: dict[str, list[float]] = {}
        for name, seat in self.desk.seats.taken().items():
            rows = seat.planner.forecast_accuracy(name)
            for model, group in groupby(sorted(rows, key=attrgetter("model")), key=attrgetter("model")):
                judged = [(row.wape, row.outcomes) for row in group]
                wape = sum(wape * count for wape, count in judged) / sum(count for _, count in judged)
                found.setdefault(model, []).append(max(0.0, 1.0 - wape))
        for model, shares in found.items():
            self.telemetry.accuracy(model, sum(shares) / len(shares))

    def _judge(self, now: datetime) -> None:
        """Judge what is due, the oldest first; a plan that cannot be judged is told so, and is not in the way again."""
        end, over = monotonic() + self.budget.total_seconds(), now - self._late()
        self.store.pass_over(over)
        while plans := self.store.plans_to_judge(over, _AT_ONCE):
            for plan in plans:
                if monotonic() >= end:
                    return
                self.store.add_outcomes([self._outcome(plan)])

    def _late(self) -> timedelta:
        """After so long, what came up to an instant is stored: queues are measured when they are planned for."""
        service = self.desk.config(fresh=False).config
        each = (self.desk.planner_config(queue.queue_name).plan_interval for queue in service.queues)
        return max(_LATE, 2 * max(each, default=timedelta(0)))

    def _outcome(self, plan: CapacityPlan) -> PlanOutcome:
        try:
            return self._reviewed(plan)
        except UnavailableError:
            raise
        except PlannerError as error:
            late = error.details.get("timed_out", False)
            reason = f"To judge it took longer than {_LONGEST.total_seconds():.0f} s." if late else error.message
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not be met again and again
            _LOG.exception("a plan could not be judged", extra={"plan": plan.id, "queue": plan.queue_name})
            reason = f"To judge it failed in an unforeseen way ({type(error).__name__})."
        return told(plan, judged=False, reason=reason)

    def _reviewed(self, plan: CapacityPlan) -> PlanOutcome:
        begin, end = plan.generated_at, plan.generated_at + plan.forecast_window
        history = self.store.samples(plan.queue_name, since=begin - _BEFORE, until=end + _BEFORE)
        jobs = max(_planned(plan), _came(plan, history))
        if jobs > _MOST_JOBS:
            return told(
                plan,
                judged=False,
                reason=f"There are too many jobs to judge it: about {jobs:.3g}, and at most {_MOST_JOBS:,}.",
            )
        runs = 1 if jobs > _MANY_JOBS else _RUNS
        reviewer = Reviewer(self.desk.planner_config(plan.queue_name))
        (outcome,) = reviewer.review([plan], history, replications=runs, timeout=_LONGEST).outcomes
        return outcome


def _planned(plan: CapacityPlan) -> float:
    """The jobs that a plan speaks of."""
    to_come = (item.arrival_rate * (item.end - item.start).total_seconds() for item in plan.required)
    return sum(to_come, plan.required[0].backlog if plan.required else 0.0)


def _came(plan: CapacityPlan, history: Sequence[Metrics]) -> float:
    """The jobs that came in a plan's window, about."""
    begin, end = plan.generated_at, plan.generated_at + plan.forecast_window
    rates = [item.arrival_rate for item in history if begin < item.timestamp <= end]
    known = [rate for rate in rates if math.isfinite(rate)]
    return sum(known) / max(len(known), 1) * plan.forecast_window.total_seconds()
