"""Markdown tables, and figures beside the bars that they are held against."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A Markdown table."""
    print(f"\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def print_bar(what: str, figure: float, bar: float, *, at_least: bool = False, form: str = ".3g") -> None:
    """A figure, its bar, and whether it holds."""
    holds = figure >= bar if at_least else figure <= bar
    sign = "≥" if at_least else "≤"
    print(f"- {what}: {figure:{form}} ({sign} {bar:{form}}): {'holds' if holds else '**falls short**'}")
