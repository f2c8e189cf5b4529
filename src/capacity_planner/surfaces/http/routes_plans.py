"""``/v1/plans``: make plans, look them up, have them carried out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from capacity_planner.domain.request import PlanRequest, PlanResponse
from capacity_planner.domain.scaling import PlanRecord
from capacity_planner.service.access import Role
from capacity_planner.surfaces.http._envelope import leave_counting
from capacity_planner.surfaces.http.answers import PlanDetail, PlanList
from capacity_planner.surfaces.http.operations import (
    BEFORE,
    DURATIONS,
    LIMIT,
    QUEUE,
    TIMEOUT,
    Answer,
    CursorMark,
    Operation,
)

if TYPE_CHECKING:
    from starlette.responses import Response

    from capacity_planner.surfaces.http._call import Call


async def make(call: Call) -> Response:
    """A new plan; one from a history of its own waits for few threads, since that may be as long as it likes."""
    request = await call.work(partial(call.read, PlanRequest))
    pool = None if request.history is None else call.services.pools.slow
    return await call.work(partial(_made, call, request), pool=pool)


def _made(call: Call, request: PlanRequest) -> Response:
    leave_counting(call.request.scope)
    response = call.desk.plan(request, by=call.caller, timeout=call.timeout)
    return call.answer(response, headers={"Location": f"/v1/plans/{quote(response.plan.id, safe='')}"})


def several(call: Call) -> Response:
    """A page of plans."""
    return page(call, call.arguments["queue_name"])


def page(call: Call, queue_name: str | None) -> Response:
    """A page of plans of one queue, or of all."""
    limit = call.arguments["limit"]
    before, before_id = call.arguments["before"] or (None, "")
    found = call.desk.records(queue_name, before=before, before_id=before_id, limit=limit + 1)
    shown = tuple(found[:limit])
    place = (shown[-1].recorded_at, shown[-1].response.plan.id) if len(found) > limit else None
    return call.answer(PlanList(plans=shown, next=None if place is None else CursorMark().write(place, None)))


def one(call: Call) -> Response:
    """A plan, and what was ordered for it."""
    plan_id = call.segment("plan_id")
    record = call.desk.record(plan_id)
    return call.answer(PlanDetail(record=record, orders=tuple(call.desk.orders(plan_id))))


def apply(call: Call) -> Response:
    """A plan that is carried out from now on."""
    return call.answer(call.desk.apply(call.segment("plan_id"), by=call.caller))


OPERATIONS = (
    Operation(
        name="makePlan",
        method="POST",
        path="/v1/plans",
        handler=make,
        tag="plans",
        summary="Make a plan",
        said="Plans from the sample given and what is known of the queue, and records the plan. The same question "
        "about the same state is answered from memory (`cache_hit`). A plan that a cooldown or an anomaly blocks comes "
        "with the error, in `plan`.",
        needs=Role.APPLY,
        body=PlanRequest,
        answers={
            200: Answer(
                "The plan, and what it rests on.",
                PlanResponse,
                headers={"Location": "The plan's own."},
                links={"getPlan": ("plan_id", "/plan/id"), "applyPlan": ("plan_id", "/plan/id")},
            )
        },
        problems=(409, 422, 429, 504),
        parameters=(TIMEOUT, DURATIONS),
    ),
    Operation(
        name="listPlans",
        method="GET",
        path="/v1/plans",
        handler=several,
        tag="plans",
        summary="List plans",
        said="The newest first; `next` of one page is `before` of the following one.",
        answers={200: Answer("A page of plans.", PlanList)},
        parameters=(QUEUE, LIMIT, BEFORE, DURATIONS),
    ),
    Operation(
        name="getPlan",
        method="GET",
        path="/v1/plans/{plan_id}",
        handler=one,
        tag="plans",
        summary="Look a plan up",
        answers={200: Answer("The plan, and what was ordered for it.", PlanDetail)},
        problems=(404,),
        parameters=(DURATIONS,),
    ),
    Operation(
        name="applyPlan",
        method="POST",
        path="/v1/plans/{plan_id}/apply",
        handler=apply,
        tag="plans",
        summary="Have a plan carried out",
        said="In the modes `auto` and `manual` its steps are ordered, and carried out at their times; orders of other "
        "plans of the queue fall. In `advisory`, and for a queue that is not planned for by itself, it is recorded "
        "that somebody does it.",
        needs=Role.APPLY,
        answers={200: Answer("The plan, and who applied it.", PlanRecord)},
        problems=(404, 409),
        parameters=(DURATIONS,),
        pace="quick",
    ),
)
