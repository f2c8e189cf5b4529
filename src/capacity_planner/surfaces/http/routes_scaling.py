"""The workers that a queue should have, for those who ask: ``…/workers``, and the external metrics of Kubernetes."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from capacity_planner.errors import ErrorCode, NotFoundError, PlannerError, ServiceError
from capacity_planner.fields import DurationMark, TextMark
from capacity_planner.service.target import Target, metric_name
from capacity_planner.surfaces.http._problems import problem_of
from capacity_planner.surfaces.http.operations import JSON, TIMEOUT, Answer, Operation, Parameter
from capacity_planner.units import format_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from capacity_planner.domain.server import ServerSettings
    from capacity_planner.surfaces.http._call import Call

GROUP = "/apis/external.metrics.k8s.io/v1beta1"
METRIC, LABEL = "workers", "queue"
_VERSION = GROUP.removeprefix("/apis/")
_SELECTOR = re.compile(rf"\s*{LABEL}\s*(?:==?\s*(?P<one>[^\s,()=!]+)|in\s*\((?P<several>[^()]+)\))\s*")
_REASONS = {400: "BadRequest", 404: "NotFound", 409: "Conflict", 503: "ServiceUnavailable"}
_HOLD = "hold"
_OPEN = "open"


def workers(call: Call) -> Response:
    """What was ordered."""
    given = call.arguments
    found = call.desk.targets.of(call.segment("name"), ahead=given["ahead"], hold=given["fallback"] == _HOLD)
    return call.answer(found)


async def listed(call: Call) -> Response:
    """What the API group has, as the aggregator of Kubernetes asks for it."""
    del call
    resource = {
        "name": METRIC,
        "singularName": "",
        "namespaced": True,
        "kind": "ExternalMetricValueList",
        "verbs": ["get"],
    }
    return _kubernetes(
        {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": _VERSION, "resources": [resource]}
    )


def measured(call: Call) -> Response:
    """The workers of some queues as metrics; an error is told as Kubernetes tells them, so that an HPA shows it."""
    return _told(lambda: _values(call))


def checked(settings: ServerSettings) -> bool:
    """Whether external metrics are told without a token.

    Raises:
        PlannerError: ``CONFIG_INVALID``: the setting is neither.
    """
    if settings.external_metrics not in {_OPEN, "token"}:
        problem = "which is neither 'token' nor 'open'."
        raise _invalid("external_metrics", settings.external_metrics, problem)
    return settings.external_metrics == _OPEN


def _values(call: Call) -> Response:
    call.segment("namespace")  # queues have none: any will do
    names = _queues(call, call.segment("metric"), call.arguments["labelSelector"] or "")
    items = [_value(call.desk.targets.of(name), call.segment("metric")) for name in names]
    found = {"kind": "ExternalMetricValueList", "apiVersion": _VERSION, "metadata": {}, "items": items}
    return _kubernetes(found)


def _queues(call: Call, metric: str, selector: str) -> Sequence[str]:
    """The queues that a metric's name or a selector means."""
    known = [queue.queue_name for queue in call.desk.config(fresh=False).config.queues]
    if selector:
        names = _selected(selector)
    elif metric == METRIC:
        raise _invalid("labelSelector", "", f"but the metric {METRIC} needs one, such as {LABEL}=emails.")
    else:
        names = known
    found = [name for name in names if metric in {METRIC, metric_name(name)}]
    if not found:
        raise NotFoundError(f"There is no metric {metric!r}. Ask for {METRIC} with the label selector {LABEL}=NAME.")
    return found


def _selected(selector: str) -> list[str]:
    found = _SELECTOR.fullmatch(selector)
    if found is None:
        problem = f"which selects no queues. Write {LABEL}=NAME, or {LABEL} in (NAME, NAME) for the sum of several."
        raise _invalid("labelSelector", selector, problem)
    several = found["several"].split(",") if found["several"] else [found["one"]]
    return list(dict.fromkeys(name.strip() for name in several))


def _value(target: Target, metric: str) -> dict[str, Any]:
    return {
        "metricName": metric,
        "metricLabels": {LABEL: target.queue_name},
        "timestamp": format_instant(datetime.now(UTC).replace(microsecond=0)),
        "value": str(target.workers),
    }


def _told(answer: Callable[[], Response]) -> Response:
    try:
        return answer()
    except (PlannerError, ServiceError) as error:
        problem = problem_of(error)
        status = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": problem.body["detail"],
            "reason": _REASONS.get(problem.status, "InternalError"),
            "code": problem.status,
        }
        return _kubernetes(status, problem.status)  # without Retry-After, for which the HPA controller would wait


def _kubernetes(value: Any, status: int = 200) -> Response:
    content = json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return Response(content, status, {"Cache-Control": "no-store"}, JSON)


def _invalid(field: str, value: str, problem: str) -> PlannerError:
    details = {"field": field, "value": value[:80]}
    return PlannerError(ErrorCode.CONFIG_INVALID, f"{field} is {value[:80]!r}, {problem}", details=details)


_AHEAD = Parameter(
    "ahead",
    DurationMark(ge=timedelta(0), le=timedelta(hours=1)),
    "Orders that add workers count so much before they are due.",
    timedelta(0),
    example="15s",
)
_FALLBACK = Parameter(
    "fallback",
    TextMark(),
    "What is answered where no plan is fresh: `error`, or with `hold` the newest order, where there is one.",
    "error",
    ("error", _HOLD),
    "error",
)
_LABELS = Parameter(
    "labelSelector",
    TextMark(),
    "The queue, or the queues whose workers are to be added up.",
    example="queue=emails",
)
_FAILURE = Answer("It cannot be told, and why; a Status of Kubernetes.", dict)

OPERATIONS = (
    Operation(
        name="getWorkers",
        method="GET",
        path="/v1/queues/{name}/workers",
        handler=workers,
        tag="queues",
        summary="The workers that a queue should have",
        said="For KEDA's trigger `metrics-api`, or a script. The queue's scaler is `pull`: what the loop orders is "
        "answered here, within the queue's limits. Where nothing was ordered yet, it is what usually runs. Where no "
        "plan is fresh, nothing is made up: 503.",
        answers={200: Answer("How many, and what that rests on.", Target)},
        problems=(404, 409),
        parameters=(_AHEAD, _FALLBACK),
        pace="quick",
    ),
    Operation(
        name="listExternalMetrics",
        method="GET",
        path=GROUP,
        handler=listed,
        tag="queues",
        summary="What there is of the external metrics API of Kubernetes",
        answers={200: Answer("An APIResourceList.", dict)},
        parameters=(TIMEOUT,),
    ),
    Operation(
        name="getExternalMetric",
        method="GET",
        path=f"{GROUP}/namespaces/{{namespace}}/{{metric}}",
        handler=measured,
        tag="queues",
        summary="The workers of queues as an external metric of Kubernetes",
        said="For a HorizontalPodAutoscaler with the target `AverageValue: 1`, behind an APIService. The same number "
        "as `/v1/queues/{name}/workers`.",
        answers={
            200: Answer("An ExternalMetricValueList.", dict),
            **dict.fromkeys((400, 404, 409, 503), _FAILURE),
        },
        parameters=(_LABELS, TIMEOUT),
        pace="quick",
    ),
)
AGGREGATED = frozenset({"listExternalMetrics", "getExternalMetric"})
