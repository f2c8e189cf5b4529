"""One pass over all resources: what they ask for becomes the configuration, and what came of it their status."""

from __future__ import annotations

import logging
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Any

from capacity_planner.errors import ConflictError, PlannerError, UnavailableError
from capacity_planner.surfaces.kube.applying import Applying
from capacity_planner.surfaces.kube.client import NOT_FOUND, ApiError
from capacity_planner.surfaces.kube.deployments import Deployments
from capacity_planner.surfaces.kube.facts import Gathering
from capacity_planner.surfaces.kube.names import AUTOSCALER, EVENT, POLICY, POOL, SCALED_OBJECT
from capacity_planner.surfaces.kube.reporting import change_of, status_of
from capacity_planner.surfaces.kube.rivals import rivals_of
from capacity_planner.surfaces.kube.settling import Settling
from capacity_planner.surfaces.kube.sighting import Sighting
from capacity_planner.surfaces.kube.telling import Allowance, body_of, events_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from capacity_planner.domain.queues import QueueSettings, ServiceConfig
    from capacity_planner.service.service import Service
    from capacity_planner.surfaces.kube.client import Cluster
    from capacity_planner.surfaces.kube.deployments import Deployed
    from capacity_planner.surfaces.kube.objects import Object
    from capacity_planner.surfaces.kube.reading import Rules
    from capacity_planner.surfaces.kube.settling import Verdict
    from capacity_planner.surfaces.kube.telling import Event
    from capacity_planner.surfaces.kube.view import View

_LOG = logging.getLogger("capacity_planner.kube")
_TRIES = 4


class Keeper:
    """Brings the service's configuration and the resources' statuses to what they should be.

    A pass looks at everything there is, not at what changed: whatever was missed or failed is made good by the next
    one. The queues of the configuration are those of the settings file and those of the resources; no others.

    Args:
        service: what plans and scales.
        cluster: where the resources are.
        view: what is known of them.
        rules: what they may not say.
        fixed: queues of the settings file.
        namespaces: of the resources; empty is everywhere.

    Attributes:
        moved: when it came to the resource that it is at, by the monotonic clock.
    """

    def __init__(
        self,
        service: Service,
        cluster: Cluster,
        view: View,
        rules: Rules,
        fixed: Sequence[QueueSettings],
        namespaces: tuple[str, ...] = (),
    ) -> None:
        self._service, self._cluster, self._view = service, cluster, view
        self._fixed = tuple(fixed)
        self._settling = Settling(fixed, rules)
        self._deployments = Deployments(cluster, namespaces)
        self._gathering = Gathering(service)
        self._applying = Applying(service.desk)
        self._sighting = Sighting(cluster)
        self._allowance = Allowance()
        self._unkept: dict[str, dict[str, Any]] = {}
        self.moved = monotonic()

    def keep(self) -> None:
        """One pass.

        Raises:
            UnavailableError: the store does not answer.
            ApiError: the API server does not answer.
        """
        verdicts = self._configure()
        there = {verdict.found.uid for verdict in verdicts}
        self._allowance.keep(there)
        self._applying.keep(there)
        self._sighting.keep(verdicts)
        self._unkept = {uid: change for uid, change in self._unkept.items() if uid in there}
        deployed = self._deployments.keep(verdicts)
        self._gathering.refresh()
        for verdict in verdicts:
            self.moved = monotonic()
            told = self._applying.apply(verdict)
            if told is not None:
                self._tell(verdict.found, (told,))
            self._report(verdict, deployed.get(verdict.found.uid))

    def _configure(self) -> Sequence[Verdict]:
        """Put the resources' queues into the configuration, whoever else changes it meanwhile."""
        for _ in range(_TRIES):
            try:
                return self._configure_once()
            except ConflictError as error:
                _LOG.debug("somebody else has set the configuration", extra={"reason": error.message})
        return self._configure_once()

    def _configure_once(self) -> Sequence[Verdict]:
        current = self._service.desk.config()
        rivals = rivals_of(self._view.of(AUTOSCALER, SCALED_OBJECT))
        verdicts = self._settling.settle(self._view.of(POLICY, POOL), rivals, current.config)
        queues = (*self._fixed, *(verdict.queue for verdict in verdicts if verdict.queue is not None))
        wanted = replace(current.config, queues=queues)
        if wanted != current.config:
            self._put(wanted, current.config, current.version)
        return verdicts

    def _put(self, wanted: ServiceConfig, current: ServiceConfig, version: int) -> None:
        """Set the configuration; a queue that scales something else now leaves first, and its orders with it."""
        desk, by = self._service.desk, "kubernetes"
        moved = {queue.queue_name for queue in wanted.queues if _moved(queue, current)}
        if moved:
            kept = tuple(queue for queue in current.queues if queue.queue_name not in moved)
            version = desk.put_config(replace(current, queues=kept), expected=version, by=by).version
        desk.put_config(wanted, expected=version, by=by)
        names = {queue.queue_name for queue in wanted.queues}, {queue.queue_name for queue in current.queues}
        facts = {"queues": len(names[0]), "came": sorted(names[0] - names[1]), "left": sorted(names[1] - names[0])}
        _LOG.info("the configuration was set", extra=facts)

    def _report(self, verdict: Verdict, deployed: Deployed | None) -> None:
        found = verdict.found
        facts = self._gathering.facts(verdict.queue) if verdict.queue is not None else None
        seen, applied = self._sighting.of(verdict), self._applying.last(found)
        after = status_of(verdict, facts, deployed, self._gathering.now, seen=seen, applied=applied)
        change = change_of(found.status, after)
        if not change or change == self._unkept.get(found.uid):
            return
        try:
            patched = self._cluster.patch(found, {"status": change}, status=True)
        except ApiError as error:
            if not error.status:
                raise
            if error.status != NOT_FOUND:
                _LOG.warning("a status could not be written", extra={"of": found.shown, "reason": error.message})
            return
        self._view.learned(patched)
        # Older definitions of the resources drop what they do not know, each time.
        self._unkept[found.uid] = change_of(patched.status, after)
        self._tell(found, events_of(found.status, after))

    def _tell(self, found: Object, events: Iterable[Event]) -> None:
        for event in events:
            if not self._allowance.take(found.uid):
                continue
            try:
                self._cluster.create(EVENT, found.namespace, body_of(event, found, self._service.replica))
            except ApiError as error:
                _LOG.warning("an event could not be told", extra={"of": found.shown, "reason": error.message})


def keep_quietly(keeper: Keeper) -> bool:
    """One pass, or leave it to the next one; whether it came to its end."""
    try:
        keeper.keep()
    except (UnavailableError, ApiError, ConflictError, PlannerError) as error:
        _LOG.warning("a pass over the resources failed", extra={"reason": error.message})
        return False
    except Exception:  # noqa: BLE001 - nothing may end the passes but their stop
        _LOG.exception("a pass over the resources failed")
        return False
    return True


def _moved(queue: QueueSettings, current: ServiceConfig) -> bool:
    known = current.queue(queue.queue_name)
    return known is not None and known.scaler != queue.scaler
