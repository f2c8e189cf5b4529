"""``/healthz``, ``/readyz``, ``/metrics`` and the links at ``/``: for those who run the service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.responses import Response

from capacity_planner import __version__
from capacity_planner.errors import UnavailableError
from capacity_planner.surfaces.http.answers import Health, Links
from capacity_planner.surfaces.http.operations import Answer, Operation

if TYPE_CHECKING:
    from capacity_planner.surfaces.http._call import Call

OPENAPI = "/openapi.json"


async def healthz(call: Call) -> Response:
    """The process answers; nothing else is asked, so that nothing else can keep it from it."""
    return call.answer(Health())


def readyz(call: Call) -> Response:
    """The store answers, and the loop comes round."""
    reasons = call.services.readiness.reasons()
    if reasons:
        raise UnavailableError(" ".join(reasons))
    return call.answer(Health())


def metrics(call: Call) -> Response:
    """Everything that is counted."""
    content, media = call.services.telemetry.exposition(call.request.headers.get("accept"))
    return Response(content, headers={"Content-Type": media, "Vary": "Accept", "Cache-Control": "no-store"})


async def links(call: Call) -> Response:
    """Where to go from here."""
    return call.answer(
        Links(
            service="capacity-planner",
            version=__version__,
            openapi=OPENAPI,
            plans="/v1/plans",
            queues="/v1/queues",
            config="/v1/config",
            metrics="/metrics",
        )
    )


async def openapi(call: Call) -> Response:
    """The documentation for programs."""
    document = json.dumps(call.request.app.openapi(), ensure_ascii=False).encode()
    return Response(document, media_type="application/json")


OPERATIONS = (
    Operation(
        name="healthz",
        method="GET",
        path="/healthz",
        handler=healthz,
        tag="health",
        summary="Whether the process answers",
        needs=None,
        head=True,
        answers={200: Answer("It does.", Health)},
    ),
    Operation(
        name="readyz",
        method="GET",
        path="/readyz",
        handler=readyz,
        tag="health",
        summary="Whether the service can answer",
        said="The store answers, and the loop comes round; looked into once a second.",
        needs=None,
        head=True,
        answers={200: Answer("It can.", Health)},
        pace="quick",
    ),
    Operation(
        name="metrics",
        method="GET",
        path="/metrics",
        handler=metrics,
        tag="health",
        summary="Metrics for Prometheus",
        answers={
            200: Answer("All that is counted, as text; as OpenMetrics where that is asked for.", media="text/plain")
        },
        pace="quick",
    ),
    Operation(
        name="links",
        method="GET",
        path="/",
        handler=links,
        tag="health",
        summary="Where to go from here",
        answers={200: Answer("Links.", Links)},
    ),
    Operation(
        name="openapi",
        method="GET",
        path=OPENAPI,
        handler=openapi,
        tag="health",
        summary="This document",
        answers={200: Answer("OpenAPI 3.1.", dict)},
    ),
)
