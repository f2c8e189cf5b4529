"""The inner loop, once: plain Python over lists as it stands, and over arrays when Numba has compiled it."""

from __future__ import annotations

import math
from heapq import heapreplace
from typing import Any

FEW = 256


def serve(
    arrivals: Any, services: Any, starts: Any, free: Any, until: float, patience: float, first: int
) -> int:  # pragma: no cover - compiled code is not traced
    """Begin jobs in the order of their arrival, each on the server that is free first (Kiefer and Wolfowitz 1955).

    Start times never fall, so a change of the servers at ``until`` is exact: the loop stops before the first job that
    would begin then or later.

    Args:
        arrivals: arrival times, ascending [s].
        services: service times [s].
        starts: where the begin of every service is written [s]; infinity for a job that gives up.
        free: when each server is free next, as a heap [s].
        until: when the servers change [s].
        patience: a job gives up that would wait longer [s].
        first: index of the first job.

    Returns:
        Index of the first job that was not decided.

    >>> starts, free = [0.0] * 3, [0.0, 0.0]
    >>> serve([0.0, 1.0, 2.0], [5.0, 5.0, 5.0], starts, free, math.inf, math.inf, 0), starts
    (3, [0.0, 1.0, 5.0])
    """
    for job in range(first, len(arrivals)):
        arrival = arrivals[job]
        start = free[0]
        if start < arrival:  # noqa: PLR1730 - a call of max() takes longer than all the rest
            start = arrival
        if start >= until:
            return job
        if start - arrival > patience:
            starts[job] = math.inf
        else:
            starts[job] = start
            heapreplace(free, start + services[job])
    return len(arrivals)


def replace_least(heap: Any, item: Any) -> None:
    """What ``heapreplace`` is for an array: the least entry gives way to ``item``.

    Few servers are kept sorted: every entry becomes the middle one of itself, its upper neighbour and ``item``, which a
    processor does several at a time. More are a heap whose hole sinks to the bottom before ``item`` rises in it, since
    a server that was just taken is seldom free again soon.

    >>> heap = [1.0, 4.0, 2.0, 5.0]; replace_least(heap, 3.0); min(heap)
    2.0
    """
    size, hole = len(heap), 0
    if size <= FEW:
        low = item
        for place in range(size - 1):
            high = heap[place + 1]
            above = item if item > low else low  # noqa: FURB136 - min() and max() look for NaN
            heap[place] = above if above < high else high  # noqa: FURB136
            low = high
        heap[size - 1] = item if item > low else low  # noqa: FURB136
        return
    child = 1
    while child + 1 < size:
        child += heap[child + 1] < heap[child]
        heap[hole] = heap[child]
        hole, child = child, 2 * child + 1
    if child < size:
        heap[hole] = heap[child]
        hole = child
    while hole > 0:
        parent = (hole - 1) >> 1
        if heap[parent] <= item:
            break
        heap[hole] = heap[parent]
        hole = parent
    heap[hole] = item
