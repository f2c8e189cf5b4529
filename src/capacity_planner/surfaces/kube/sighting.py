"""Whether what a policy scales is there: asked now and then, as nobody else tells where nothing is scaled."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from capacity_planner.surfaces.kube.client import ApiError
from capacity_planner.surfaces.kube.conditions import Finding
from capacity_planner.surfaces.kube.names import POLICY, Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.surfaces.kube.client import Cluster
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
        self._left = _AT_ONCE

    def keep(self, uids: set[str]) -> None:
        """Begin a pass, and forget all others."""
        self._seen = {uid: seen for uid, seen in self._seen.items() if uid in uids}
        self._left = _AT_ONCE

    def of(self, verdict: Verdict) -> Finding | None:
        """Whether a policy's target is there; ``None`` where that was not asked yet, or goes without saying."""
        found, wish = verdict.found, verdict.wish
        if found.kind != POLICY or wish is None or not verdict.accepted:
            return None
        generation, at, finding = self._seen.get(found.uid, (-1, 0.0, None))
        if generation != found.generation:
            finding = None
        if self._left and (finding is None or self._clock() - at >= _AGAIN):
            self._left -= 1
            finding = self._looked_for(wish)
            self._seen[found.uid] = found.generation, self._clock(), finding
        return finding

    def _looked_for(self, wish: Wish) -> Finding:
        target, api_version = wish.targets[0], str(wish.queue.scaler.options["api_version"])
        try:
            kind = self._kind(api_version, target.kind)
            there = kind is not None and self._cluster.has_scale(kind, target.namespace, target.name)
        except ApiError as error:
            if error.temporary:
                self._left = 0  # the others would wait as long
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
