"""The battery finds what does not hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from capacity_planner.testing import check_policy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from capacity_planner.contracts import Decide
    from capacity_planner.domain.policy import PolicyTask, Seen


@dataclass
class Multiple:
    """So many workers as jobs are there, times the knob; its class keeps no promise that a test breaks."""

    rule: Callable[[Seen, float], float] = lambda seen, knob: knob * (seen.busy + seen.waiting)
    name: str = "multiple"
    title: str = "A multiple"
    knob: str = "workers per job"
    grid: Sequence[float] = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0)
    default: float = 1.0
    period: float = 60.0

    def start(self, task: PolicyTask, knob: float) -> Decide:
        return lambda seen: self.rule(seen, knob)


SIGHTS: list[float] = []


def remembers(seen: Seen, knob: float) -> float:
    SIGHTS.append(seen.now)
    return knob * len(SIGHTS)


def test_a_good_one_passes() -> None:
    check_policy(Multiple())


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (Multiple(title=""), "title"),
        (Multiple(knob=""), "knob"),
        (Multiple(name=""), "name"),
        (Multiple(period=0.0), "period"),
        (Multiple(grid=(0.5, 1.0, 2.0)), "at least 7"),
        (Multiple(grid=(0.5, 0.75, 1.0, 1.25, 1.5, 3.0, 2.0)), "goes one way"),
        (Multiple(default=4.0), "within the grid"),
        (Multiple(grid=(3.0, 2.0, 1.5, 1.25, 1.0, 0.75, 0.5)), "generous end"),
        (Multiple(lambda seen, knob: -knob), "negative"),
        (Multiple(lambda seen, knob: float("nan")), "finite"),
        (Multiple(remembers), "same sights"),
    ],
)
def test_a_broken_promise_is_told(broken: Multiple, said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        check_policy(broken)
