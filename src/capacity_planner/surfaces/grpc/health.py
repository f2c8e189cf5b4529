"""Health as gRPC defines it, whose watchers cannot hold the server up."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from grpc_health.v1 import health, health_pb2

if TYPE_CHECKING:
    from collections.abc import Callable

    import grpc

    Send = Callable[[health_pb2.HealthCheckResponse | None], object]

NAME = health.SERVICE_NAME


class Health(health.HealthServicer):  # type: ignore[misc] # the library has no types
    """Tells whether the service serves, and tells it on to those who watch.

    The library's own servicer waits for every watcher to be told while it holds a lock; the thread that could tell
    them waits for that lock whenever another watcher leaves, and then neither ever goes on. Here a thread of its own
    tells them. And the library leaves watchers connected, for whom a server that stops would wait in vain.

    Args:
        service: what it tells about, beside the server as a whole.
    """

    def __init__(self, service: str) -> None:
        super().__init__()
        self._teller = ThreadPoolExecutor(1, thread_name_prefix="capacity-planner-health")
        self._watchers: set[_Watcher] = set()
        self.set(service, health_pb2.HealthCheckResponse.SERVING)

    def Watch(  # noqa: N802 - gRPC's name
        self, request: health_pb2.HealthCheckRequest, context: grpc.ServicerContext, send_response_callback: Send
    ) -> None:
        """Tell a caller how things stand, and whenever they change."""
        watcher = _Watcher(self._teller, send_response_callback)
        self._watchers.add(watcher)
        super().Watch(request, context, watcher)
        if not context.add_callback(lambda: self._watchers.discard(watcher)):
            self._watchers.discard(watcher)

    def end(self) -> None:
        """Tell all that nothing is served any more, and let the watchers go."""
        self.enter_graceful_shutdown()
        for watcher in tuple(self._watchers):
            watcher(None)

    def close(self) -> None:
        """End the thread, once nobody can watch any more."""
        self._teller.shutdown()


class _Watcher:
    """Has a caller told, one thing after the other; ``None`` is the last."""

    def __init__(self, teller: ThreadPoolExecutor, send: Send) -> None:
        self._teller, self._send, self._open = teller, send, True

    def __call__(self, response: Any) -> None:
        if self._open:
            self._open = response is not None
            self._teller.submit(self._send, response)
