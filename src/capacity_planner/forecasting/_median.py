"""Medians of what is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray


def medians(values: FloatArray, *, at_least: int = 1) -> FloatArray:
    """Median along the last axis of the values that are not NaN; NaN where there are fewer than ``at_least``.

    >>> import numpy as np
    >>> medians(np.array([[3.0, 1.0, np.nan], [1.0, 2.0, 9.0]]))
    array([2., 2.])
    """
    ordered = np.sort(values, axis=-1)
    known = ordered.shape[-1] - np.isnan(ordered).sum(axis=-1, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(known - 1, 0) // 2, axis=-1)
    high = np.take_along_axis(ordered, known // 2 * (known > 0), axis=-1)
    return np.where(known >= at_least, (low + high) / 2.0, np.nan)[..., 0]
