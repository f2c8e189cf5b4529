"""The five calls of KEDA's external scaler, on the port of the gRPC API."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import grpc

from capacity_planner.errors import ServiceError, UnavailableError
from capacity_planner.service.access import Role
from capacity_planner.service.target import metric_name
from capacity_planner.surfaces.keda.asked import TOKEN, asked_by
from capacity_planner.surfaces.keda.listeners import Listener, Listeners
from capacity_planner.surfaces.keda.proto import externalscaler_pb2 as wire
from capacity_planner.surfaces.keda.status import refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.service.desk import Desk
    from capacity_planner.service.target import Target
    from capacity_planner.surfaces.keda.asked import Asked
    from capacity_planner.surfaces.keda.listeners import Send

    Authorize = Callable[[str | None, Role], str]

SERVICE = wire.DESCRIPTOR.services_by_name["ExternalScaler"].full_name
_LOG = logging.getLogger("capacity_planner.keda")
_TARGET = 1
_EVERY, _HEARTBEAT = 2.0, 30.0


class ExternalScaler:
    """Tells KEDA how many workers a queue should have: a metric of that value, whose target is 1.

    KEDA sends no credentials but a client's certificate. So a token, where one is needed, comes in the metadata of the
    trigger: as ``tokenFromEnv``, which KEDA fills from a variable of the scaled container.

    Args:
        desk: knows what was decided.
        authorize: `Access.authorize`.
        every: seconds between two looks at what has changed for streams.
        heartbeat: seconds after which a stream is told the same again.

    Attributes:
        name: of the service.
    """

    name = SERVICE

    def __init__(
        self, desk: Desk, authorize: Authorize, *, every: float = _EVERY, heartbeat: float = _HEARTBEAT
    ) -> None:
        self._targets, self._authorize = desk.targets, authorize
        self._listeners = Listeners(self._active, _activity, every=every, heartbeat=heartbeat)

    def handler(self) -> grpc.GenericRpcHandler:
        """The service, to be added to a server."""
        calls = {
            "IsActive": _unary(self._is_active),
            "GetMetricSpec": _unary(self._get_metric_spec),
            "GetMetrics": _unary(self._get_metrics, wire.GetMetricsRequest),
            "StreamIsActive": _stream(self._stream_is_active),
            "StreamMetricSpec": _stream(self._stream_metric_spec),
        }
        return grpc.method_handlers_generic_handler(SERVICE, calls)

    def end(self) -> None:
        """End the streams."""
        self._listeners.end()

    def _is_active(self, reference: wire.ScaledObjectRef, context: grpc.ServicerContext) -> wire.IsActiveResponse:
        asked = self._asked(reference, context)
        return _activity(self._target(asked).workers > asked.activation)

    def _get_metric_spec(
        self, reference: wire.ScaledObjectRef, context: grpc.ServicerContext
    ) -> wire.GetMetricSpecResponse:
        """KEDA builds the HPA of this, also while nothing is known of the queue: no state is asked."""
        return _spec(self._asked(reference, context))

    def _get_metrics(self, request: wire.GetMetricsRequest, context: grpc.ServicerContext) -> wire.GetMetricsResponse:
        asked = self._asked(request.scaledObjectRef, context)
        workers = self._target(asked).workers
        name = request.metricName or metric_name(asked.queue_name)
        value = wire.MetricValue(metricName=name, metricValue=workers, metricValueFloat=workers)
        return wire.GetMetricsResponse(metricValues=[value])

    def _stream_is_active(self, reference: wire.ScaledObjectRef, context: grpc.ServicerContext, send: Send) -> None:
        asked = self._asked(reference, context)
        try:
            first = self._target(asked).workers > asked.activation
        except UnavailableError:
            first = None
        self._listeners.add(Listener(asked, send, context), first)

    def _stream_metric_spec(self, reference: wire.ScaledObjectRef, context: grpc.ServicerContext, send: Send) -> None:
        self._listeners.add(Listener(None, send, context), _spec(self._asked(reference, context)))

    def _active(self, asked: Asked) -> bool | None:
        """Whether the queue is active; ``None`` where nobody knows, which those who poll are told as an error."""
        try:
            return self._target(asked).workers > asked.activation
        except ServiceError:
            return None
        except Exception:  # noqa: BLE001 - one queue must not end the streams of the others
            _LOG.exception("what KEDA is to be told is not known", extra={"queue": asked.queue_name})
            return None

    def _target(self, asked: Asked) -> Target:
        return self._targets.of(asked.queue_name, ahead=asked.ahead, hold=asked.hold)

    def _asked(self, reference: wire.ScaledObjectRef, context: grpc.ServicerContext) -> Asked:
        metadata = dict(reference.scalerMetadata)
        header = dict(context.invocation_metadata() or ()).get("authorization")
        token = metadata.get(TOKEN)
        sent = header if isinstance(header, str) else f"Bearer {token}" if token else None
        self._authorize(sent, Role.READ)
        return asked_by(metadata)


def _activity(active: Any) -> wire.IsActiveResponse:
    return wire.IsActiveResponse(result=active)


def _spec(asked: Asked) -> wire.GetMetricSpecResponse:
    spec = wire.MetricSpec(metricName=metric_name(asked.queue_name), targetSize=_TARGET, targetSizeFloat=_TARGET)
    return wire.GetMetricSpecResponse(metricSpecs=[spec])


def _unary(call: Callable[..., Any], request: Any = wire.ScaledObjectRef) -> grpc.RpcMethodHandler[Any, Any]:
    def answer(sent: Any, context: grpc.ServicerContext) -> Any:
        try:
            return call(sent, context)
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets a status and no traceback
            refuse(error, context)

    return grpc.unary_unary_rpc_method_handler(answer, request.FromString, _written)


def _stream(call: Callable[..., None]) -> grpc.RpcMethodHandler[Any, Any]:
    def begin(sent: Any, context: grpc.ServicerContext, send: Send) -> None:
        try:
            call(sent, context, send)
        except Exception as error:  # noqa: BLE001 - as above
            refuse(error, context)

    # As the library's own health service does it: a stream that is open holds no thread.
    begin.experimental_non_blocking = True  # type: ignore[attr-defined]
    made: Any = begin
    return grpc.unary_stream_rpc_method_handler(made, wire.ScaledObjectRef.FromString, _written)


def _written(message: Any) -> bytes:
    written: bytes = message.SerializeToString()
    return written
