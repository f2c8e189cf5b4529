"""Other autoscalers of the same object: two that scale one thing undo each other's work."""

from __future__ import annotations

from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any

from capacity_planner.errors import WorldError
from capacity_planner.scaling._cluster import MISSING, ApiError, Resource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capacity_planner.scaling._cluster import Cluster

_HPA = Resource("autoscaling", "v1", "horizontalpodautoscalers")
_KEDA = Resource("keda.sh", "v1alpha1", "scaledobjects")
_FRESH = 60.0


class Rivals:
    """Looks for a HorizontalPodAutoscaler or a KEDA ScaledObject, at most once a minute for each object.

    Args:
        cluster: where to look.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster, self._lock = cluster, Lock()
        self._seen: dict[tuple[str, ...], tuple[float, str]] = {}

    def check(self, namespace: str, group: str, kind: str, name: str) -> None:
        """See that nothing else scales an object.

        Raises:
            WorldError: something does, for good; or it cannot be found out.
        """
        at = (namespace, group, kind, name)
        with self._lock:
            seen = self._seen.get(at)
        if seen is None or monotonic() - seen[0] > _FRESH:
            found = next(self._rivals(namespace, group, kind, name), "")
            seen = monotonic(), found
            with self._lock:
                self._seen[at] = seen
        if seen[1]:
            raise WorldError(
                f"{seen[1]} scales the {kind} {name} already, and two would fight. Remove it, or set the queue's mode "
                "to advisory; check_autoscalers = false scales in spite of it.",
                temporary=False,
            )

    def _rivals(self, namespace: str, group: str, kind: str, name: str) -> Iterator[str]:
        for item in self._scaled_objects(namespace):
            if _targets(item, group, kind, name, {"apiVersion": "apps/v1", "kind": "Deployment"}):
                yield f"KEDA's ScaledObject {item['metadata']['name']}"
        for item in self._cluster.objects(_HPA, namespace):
            if _targets(item, group, kind, name, {"apiVersion": f"{group}/"}):
                yield f"The HorizontalPodAutoscaler {item['metadata']['name']}"

    def _scaled_objects(self, namespace: str) -> list[dict[str, Any]]:
        """Asking for them where KEDA is not installed would need a permission in vain."""
        try:
            self._cluster.kinds(_KEDA.group, _KEDA.version)
        except ApiError as error:
            if error.status == MISSING:
                return []
            raise
        return self._cluster.objects(_KEDA, namespace)


def _targets(item: dict[str, Any], group: str, kind: str, name: str, unsaid: dict[str, str]) -> bool:
    """Whether an autoscaler's target is this object; the version of its API does not matter."""
    target = unsaid | item.get("spec", {}).get("scaleTargetRef", {})
    return (target["apiVersion"].partition("/")[0], target.get("kind"), target.get("name")) == (group, kind, name)
