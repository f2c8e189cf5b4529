"""The demo as a page in the terminal that changes while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from capacity_planner.surfaces.cli._demo_settings import P95
from capacity_planner.surfaces.cli._demo_words import costs, opening, told
from capacity_planner.surfaces.cli._words import clock, number, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from capacity_planner.surfaces.cli._demo_seen import Seen

_BARS = "▁▂▃▄▅▆▇█"
_NAMES, _FIGURES, _LEAST_SPARK, _DEEDS = 9, 32, 10, 6


def page(seen: Seen, columns: int, warnings: Sequence[str] = ()) -> RenderableType:
    """What is seen now.

    Args:
        seen: what was seen so far.
        columns: of the terminal.
        warnings: what the service's log has of late.
    """
    stage = seen.stage
    heading = Text.assemble(
        ("capacity-planner demo", "bold"),
        f"  {clock(stage.clock(), dated=True)}  second {stage.clock.elapsed:.0f} of {stage.replay.seconds:g}",
        ("  Ctrl-C ends it", "dim"),
    )
    deeds = [Text(told(deed), "" if deed.applied else "dim", overflow="ellipsis") for deed in seen.deeds[-_DEEDS:]]
    for deed in deeds:
        deed.no_wrap = True
    empty = [Text()] * (_DEEDS - len(deeds))  # the page keeps its height
    notes = [Text(line, "yellow") for line in (*([seen.gap] if seen.gap else []), *warnings)]
    facts = [Text(line, "dim") for line in opening(stage)]
    return Group(heading, Text(), _figures(seen, columns), Text(), *deeds, *empty, *notes, Text(), *facts)


def spark(values: Sequence[float], most: float) -> str:
    """One block for each value.

    >>> spark([0.0, 4.0, 8.0], 8.0)
    '▁▅█'
    """
    top = len(_BARS) - 1
    return "".join(_BARS[min(top, round(top * value / most))] if most > 0 else _BARS[0] for value in values)


def _figures(seen: Seen, columns: int) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(style="dim", width=_NAMES)
    table.add_column(min_width=_FIGURES)
    table.add_column(no_wrap=True)
    width = max(columns - _NAMES - _FIGURES - 4, _LEAST_SPARK)
    now = seen.seconds[-width:]
    table.add_row("arrivals", _rates(seen), _rate_spark(seen, width))
    if not now:
        return table
    last = now[-1]
    wanted = f", {last.wanted} wanted" if last.wanted != last.workers else ""
    workers = [float(second.workers) for second in now]
    backlog = [float(second.backlog) for second in now]
    table.add_row("workers", f"{last.workers} run{wanted}", Text(spark(workers, max(workers)), "green"))
    table.add_row("backlog", f"{last.backlog} wait", spark(backlog, max(*backlog, 20.0)))
    table.add_row("p95", _latency(seen), _latency_spark(seen, width))
    table.add_row("plan", _plan(seen), "")
    table.add_row("cost", costs(seen).partition("; ")[0], costs(seen).partition("; ")[2])
    return table


def _rates(seen: Seen) -> str:
    forecast = seen.forecast()
    came = f"{seen.seconds[-1].arrived}/s" if seen.seconds else "–"
    return f"{came}, {number(forecast[0])}/s expected" if forecast else came


def _rate_spark(seen: Seen, width: int) -> Text:
    """What came, and beyond the mark what is expected of the plan's intervals."""
    expected = seen.forecast()
    came = [float(second.arrived) for second in seen.seconds[-(width - len(expected) - 1) :]]
    most = max((*came, *expected), default=0.0)
    return Text.assemble((spark(came, most), "cyan"), ("┊" if expected else "", "dim"), (spark(expected, most), "blue"))


def _latency(seen: Seen) -> Text:
    last = seen.seconds[-1]
    shown = "–" if last.p95 is None else f"{last.p95:.2f} s"
    text = Text(f"{shown} of {P95:g} s, ", "" if last.kept else "bold red")
    return text.append(f"kept in {percent(seen.kept or 0.0)} of the time", "")


def _latency_spark(seen: Seen, width: int) -> Text:
    text = Text()
    for second in seen.seconds[-width:]:
        text.append(spark([min(second.p95 or 0.0, 2 * P95)], 2 * P95), "green" if second.kept else "bold red")
    return text


def _plan(seen: Seen) -> str:
    if seen.plan is None:
        return "none yet"
    plan = seen.plan.response.plan
    return f"{plan.current_workers} → {plan.target_workers}, confidence {percent(plan.confidence)}"
