"""Who calls: every call but health needs a token whose role allows it, where tokens are needed at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, Protocol, TypeVar

import grpc
from grpc_health.v1 import health
from grpc_reflection.v1alpha import reflection
from grpc_status import rpc_status

from capacity_planner.service.access import AccessError, Role
from capacity_planner.surfaces.grpc.methods import CALLER, SERVICE
from capacity_planner.surfaces.grpc.status import status_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from capacity_planner.service.telemetry import Telemetry

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")

_OPEN = f"/{health.SERVICE_NAME}/"
_READING = {
    f"/{SERVICE}/GetForecasts",
    f"/{SERVICE}/Simulate",
    f"/{reflection.SERVICE_NAME}/ServerReflectionInfo",
}


class Authorize(Protocol):
    """`Access.authorize`, or what does as it does."""

    def __call__(self, header: str | None, needs: Role) -> str:
        """The caller's name, or an `AccessError`."""


class Tokens(grpc.ServerInterceptor):
    """Lets a call through with the caller's name in `CALLER`, or refuses it before its request is read.

    Args:
        authorize: tells whose ``authorization`` it is, and whether the role allows what the call needs.
        telemetry: where refusals are counted.
        guests: services that ask for tokens by themselves.
    """

    def __init__(self, authorize: Authorize, telemetry: Telemetry, guests: Iterable[str] = ()) -> None:
        self._authorize, self._telemetry = authorize, telemetry
        self._open = (_OPEN, *(f"/{name}/" for name in guests))

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Asked, Answered] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Asked, Answered] | None:
        """The handler of the call, or one that refuses it."""
        method = handler_call_details.method
        if method.startswith(self._open):
            return continuation(handler_call_details)
        needs = Role.READ if method in _READING else Role.APPLY
        try:
            CALLER.set(self._authorize(_header(handler_call_details), needs))
        except AccessError as error:
            self._telemetry.refused(error)
            return _refusal(error)
        return continuation(handler_call_details)


def _header(call: grpc.HandlerCallDetails) -> str | None:
    found = dict(call.invocation_metadata or ()).get("authorization")
    return found if isinstance(found, str) else None


def _refusal(error: AccessError) -> grpc.RpcMethodHandler[Asked, Answered]:
    """A handler for any kind of call; as a stream's, it does not wait for a request."""

    def refuse(_: object, context: grpc.ServicerContext) -> NoReturn:
        context.abort_with_status(rpc_status.to_status(status_of(error)))

    return grpc.stream_stream_rpc_method_handler(refuse)
