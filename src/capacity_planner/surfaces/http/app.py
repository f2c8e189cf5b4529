"""The application: operations made routes, and what every request has to pass."""

from __future__ import annotations

from functools import cache, partial
from inspect import iscoroutinefunction
from threading import Event
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotations of endpoints
from starlette.responses import Response  # noqa: TC002 - as above

from capacity_planner import __version__
from capacity_planner.errors import PlannerError, ServiceError
from capacity_planner.service.access import ANYBODY, Role
from capacity_planner.surfaces.http import (
    routes_config,
    routes_forecasts,
    routes_health,
    routes_metrics,
    routes_plans,
    routes_queues,
    routes_scaling,
    routes_simulations,
)
from capacity_planner.surfaces.http._arguments import read_query
from capacity_planner.surfaces.http._body import Room, read_body
from capacity_planner.surfaces.http._call import Call, Services
from capacity_planner.surfaces.http._envelope import REQUEST_ID, Envelope, is_counted, note_caller, request_id
from capacity_planner.surfaces.http._openapi import document
from capacity_planner.surfaces.http._pages import Pages
from capacity_planner.surfaces.http._pool import Pools
from capacity_planner.surfaces.http._problems import HttpError, problem_of
from capacity_planner.surfaces.http._ready import Readiness

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from capacity_planner.domain.server import ServerSettings
    from capacity_planner.service.access import Access
    from capacity_planner.service.desk import Desk
    from capacity_planner.service.heavy import Heavy
    from capacity_planner.service.telemetry import Telemetry
    from capacity_planner.surfaces.http._pool import Pool
    from capacity_planner.surfaces.http.operations import Operation

OPERATIONS: tuple[Operation, ...] = (
    *routes_plans.OPERATIONS,
    *routes_forecasts.OPERATIONS,
    *routes_simulations.OPERATIONS,
    *routes_metrics.OPERATIONS,
    *routes_queues.OPERATIONS,
    *routes_scaling.OPERATIONS,
    *routes_config.OPERATIONS,
    *routes_health.OPERATIONS,
)
_SHOWN_TO_PAGES = ["ETag", "Location", "Retry-After", REQUEST_ID]
_ALLOWED_TO_PAGES = ["Authorization", "Content-Type", "If-Match", REQUEST_ID]
_NOT_FOUND, _NOT_ALLOWED = 404, 405


def create_app(desk: Desk, heavy: Heavy, access: Access, telemetry: Telemetry, settings: ServerSettings) -> FastAPI:
    """The HTTP API.

    Args:
        desk: answers.
        heavy: runs simulations.
        access: who may.
        telemetry: what is counted.
        settings: the limits, and whose pages may call.

    Raises:
        PlannerError: ``CONFIG_INVALID``: external_metrics is not what it may be.
    """
    routes_scaling.checked(settings)
    room, readiness = Room(settings.max_body), Readiness(desk)
    services = Services(desk, heavy, access, telemetry, settings, Pools(), room, readiness, Event())
    app = FastAPI(
        title="capacity-planner",
        version=__version__,
        openapi_url=None,  # its page of documentation would load scripts from elsewhere; ours is a route of its own
        redirect_slashes=False,
        exception_handlers={PlannerError: _told, ServiceError: _told, HTTPException: _routed},
    )
    pages = Pages(settings)
    for operation in OPERATIONS:
        methods = [operation.method, "HEAD"] if operation.head else [operation.method]
        endpoint = _endpoint(operation, services, pages)
        app.add_api_route(operation.path, endpoint, methods=methods, name=operation.name)
    app.state.services = services
    app.openapi = partial(described, closed=access.required)  # type: ignore[method-assign]
    if settings.cors_origin:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=[settings.cors_origin],
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=_ALLOWED_TO_PAGES,
            expose_headers=_SHOWN_TO_PAGES,
        )
    app.add_middleware(Envelope, telemetry=telemetry)
    return app


@cache
def described(*, closed: bool) -> dict[str, Any]:
    """OpenAPI of all operations.

    Args:
        closed: whether tokens are needed.
    """
    return document(OPERATIONS, closed=closed)


def _endpoint(operation: Operation, services: Services, pages: Pages) -> Callable[[Request], Awaitable[Response]]:
    handler, on_loop = operation.handler, iscoroutinefunction(operation.handler)
    pool: Pool = getattr(services.pools, operation.pace)

    async def endpoint(request: Request) -> Response:
        call = Call(request, services, pool)
        if operation.needs is not None:
            if not services.access.required:
                pages.check(request)
            call.caller, call.role = _caller(request, operation.name, operation.needs, services)
            note_caller(request.scope, call.caller)
            call.arguments = read_query(request.query_params, operation.parameters)
        with services.bodies.share() as take:
            if operation.body is not None:
                call.body = await read_body(request, services.bodies.most, take)
            response: Response = await (handler(call) if on_loop else call.work(lambda: handler(call)))
        return response

    return endpoint


def _caller(request: Request, name: str, needs: Role, services: Services) -> tuple[str, Role]:
    """Who asks, and what he may; the aggregator of Kubernetes sends no token, and may look where that is set.

    Raises:
        AccessError: no token whose role allows it.
    """
    if name in routes_scaling.AGGREGATED and routes_scaling.checked(services.settings):
        return ANYBODY, Role.READ
    return services.access.identify(request.headers.get("authorization"), needs)


async def _told(request: Request, error: Exception) -> Response:
    if not is_counted(request.scope, error):
        request.app.state.services.telemetry.refused(error)
    durations = "ns" if request.query_params.get("durations") == "ns" else "text"
    return problem_of(error, durations).response(request_id(request.scope))  # type: ignore[arg-type]


async def _routed(request: Request, error: Exception) -> Response:
    """What no route answers."""
    allowed = _allowed(request)
    if allowed:
        methods = ", ".join(sorted(allowed))
        message = f"{request.method} is not what can be done here. There is: {methods}."
        found = HttpError(_NOT_ALLOWED, message, {"Allow": methods})
    else:
        found = HttpError(_NOT_FOUND, f"There is nothing at this path. GET {routes_health.OPENAPI} says what there is.")
    del error
    return problem_of(found).response(request_id(request.scope))


def _allowed(request: Request) -> set[str]:
    path = request.scope["path"]
    return {method for route in request.app.routes if route.path_regex.match(path) for method in route.methods}
