"""What the parts of the store have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from capacity_planner.store._database import Database


class Room:
    """A part of the store.

    Args:
        database: where it keeps things.
    """

    def __init__(self, database: Database) -> None:
        self._db = database
