"""A number that changes in steps, such as workers over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from capacity_planner.domain.congestion import FloatArray


class Steps:
    """Changes at instants, in any order.

    >>> steps = Steps(); steps.add(0.0, 3); steps.add([5.0, 15.0], [2, -4])
    >>> steps.integrals(np.array([0.0, 10.0, 20.0])).tolist()
    [40.0, 30.0]
    """

    def __init__(self) -> None:
        self._times: list[FloatArray] = []
        self._changes: list[FloatArray] = []

    def add(self, times: ArrayLike, changes: ArrayLike) -> None:
        """Change by so much at these instants [s]."""
        self._times.append(np.atleast_1d(np.asarray(times, dtype=float)))
        self._changes.append(np.atleast_1d(np.asarray(changes, dtype=float)))

    def integrals(self, edges: FloatArray) -> FloatArray:
        """The integral over each interval between edges, shape (n - 1,)."""
        times, changes = np.concatenate(self._times), np.concatenate(self._changes)
        order = np.argsort(times, kind="stable")
        times, levels = times[order], np.cumsum(changes[order])
        area = np.concatenate(([0.0], np.cumsum(levels[:-1] * np.diff(times))))
        at = np.searchsorted(times, edges, side="right") - 1
        inside = at >= 0
        reached = np.where(inside, area[at] + levels[at] * (edges - times[at]), 0.0)
        return np.diff(reached)
