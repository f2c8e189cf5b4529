"""Leader election: one of several replicas works, and another takes over when it is not heard of any more."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any

from capacity_planner.surfaces.kube.client import CONFLICT, ApiError
from capacity_planner.surfaces.kube.names import LEASE
from capacity_planner.surfaces.kube.objects import Object

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.surfaces.kube.client import Cluster

_LOG = logging.getLogger("capacity_planner.kube")


class Election:
    """Holds a Lease of coordination.k8s.io, or waits for it.

    Clocks of machines differ, so that no time in the Lease is compared with ours: a holder counts as gone when the
    Lease has not changed for its duration, by our own clock. Whoever cannot renew it for two thirds of its duration
    counts itself as no leader any more, before another one can become it.

    Args:
        cluster: where.
        namespace: of the Lease.
        name: of the Lease.
        holder: who this is; no other process has this name, now or earlier.
        duration: seconds after which another may take over.
        clock: seconds that only ever go forward.

    Attributes:
        problem: why the Lease could not be read or written last time; empty where it could.
    """

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        name: str,
        holder: str,
        *,
        duration: int,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._cluster, self._namespace, self._name = cluster, namespace, name
        self._holder, self._duration, self._clock = holder, duration, clock
        self._seen: tuple[Any, float] = (None, clock())
        self._renewed: float | None = None
        self.problem = ""

    @property
    def leads(self) -> bool:
        """Whether this one is the leader."""
        return self._renewed is not None and self._clock() - self._renewed < self._duration * 2 / 3

    def attempt(self) -> bool:
        """Renew the Lease, or take it where it is free; whether this one leads."""
        began = self._clock()
        try:
            taken = self._take()
            if taken is not None:
                self._renewed = began if taken else None
            self.problem = ""
        except ApiError as error:
            self.problem = f"The lease could not be renewed: {error.message}"
            _LOG.warning("the lease could not be renewed", extra={"lease": self._name, "reason": error.message})
        return self.leads

    def release(self) -> None:
        """Let another one lead at once."""
        if self._renewed is None:
            return
        self._renewed = None
        try:
            found = self._cluster.get(LEASE, self._namespace, self._name)
            if found is not None and found.spec.get("holderIdentity") == self._holder:
                self._cluster.replace(self._with(found, {"holderIdentity": "", "leaseDurationSeconds": 1}))
        except ApiError as error:
            _LOG.warning("the lease runs out by itself", extra={"lease": self._name, "reason": error.message})

    def _take(self) -> bool | None:
        """Whether it was taken; ``None`` where another change came first, which says nothing about who holds it."""
        found = self._cluster.get(LEASE, self._namespace, self._name)
        if found is None:
            return self._made()
        holder = str(found.spec.get("holderIdentity") or "")
        if holder != self._holder and not self._is_free(found, holder):
            return False
        now = _moment()
        spec = {"holderIdentity": self._holder, "leaseDurationSeconds": self._duration, "renewTime": now}
        if holder != self._holder:
            spec |= {"acquireTime": now, "leaseTransitions": int(found.spec.get("leaseTransitions") or 0) + 1}
        return self._won(lambda: self._cluster.replace(self._with(found, spec)))

    def _is_free(self, found: Object, holder: str) -> bool:
        if found.body.get("spec") != self._seen[0]:
            self._seen = found.body.get("spec"), self._clock()
        duration = int(found.spec.get("leaseDurationSeconds") or self._duration)
        return not holder or self._clock() - self._seen[1] >= duration

    def _made(self) -> bool | None:
        now = _moment()
        spec = {"holderIdentity": self._holder, "leaseDurationSeconds": self._duration}
        times = {"acquireTime": now, "renewTime": now, "leaseTransitions": 0}
        body = {"metadata": {"name": self._name, "namespace": self._namespace}, "spec": {**spec, **times}}
        return self._won(lambda: self._cluster.create(LEASE, self._namespace, body))

    @staticmethod
    def _won(change: Callable[[], object]) -> bool | None:
        try:
            change()
        except ApiError as error:
            if error.status == CONFLICT:
                return None
            raise
        return True

    @staticmethod
    def _with(found: Object, spec: dict[str, Any]) -> Object:
        return Object(LEASE, {**found.body, "spec": {**found.spec, **spec}})


def _moment() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
