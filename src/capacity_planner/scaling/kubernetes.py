"""The scaler that orders replicas of whatever in a Kubernetes cluster has a ``scale`` subresource."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, replace
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any

from capacity_planner.errors import WorldError
from capacity_planner.registry import scalers
from capacity_planner.scaling._bounds import MOST, Bounds
from capacity_planner.scaling._cluster import MISSING, ApiError, Cluster, Resource
from capacity_planner.scaling._options import flag, need, refuse, seconds, text
from capacity_planner.scaling._rivals import Rivals

if TYPE_CHECKING:
    from capacity_planner.domain.scaling import Order

_LOG = logging.getLogger("capacity_planner.scaling")
_KNOWN = {
    ("apps", "Deployment"): "deployments",
    ("apps", "ReplicaSet"): "replicasets",
    ("apps", "StatefulSet"): "statefulsets",
}
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_PLACE = "{queue}"
_LONG = 600.0  # as Kubernetes' own progressDeadlineSeconds


@dataclass(frozen=True, slots=True)
class _Missing:
    """Replicas that are ordered and do not exist: how many do, since when no more came, and whether that was told."""

    exist: int
    since: float
    told: bool


@scalers.register("kubernetes")
class Kubernetes:
    """Orders replicas of a Deployment, a StatefulSet, or any other object that can be scaled. Needs the extra ``k8s``.

    It refuses to where a HorizontalPodAutoscaler or KEDA scales the same object. What is ordered counts as what runs;
    pods that are not there yet are on their way.

    Args:
        name: the object's; ``{queue}`` is the queue's name.
        namespace: the object's; empty is the pod's own, or that of the kubeconfig's context.
        kind: what the object is, such as ``StatefulSet``.
        api_version: of that kind, such as ``apps/v1``.
        plural: of that kind, as addresses have it; empty asks the API server, where it does not go without saying.
        kubeconfig: a file; empty is the account of the pod, or else the user's file.
        context: of the file; empty is the current one.
        timeout: how long a question to the API server may take.
        check_autoscalers: whether to look for other autoscalers of the object.
        least: fewest replicas, whatever is ordered.
        most: most replicas, whatever is ordered.
    """

    name: str

    def __init__(
        self,
        *,
        name: str,
        namespace: str = "",
        kind: str = "Deployment",
        api_version: str = "apps/v1",
        plural: str = "",
        kubeconfig: str = "",
        context: str = "",
        timeout: str = "10s",
        check_autoscalers: bool = True,
        least: int = 0,
        most: int = MOST,
    ) -> None:
        self._object, self._kind = text("name", name), text("kind", kind)
        if not _NAME.fullmatch(self._object.replace(_PLACE, "x")):
            raise refuse("name", name, "is no name of an object. Use small letters, digits, - and ., or {queue}.")
        self._namespace = text("namespace", namespace)
        self._group, self._version = _group("api_version", text("api_version", api_version))
        self._plural = text("plural", plural) or _KNOWN.get((self._group, self._kind), "")
        need("kubernetes", "kubernetes", "k8s")
        limit = seconds("timeout", timeout, least=0.001, most=300.0)
        self._cluster = Cluster(text("kubeconfig", kubeconfig), text("context", context), limit)
        self._rivals = Rivals(self._cluster) if flag("check_autoscalers", check_autoscalers) else None
        self._bounds, self._lock = Bounds.of(least, most), Lock()
        self._missing: dict[str, _Missing] = {}

    def current(self, queue_name: str) -> int:
        """The replicas that are ordered."""
        name, namespace = self._place(queue_name)
        try:
            return self._read(queue_name, self._cluster.scale(self._resource(), namespace, name))
        except ApiError as error:
            raise self._explained(error, namespace, name) from error

    def scale(self, order: Order) -> int | None:
        """Order replicas."""
        name, namespace = self._place(order.queue_name)
        try:
            if self._rivals:
                self._rivals.check(namespace, self._group, self._kind, name)
            found = self._cluster.patch_scale(self._resource(), namespace, name, self._bounds.kept(order.to_workers))
        except ApiError as error:
            raise self._explained(error, namespace, name) from error
        return self._bounds.told(order, self._read(order.queue_name, found))

    def _place(self, queue_name: str) -> tuple[str, str]:
        """Name and namespace of a queue's object."""
        name = self._object.replace(_PLACE, queue_name)
        if not _NAME.fullmatch(name):
            problem = f"{name!r} is no name of an object in Kubernetes. Set the scaler's option name."
            raise WorldError(problem, temporary=False)
        return name, self._namespace or self._cluster.namespace()

    def _resource(self) -> Resource:
        with self._lock:
            if not self._plural:
                self._plural = self._discovered()
            return Resource(self._group, self._version, self._plural)

    def _discovered(self) -> str:
        kinds = self._cluster.kinds(self._group, self._version)
        for plural, kind in kinds.items():
            if kind == self._kind and "/" not in plural:
                if f"{plural}/scale" in kinds:
                    return plural
                problem = "has no subresource scale. Its CustomResourceDefinition must declare one"
                raise WorldError(f"The kind {self._kind} {problem}.", temporary=False)
        raise WorldError(f"{self._group}/{self._version} has no kind {self._kind}.", temporary=False)

    def _explained(self, error: ApiError, namespace: str, name: str) -> ApiError:
        if error.status != MISSING:
            return error
        what = f"There is no {self._kind} {name} in the namespace {namespace}, or it has no subresource scale."
        return ApiError(f"{what} {error.message}", MISSING)

    def _read(self, queue_name: str, scale: dict[str, Any]) -> int:
        """The replicas that a scale subresource says are ordered, where none are left out.

        Those that exist would be no number to plan from: a plan that begins with them and goes up by steps would take
        the others back.
        """
        ordered = int(scale.get("spec", {}).get("replicas", 0))
        exist = int(scale.get("status", {}).get("replicas", 0))
        if exist != ordered:
            _LOG.info("not all replicas are there", extra={"queue": queue_name, "ordered": ordered, "exist": exist})
        self._watch(queue_name, ordered, exist)
        return ordered

    def _watch(self, queue_name: str, ordered: int, exist: int) -> None:
        """Warn once where some are missing, and no more have come for long."""
        now = monotonic()
        with self._lock:
            before = self._missing.pop(queue_name, None)
            if exist >= ordered:
                return
            if before is None or exist > before.exist:
                before = _Missing(exist, now, told=False)
            late = not before.told and now - before.since >= _LONG
            self._missing[queue_name] = replace(before, exist=exist, told=before.told or late)
        if late:
            facts = {"queue": queue_name, "ordered": ordered, "exist": exist}
            _LOG.warning("replicas that were ordered do not come into being", extra=facts)


def _group(option: str, api_version: str) -> tuple[str, str]:
    group, slash, version = api_version.partition("/")
    if not slash or not group or not version or "/" in version:
        raise refuse(option, api_version, "is no group and version, such as apps/v1.")
    return group, version
