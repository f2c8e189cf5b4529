"""The cheapest steps within the rules, by dynamic programming: from the last slot to the first, at every level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capacity_planner.planning._prices import ComplexArray, Prices
    from capacity_planner.planning._rules import Rules
    from capacity_planner.planning._slots import IntArray, Slots

_STEP = 1j
_NEVER = complex(np.inf, 0.0)


class Programme:
    """What is cheapest from each slot and level on.

    Every array has the shape (slots, levels) and counts from the begin of the plan, as if all had been spent at that
    level. After a step the next one of either direction is some slots away, so all slots up to the sooner of the two
    are worked out together. Between the two only one direction is open: what is best then is the least over that time.

    Args:
        prices: the levels and what they cost.
        rules: what may be done in each slot.
        slots: the slots.
        size: most workers that one step adds or removes.

    References:
        Bellman (1957), *Dynamic Programming*, chapter III.
    """

    def __init__(self, prices: Prices, rules: Rules, slots: Slots, size: int) -> None:
        self._prices, self._rules, self._slots = prices, rules, slots
        self._levels = levels = prices.levels
        own = np.arange(len(levels))
        self._highest = np.searchsorted(levels, np.minimum(levels + size, prices.top), side="right") - 1
        lowest = np.searchsorted(levels, levels - size)
        smaller = levels - np.minimum(levels // 10 + 1, size)
        self._ups = _Ranges(own + 1, self._highest)
        self._downs = _Ranges(lowest, np.searchsorted(levels, smaller, side="right") - 1)
        shape = prices.spent.shape
        self._climb = np.full(shape, _NEVER)  # an addition in that slot
        self._up = np.full(shape, _NEVER)  # the same, where it is needed
        self._down = np.full(shape, _NEVER)  # a removal in that slot
        self._free = prices.spent.copy()  # any step then or later, or none
        self._fill()

    def steps(self, level: int, *, climbing: bool) -> Iterator[tuple[int, int]]:
        """The cheapest steps, each with its slot and the level after it.

        Args:
            level: workers ordered before.
            climbing: whether the last step before was an addition that could not go as far as it should.
        """
        at, up, down = int(np.searchsorted(self._levels, level)), self._slots.first_up, self._slots.first_down
        while (step := self._when(at, up, down, climbing=climbing)) is not None:
            slot, adds = step
            climbing = adds and self._levels[self._highest[at]] < self._rules.aim[slot]
            at = int(self._highest[at]) if climbing else self._where(at, slot, adds=adds)
            yield slot, int(self._levels[at])
            up, down = int(self._slots.up[slot]), int(self._slots.down[slot])

    def _fill(self) -> None:
        end, soonest = self._slots.count, np.minimum(self._slots.up, self._slots.down)
        while end > min(self._slots.first_up, self._slots.first_down):
            begin = int(np.searchsorted(soonest, end))
            rows = slice(begin, end)
            after = self._after(rows)
            self._add(rows, after)
            self._remove(rows, after)
            best = np.minimum(self._up[rows], self._down[rows])
            self._free[rows] = np.minimum.accumulate(np.vstack([self._free[end], best[::-1]]))[:0:-1]
            end = begin

    def _after(self, rows: slice) -> ComplexArray:
        """What is best after a step in each of some slots, at the level it led to."""
        ups, downs = self._slots.up[rows], self._slots.down[rows]
        best = self._free[np.maximum(ups, downs)]
        for row, up, down in zip(best, ups.tolist(), downs.tolist(), strict=True):
            if up != down:
                only = self._up[up:down] if up < down else self._down[down:up]
                np.minimum(row, only.min(axis=0), out=row)
        return best

    def _add(self, rows: slice, after: ComplexArray) -> None:
        levels, aim, grow = self._levels, self._rules.aim[rows, None], self._rules.grow[rows, None]
        if levels[0] >= max(aim.max(), grow.max()):
            return
        spent, highest = self._prices.spent[rows], self._highest
        best = self._ups.least(self._enough(rows, after))
        short = levels[highest] < aim
        if short.any():
            climbing = self._still_climbing(rows, after) - spent
            best = np.where(short & self._ups.some, climbing[:, highest], best)
        self._climb[rows] = best + spent + _STEP
        self._up[rows] = np.where(levels < grow, self._climb[rows], _NEVER)

    def _still_climbing(self, rows: slice, after: ComplexArray) -> ComplexArray:
        """What is best after an addition that did not reach its aim: the next one, as soon as may be."""
        following = self._slots.up[rows]
        aim = np.append(self._rules.aim, 0)[following, None]
        return np.where(self._levels < aim, self._climb[following], after)

    def _remove(self, rows: slice, after: ComplexArray) -> None:
        levels, idle, least = self._levels, self._rules.idle[rows, None], self._rules.least[rows, None]
        allowed = (levels > idle) & (10 * least < 9 * levels)
        if not allowed.any():
            return
        total = self._downs.least(self._few(rows, after)) + self._prices.spent[rows] + _STEP
        if self._prices.early is not None:
            total -= self._prices.early[rows]
        self._down[rows] = np.where(allowed, total, _NEVER)

    def _enough(self, rows: slice, after: ComplexArray) -> ComplexArray:
        """What each level costs from a slot on, if an addition may lead to it."""
        return np.where(self._levels >= self._rules.aim[rows, None], after - self._prices.spent[rows], _NEVER)

    def _few(self, rows: slice, after: ComplexArray) -> ComplexArray:
        """What each level costs from a slot on, if a removal may lead to it."""
        ahead = after - self._prices.spent[rows]
        if self._prices.early is not None:
            ahead += self._prices.early[rows]
        return np.where(self._levels >= self._rules.least[rows, None], ahead, _NEVER)

    def _when(self, at: int, up: int, down: int, *, climbing: bool) -> tuple[int, bool] | None:
        """The slot of the next step and whether it adds: of steps as good, the latest."""
        if climbing and up < self._slots.count and self._levels[at] < self._rules.aim[up]:
            return up, True
        ups, downs, stay = self._up[up:, at], self._down[down:, at], self._prices.spent[-1, at]
        best = np.concatenate([ups, downs, [stay]]).min()
        if best == stay:
            return None
        slots = [(up + slot, True) for slot in np.flatnonzero(ups == best).tolist()]
        slots += [(down + slot, False) for slot in np.flatnonzero(downs == best).tolist()]
        return max(slots, key=lambda step: (step[0], not step[1]))

    def _where(self, at: int, slot: int, *, adds: bool) -> int:
        """The index of the level that the step leads to: of levels as good, the smallest."""
        rows = slice(slot, slot + 1)
        side, weigh = (self._ups, self._enough) if adds else (self._downs, self._few)
        return side.first_least(weigh(rows, self._after(rows))[0], at)


class _Ranges:
    """For each level, the range of levels that a step can lead to.

    Args:
        first: index of the first, for each level.
        last: index of the last; before the first where there is none.
    """

    def __init__(self, first: IntArray, last: IntArray) -> None:
        width = last - first + 1
        self.some = width > 0
        self._first, self._last = first, last
        self._order = np.where(self.some, np.frexp(np.maximum(width, 1))[1] - 1, 0)
        self._left = np.where(self.some, first, 0)
        self._right = np.where(self.some, last + 1 - (1 << self._order), 0)

    def least(self, weights: ComplexArray) -> ComplexArray:
        """The least of ``weights``, shape (rows, levels), over every range: of the two powers of two that cover it."""
        table = [weights]
        for order in range(int(self._order.max())):
            half, wider = 1 << order, table[-1].copy()
            np.minimum(wider[:, :-half], wider[:, half:], out=wider[:, :-half])
            table.append(wider)
        stack = np.array(table)
        least = np.minimum(stack[self._order, :, self._left], stack[self._order, :, self._right]).T
        return np.where(self.some, least, _NEVER)

    def first_least(self, weights: ComplexArray, at: int) -> int:
        """The index of the least of ``weights``, shape (levels,), in the range of the level with index ``at``."""
        inside = weights[self._first[at] : self._last[at] + 1]
        return int(self._first[at] + np.flatnonzero(inside == inside.min())[0])
