"""``/v1/queues``: how each queue is doing, and what is known of it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from capacity_planner import codec
from capacity_planner.domain.review import PlanReview
from capacity_planner.domain.state import PlannerState
from capacity_planner.fields import CountMark, InstantMark
from capacity_planner.pipeline._review_score import summary_of
from capacity_planner.service.access import Role
from capacity_planner.surfaces.http import routes_plans
from capacity_planner.surfaces.http._masks import masked_queue
from capacity_planner.surfaces.http.answers import PlanList, QueueAccuracy, QueueDetail, QueueHistory, QueueList
from capacity_planner.surfaces.http.operations import BEFORE, DURATIONS, LIMIT, Answer, Operation, Parameter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from capacity_planner.domain.review import PlanOutcome
    from capacity_planner.surfaces.http._call import Call

_DAY = timedelta(days=1)


def several(call: Call) -> Response:
    """All queues."""
    return call.answer(QueueList(queues=tuple(call.desk.statuses())))


def one(call: Call) -> Response:
    """One queue, and how it is run."""
    name = call.segment("name")
    status, settings = call.desk.status(name), call.desk.settings(name)
    if settings is not None and not call.role.allows(Role.APPLY):
        settings = masked_queue(settings)
    return call.answer(QueueDetail(status=status, settings=settings))


def state(call: Call) -> Response:
    """What the planner remembers."""
    return call.answer(call.desk.state(call.segment("name")))


def history(call: Call) -> Response:
    """What was measured."""
    name, given = call.segment("name"), call.arguments
    newest = call.desk.status(name).newest_sample
    end = given["until"] or (newest.timestamp if newest else datetime.now(UTC))
    found = call.desk.history(name, since=given["since"] or end - _DAY, until=given["until"], limit=given["limit"])
    return call.answer(QueueHistory(samples=tuple(found)))


def accuracy(call: Call) -> Response:
    """How right forecasts and plans were."""
    rows, outcomes = call.desk.accuracy(call.segment("name"))
    return call.answer(QueueAccuracy(forecasts=tuple(rows), review=_review(outcomes)))


def plans(call: Call) -> Response:
    """Its plans."""
    name = call.segment("name")
    call.desk.status(name)
    return routes_plans.page(call, name)


def _review(outcomes: Sequence[PlanOutcome]) -> PlanReview:
    oldest_first = tuple(reversed(outcomes))
    text = "".join(codec.dumps(outcome) for outcome in oldest_first)
    identity = f"review-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    return PlanReview(id=identity, created_at=datetime.now(UTC), **summary_of(oldest_first))


OPERATIONS = (
    Operation(
        name="listQueues",
        method="GET",
        path="/v1/queues",
        handler=several,
        tag="queues",
        summary="List queues",
        said="Those that are planned for by themselves, and those that samples or plans are known of.",
        answers={200: Answer("How each is doing.", QueueList)},
        parameters=(DURATIONS,),
    ),
    Operation(
        name="getQueue",
        method="GET",
        path="/v1/queues/{name}",
        handler=one,
        tag="queues",
        summary="Look a queue up",
        answers={200: Answer("How it is doing, and how it is run.", QueueDetail)},
        problems=(404,),
        parameters=(DURATIONS,),
    ),
    Operation(
        name="getState",
        method="GET",
        path="/v1/queues/{name}/state",
        handler=state,
        tag="queues",
        summary="What the planner remembers of a queue",
        answers={200: Answer("The state.", PlannerState)},
        problems=(404,),
        parameters=(DURATIONS,),
    ),
    Operation(
        name="getHistory",
        method="GET",
        path="/v1/queues/{name}/history",
        handler=history,
        tag="queues",
        summary="What was measured of a queue",
        answers={200: Answer("The samples.", QueueHistory)},
        problems=(404,),
        parameters=(
            Parameter("since", InstantMark(), "From then on; without it, a day before `until` or the newest sample."),
            Parameter("until", InstantMark(), "Up to then."),
            Parameter("limit", CountMark(ge=1, le=100_000), "The newest so many.", 10_000, example=100),
            DURATIONS,
        ),
    ),
    Operation(
        name="getAccuracy",
        method="GET",
        path="/v1/queues/{name}/accuracy",
        handler=accuracy,
        tag="queues",
        summary="How right forecasts and plans of a queue were",
        answers={200: Answer("Forecasts by model and horizon, and a review of past plans.", QueueAccuracy)},
        problems=(404,),
        parameters=(DURATIONS,),
    ),
    Operation(
        name="listPlansOfQueue",
        method="GET",
        path="/v1/queues/{name}/plans",
        handler=plans,
        tag="queues",
        summary="Plans of a queue",
        answers={200: Answer("A page of plans, the newest first.", PlanList)},
        problems=(404,),
        parameters=(LIMIT, BEFORE, DURATIONS),
    ),
)
