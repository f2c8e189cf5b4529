"""What the planner remembers of one queue."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING, Any

from capacity_planner.domain.state import PlannerState
from capacity_planner.history.memory import SampleStore
from capacity_planner.pipeline.accuracy import Ledger
from capacity_planner.pipeline.experience import Experience
from capacity_planner.pipeline.following import Following
from capacity_planner.pipeline.reliability import Reliability
from capacity_planner.pipeline.validation import Seen

if TYPE_CHECKING:
    from capacity_planner.domain.request import PlanResponse
    from capacity_planner.pipeline.cycle import Scaling


@dataclass(slots=True)
class Remembered:
    """What is remembered of one queue; ``lock`` guards all of it."""

    lock: RLock = field(default_factory=RLock)
    store: SampleStore = field(default_factory=SampleStore)
    state: PlannerState = field(default_factory=PlannerState)
    scaling: Scaling | None = None
    answered: tuple[Any, PlanResponse] | None = None
    following: Following = field(default_factory=Following)
    ledger: Ledger = field(default_factory=Ledger)
    seen: Seen = field(default_factory=Seen)
    experience: Experience = field(default_factory=Experience)
    reliability: Reliability = field(default_factory=Reliability)
