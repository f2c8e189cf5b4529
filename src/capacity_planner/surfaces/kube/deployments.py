"""The Deployments of pools: made, kept as the pool says, and never taken from anybody else."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from capacity_planner.surfaces.kube.client import CONFLICT, ApiError
from capacity_planner.surfaces.kube.manifests import deployment_of
from capacity_planner.surfaces.kube.names import DEPLOYMENT, MADE_OF, POOL, POOL_LABEL
from capacity_planner.surfaces.kube.objects import Object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from capacity_planner.surfaces.kube.client import Cluster
    from capacity_planner.surfaces.kube.settling import Verdict

_LOG = logging.getLogger("capacity_planner.kube")


@dataclass(frozen=True, slots=True)
class Deployed:
    """How a pool's Deployment is doing.

    Attributes:
        ok: whether it is as the pool says.
        reason: in one word.
        message: in a sentence.
        replicas: pods that there are.
        ready: pods that are ready.
    """

    ok: bool
    reason: str
    message: str
    replicas: int = 0
    ready: int = 0


class Deployments:
    """Keeps the Deployments of pools.

    Args:
        cluster: where.
        namespaces: of the pools; empty is everywhere.
    """

    def __init__(self, cluster: Cluster, namespaces: tuple[str, ...]) -> None:
        self._cluster, self._namespaces = cluster, namespaces

    def keep(self, verdicts: Sequence[Verdict]) -> Mapping[str, Deployed]:
        """See to the Deployments of all pools; how they are doing, by the pool's uid.

        Raises:
            ApiError: the API server does not answer.
        """
        pools = [verdict for verdict in verdicts if verdict.found.kind == POOL]
        if not pools:
            return {}
        listed = self._cluster.objects(DEPLOYMENT, self._namespaces, labels=POOL_LABEL) or []
        there = {(item.namespace, item.name): item for item in listed}
        return {item.found.uid: self._kept(item, there.get((item.found.namespace, item.found.name))) for item in pools}

    def _kept(self, verdict: Verdict, there: Object | None) -> Deployed:
        if not verdict.accepted or verdict.wish is None or verdict.wish.pool is None:
            return _told(there, ok=False, reason="NotAccepted", message="The Deployment is left as it is.")
        if there is not None and not _is_ours(there, verdict.found):
            return _told(there, ok=False, reason="NameTaken", message=_taken(verdict.found))
        wanted = deployment_of(verdict.found, verdict.wish, verdict.wish.pool)
        try:
            there = self._made(wanted, verdict.found) if there is None else self._changed(wanted, there, verdict)
        except ApiError as error:
            if error.status == CONFLICT and there is None:
                return _told(None, ok=False, reason="NameTaken", message=_taken(verdict.found))
            return _told(there, ok=False, reason="Refused", message=f"The Deployment cannot be kept: {error.message}")
        return _told(there, ok=True, reason="Deployed", message=f"The Deployment {wanted['metadata']['name']} is kept.")

    def _made(self, wanted: dict[str, Any], pool: Object) -> Object:
        made = self._cluster.create(DEPLOYMENT, pool.namespace, wanted)
        _LOG.info("a deployment was made", extra={"pool": pool.shown})
        return made

    def _changed(self, wanted: dict[str, Any], there: Object, verdict: Verdict) -> Object:
        """Change what differs; the replicas only where nobody else scales the Deployment."""
        follows = verdict.rival_target is None or verdict.rival_target.kind != DEPLOYMENT.kind
        replicas = wanted["spec"]["replicas"] if follows else there.spec.get("replicas", 1)
        annotations = there.metadata.get("annotations") or {}
        if annotations.get(MADE_OF) != wanted["metadata"]["annotations"][MADE_OF]:
            return self._cluster.replace(Object(DEPLOYMENT, _merged(there, wanted, replicas)))
        if there.spec.get("replicas") != replicas:
            return self._cluster.patch(there, {"spec": {"replicas": replicas}})
        return there


def _merged(there: Object, wanted: dict[str, Any], replicas: int) -> dict[str, Any]:
    """The Deployment with a new spec, and with what others wrote on it."""
    metadata = dict(there.metadata)
    for name in ("labels", "annotations"):
        metadata[name] = {**(metadata.get(name) or {}), **wanted["metadata"][name]}
    spec = {**wanted["spec"], "replicas": replicas}
    return {"apiVersion": DEPLOYMENT.api_version, "kind": DEPLOYMENT.kind, "metadata": metadata, "spec": spec}


def _is_ours(there: Object, pool: Object) -> bool:
    return any(owner.get("uid") == pool.uid for owner in there.metadata.get("ownerReferences") or ())


def _taken(pool: Object) -> str:
    return f"There is a Deployment {pool.namespace}/{pool.name} already that is not this pool's. Rename one of them."


def _told(there: Object | None, *, ok: bool, reason: str, message: str) -> Deployed:
    status = there.status if there else {}
    replicas, ready = int(status.get("replicas") or 0), int(status.get("readyReplicas") or 0)
    return Deployed(ok, reason, message, replicas, ready)
