"""Where a reader of changed samples stands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """A reader's place in the samples of one queue.

    Attributes:
        resets: how often the queue was reset; a reader whose cursor had another number must forget what it read.
        stamp: what was stored before this is read.
    """

    resets: int
    stamp: int
