"""Whether what a policy scales is there: asked now and then, as nobody else tells where nothing is scaled."""

from __future__ import annotations

from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from capacity_planner.surfaces.kube.client import ApiError
from capacity_planner.surfaces.kube.conditions import Finding
from capacity_planner.surfaces.kube.names import POLICY, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from capacity_planner.surfaces.kube.client import Cluster
    from capacity_planner.surfaces.kube.objects import Object
    from capacity_planner.surfaces.kube.reading import Wish
    from capacity_planner.surfaces.kube.settling import Verdict

_AGAIN, _AT_ONCE = 60.0, 10


class Sighting:
    """Looks for the targets of policies: for each once a minute, and for no more than ten in one pass.

    Args:
        cluster: where they are.
        clock: seconds that only ever go forward.
    """

    def __init__(self, cluster: Cluster, clock: Callable[[], float] = monotonic) -> None:
        self._cluster, self._clock = cluster, clock
        self._kinds: dict[tuple[str, str], Kind] = {}
        self._seen: dict[str, tuple[int, float, Finding]] = {}
        self._due: set[str] = set()

    def keep(self, verdicts: Iterable[Verdict]) -> None:
        """Begin a pass, in which those are asked for that waited longest, and forget all others."""
        there = {item.found.uid: item.found.generation for item in verdicts if _wish(item) is not None}
        self._seen = {uid: seen for uid, seen in self._seen.items() if seen[0] == there.get(uid)}
        since = {uid: self._seen[uid][1] if uid in self._seen else -inf for uid in there}
        waiting = sorted(since, key=since.__getitem__)[:_AT_ONCE]
        self._due = {uid for uid in waiting if self._clock() - since[uid] >= _AGAIN}

    def of(self, verdict: Verdict) -> Finding | None:
        """Whether a policy's target is there; ``None`` where nobody has asked yet, or it goes without saying."""
        found, wish = verdict.found, _wish(verdict)
        if wish is None:
            return None
        if found.uid in self._due:
            self._due.remove(found.uid)
            self._seen[found.uid] = found.generation, self._clock(), self._looked_for(wish)
        return self._seen[found.uid][2] if found.uid in self._seen else _standing(found)

    def _looked_for(self, wish: Wish) -> Finding:
        target, api_version = wish.targets[0], str(wish.queue.scaler.options["api_version"])
        try:
            kind = self._kind(api_version, target.kind)
            there = kind is not None and self._cluster.has_scale(kind, target.namespace, target.name)
        except ApiError as error:
            if error.temporary:
                self._due.clear()  # the others would wait as long
            return Finding("TargetFound", "Unknown", "NotTold", error.message)
        if kind is None:
            return Finding("TargetFound", "False", "NoKind", f"{api_version} has no kind {target.kind} with a scale.")
        if not there:
            remedy = "Name another one in spec.targetRef, or make it."
            return Finding("TargetFound", "False", "NoTarget", f"There is no {target.shown}. {remedy}")
        return Finding("TargetFound", "True", "TargetFound", f"There is a {target.shown}.")

    def _kind(self, api_version: str, name: str) -> Kind | None:
        """A kind that can be scaled; ``None`` where there is none."""
        if (api_version, name) not in self._kinds:
            group, _, version = api_version.partition("/")
            known = self._cluster.kinds(group, version)
            plural = next((one for one, kind in known.items() if kind == name and f"{one}/scale" in known), None)
            if plural is None:
                return None
            self._kinds[api_version, name] = Kind(group, version, plural, name)
        return self._kinds[api_version, name]


def _wish(verdict: Verdict) -> Wish | None:
    """What a policy asks for that is planned for; ``None`` for everything else."""
    return verdict.wish if verdict.found.kind == POLICY and verdict.accepted else None


def _standing(found: Object) -> Finding | None:
    """What an earlier leader has seen of the same spec."""
    for item in found.status.get("conditions") or ():
        if item.get("type") == "TargetFound" and item.get("observedGeneration") == found.generation:
            return Finding("TargetFound", item["status"], item["reason"], item["message"])
    return None
