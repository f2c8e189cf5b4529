"""Other autoscalers of the same workers: two that scale one thing undo each other's work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capacity_planner.surfaces.kube.names import AUTOSCALER, DEPLOYMENT, SCALED_OBJECT
from capacity_planner.surfaces.kube.objects import Object, Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_WHAT = {AUTOSCALER: "The HorizontalPodAutoscaler", SCALED_OBJECT: "KEDA's ScaledObject"}


def rivals_of(autoscalers: Iterable[Object]) -> Mapping[Target, str]:
    """What other autoscalers scale → which one does, as a sentence begins.

    Args:
        autoscalers: HorizontalPodAutoscalers and ScaledObjects.
    """
    found = {}
    for item in sorted(autoscalers, key=lambda item: item.age_key, reverse=True):
        target = _target(item)
        if target is not None and not item.leaves:
            found[target] = f"{_WHAT[item.kind]} {item.name}"
    return found


def _target(item: Object) -> Target | None:
    ref = item.spec.get("scaleTargetRef") if isinstance(item.spec, dict) else None
    if not isinstance(ref, dict):
        return None
    group = str(ref.get("apiVersion") or DEPLOYMENT.api_version).partition("/")[0]
    return Target(group, str(ref.get("kind") or DEPLOYMENT.kind), item.namespace, str(ref.get("name", "")))
