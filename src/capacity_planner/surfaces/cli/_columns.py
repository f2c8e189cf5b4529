"""Tables that fit: cells are measured, and whole columns left out before one is cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Column:
    """A column and its cells.

    Attributes:
        heading: its name.
        cells: from top to bottom.
        left: whether it is aligned to the left.
        rank: the column of the highest rank is left out first; one of rank 0 never is.
    """

    heading: str
    cells: Sequence[str | Text]
    left: bool = False
    rank: int = 0

    @property
    def width(self) -> int:
        """Cells it takes in the terminal."""
        return max(map(cell_len, [self.heading, *map(str, self.cells)]))


def taken(columns: Sequence[Column], gap: int) -> int:
    """Cells that columns take, with a gap after each."""
    return sum(column.width + gap for column in columns)


def fitted(columns: Sequence[Column], room: int, gap: int) -> list[Column]:
    """The columns that fit into so many cells."""
    chosen = list(columns)
    while taken(chosen, gap) - gap > room and any(column.rank for column in chosen):
        chosen.remove(max(chosen, key=lambda column: column.rank))
    return chosen


def table_of(columns: Sequence[Column], gap: int) -> Table:
    """The table of these columns."""
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column.heading, justify="left" if column.left else "right", no_wrap=True)
    for row in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    return table
