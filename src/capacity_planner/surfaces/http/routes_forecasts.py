"""``/v1/forecasts`` and ``/v1/queueing``: questions that change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capacity_planner.domain.questions import ForecastRequest, ForecastResponse, QueueingRequest
from capacity_planner.surfaces.http.answers import QueueingAnswer
from capacity_planner.surfaces.http.operations import DURATIONS, TIMEOUT, Answer, Operation

if TYPE_CHECKING:
    from starlette.responses import Response

    from capacity_planner.surfaces.http._call import Call


def forecast(call: Call) -> Response:
    """The rates to come."""
    return call.answer(call.desk.forecast(call.read(ForecastRequest), timeout=call.timeout))


def queueing(call: Call) -> Response:
    """A queue in its steady state."""
    servers, result = call.desk.queueing(call.read(QueueingRequest))
    return call.answer(QueueingAnswer(servers=servers, result=result))


OPERATIONS = (
    Operation(
        name="forecast",
        method="POST",
        path="/v1/forecasts",
        handler=forecast,
        tag="questions",
        summary="Forecast arrival rates",
        said="From the samples given, or from those that are stored of the queue.",
        body=ForecastRequest,
        answers={200: Answer("The arrival rate of every interval to come.", ForecastResponse)},
        problems=(422, 504),
        parameters=(TIMEOUT, DURATIONS),
        pace="slow",
    ),
    Operation(
        name="queueing",
        method="POST",
        path="/v1/queueing",
        handler=queueing,
        tag="questions",
        summary="Servers for a latency, or latency for servers",
        said="Give `servers` for the latency, or `target_latency` for the fewest servers that keep it.",
        body=QueueingRequest,
        answers={200: Answer("The servers, and how the queue then fares.", QueueingAnswer)},
        problems=(409,),
        parameters=(DURATIONS,),
    ),
)
