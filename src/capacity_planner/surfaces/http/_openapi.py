"""The documentation for programs, made of the operations and the domain's types."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from capacity_planner import __version__
from capacity_planner.fields import DurationMark
from capacity_planner.service.access import Role
from capacity_planner.surfaces.http._problems import MEDIA
from capacity_planner.surfaces.http._schemas import components, reference
from capacity_planner.surfaces.http.operations import EVENTS, JSON, PATHS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity_planner.surfaces.http.operations import Answer, Operation, Parameter

_SAID = """\
How many workers, when, at what cost, and how sure are we?

Instants are RFC 3339. Durations are texts such as `"0.350s"`, `"1m30s"` or `"PT90S"`, or integer nanoseconds, and are
answered as texts, or with `?durations=ns` as integer nanoseconds. Errors are RFC 9457 problems.
"""
_TAGS = {
    "plans": "Make plans, look them up, have them carried out.",
    "questions": "Forecasts and queueing theory; nothing is changed.",
    "simulations": "What-if questions, job by job.",
    "metrics": "What the world tells the service.",
    "queues": "How each queue is doing, and what is known of it.",
    "config": "How the service is set.",
    "health": "For those who run the service.",
}
_PROBLEMS = {
    400: "The request is not what it should be: `code` and `details` say where.",
    401: "A token is needed, or is not known.",
    403: "The token's role does not allow it.",
    404: "There is no such thing.",
    405: "The method cannot be used here.",
    408: "The body did not come.",
    409: "It cannot be done as things are; a plan to review may be in `plan`.",
    412: "Somebody else changed it meanwhile.",
    413: "More than the service takes on at a time.",
    415: "The body does not say that it is JSON.",
    421: "No token is needed, and `Host` is no name of this machine alone.",
    422: "There is too little history.",
    428: "If-Match is missing.",
    429: "A cooldown runs; the plan for its end is in `plan`.",
    500: "The service failed; its log has more.",
    503: "Not now: the store does not answer, or all is busy.",
    504: "The time was up.",
}
_OPEN, _TAKEN, _READ = (500, 503), (401, 403, 421), (400, 408, 413, 415)
_AGAIN, _WHO, _METHODS = {429, 503}, 401, 405


def document(operations: Sequence[Operation], *, closed: bool) -> dict[str, Any]:
    """OpenAPI 3.1 of some operations.

    Args:
        operations: what can be asked.
        closed: whether tokens are needed.
    """
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, closed=closed)
    written = {answer.cls for item in operations for answer in item.answers.values()} - {None, dict}
    read = {item.body for item in operations} - {None}
    return {
        "openapi": "3.1.0",
        "info": {"title": "capacity-planner", "version": __version__, "description": _SAID},
        "tags": [{"name": name, "description": said} for name, said in _TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": components(_sorted(read), _sorted(written)),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Where tokens are needed. `read` looks and calculates; `apply` also changes.",
                }
            },
        },
    }


def _sorted(classes: set[Any]) -> list[Any]:
    return sorted(classes, key=lambda cls: str(cls.__name__))


def _operation(operation: Operation, *, closed: bool) -> dict[str, Any]:
    said = [operation.said] if operation.said else []
    if operation.needs is Role.APPLY:
        said.append("Needs a token that may `apply`, where tokens are needed.")
    found: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": " ".join(said),
        "parameters": _parameters(operation),
        "responses": _responses(operation),
    }
    if operation.needs is not None:
        found["security"] = [{"bearer": []}] if closed else [{"bearer": []}, {}]
    if operation.body is not None:
        found["requestBody"] = _body(operation)
    return {name: value for name, value in found.items() if value}


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    path = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": said,
            "schema": {"type": "string", "minLength": 1, "maxLength": 1000},
        }
        for name, said in PATHS.items()
        if f"{{{name}}}" in operation.path
    ]
    match = {
        "name": "If-Match",
        "in": "header",
        "required": True,
        "description": "The ETag of the version that was changed, or `*`.",
        "schema": {"type": "string", "pattern": r'^(\*|"[0-9]{1,15}")$'},
        "example": "*",
    }
    return path + ([match] if operation.conditional else []) + [_query(item) for item in operation.parameters]


def _query(parameter: Parameter) -> dict[str, Any]:
    schema = parameter.mark.schema() | _bounds(parameter)
    if isinstance(parameter.mark, DurationMark):
        schema = {"type": "string", "examples": ["5s", "0.350s", "1m30s", "PT90S"]}
    if parameter.choices:
        schema = {"enum": list(parameter.choices)}
    if parameter.default is not None:
        schema["default"] = parameter.mark.write(parameter.default, None)
    found = {"name": parameter.name, "in": "query", "description": parameter.said, "schema": schema}
    return found | ({"example": parameter.example} if parameter.example is not None else {})


def _bounds(parameter: Parameter) -> dict[str, Any]:
    pairs = (("minimum", parameter.mark.ge), ("maximum", parameter.mark.le))
    return {name: limit for name, limit in pairs if isinstance(limit, int)}


def _body(operation: Operation) -> dict[str, Any]:
    cls = operation.body
    assert cls is not None  # noqa: S101 - only asked for operations with a body
    schema = reference(cls)
    if operation.batch:
        several = {"type": "array", "items": schema}
        wrapped = {
            "type": "object",
            "required": ["metrics"],
            "properties": {"metrics": several},
            "additionalProperties": False,
        }
        schema = {"anyOf": [schema, several, wrapped]}
    return {"required": True, "content": {JSON: {"schema": schema} | _example(operation.name, "request")}}


def _responses(operation: Operation) -> dict[str, Any]:
    statuses = set(_OPEN) | set(operation.problems)
    statuses |= set(_TAKEN) | {400} if operation.needs is not None else set()
    statuses |= set(_READ) if operation.body is not None else set()
    answers = {str(status): _answer(operation, status, answer) for status, answer in operation.answers.items()}
    problems = {str(status): _problem(status) for status in sorted(statuses)}
    for status in answers.keys() & problems.keys():
        problems[status]["content"] |= answers[status]["content"]
    return answers | problems


def _answer(operation: Operation, status: int, answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = {"description": answer.said}
    if answer.headers:
        found["headers"] = {
            name: {"description": said, "required": True, "schema": {"type": "string"}}
            for name, said in answer.headers.items()
        }
    if answer.links:
        found["links"] = {
            name: {"operationId": name, "parameters": {parameter: f"$response.body#{place}"}}
            for name, (parameter, place) in answer.links.items()
        }
    if answer.cls is not None and answer.media == EVENTS:
        found["content"] = {EVENTS: {"schema": _event(answer.cls)}}
    elif answer.cls is dict:
        found["content"] = {answer.media: {"schema": {"type": "object"}}}
    elif answer.cls is not None:
        found["content"] = {answer.media: {"schema": reference(answer.cls)} | _example(operation.name, str(status))}
    elif answer.media != JSON:
        found["content"] = {answer.media: {"schema": {"type": "string"}}}
    return found


def _event(cls: type[Any]) -> dict[str, Any]:
    """The schema of one event whose data is of a type."""
    data = {"type": "string", "contentMediaType": JSON, "contentSchema": reference(cls)}
    names = {"enum": ["progress", "done", "failed", "cancelled"]}
    return {"type": "object", "required": ["event", "data"], "properties": {"event": names, "data": data}}


def _problem(status: int) -> dict[str, Any]:
    headers = {}
    if status in _AGAIN:
        headers["Retry-After"] = {
            "description": "Seconds.",
            "required": True,
            "schema": {"type": "integer", "minimum": 1},
        }
    if status == _WHO:
        headers["WWW-Authenticate"] = {"required": True, "schema": {"type": "string"}}
    found: dict[str, Any] = {
        "description": _PROBLEMS[status],
        "content": {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    return found | ({"headers": headers} if headers else {})


def _example(name: str, part: str) -> dict[str, Any]:
    examples = _examples().get(name, {})
    return {"example": examples[part]} if part in examples else {}


@cache
def _examples() -> dict[str, Any]:
    """Operation → ``request`` or status → what was really sent, or came."""
    text = files("capacity_planner.surfaces.http").joinpath("examples.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
