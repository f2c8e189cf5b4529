"""The operator's process: it stands for election, and has a term whenever it is the leader."""

from __future__ import annotations

import logging
import secrets
import socket
from dataclasses import dataclass
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING

from capacity_planner.errors import UnavailableError
from capacity_planner.service.checking import service_of
from capacity_planner.surfaces.kube.leases import Election
from capacity_planner.surfaces.kube.names import OPERATOR
from capacity_planner.surfaces.kube.term import Term

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from capacity_planner.pipeline.settings import Settings
    from capacity_planner.surfaces.kube.client import Cluster
    from capacity_planner.surfaces.kube.term import Beside

_LOG = logging.getLogger("capacity_planner.kube")
_LOOK, _AGAIN, _ASLEEP = 0.1, 5.0, 90.0
_GRACE = 60.0


@dataclass(frozen=True, slots=True)
class Where:
    """Where the operator works.

    Attributes:
        namespaces: of the resources; empty is everywhere.
        lease_namespace: of the Lease.
        lease_name: of the Lease; operators with the same one work in turn.
        lease_seconds: another replica takes over when the leader is not heard of for so long.
    """

    namespaces: tuple[str, ...] = ()
    lease_namespace: str = "default"
    lease_name: str = OPERATOR
    lease_seconds: int = 15


class Operator:
    """Works from its making until `stop`, whenever it leads.

    Args:
        cluster: the cluster.
        election_cluster: the same one; questions about the Lease must not wait for others.
        settings: of the service.
        where: where it works.
        origin: what the settings are said to come from.
        beside: what else is to run with the service, such as its API.
        ended: called when it ends, also by itself.

    Attributes:
        error: why it ended by itself; ``None`` where it was told to.

    Raises:
        PlannerError: ``CONFIG_INVALID`` or ``MODEL_NOT_SUPPORTED``: the settings.
    """

    def __init__(
        self,
        cluster: Cluster,
        election_cluster: Cluster,
        settings: Settings,
        where: Where,
        *,
        origin: str = "settings",
        beside: Beside | None = None,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        service_of(settings)
        self._cluster, self._settings, self._where = cluster, settings, where
        self._origin, self._beside, self._ended = origin, beside, ended
        self.holder = f"{socket.gethostname()}_{secrets.token_hex(4)}"
        self._election = Election(
            election_cluster, where.lease_namespace, where.lease_name, self.holder, duration=where.lease_seconds
        )
        self.error: BaseException | None = None
        self.term: Term | None = None
        self._stop, self._looked, self._retry_at, self._problem = Event(), monotonic(), 0.0, ""
        self._threads = [Thread(target=work, daemon=True) for work in (self._stand, self._run)]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the term, if there is one, and let another replica lead."""
        self._stop.set()
        for thread in self._threads:
            thread.join(_GRACE)

    @property
    def leads(self) -> bool:
        """Whether it has a term."""
        return self.term is not None

    def idle(self) -> str:
        """Why nothing is planned though this one leads, or why it cannot come to lead; empty where all is well."""
        term = self.term
        return term.idle() if term else self._problem or self._election.problem

    def ailing(self) -> str:
        """Why the process should be started anew; empty where it need not be."""
        term = self.term
        idle = term.idle_for() if term else monotonic() - self._looked
        return f"It has not come round for {idle:.0f} s." if idle > _ASLEEP else ""

    def _stand(self) -> None:
        """Take and renew the Lease."""
        pause = self._where.lease_seconds / 3
        while not self._stop.is_set():
            self._stop.wait(pause if self._election.attempt() else pause / 2)

    def _run(self) -> None:
        try:
            while not self._stop.wait(_LOOK):
                self._looked = monotonic()
                self._turn()
        except BaseException as error:  # noqa: BLE001 - whoever waits for the end is told of it
            self.error = error
        finally:
            self._close()
            self._election.release()
            self._ended()

    def _turn(self) -> None:
        if not self._election.leads:
            self._problem = ""
            self._close()
        elif self.term is None and monotonic() >= self._retry_at:
            self._open()

    def _open(self) -> None:
        _LOG.info("the term begins", extra={"holder": self.holder, "lease": self._where.lease_name})
        where = self._where
        try:
            self.term = Term(
                self._cluster, self._settings, origin=self._origin, namespaces=where.namespaces, beside=self._beside
            )
            self._problem = ""
        except UnavailableError as error:
            self._retry_at, self._problem = monotonic() + _AGAIN, error.message
            _LOG.warning("the term could not begin", extra={"reason": error.message})

    def _close(self) -> None:
        term, self.term = self.term, None
        if term is not None:
            _LOG.info("the term ends", extra={"holder": self.holder, "lease": self._where.lease_name})
            term.close()
