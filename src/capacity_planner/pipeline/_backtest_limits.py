"""A policy held to limits that it does not know of: step size, cooldowns, most workers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.contracts import Decide
    from capacity_planner.domain.policy import Seen


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What no policy may do.

    Args:
        step: most workers added or removed at once.
        cooldown: least time between two changes [s].
        cooldown_up: the same before a change that adds workers [s].
        lowest: never fewer workers.
        highest: never more.
    """

    step: float = math.inf
    cooldown: float = 0.0
    cooldown_up: float = 0.0
    lowest: int = 0
    highest: float = math.inf

    def allowed(self, wanted: int, ordered: int, since: float) -> int:
        """The workers that may be ordered where ``wanted`` are wanted.

        Args:
            wanted: by the policy.
            ordered: at present.
            since: time since the last change [s].

        >>> limits = Limits(step=5, cooldown=300.0, cooldown_up=60.0, highest=20)
        >>> limits.allowed(30, 10, 90.0), limits.allowed(30, 18, 90.0), limits.allowed(3, 10, 90.0)
        (15, 20, 10)
        """
        level = max(min(wanted, self.highest), self.lowest)
        if since < (self.cooldown_up if level > ordered else self.cooldown) - 1e-9:
            return ordered
        return int(min(max(level, ordered - self.step), ordered + self.step))


@dataclass(slots=True)
class Limited:
    """A policy within limits, which counts where they bind; and tells how far time has come.

    Args:
        decide: the policy.
        limits: what it may not do.
        scored: begin of the time in which is counted [s].
        tick: told the seconds since the last decision; raises to stop.
    """

    decide: Decide
    limits: Limits
    scored: float
    tick: Callable[[float], None]
    decisions: int = 0
    bound: int = 0
    _told: float = 0.0
    _changed: float = field(default=-math.inf)

    def __call__(self, seen: Seen) -> float:
        """The workers that may be ordered."""
        self.tick(seen.now - self._told)
        self._told = seen.now
        wanted = max(math.ceil(self.decide(seen) - 1e-9), self.limits.lowest)
        allowed = self.limits.allowed(wanted, seen.ordered, seen.now - self._changed)
        if seen.now >= self.scored:
            self.decisions += 1
            self.bound += allowed != wanted
        if allowed != seen.ordered:
            self._changed = seen.now
        return allowed

    @property
    def share_bound(self) -> float:
        """Share of the decisions in the scored time that a limit changed."""
        return self.bound / self.decisions if self.decisions else 0.0
