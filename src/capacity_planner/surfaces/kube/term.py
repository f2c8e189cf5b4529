"""A term of leadership: the service, its loop, the watch and the passes, from the first to the last moment of it."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from threading import Event, Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING

from capacity_planner.errors import UnavailableError, WorldError
from capacity_planner.service.checking import service_of
from capacity_planner.service.service import Service
from capacity_planner.surfaces.kube.keeper import Keeper, keep_quietly
from capacity_planner.surfaces.kube.names import AUTOSCALER, POLICY, POOL, SCALED_OBJECT
from capacity_planner.surfaces.kube.reading import Rules
from capacity_planner.surfaces.kube.view import View
from capacity_planner.surfaces.kube.watching import Watching

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import TracebackType
    from typing import Self

    from capacity_planner.pipeline.settings import Settings
    from capacity_planner.surfaces.kube.client import Cluster
    from capacity_planner.surfaces.kube.names import Kind

    Beside = Callable[[Service], AbstractContextManager[object]]

_LOG = logging.getLogger("capacity_planner.kube")
_KINDS = (POLICY, POOL, AUTOSCALER, SCALED_OBJECT)
_PAUSE, _LEAST_PAUSE, _LIST_EVERY = 3.0, 0.3, 30.0
_GRACE = 15.0


class Term:
    """Plans and scales for the resources of a cluster from its making until `close`.

    Nothing is planned or scaled for a resource before all that is there was listed once, other autoscalers too.

    Args:
        cluster: where the resources are.
        settings: of the service; queues of the settings file are planned for as well.
        origin: what the settings are said to come from.
        namespaces: of the resources; empty is everywhere.
        beside: what else is to run with the service, such as its API.

    Attributes:
        service: what plans and scales.
        synced: whether all that is there was listed, so that it is planned for.

    Raises:
        PlannerError: ``CONFIG_INVALID`` or ``MODEL_NOT_SUPPORTED``: the settings.
        UnavailableError: the store does not answer.
    """

    def __init__(
        self,
        cluster: Cluster,
        settings: Settings,
        *,
        origin: str = "settings",
        namespaces: tuple[str, ...] = (),
        beside: Beside | None = None,
    ) -> None:
        self._cluster, self._namespaces = cluster, namespaces
        self._view, self._stop, self._stack = View(), Event(), ExitStack()
        self._turning = Lock()
        self._watching: Watching | None = None
        self._listed = self._began = monotonic()
        self.synced = False
        fixed = service_of(settings).queues
        with ExitStack() as making:
            self.service = making.enter_context(Service(settings, origin=origin, own_queues=False))
            if beside is not None:
                making.enter_context(beside(self.service))
            rules = Rules(cluster=cluster.options)
            self._keeper = Keeper(self.service, cluster, self._view, rules, fixed, namespaces)
            self._stack = making.pop_all()
        self._thread = Thread(target=self._run, name="capacity-planner-kube", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End what runs, first what scales, and close the store."""
        with self._turning:
            self._stop.set()
        self._view.news.set()
        self.service.loop.stop()
        self._thread.join(_GRACE)
        if self._watching is not None:
            self._watching.stop()
        self._stack.close()

    def idle(self) -> str:
        """Why nothing is planned; empty where all is well."""
        if not self.synced:
            return "The resources could not be listed yet; the log says why."
        try:
            return " ".join(self.service.desk.ready())
        except UnavailableError as error:
            return error.message

    def idle_for(self) -> float:
        """Seconds since a pass over the resources or the queues was begun, or went on, whatever came of it."""
        kept = monotonic() - max(self._began, self._keeper.moved)
        return max(kept, self.service.loop.stuck_for() if self.synced else 0.0)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._began = monotonic()
            if not self.synced or self._began - self._listed > _LIST_EVERY:
                self._list()
            if self.synced:
                keep_quietly(self._keeper)
            self._view.news.wait(_PAUSE)
            self._stop.wait(_LEAST_PAUSE)
            self._view.news.clear()

    def _list(self) -> None:
        """List everything, which puts right what the watch has missed, and watch what is there."""
        self._listed = monotonic()
        try:
            there = frozenset(kind for kind in _KINDS if self._take_list(kind))
        except WorldError as error:
            _LOG.warning("the resources could not be listed", extra={"reason": error.message})
            return
        self._watch(there)
        if not self.synced and keep_quietly(self._keeper):
            self.synced = True
            with self._turning:  # a loop that is about to start cannot be stopped
                if not self._stop.is_set():
                    self.service.loop.start()

    def _take_list(self, kind: Kind) -> bool:
        before = self._view.ids(kind)
        found = self._cluster.objects(kind, self._namespaces)
        self._view.listed(kind, found or (), before)
        return found is not None

    def _watch(self, there: frozenset[Kind]) -> None:
        if self._stop.is_set() or (self._watching is not None and self._watching.kinds == there):
            return
        if self._watching is not None:
            self._watching.stop()
        absent = sorted(kind.plural for kind in {POLICY, POOL} - there)
        if absent:
            _LOG.warning("there are no such resources; install their definitions", extra={"resources": absent})
        self._watching = Watching(self._cluster, self._view, there, self._namespaces) if there else None
