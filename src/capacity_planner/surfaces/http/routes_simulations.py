"""``/v1/simulations``: what-if questions; a long one is a job that can be watched and cancelled."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.responses import StreamingResponse

from capacity_planner import codec
from capacity_planner.domain.questions import SimulationRequest
from capacity_planner.domain.simulation import Simulation
from capacity_planner.errors import UnavailableError
from capacity_planner.fields import DurationMark
from capacity_planner.service.heavy import Task, TaskState
from capacity_planner.surfaces.http._events import ended, stream
from capacity_planner.surfaces.http._problems import problem_of
from capacity_planner.surfaces.http.answers import SimulationJob
from capacity_planner.surfaces.http.operations import DURATIONS, EVENTS, TIMEOUT, Answer, Operation, Parameter

if TYPE_CHECKING:
    from starlette.responses import Response

    from capacity_planner.surfaces.http._call import Call

_SECOND = timedelta(seconds=1)
_WAIT = Parameter(
    "wait",
    DurationMark(ge=timedelta(0), le=30 * _SECOND),
    "Wait for the result for so long, up to 30 s.",
    2 * _SECOND,
    example="2s",
)
_CANCELLING = 1.0
_LINKS = dict.fromkeys(("getSimulation", "watchSimulation", "cancelSimulation"), ("job_id", "/id"))
_LOCATION = {"Location": "The job's own."}


async def start(call: Call) -> Response:
    """The result where it comes soon, else the job."""
    task = await call.work(partial(_started, call), unwanted=Task.cancel)
    try:
        await _wait(call, task, call.arguments["wait"].total_seconds())
    except BaseException:
        task.cancel()  # whoever asked has gone, and nobody else knows its id
        raise
    return await call.work(partial(_result if task.state.ended else _job, call, task))


async def show(call: Call) -> Response:
    """The job, with what came out."""
    return await call.work(partial(_job, call, call.heavy.get(call.segment("job_id"))))


async def events(call: Call) -> Response:
    """The job's course."""
    task = call.heavy.get(call.segment("job_id"))
    course = stream(task, call.services.closing, partial(_summary, call))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(course, headers=headers, media_type=EVENTS)


async def cancel(call: Call) -> Response:
    """The job, which stops."""
    task = call.heavy.get(call.segment("job_id"))
    task.cancel()
    await _wait(call, task, _CANCELLING)
    return await call.work(partial(_job, call, task))


async def _wait(call: Call, task: Task, seconds: float) -> None:
    await call.unless_gone(asyncio.ensure_future(ended(task, seconds, call.services.closing)))
    if call.services.closing.is_set() and not task.state.ended:
        raise UnavailableError("The service is shutting down.")


def _started(call: Call) -> Task:
    request = call.read(SimulationRequest)
    return call.heavy.start(request, call.desk.simulation_config(request), call.timeout)


def _result(call: Call, task: Task) -> Response:
    return call.answer(task.outcome(), headers=_at(task))


def _job(call: Call, task: Task) -> Response:
    """The job; 202 where it still goes on and this call set it going, or off."""
    going = not task.state.ended and call.request.method != "GET"
    found = SimulationJob(**_facts(task), simulation=task.result, error=_error(call, task))
    return call.answer(found, 202 if going else 200, _at(task) if going else None)


def _summary(call: Call, task: Task) -> dict[str, Any]:
    """The job as events tell it, without the result, which may be large."""
    told: dict[str, Any] = codec.encode(SimulationJob(**_facts(task), error=_error(call, task)))
    return told


def _facts(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "state": task.state,
        "progress": task.progress,
        "created_at": task.created,
        "started_at": task.started,
        "ended_at": task.ended,
    }


def _error(call: Call, task: Task) -> dict[str, Any] | None:
    failed = task.state is TaskState.FAILED and task.error is not None
    return problem_of(task.error, call.durations).told() if failed and task.error else None


def _at(task: Task) -> dict[str, str]:
    return {"Location": f"/v1/simulations/{task.id}"}


OPERATIONS = (
    Operation(
        name="simulate",
        method="POST",
        path="/v1/simulations",
        handler=start,
        tag="simulations",
        summary="Simulate a plan",
        said="Every job, one by one. Where it takes longer than `wait`, the answer is 202 with a job to come back to.",
        body=SimulationRequest,
        answers={
            200: Answer("What happened.", Simulation, headers=_LOCATION),
            202: Answer("It goes on.", SimulationJob, headers=_LOCATION, links=_LINKS),
        },
        problems=(409, 504),
        parameters=(_WAIT, TIMEOUT, DURATIONS),
    ),
    Operation(
        name="getSimulation",
        method="GET",
        path="/v1/simulations/{job_id}",
        handler=show,
        tag="simulations",
        summary="Look a simulation up",
        said="It is kept for an hour after its end.",
        answers={200: Answer("Where it stands, and what came out.", SimulationJob)},
        problems=(404,),
        parameters=(DURATIONS,),
    ),
    Operation(
        name="watchSimulation",
        method="GET",
        path="/v1/simulations/{job_id}/events",
        handler=events,
        tag="simulations",
        summary="Watch a simulation",
        said="`progress` events, and at its end one that is named `done`, `failed` or `cancelled`. The data of each is "
        "the job without what came out.",
        answers={200: Answer("Server-sent events.", SimulationJob, media=EVENTS)},
        problems=(404,),
        parameters=(DURATIONS,),
    ),
    Operation(
        name="cancelSimulation",
        method="DELETE",
        path="/v1/simulations/{job_id}",
        handler=cancel,
        tag="simulations",
        summary="Cancel a simulation",
        said="One that has ended stays as it is.",
        answers={
            200: Answer("It has ended.", SimulationJob),
            202: Answer("It will stop soon.", SimulationJob, headers=_LOCATION),
        },
        problems=(404,),
        parameters=(DURATIONS,),
    ),
)
