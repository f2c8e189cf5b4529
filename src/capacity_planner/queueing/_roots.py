"""Where a falling function crosses zero: the one scalar search of the room."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_STEPS = 200
_PATIENCE = 8


def falling_root(function: Callable[[float], float], low: float, width: float, tolerance: float = 1e-13) -> float:
    """The root above ``low`` of a function that falls through zero.

    The bracket is widened until it holds the root and then narrowed by regula falsi with Anderson and Björck's
    weights, by halving where that is too slow.

    Args:
        function: not negative at ``low``.
        low: where the search begins.
        width: about how far the root may be.
        tolerance: relative to the root.

    References:
        Anderson and Björck (1973), BIT 13:253-264.

    >>> f"{falling_root(lambda x: 2.0 - x * x, 0.0, 0.5):.12f}"
    '1.414213562373'
    """
    left, right = low, low + width
    above, below = function(left), function(right)
    while below > 0.0:
        left, above, width = right, below, 2.0 * width
        right = left + width
        below = function(right)
    return _narrow(function, left, above, right, below, tolerance)


def _narrow(
    function: Callable[[float], float], left: float, above: float, right: float, below: float, tolerance: float
) -> float:
    for step in range(1, _STEPS):
        if right - left <= tolerance * right or above == 0.0:
            return left if above == 0.0 else right
        middle = (
            0.5 * (left + right)
            if step % _PATIENCE == _PATIENCE - 1
            else left + (right - left) * above / (above - below)
        )
        value = function(middle)
        if value > 0.0:
            below *= max(1.0 - value / above, 0.0) or 0.5
            left, above = middle, value
        elif value < 0.0:
            above *= max(1.0 - value / below, 0.0) or 0.5
            right, below = middle, value
        else:
            return middle
    return 0.5 * (left + right)
