"""What became of plans whose time is over."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlalchemy import not_, or_, select, update

from capacity_planner import codec
from capacity_planner.domain.request import PlanResponse
from capacity_planner.domain.review import PlanOutcome
from capacity_planner.errors import PlannerError
from capacity_planner.store import _queues
from capacity_planner.store._room import Room
from capacity_planner.store._tables import outcomes, plans
from capacity_planner.store._values import chunks, micros

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from capacity_planner.domain.plan import CapacityPlan

_LOG = logging.getLogger("capacity_planner.store")
_ROWS = 500
CARRIED_OUT = or_(plans.c.made_by == "loop", plans.c.applied_at.is_not(None))


class Outcomes(Room):
    """The outcomes of all queues' plans."""

    def plans_to_judge(self, before: datetime, limit: int) -> list[CapacityPlan]:
        """Plans whose window is over and that have no outcome yet, the oldest first.

        Plans that were only asked for are none of them, unless somebody applied them. A reset leaves none to judge:
        what then happened is not known any more. One that cannot be read is passed over for good.

        Args:
            before: the window must have ended by then.
            limit: at most so many.

        Raises:
            UnavailableError: the store does not answer.
        """
        over = plans.c.judged.is_(False), plans.c.window_end <= micros(before), CARRIED_OUT
        chosen = select(plans.c.id, plans.c.response).where(*over)
        with self._db.read() as connection:
            rows = connection.execute(chosen.order_by(plans.c.window_end, plans.c.id).limit(limit)).all()
        found: dict[str, CapacityPlan] = {}
        for plan_id, response in rows:
            try:
                found[plan_id] = codec.decode(PlanResponse, response).plan
            except PlannerError as error:
                _LOG.warning("a plan cannot be read", extra={"plan": plan_id, "reason": error.message})
        self._mark([plan_id for plan_id, _ in rows if plan_id not in found])
        return list(found.values())

    def pass_over(self, before: datetime) -> int:
        """Leave plans unjudged for good that were asked for, and that nobody applied.

        Args:
            before: their window must have ended by then.

        Returns:
            How many.

        Raises:
            UnavailableError: the store does not answer.
        """
        over = plans.c.judged.is_(False), plans.c.window_end <= micros(before), not_(CARRIED_OUT)
        some = select(plans.c.id).where(*over).limit(_ROWS).with_for_update(skip_locked=True)
        count, chosen = 0, [""] * _ROWS
        while len(chosen) == _ROWS:
            with self._db.write() as connection:
                chosen = list(connection.execute(some).scalars())
                connection.execute(update(plans).where(plans.c.id.in_(chosen)).values(judged=True))
            count += len(chosen)
        return count

    def add_outcomes(self, given: Sequence[PlanOutcome]) -> None:
        """Keep outcomes; a plan that has one keeps it.

        Raises:
            UnavailableError: the store does not answer.
        """
        if not given:
            return
        rows = [
            {
                "plan_id": item.plan_id,
                "queue_id": _queues.number(item.queue_name),
                "generated_at": micros(item.generated_at),
                "outcome": codec.dumps(item),
            }
            for item in given
        ]
        with self._db.write() as connection:
            connection.execute(self._db.dialect.insert(outcomes).on_conflict_do_nothing(), rows)
            for part in chunks(sorted(item.plan_id for item in given)):
                connection.execute(update(plans).where(plans.c.id.in_(part)).values(judged=True))

    def _mark(self, plan_ids: Sequence[str]) -> None:
        for part in chunks(plan_ids):
            with self._db.write() as connection:
                connection.execute(update(plans).where(plans.c.id.in_(part)).values(judged=True))

    def outcomes(self, queue_name: str, *, limit: int = 100) -> list[PlanOutcome]:
        """The outcomes of a queue's plans, the newest first.

        Raises:
            UnavailableError: the store does not answer.
        """
        statement = select(outcomes.c.outcome).where(outcomes.c.queue_id == _queues.number(queue_name))
        newest = statement.order_by(outcomes.c.generated_at.desc(), outcomes.c.plan_id).limit(limit)
        with self._db.read() as connection:
            found = connection.execute(newest).scalars().all()
        return [codec.decode(PlanOutcome, text) for text in found]
