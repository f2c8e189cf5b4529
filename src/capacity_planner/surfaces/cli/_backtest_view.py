"""A backtest → what is shown in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from capacity_planner.domain.backtest import ORACLE, PLANNER
from capacity_planner.surfaces.cli._backtest_words import (
    asked_of,
    attained,
    context,
    headline,
    mean_workers,
    over,
    short,
    split,
    title_of,
    verdict,
)
from capacity_planner.surfaces.cli._columns import Column, fitted, table_of
from capacity_planner.surfaces.cli._words import money, number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import RenderableType

    from capacity_planner.domain.attainment import EqualAttainment, PolicyOutcome
    from capacity_planner.domain.backtest import Backtest

_GAP = 2
_WINDOWS = "for 5m p95s"
_WIDTHS = ((120, 60), (98, 34), (0, 26))


def backtest_view(found: Backtest, room: int) -> Group:
    """Headline, the policies as shipped, what they cost tuned, the verdict, and how it was judged."""
    planner = found.outcome(PLANNER)
    style = "bold green" if planner is None or planner.kept else "bold yellow"
    parts: list[RenderableType] = [Text(headline(found), style), Text(context(found), "dim"), Text()]
    columns = fitted(list(_shipped(found, room)), room, _GAP)
    headings = {column.heading for column in columns}
    parts += [table_of(columns, _GAP), Text(_references(found, headings), "dim")]
    if found.equal:
        parts += [Text(), Text(f"Tuned to {asked_of(found)} of the jobs in time", "bold")]
        columns = fitted(list(_tuned(found, room)), room, _GAP)
        parts += [table_of(columns, _GAP), *_unreached(found, columns)]
    parts += [Text(), Text("Verdict", "bold"), Text(verdict(found))]
    parts += [Text(split(found))] if found.split else []
    parts += [Text(), Text("How it was judged", "bold"), *(Text(f"• {note}") for note in found.notes)]
    return Group(*parts)


def _shipped(found: Backtest, room: int) -> Iterator[Column]:
    rows, asked = found.outcomes, found.scenario.asked_share

    def column(heading: str, cell: Callable[[PolicyOutcome], str], rank: int = 0) -> Column:
        return Column(heading, _styled(rows, cell), rank=rank)

    names = [_name(item.title, room) for item in rows]
    yield Column("as shipped", [_bold(item.policy, name) for item, name in zip(rows, names, strict=True)], left=True)
    yield column("knob", lambda item: "itself" if item.knob is None else number_or_less(item.knob), 6)
    yield column("workers", lambda item: number(item.mean_workers))
    yield column("cost", lambda item: money(item.cost), 3)
    yield column("in time", lambda item: f"{attained(item.share_in_time, asked)}{'  ' if item.kept else ' x'}")
    yield column("5m p95s", lambda item: attained(item.windows_in_time, asked), 7)
    yield column("p95 wait", lambda item: short(item.p95_wait), 1)
    yield column("worst", lambda item: short(item.worst_p95_wait), 8)
    yield column("changes/h", lambda item: number(item.actions_per_hour), 5)
    if any(item.time_limited for item in rows):
        yield column("limited", lambda item: f"{100.0 * item.time_limited:.0f} %", 4)
    yield column("over bound", lambda item: over(item.cost_over_bound), 2)


def _tuned(found: Backtest, room: int) -> Iterator[Column]:
    rows = found.equal

    def column(heading: str, cell: Callable[[EqualAttainment], str], rank: int = 0) -> Column:
        return Column(heading, [Text(cell(item), _style(item.policy)) for item in rows], rank=rank)

    names = [_bold(item.policy, _name(title_of(found, item.policy), room)) for item in rows]
    yield Column("policy", names, left=True)
    yield column(
        "workers", lambda item: f"{number(mean_workers(found, item.worker_hours))}{'' if item.reached else '!'}"
    )
    yield column("over bound", lambda item: over(item.regret) if item.reached else "not reached")
    if any(item.to_planner for item in rows):
        yield column("against planner", _ratio, 1)
    yield column(_WINDOWS, lambda item: _windows(found, item), 2)


def _ratio(item: EqualAttainment) -> str:
    return "–" if item.to_planner is None or item.policy == PLANNER else over(item.to_planner - 1.0)


def _windows(found: Backtest, item: EqualAttainment) -> str:
    return number(mean_workers(found, item.windows_worker_hours)) if item.windows_reached else "not reached"


def _references(found: Backtest, headings: set[str]) -> str:
    """What the marks mean, and what the policies are held against."""
    bound = number(mean_workers(found, found.bound_worker_hours))
    marked = "x less than was asked. " if any(not item.kept for item in found.outcomes) else ""
    windows = "5m p95s: share of 5-minute windows whose p95 was in time." if "5m p95s" in headings else ""
    worst = "worst: largest p95 wait of a 5-minute window." if "worst" in headings else ""
    return (
        f"{marked}The clairvoyant bound needs {bound} workers on average; the fewest that, unchanged, would have done "
        f"are {found.static_workers:,}. {windows} {worst}"
    ).strip()


def _unreached(found: Backtest, columns: Sequence[Column]) -> list[Text]:
    """What the marks and the last column mean, where they are there."""
    missed = any(not item.reached for item in found.equal)
    told = "! not reached by any value of its knob; twice the unchanged workers are put down." if missed else ""
    if columns[-1].heading == _WINDOWS:
        told = f"{told} {_WINDOWS}: workers at {asked_of(found)} of 5-minute windows whose p95 is in time.".strip()
    return [Text(told, "dim")] if told else []


def _name(title: str, room: int) -> str:
    """A title, cut where there is little room."""
    longest = next(length for least, length in _WIDTHS if room >= least)
    return title if len(title) <= longest else f"{title[: longest - 1]}…"


def _styled(rows: Sequence[PolicyOutcome], cell: Callable[[PolicyOutcome], str]) -> list[Text]:
    return [Text(cell(item), _style(item.policy)) for item in rows]


def _bold(policy: str, name: str) -> Text:
    return Text(name, _style(policy))


def _style(policy: str) -> str:
    return {PLANNER: "bold green", ORACLE: "dim"}.get(policy, "")


def number_or_less(value: float) -> str:
    """A knob's value, which may be negative.

    >>> number_or_less(-0.5), number_or_less(12.0)
    ('-0.5', '12')
    """
    return f"{value:.4g}"
