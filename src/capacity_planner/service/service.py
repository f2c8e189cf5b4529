"""The service put together: one store, one desk, one loop, and what they share."""

from __future__ import annotations

import hashlib
import logging
import secrets
import socket
from dataclasses import replace
from os import getpid
from typing import TYPE_CHECKING

from capacity_planner import codec
from capacity_planner.errors import PlannerError
from capacity_planner.service.checking import checked_service, service_of
from capacity_planner.service.desk import Desk
from capacity_planner.service.heavy import Heavy
from capacity_planner.service.loop import Loop
from capacity_planner.service.telemetry import Telemetry
from capacity_planner.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self

    from capacity_planner.domain.queues import QueueSettings, ServiceConfig
    from capacity_planner.pipeline.settings import Settings

_LOG = logging.getLogger("capacity_planner.service")
_GRACE = 5.0


class Service:
    """All that answers and plans in one process; closing it ends the loop first and the store last.

    The settings file is the configuration until somebody sets another one through the API; from then on that one is in
    effect, until the file changes. A process that is started without any settings of that kind leaves it alone.

    Where somebody else sets the queues, a changed file leaves them as they are, and one that says nothing any more is a
    changed file, too, but only where it is the one that was read last.

    Args:
        settings: of the server and, for a first start or a changed file, of the planner and the queues.
        origin: what the configuration is said to be set by, such as the file's name.
        own_queues: whether the queues are the settings'; else whoever starts it sets them.

    Raises:
        PlannerError: ``CONFIG_INVALID`` or ``MODEL_NOT_SUPPORTED``.
        UnavailableError: the store does not answer.
    """

    def __init__(self, settings: Settings, *, origin: str = "settings", own_queues: bool = True) -> None:
        config, server = service_of(settings), settings.server
        self.server = server
        self.replica = f"{socket.gethostname()}-{getpid()}-{secrets.token_hex(3)}"
        self.store = Store.open(server.store)
        self.telemetry = Telemetry(max_queues=server.max_queues)
        self.heavy = Heavy(server, telemetry=self.telemetry)
        self.desk = Desk(self.store, self.telemetry, self.heavy, most_queues=server.max_queues)
        self.loop = Loop(self.desk, self.store, self.telemetry, server, self.replica)
        try:
            self._set(settings, config, origin, own_queues=own_queues)
        except BaseException:
            self.close()
            raise

    def _set(self, settings: Settings, config: ServiceConfig, origin: str, *, own_queues: bool) -> None:
        digest, last = hashlib.sha256(codec.dumps(config).encode()).hexdigest(), self.store.config_file()
        fell_silent = not own_queues and bool(last.digest) and last.origin == origin
        if digest == last.digest or not (_says_something(settings) or fell_silent):
            return
        if not own_queues:
            config = _with_those_that_fit(config, self.desk.config().config.queues)
        self.desk.put_config(config, expected=None, by=origin, digest=digest)
        _LOG.info("the configuration was set", extra={"by": origin, "queues": len(config.queues)})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End what runs, hand back the leases, and close the store."""
        self.loop.stop()
        self.heavy.close(_GRACE)
        self.store.close()


def _says_something(settings: Settings) -> bool:
    """Whether anything but the server's own settings was set."""
    own = (origin for key, origin in settings.origins.items() if not key.startswith("server."))
    return bool(settings.queues) or any(origin != "default" for origin in own)


def _with_those_that_fit(config: ServiceConfig, queues: Iterable[QueueSettings]) -> ServiceConfig:
    """The configuration with other queues, but those whose own settings do not go with it any more."""
    kept = []
    for queue in queues:
        try:
            checked_service(replace(config, queues=(queue,)))
        except PlannerError as error:
            _LOG.warning("a queue leaves", extra={"queue": queue.queue_name, "reason": error.message})
        else:
            kept.append(queue)
    return replace(config, queues=tuple(kept))
