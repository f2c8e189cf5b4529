"""What came of asking a scaler for what an order says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from capacity_planner.domain.scaling import ScalingRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What came of asking a scaler.

    Attributes:
        observed: workers that run afterwards, where the scaler can tell.
        scaling: what was changed, be it a part of what was asked; ``None`` where nothing was, or nobody knows.
        note: what went wrong, or what was different from the plan.
    """

    observed: int | None = None
    scaling: ScalingRecord | None = None
    note: str = ""
