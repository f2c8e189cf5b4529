"""One request on its way through an operation: who asks, with what, and what is answered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.requests import ClientDisconnect
from starlette.responses import Response

from capacity_planner import codec
from capacity_planner.errors import TooLargeError
from capacity_planner.service.access import ANYBODY, Role
from capacity_planner.surfaces.http._arguments import read_segment
from capacity_planner.units import from_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sized
    from concurrent.futures import Future
    from datetime import timedelta
    from threading import Event

    from starlette.requests import Request

    from capacity_planner.domain.server import ServerSettings
    from capacity_planner.service.access import Access
    from capacity_planner.service.desk import Desk
    from capacity_planner.service.heavy import Heavy
    from capacity_planner.service.telemetry import Telemetry
    from capacity_planner.surfaces.http._body import Room
    from capacity_planner.surfaces.http._pool import Pool, Pools
    from capacity_planner.surfaces.http._ready import Readiness

T = TypeVar("T")

_NOTICED = 0.1


@dataclass(frozen=True, slots=True)
class Services:
    """What operations ask.

    Attributes:
        desk: for all that takes no processor for long.
        heavy: for simulations.
        access: who may.
        telemetry: what is counted.
        settings: the limits.
        pools: threads for the desk.
        bodies: room for the bodies of requests.
        readiness: whether the service can answer.
        closing: set once the process is about to end.
    """

    desk: Desk
    heavy: Heavy
    access: Access
    telemetry: Telemetry
    settings: ServerSettings
    pools: Pools
    bodies: Room
    readiness: Readiness
    closing: Event


class Call:
    """One request.

    Args:
        request: as it came.
        services: what to ask.
        pool: the threads that the call's work runs in.

    Attributes:
        caller: the name of whoever asks.
        role: what he may.
        arguments: the parameters of the query.
        body: the body's bytes.
    """

    def __init__(self, request: Request, services: Services, pool: Pool) -> None:
        self.request, self.services = request, services
        self.desk, self.heavy, self.settings = services.desk, services.heavy, services.settings
        self.caller, self.role, self.body = ANYBODY, Role.READ, b""
        self.arguments: dict[str, Any] = {}
        self.pool, self._began = pool, 0.0

    @property
    def durations(self) -> codec.Durations:
        """How durations are written."""
        return "ns" if self.arguments.get("durations") == "ns" else "text"

    @property
    def timeout(self) -> timedelta:
        """What is left of the time that the caller gives, or the service."""
        given: timedelta | None = self.arguments.get("timeout")
        limit = self.settings.max_time if given is None else min(given, self.settings.max_time)
        waited = (monotonic() - self._began) // _NOTICED * _NOTICED if self._began else 0.0
        return from_seconds(max(limit.total_seconds() - waited, 0.0)) if waited else limit

    def segment(self, name: str) -> str:
        """A part of the path.

        Raises:
            PlannerError: ``CONFIG_INVALID``: it is no printable text.
        """
        return read_segment(name, self.request.path_params[name])

    def read(self, cls: type[T]) -> T:
        """The body.

        Raises:
            PlannerError: as `codec.decode`.
            TooLargeError: its history is longer than is taken on.
        """
        value = codec.parse(self.body)
        if isinstance(value, dict) and isinstance(value.get("history"), list):
            self.check_length("history", value["history"])
        return codec.validate(cls, value)

    def check_length(self, name: str, samples: Sized) -> None:
        """Refuse more samples than are taken on.

        Raises:
            TooLargeError: there are more.
        """
        most = self.settings.max_history
        if len(samples) > most:
            raise TooLargeError(f"{name} has {len(samples):,} samples, and at most {most:,} are taken on at a time.")

    def answer(self, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        """A domain object as the answer."""
        content = codec.dumps(value, durations=self.durations).encode()
        return Response(content, status, {"Cache-Control": "no-store", **(headers or {})}, "application/json")

    async def work(
        self,
        function: Callable[[], T],
        *,
        pool: Pool | None = None,
        unwanted: Callable[[T], object] | None = None,
    ) -> T:
        """Have a function run in a thread, and do not wait for it when nobody waits for the answer.

        Args:
            function: what to do.
            pool: other threads than the call's.
            unwanted: what becomes of its outcome when nobody waits for it any more.

        Raises:
            UnavailableError: too many calls wait already.
            ClientDisconnect: whoever asked has gone.
        """
        self._began = self._began or monotonic()  # the time that its body took to come is not the call's
        future = (pool or self.pool).submit(function)
        try:
            return await self.unless_gone(asyncio.wrap_future(future))
        except (ClientDisconnect, asyncio.CancelledError):
            if unwanted is not None:
                future.add_done_callback(partial(_hand_over, unwanted))
            raise

    async def unless_gone(self, coming: asyncio.Future[T]) -> T:
        """What comes, unless whoever asked goes before.

        Raises:
            ClientDisconnect: whoever asked has gone.
        """
        gone = asyncio.ensure_future(self._gone())
        try:
            both: set[asyncio.Future[Any]] = {coming, gone}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                raise ClientDisconnect
            return coming.result()
        finally:
            gone.cancel()
            coming.cancel()

    async def _gone(self) -> None:
        while (await self.request.receive())["type"] != "http.disconnect":
            pass


def _hand_over(receiver: Callable[[T], object], done: Future[T]) -> None:
    if not done.cancelled() and done.exception() is None:
        receiver(done.result())
