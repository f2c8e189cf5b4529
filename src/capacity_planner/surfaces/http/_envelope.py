"""What every request and answer has around it: an id, a line in the log, a count, and an end without a traceback."""

from __future__ import annotations

import logging
import re
import secrets
from time import perf_counter
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect

from capacity_planner.errors import PlannerError
from capacity_planner.surfaces.http._problems import problem_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from capacity_planner.service.telemetry import Telemetry

_LOG = logging.getLogger("capacity_planner.http")

REQUEST_ID = "X-Request-Id"
_IN_SCOPE = "capacity_planner.request_id"
_CALLER, _COUNTED = "capacity_planner.caller", "capacity_planner.counted"
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_GONE, _INTERNAL = 499, 500
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
_OTHER = "other"


class Envelope:
    """The outermost layer of the application.

    Args:
        app: what is inside.
        telemetry: what is counted.
    """

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self._app, self._telemetry = app, telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and see to its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[_IN_SCOPE] = _identity(Headers(scope=scope).get(REQUEST_ID, ""))
        _keep_encoding(scope)
        began, status = perf_counter(), _GONE

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _mark(message, scope)
            await send(message)

        try:
            await self._app(scope, receive, send_on)
        except ClientDisconnect:
            pass
        except Exception as error:
            _LOG.exception("a request failed in an unforeseen way", extra=_facts(scope))
            if status != _GONE:
                raise
            self._telemetry.refused(error)
            await problem_of(error).response(request_id(scope))(scope, receive, send_on)
        finally:
            self._note(scope, status, perf_counter() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", _OTHER)
        self._telemetry.http_request(route, scope["method"], status, seconds)
        level = logging.DEBUG if route in _QUIET else logging.INFO
        _LOG.log(level, "request", extra={**_facts(scope), "status": status, "seconds": round(seconds, 6)})


def request_id(scope: Scope) -> str:
    """The request's id."""
    return str(scope.get(_IN_SCOPE, ""))


def note_caller(scope: Scope, name: str) -> None:
    """Remember for the log who asks."""
    scope[_CALLER] = name


def leave_counting(scope: Scope) -> None:
    """Remember that what the planner refuses from now on is counted by the desk."""
    scope[_COUNTED] = True


def is_counted(scope: Scope, error: Exception) -> bool:
    """Whether the desk has counted an error."""
    return bool(scope.get(_COUNTED)) and isinstance(error, PlannerError)


def _facts(scope: Scope) -> dict[str, Any]:
    return {
        "request_id": request_id(scope),
        "method": scope["method"],
        "path": scope["path"],
        "caller": scope.get(_CALLER, ""),
    }


def _identity(given: str) -> str:
    """The id that was sent, where it can stand in a log; else a new one."""
    return given if _ID.fullmatch(given) else secrets.token_hex(8)


def _keep_encoding(scope: Scope) -> None:
    """Find routes by the path as it was sent: a slash in a queue's name is none between two parts of the path."""
    raw = scope.get("raw_path")
    if raw:
        scope["path"] = raw.decode("latin-1")


def _mark(message: Message, scope: Scope) -> None:
    headers = MutableHeaders(raw=message.setdefault("headers", []))
    headers[REQUEST_ID] = request_id(scope)
    headers["X-Content-Type-Options"] = "nosniff"
