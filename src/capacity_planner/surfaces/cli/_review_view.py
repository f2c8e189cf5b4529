"""A review → what is shown in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from capacity_planner.surfaces.cli._chart import ASCII, ink_for
from capacity_planner.surfaces.cli._columns import Column, fitted, table_of, taken
from capacity_planner.surfaces.cli._draw import BLOCKS, LETTERS, listed
from capacity_planner.surfaces.cli._review_words import (
    NOTHING,
    context,
    headline,
    meaning,
    signed,
    unjudged,
    yes_or_no,
)
from capacity_planner.surfaces.cli._simulation_words import moment, time_words
from capacity_planner.surfaces.cli._words import number, percent
from capacity_planner.units import seconds_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import Console, RenderableType

    from capacity_planner.domain.review import PlanOutcome, PlanReview

MOST_LINES = 40
_GAP = 2
_LEAST_BAR, _LONGEST_BAR = 10, 40


def review_view(found: PlanReview, console: Console) -> Group:
    """Headline, a line per plan, the reliability by stated confidence, and what it means."""
    style = "bold green" if found.as_stated and found.judged else "bold yellow"
    plain = ink_for(console.encoding) is ASCII
    bullet = "-" if plain else "•"
    parts: list[RenderableType] = [Text(headline(found), style)]
    if found.outcomes:
        parts += [Text(context(found), "dim"), Text(), *_plans(found, console.width)]
    parts += listed("Not judged", unjudged(found), "yellow", bullet)
    if found.reliability:
        blocks = LETTERS if plain else BLOCKS
        parts += [Text(), Text("Reliability", "bold"), *_reliability(found, console.width, blocks)]
    return Group(*parts, *listed("What it means", meaning(found), "", bullet))


def _plans(found: PlanReview, room: int) -> list[RenderableType]:
    """The newest plans, and what the columns mean."""
    shown = found.outcomes[-MOST_LINES:]
    columns = fitted(list(_columns(shown)), room, _GAP)
    headings = {column.heading for column in columns}
    earlier = len(found.outcomes) - len(shown)
    more = f"{earlier:,} earlier {'plan is' if earlier == 1 else 'plans are'} in --json. " if earlier else ""
    if all(item.kept is not False for item in shown):
        headings.discard("kept")
    return [table_of(columns, _GAP), Text(f"{more}{_legend(headings)}", "dim")]


def _columns(rows: Sequence[PlanOutcome]) -> Iterator[Column]:
    def column(heading: str, cell: Callable[[PlanOutcome], str], rank: int = 0) -> Column:
        cells = [Text(cell(item), "bold red" if item.kept is False else "") for item in rows]
        return Column(heading, cells, rank=rank)

    span = rows[-1].generated_at - rows[0].generated_at
    yield Column("made, UTC", [moment(item.generated_at, span) for item in rows], left=True)
    if len({item.queue_name for item in rows}) > 1:
        yield Column("queue", [item.queue_name for item in rows], left=True)
    yield column("workers", lambda item: f"{item.target_workers:,}", 1)
    if any(item.required_in_hindsight is not None for item in rows):
        yield column("needed", lambda item: _known(item.required_in_hindsight, "{:,}"))
    yield column("said", lambda item: percent(item.confidence))
    yield column("kept", lambda item: f"{yes_or_no(item.kept)}{'' if item.kept is False else '  '}")
    yield column("of runs", lambda item: _share(item.runs_kept), 4)
    if any(item.observed_kept is not None for item in rows):
        yield column("measured", lambda item: yes_or_no(item.observed_kept), 5)
    yield column("worst p95", _worst)
    yield column("waiting", lambda item: _known(item.max_backlog, "{:,}"), 6)
    yield column("jobs/s", lambda item: NOTHING if item.arrival_rate is None else number(item.arrival_rate), 7)
    yield column("forecast off", lambda item: _share(item.wape))
    yield column("bias", lambda item: signed(item.bias), 2)


def _legend(headings: set[str]) -> str:
    told = {
        "needed": "needed: fewest workers that would have done",
        "kept": "x the SLO was broken",
        "measured": "measured: by the backlog that was seen",
        "worst p95": "worst p95: of an interval",
        "waiting": "waiting: most at one time",
        "forecast off": "forecast off: mean error of the median, as a share of what came",
        "bias": "bias: below zero it was low",
    }
    return f"{'; '.join(text for name, text in told.items() if name in headings)}."


def _worst(item: PlanOutcome) -> str:
    return NOTHING if item.p95_latency is None else time_words(seconds_of(item.p95_latency))


def _share(value: float | None) -> str:
    return NOTHING if value is None else percent(value)


def _known(value: int | None, form: str) -> str:
    return NOTHING if value is None else form.format(value)


def _reliability(found: PlanReview, room: int, blocks: str) -> list[RenderableType]:
    """The plans by what they said: the bar is what they kept, the mark what they said."""
    bins = found.reliability
    columns = [
        Column("said", [_levels(item.low, item.high) for item in bins], left=True),
        Column("plans", [f"{item.plans:,}" for item in bins]),
        Column("on average", [percent(item.stated) for item in bins]),
        Column("kept", [percent(item.kept) for item in bins]),
    ]
    width = min(room - taken(columns, _GAP), _LONGEST_BAR)
    if width < _LEAST_BAR:
        return [table_of(columns, _GAP)]
    columns.append(Column("", [kept_bar(item.kept, item.stated, width, blocks) for item in bins], left=True))
    told = f"kept: share of the runs; {blocks[0]} the same, from 0 to 100 %, {blocks[2]} what was said."
    return [table_of(columns, _GAP), Text(told, "dim")]


def _levels(low: float, high: float) -> str:
    return f"{100.0 * low:.0f} to {100.0 * high:.0f} %"


def kept_bar(kept: float, stated: float, width: int, blocks: str) -> Text:
    """A bar of what was kept, with a mark at what was said.

    >>> kept_bar(0.5, 0.8, 10, "#.|#").plain, kept_bar(1.0, 0.8, 10, "#.|#").plain
    ('#####..|', '#######|##')
    """
    style = "green" if kept >= stated else "yellow"
    filled, mark = round(width * kept), max(round(width * stated), 1) - 1
    cells = [blocks[0] if place < filled else blocks[1] for place in range(max(filled, mark + 1))]
    text = Text("".join(cells[:mark]), style, no_wrap=True)
    return text.append(blocks[2], "bold").append("".join(cells[mark + 1 :]), style)
