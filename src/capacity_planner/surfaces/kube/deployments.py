"""The Deployments of pools: made, kept as the pool says, and never taken from anybody else."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from capacity_planner.surfaces.kube.client import CONFLICT, NOT_FOUND, ApiError
from capacity_planner.surfaces.kube.manifests import deployment_of
from capacity_planner.surfaces.kube.names import DEPLOYMENT, MADE_OF, POOL, POOL_LABEL
from capacity_planner.surfaces.kube.objects import Object

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from capacity_planner.surfaces.kube.client import Cluster
    from capacity_planner.surfaces.kube.reading import Wish
    from capacity_planner.surfaces.kube.settling import Verdict

_LOG = logging.getLogger("capacity_planner.kube")
_T = TypeVar("_T")
_OFTEN, _WITHIN = 3, 600.0
_FOUGHT = (
    f"Somebody else changed the pods {_OFTEN} times within {_WITHIN / 60:.0f} minutes, so that they are left alone. "
    "Have the other one leave the Deployment, or say in the pool's template what it wants."
)


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
        clock: seconds that only ever go forward.
    """

    def __init__(self, cluster: Cluster, namespaces: tuple[str, ...], clock: Callable[[], float] = monotonic) -> None:
        self._cluster, self._namespaces, self._clock = cluster, namespaces, clock
        self._made_of: dict[str, Any] = {}
        self._put_right: dict[str, list[float]] = {}
        self._silent: ApiError | None = None

    def keep(self, verdicts: Sequence[Verdict]) -> Mapping[str, Deployed]:
        """See to the Deployments of all pools; how they are doing, by the pool's uid."""
        pools = [verdict for verdict in verdicts if verdict.found.kind == POOL]
        uids = [item.found.uid for item in pools]
        self._made_of = {uid: self._made_of.get(uid) for uid in uids}
        self._put_right = {uid: self._put_right.get(uid, []) for uid in uids}
        if not pools:
            return {}
        self._silent = None
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
        fought = there is not None and self._is_changed(wanted, there, verdict.found.uid) and self._is_fought(verdict)
        try:
            if there is None:
                there = self._made(wanted, verdict.found)
            else:
                there = self._changed(wanted, there, verdict, pods=not fought)
            self._limit(verdict, verdict.wish)
        except ApiError as error:
            if error.status == CONFLICT and there is None:
                return _told(None, ok=False, reason="NameTaken", message=_taken(verdict.found))
            return _failed(error, f"The Deployment cannot be kept: {error.message}", there)
        return _told(there, ok=False, reason="ChangedByOthers", message=_FOUGHT) if fought else _going(there)

    def _made(self, wanted: dict[str, Any], pool: Object) -> Object:
        made = self._written(lambda: self._cluster.create(DEPLOYMENT, pool.namespace, wanted))
        self._made_of[pool.uid] = _pod(made.spec)
        _LOG.info("a deployment was made", extra={"pool": pool.shown})
        return made

    def _changed(self, wanted: dict[str, Any], there: Object, verdict: Verdict, *, pods: bool) -> Object:
        """Change what differs; the replicas only where nobody else scales the Deployment."""
        uid = verdict.found.uid
        follows = verdict.rival_target is None or verdict.rival_target.kind != DEPLOYMENT.kind
        replicas = wanted["spec"]["replicas"] if follows else there.spec.get("replicas", 1)
        changed = self._is_changed(wanted, there, uid)
        if pods and (changed or not _is_made_of(there, wanted)):
            whole = Object(DEPLOYMENT, _merged(there, wanted, replicas))
            made = self._written(lambda: self._cluster.replace(whole))
            self._made_of[uid] = _pod(made.spec)
            if changed and made.generation != there.generation:
                self._put_right[uid].append(self._clock())
                _LOG.warning("somebody changed the pods, which were put right", extra={"pool": verdict.found.shown})
            return made
        if there.spec.get("replicas") != replicas:
            return self._written(lambda: self._cluster.patch(there, {"spec": {"replicas": replicas}}))
        return there

    def _is_changed(self, wanted: dict[str, Any], there: Object, uid: str) -> bool:
        """Whether somebody has changed the pods of what was made of the same.

        The API server adds to what it is given, and may write it another way: ``1`` for ``1000m``. What it made of
        ours stands.
        """
        pod = _pod(there.spec)
        return _is_made_of(there, wanted) and not _holds(pod, _pod(wanted["spec"])) and pod != self._made_of[uid]

    def _is_fought(self, verdict: Verdict) -> bool:
        """Whether the pods were put right so often that they had better be left alone."""
        now, uid = self._clock(), verdict.found.uid
        self._put_right[uid] = [at for at in self._put_right[uid] if now - at < _WITHIN]
        return len(self._put_right[uid]) >= _OFTEN

    def _limit(self, verdict: Verdict, wish: Wish) -> None:
        """Have the pool say how many run where its limits allow no other number; what is planned begins with that."""
        if verdict.rival or wish.pool is None or wish.replicas == wish.pool.replicas:
            return
        try:
            self._written(lambda: self._cluster.scale(verdict.found, wish.replicas))
        except ApiError as error:
            if error.status != CONFLICT:
                raise

    def _written(self, change: Callable[[], _T]) -> _T:
        """What a change makes; where one had no answer, the others of the pass would wait as long."""
        if self._silent is not None:
            raise self._silent
        try:
            return change()
        except ApiError as error:
            if not error.status:
                self._silent = error
            raise


def _is_made_of(there: Object, wanted: dict[str, Any]) -> bool:
    made_of: str = wanted["metadata"]["annotations"][MADE_OF]
    return (there.metadata.get("annotations") or {}).get(MADE_OF) == made_of


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
    spec = {**wanted["spec"], "replicas": replicas}
    if _is_made_of(there, wanted):
        # Without what others wrote on the template, such as the time of a restart, all pods would be made anew.
        theirs, ours = there.spec["template"].get("metadata") or {}, wanted["spec"]["template"]["metadata"]
        spec["template"] = {**wanted["spec"]["template"], "metadata": _with_theirs(theirs, ours)}
    metadata = _with_theirs(there.metadata, wanted["metadata"])
    return {"apiVersion": DEPLOYMENT.api_version, "kind": DEPLOYMENT.kind, "metadata": metadata, "spec": spec}


def _with_theirs(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    both = {name: {**(theirs.get(name) or {}), **(ours.get(name) or {})} for name in ("labels", "annotations")}
    return {**theirs, **{name: value for name, value in both.items() if value}}


def _going(there: Object) -> Deployed:
    if (trouble := _trouble(there)) is not None:
        said = f"The Deployment says: {trouble.get('message') or trouble['type']}"
        return _told(there, ok=False, reason=trouble.get("reason") or trouble["type"], message=said)
    return _told(there, ok=True, reason="Deployed", message=f"The Deployment {there.name} is kept.")


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
