"""All resources together → who is accepted: one queue and one target each, the older resource first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING

from capacity_planner.domain.queues import Mode, QueueSettings
from capacity_planner.errors import PlannerError
from capacity_planner.surfaces.kube.reading import Rules, Wish, wish_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from capacity_planner.domain.queues import ServiceConfig
    from capacity_planner.surfaces.kube.objects import Object, Target

_AGAIN = 30.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a resource.

    Attributes:
        found: the resource.
        wish: what it asks for; ``None`` where that cannot be understood.
        reason: in one word; the resource is accepted where it begins with ``Accepted``.
        message: in a sentence.
        rival: which other autoscaler has its target, as a sentence begins; empty where none has.
        rival_target: what that one scales.
    """

    found: Object
    wish: Wish | None
    reason: str
    message: str
    rival: str = ""
    rival_target: Target | None = None

    @property
    def accepted(self) -> bool:
        """Whether its queue is planned for."""
        return self.reason.startswith("Accepted")

    @property
    def queue(self) -> QueueSettings | None:
        """The queue's settings in effect; nothing is scaled while another autoscaler does."""
        if self.wish is None or not self.accepted:
            return None
        return replace(self.wish.queue, mode=Mode.ADVISORY) if self.rival else self.wish.queue


class Settling:
    """Decides about all resources together; what a resource asks for is read once for each change of it.

    Args:
        fixed: queues of the settings file, which nobody else may have.
        rules: what resources may not say.
    """

    def __init__(self, fixed: Iterable[QueueSettings], rules: Rules) -> None:
        self._fixed = {queue.queue_name for queue in fixed}
        self._rules = rules
        self._base: ServiceConfig | None = None
        self._read: dict[tuple[str, int], tuple[Wish | PlannerError, float]] = {}

    def settle(
        self, resources: Iterable[Object], rivals: Mapping[Target, str], service: ServiceConfig
    ) -> Sequence[Verdict]:
        """A verdict on every resource, the oldest first."""
        base = replace(service, queues=())
        if base != self._base:
            self._base, self._read = base, {}
        queues = dict.fromkeys(self._fixed, "the settings file")
        targets: dict[Target, str] = {}
        there = sorted((item for item in resources if not item.leaves), key=_seniority)
        self._forget({(item.uid, item.generation) for item in there})
        return [self._judge(item, queues, targets, rivals, base) for item in there]

    def _judge(
        self,
        found: Object,
        queues: dict[str, str],
        targets: dict[Target, str],
        rivals: Mapping[Target, str],
        base: ServiceConfig,
    ) -> Verdict:
        wish = self._wish(found, base)
        if isinstance(wish, PlannerError):
            return Verdict(found, None, "Invalid", wish.message)
        name = wish.queue.queue_name
        if name in queues:
            return Verdict(found, wish, "QueueTaken", f"The queue {name} belongs to {queues[name]} already.")
        if taken := next((target for target in wish.targets if target in targets), None):
            return Verdict(found, wish, "TargetTaken", f"{taken.shown} is scaled for {targets[taken]} already.")
        queues[name] = found.shown
        targets.update(dict.fromkeys(wish.targets, found.shown))
        reason = "AcceptedInPart" if wish.unused else "Accepted"
        verdict = Verdict(found, wish, reason, " ".join((f"The queue {name} is planned for.", *wish.unused)))
        rival = next((target for target in wish.targets if target in rivals), None)
        if rival is None:
            return verdict
        return replace(verdict, rival=f"{rivals[rival]} scales {rival.shown}", rival_target=rival)

    def _wish(self, found: Object, base: ServiceConfig) -> Wish | PlannerError:
        """What it asks for; a refusal is looked at again after a while, as its remedy may lie outside of it."""
        key = (found.uid, found.generation)
        known, at = self._read.get(key, (None, 0.0))
        if known is None or (isinstance(known, PlannerError) and monotonic() - at > _AGAIN):
            try:
                known = wish_of(found, base, self._rules)
            except PlannerError as error:
                known = error
            self._read[key] = known, monotonic()
        return known

    def _forget(self, there: set[tuple[str, int]]) -> None:
        self._read = {key: value for key, value in self._read.items() if key in there}


def _seniority(found: Object) -> tuple[str, bool, str]:
    """The older one comes first; of those that were made in the same second, the one that was accepted already."""
    made, uid = found.age_key
    conditions = found.status.get("conditions") or ()
    accepted = any(item.get("type") == "Accepted" and item.get("status") == "True" for item in conditions)
    return made, not accepted, uid
