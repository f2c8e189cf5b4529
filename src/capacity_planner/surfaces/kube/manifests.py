"""A pool → the Deployment that runs its workers."""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING, Any

from capacity_planner.surfaces.kube.names import MADE_OF, OPERATOR, POOL, POOL_LABEL

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from capacity_planner.surfaces.kube.objects import Object
    from capacity_planner.surfaces.kube.pools import UpdateStrategy, WorkerPodSpec, WorkerPoolSpec
    from capacity_planner.surfaces.kube.reading import Wish

_OF_CONTAINER = ("imagePullPolicy", "command", "args", "envFrom", "resources", "volumeMounts")
_OF_POD = (
    "serviceAccountName",
    "imagePullSecrets",
    "securityContext",
    "nodeSelector",
    "tolerations",
    "affinity",
    "volumes",
)


def deployment_of(found: Object, wish: Wish, spec: WorkerPoolSpec) -> dict[str, Any]:
    """The Deployment of a pool.

    Args:
        found: the pool, which owns it: whoever deletes the pool deletes it.
        wish: what the pool asks for.
        spec: the pool's spec.
    """
    labels = {POOL_LABEL: found.name, "app.kubernetes.io/managed-by": OPERATOR}
    template = _template(wish, spec, {POOL_LABEL: found.name})
    wanted: dict[str, Any] = {"selector": {"matchLabels": {POOL_LABEL: found.name}}, "template": template}
    if spec.updateStrategy:
        wanted["strategy"] = _strategy(spec.updateStrategy)
    owner = {"apiVersion": POOL.api_version, "kind": POOL.kind, "name": found.name, "uid": found.uid}
    return {
        "metadata": {
            "name": found.name,
            "namespace": found.namespace,
            "labels": labels,
            "annotations": {MADE_OF: _digest(wanted)},
            "ownerReferences": [{**owner, "controller": True}],
        },
        "spec": {"replicas": wish.replicas, **wanted},
    }


def _template(wish: Wish, spec: WorkerPoolSpec, labels: dict[str, str]) -> dict[str, Any]:
    said, worker = spec.template.metadata, spec.template.spec
    container = {
        "name": "worker",
        "image": worker.image,
        "env": _variables(wish, spec),
        **_given(worker, _OF_CONTAINER),
    }
    if worker.containerSecurityContext:
        container["securityContext"] = worker.containerSecurityContext
    pod: dict[str, Any] = {"containers": [container], **_given(worker, _OF_POD)}
    if (grace := _grace(spec)) is not None:
        pod["terminationGracePeriodSeconds"] = grace
    metadata: dict[str, Any] = {"labels": {**((said and said.labels) or {}), **labels}}
    if said and said.annotations:
        metadata["annotations"] = said.annotations
    return {"metadata": metadata, "spec": pod}


def _given(worker: WorkerPodSpec, names: Iterable[str]) -> dict[str, Any]:
    values = {name: getattr(worker, name) for name in names}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items() if value}


def _variables(wish: Wish, spec: WorkerPoolSpec) -> list[Any]:
    """What go-redis-work-queue's workers read, and then the pool's own, which may say otherwise."""
    worker, own = spec.template.spec, list(spec.template.spec.env or ())
    told = {
        "WORKER_QUEUE": wish.queue.queue_name,
        "WORKER_CONCURRENCY": wish.queue.planner.get("worker_concurrency"),
        "WORKER_MAX_IN_FLIGHT": worker.maxInFlight,
        "WORKER_PRIORITIES": ",".join(spec.queueSelector.priorities) if spec.queueSelector else "",
    }
    named = {item.get("name") for item in own if isinstance(item, dict)}
    ours = [{"name": name, "value": str(value)} for name, value in told.items() if value and name not in named]
    return ours + own


def _grace(spec: WorkerPoolSpec) -> int | None:
    policy = spec.drainPolicy
    given: list[timedelta] = [time for time in (policy.gracePeriod, policy.timeoutPeriod) if time] if policy else []
    return math.ceil(max(given).total_seconds()) if given else None


def _strategy(strategy: UpdateStrategy) -> dict[str, Any]:
    rolling = strategy.rollingUpdate
    amounts = {"maxUnavailable": rolling.maxUnavailable, "maxSurge": rolling.maxSurge} if rolling else {}
    given = {name: amount for name, amount in amounts.items() if amount is not None}
    return {"type": strategy.type, **({"rollingUpdate": given} if given else {})}


def _digest(wanted: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:32]
