"""``/v1/metrics`` and ``/v1/scalings``: what the world tells the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from capacity_planner import codec
from capacity_planner.domain.metrics import Metrics
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.service.access import Role
from capacity_planner.surfaces.http.answers import ScalingReport, Stored
from capacity_planner.surfaces.http.operations import Answer, Operation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity_planner.surfaces.http._call import Call

_MOST_TOLD = 100


def push(call: Call) -> Response:
    """Samples that are stored, all or none."""
    value = codec.parse(call.body, ErrorCode.INVALID_METRICS)
    if isinstance(value, dict) and set(value) == {"metrics"}:
        value = value["metrics"]
        if not isinstance(value, list):
            raise _invalid("metrics", value, "is no list of samples.")
    samples, alone = (value, False) if isinstance(value, list) else ([value], True)
    call.check_length("metrics", samples)
    call.desk.push(_checked(samples, alone=alone))
    return call.answer(Stored(stored=len(samples)))


def report(call: Call) -> Response:
    """A scaling that somebody did."""
    told = call.read(ScalingReport)
    if not told.queue_name:
        raise _invalid("queue_name", "", "is no name. Say which queue was scaled.")
    call.desk.scaled(told.queue_name, told.workers, told.at, by=call.caller)
    return Response(status_code=204)


def _invalid(name: str, value: Any, problem: str) -> PlannerError:
    shown = codec.shown(value)
    details = {"field": name, "value": shown}
    return PlannerError(ErrorCode.INVALID_METRICS, f"{name} is {shown}, which {problem}", details=details)


def _checked(samples: Sequence[Any], *, alone: bool) -> list[Metrics]:
    """The samples.

    Raises:
        PlannerError: ``INVALID_METRICS`` with all that is wrong, by place.
    """
    valid, wrong = list[Metrics](), list[dict[str, str]]()
    for place, sample in enumerate(samples):
        try:
            valid.append(codec.validate(Metrics, sample, at="" if alone else f"metrics.{place}"))
        except PlannerError as error:
            wrong += error.details.get("errors", [{"field": f"metrics.{place}", "message": error.message}])
        if len(wrong) >= _MOST_TOLD:
            break
    if wrong:
        more = f" ({len(wrong) - 1} more in details.)" if len(wrong) > 1 else ""
        details = {"field": wrong[0]["field"], "value": wrong[0].get("value", ""), "errors": wrong}
        raise PlannerError(ErrorCode.INVALID_METRICS, f"{wrong[0]['message']}{more}", details=details)
    return valid


OPERATIONS = (
    Operation(
        name="pushMetrics",
        method="POST",
        path="/v1/metrics",
        handler=push,
        tag="metrics",
        summary="Store samples",
        said='One sample, a list of them, or `{"metrics": [...]}`. All are stored, or none; what is answered is safe. '
        "A sample with the queue and the timestamp of an earlier one replaces it.",
        needs=Role.APPLY,
        body=Metrics,
        batch=True,
        answers={200: Answer("They are stored.", Stored)},
    ),
    Operation(
        name="reportScaling",
        method="POST",
        path="/v1/scalings",
        handler=report,
        tag="metrics",
        summary="Tell that a queue was scaled",
        said="The cooldown runs from then, and workers that were ordered are not ordered again.",
        needs=Role.APPLY,
        body=ScalingReport,
        answers={204: Answer("It is recorded.")},
    ),
)
