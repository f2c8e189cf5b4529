"""The three calls: from the bytes of a request to the message of the answer."""

from __future__ import annotations

import logging
import secrets
from contextvars import ContextVar
from datetime import timedelta
from threading import Event
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
from google.protobuf.message import DecodeError
from grpc_status import rpc_status

from capacity_planner.domain.questions import ForecastRequest, SimulationRequest
from capacity_planner.domain.request import PlanRequest
from capacity_planner.errors import ErrorCode, PlannerError, ServiceError, TooLargeError
from capacity_planner.surfaces.grpc.messages import from_message, message_type, to_message
from capacity_planner.surfaces.grpc.proto.capacity_planner.v1 import capacity_planner_pb2
from capacity_planner.surfaces.grpc.status import status_of, unexpected

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.domain.server import ServerSettings
    from capacity_planner.service.desk import Desk
    from capacity_planner.service.telemetry import Telemetry

T = TypeVar("T")

SERVICE = capacity_planner_pb2.DESCRIPTOR.services_by_name["CapacityPlannerService"].full_name
CALLER: ContextVar[str] = ContextVar("caller")
_LOG = logging.getLogger("capacity_planner.grpc")


class Methods:
    """Asks the desk, and answers with a message or a status.

    Args:
        desk: what answers.
        settings: the limits of a request.
        telemetry: where what is refused is counted.
    """

    def __init__(self, desk: Desk, settings: ServerSettings, telemetry: Telemetry) -> None:
        self._desk, self._settings, self._telemetry = desk, settings, telemetry

    def handler(self) -> grpc.GenericRpcHandler:
        """The service, to be added to a server."""
        methods = {
            "GeneratePlan": self._method(PlanRequest, self._generate_plan, counted=True),
            "Simulate": self._method(SimulationRequest, self._simulate),
            "GetForecasts": self._method(ForecastRequest, self._get_forecasts),
        }
        return grpc.method_handlers_generic_handler(SERVICE, methods)

    def _generate_plan(self, request: PlanRequest, context: grpc.ServicerContext) -> Any:
        return to_message(self._desk.plan(request, by=CALLER.get(), timeout=self._timeout(context)))

    def _get_forecasts(self, request: ForecastRequest, context: grpc.ServicerContext) -> Any:
        return to_message(self._desk.forecast(request, timeout=self._timeout(context)))

    def _simulate(self, request: SimulationRequest, context: grpc.ServicerContext) -> Any:
        ended = Event()
        if not context.add_callback(ended.set):
            ended.set()
        done = self._desk.simulate(request, timeout=self._timeout(context), cancelled=ended)
        return capacity_planner_pb2.SimulationResponse(simulation=to_message(done))

    def _method(
        self, cls: type[T], ask: Callable[[T, grpc.ServicerContext], Any], *, counted: bool = False
    ) -> grpc.RpcMethodHandler[bytes, Any]:
        """How a method is answered.

        Args:
            cls: the question.
            ask: asks it.
            counted: whether the desk counts what the planner refuses.
        """

        def answer(body: bytes, context: grpc.ServicerContext) -> Any:
            asked = False
            try:
                request = self._read(cls, body)
                asked = True
                return ask(request, context)
            except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets a status and no traceback
                if not (asked and counted and isinstance(error, PlannerError)):
                    self._telemetry.refused(error)
                context.abort_with_status(rpc_status.to_status(_status(error, context)))

        return grpc.unary_unary_rpc_method_handler(
            answer, response_serializer=lambda message: message.SerializeToString()
        )

    def _read(self, cls: type[T], body: bytes) -> T:
        """The question in a request's bytes.

        Raises:
            PlannerError: the bytes are no such message, or the message no valid question.
            TooLargeError: it has more samples than may be sent at once.
        """
        message: Any = message_type(cls)()
        try:
            message.ParseFromString(body)
        except DecodeError:
            raise PlannerError(
                ErrorCode.CONFIG_INVALID, f"The request is no {cls.__name__} of capacity_planner.v1."
            ) from None
        samples, most = len(getattr(message, "history", ())), self._settings.max_history
        if samples > most:
            raise TooLargeError(f"history has {samples} samples, and at most {most} may be sent at once (max_history).")
        return from_message(cls, message)

    def _timeout(self, context: grpc.ServicerContext) -> timedelta:
        """What is left of the caller's deadline, within the service's own limit."""
        left, most = context.time_remaining(), self._settings.max_time
        return most if left is None or left >= most.total_seconds() else timedelta(seconds=left)


def _status(error: Exception, context: grpc.ServicerContext) -> Any:
    if isinstance(error, PlannerError | ServiceError):
        return status_of(error)
    error_id = secrets.token_hex(8)
    _LOG.error("A gRPC call failed unexpectedly.", exc_info=error, extra={"error_id": error_id, "peer": context.peer()})
    return unexpected(error_id)
