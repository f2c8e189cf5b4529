"""Resources as they are read, without a cluster."""

from __future__ import annotations

from typing import Any

from capacity_planner.domain.queues import ServiceConfig
from capacity_planner.surfaces.kube.names import POLICY, POOL, Kind
from capacity_planner.surfaces.kube.objects import Object
from capacity_planner.surfaces.kube.reading import Rules, Wish, wish_of

SERVICE = ServiceConfig()
SPEC: dict[str, Any] = {"queueName": "emails", "targetRef": {"name": "workers"}, "slo": {"p95_latency": "8s"}}
POOL_SPEC: dict[str, Any] = {
    "queueName": "reports",
    "slo": {"p95_latency": "8s"},
    "template": {"spec": {"image": "worker:1"}},
}


def resource(kind: Kind = POLICY, name: str = "emails", made: int = 0, **content: Any) -> Object:
    """A resource that was made so many seconds after midnight."""
    own = {"name": name, "namespace": "jobs", "uid": f"uid-{name}", "generation": 1, "resourceVersion": "1"}
    when = {"creationTimestamp": f"2026-01-31T00:00:{made:02}Z"}
    return Object(kind, {"metadata": own | when, "spec": POOL_SPEC if kind == POOL else SPEC} | content)


def policy(**spec: Any) -> Wish:
    """What a policy asks for that says this, too."""
    return wish_of(resource(spec=SPEC | spec), SERVICE, Rules())


def pool(**spec: Any) -> Wish:
    """What a pool asks for that says this, too."""
    return wish_of(resource(POOL, "reports", spec=POOL_SPEC | spec), SERVICE, Rules())
