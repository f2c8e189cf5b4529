"""The Deployments of pools: made, kept as the pool says, and never taken from anybody else."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from capacity_planner.surfaces.kube.client import CONFLICT, NOT_FOUND, ApiError
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
        ok: whether it is as the pool says; ``None`` where that cannot be told now.
        reason: in one word.
        message: in a sentence.
        replicas: pods that there are; ``None`` where that cannot be told.
        ready: pods that are ready; ``None`` as above.
    """

    ok: bool | None
    reason: str
    message: str
    replicas: int | None = None
    ready: int | None = None


class Deployments:
    """Keeps the Deployments of pools.

    Args:
        cluster: where.
        namespaces: of the pools; empty is everywhere.
    """

    def __init__(self, cluster: Cluster, namespaces: tuple[str, ...]) -> None:
        self._cluster, self._namespaces = cluster, namespaces
        self._made_of: dict[str, Any] = {}

    def keep(self, verdicts: Sequence[Verdict]) -> Mapping[str, Deployed]:
        """See to the Deployments of all pools; how they are doing, by the pool's uid."""
        pools = [verdict for verdict in verdicts if verdict.found.kind == POOL]
        self._made_of = {item.found.uid: self._made_of.get(item.found.uid) for item in pools}
        if not pools:
            return {}
        try:
            there = self._there()
        except ApiError as error:
            said = f"The Deployments cannot be listed: {error.message}"
            return {item.found.uid: _failed(error, said, None) for item in pools}
        return {item.found.uid: self._kept(item, there.get((item.found.namespace, item.found.name))) for item in pools}

    def _there(self) -> dict[tuple[str, str], Object]:
        listed = self._cluster.objects(DEPLOYMENT, self._namespaces, labels=POOL_LABEL)
        if listed is None:
            raise ApiError("The API server knows no Deployments.", NOT_FOUND)
        return {(item.namespace, item.name): item for item in listed}

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
            return _failed(error, f"The Deployment cannot be kept: {error.message}", there)
        if (trouble := _trouble(there)) is not None:
            said = f"The Deployment says: {trouble.get('message') or trouble['type']}"
            return _told(there, ok=False, reason=trouble.get("reason") or trouble["type"], message=said)
        return _told(there, ok=True, reason="Deployed", message=f"The Deployment {wanted['metadata']['name']} is kept.")

    def _made(self, wanted: dict[str, Any], pool: Object) -> Object:
        made = self._cluster.create(DEPLOYMENT, pool.namespace, wanted)
        _LOG.info("a deployment was made", extra={"pool": pool.shown})
        return made

    def _changed(self, wanted: dict[str, Any], there: Object, verdict: Verdict) -> Object:
        """Change what differs; the replicas only where nobody else scales the Deployment."""
        follows = verdict.rival_target is None or verdict.rival_target.kind != DEPLOYMENT.kind
        replicas = wanted["spec"]["replicas"] if follows else there.spec.get("replicas", 1)
        if self._differs(wanted, there, verdict.found.uid):
            made = self._cluster.replace(Object(DEPLOYMENT, _merged(there, wanted, replicas)))
            self._made_of[verdict.found.uid] = _pod(made.spec)
            return made
        if there.spec.get("replicas") != replicas:
            return self._cluster.patch(there, {"spec": {"replicas": replicas}})
        return there

    def _differs(self, wanted: dict[str, Any], there: Object, uid: str) -> bool:
        """Whether it was made of something else, or somebody has changed the pods since.

        The API server adds to what it is given, and may write it another way: ``1`` for ``1000m``. What it made of
        ours stands.
        """
        annotations, pod = there.metadata.get("annotations") or {}, _pod(there.spec)
        if annotations.get(MADE_OF) != wanted["metadata"]["annotations"][MADE_OF]:
            return True
        return not _holds(pod, _pod(wanted["spec"])) and pod != self._made_of[uid]


def _pod(spec: Any) -> Any:
    return spec.get("template", {}).get("spec", {})


def _holds(there: Any, wanted: Any) -> bool:
    """Whether all that is wanted is there, whatever else is."""
    if isinstance(wanted, dict):
        return isinstance(there, dict) and all(_holds(there.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(there, list) and len(there) == len(wanted) and all(map(_holds, there, wanted))
    return bool(there == wanted)


def _trouble(there: Object) -> Mapping[str, str] | None:
    """The condition by which a Deployment says that it does not get its pods; ``None`` where it says no such thing."""
    bad = {("ReplicaFailure", "True"), ("Progressing", "False")}
    conditions = there.status.get("conditions") or ()
    return next((item for item in conditions if (item["type"], item["status"]) in bad), None)


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


def _failed(error: ApiError, message: str, there: Object | None) -> Deployed:
    """What was refused; a change that came too late, or no answer, says nothing of the Deployment."""
    ok = None if error.temporary else False
    replicas, ready = _counts(there) if there else (None, None)
    return Deployed(ok, "Refused" if ok is False else "TriedAgain", message, replicas, ready)


def _told(there: Object | None, *, ok: bool, reason: str, message: str) -> Deployed:
    return Deployed(ok, reason, message, *_counts(there))


def _counts(there: Object | None) -> tuple[int, int]:
    status = there.status if there else {}
    return int(status.get("replicas") or 0), int(status.get("readyReplicas") or 0)
