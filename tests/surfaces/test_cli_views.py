"""What is drawn in the terminal."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from capacity_planner.surfaces.cli._draw import bar, curve_bar
from capacity_planner.surfaces.cli._plan_view import plan_view
from capacity_planner.surfaces.cli._timeline import condensed, serving, timeline
from capacity_planner.surfaces.cli._words import headline
from capacity_planner.units import UNBOUNDED
from tests.surfaces._made import MINUTE, NOW, response

if TYPE_CHECKING:
    from capacity_planner.domain.request import PlanResponse


def shown(answer: PlanResponse, columns: int = 100, *, colour: bool = False) -> str:
    file = io.StringIO()
    console = Console(
        file=file, width=columns, force_terminal=colour, markup=False, highlight=False, legacy_windows=False
    )
    console.print(plan_view(answer, console.width))
    return file.getvalue()


def test_the_headline_says_the_plan_in_one_line() -> None:
    plan = response().plan
    assert headline(plan) == "10 → 40 workers, confidence 87 %, SLO achievable, +$15.00/h"
    still = replace(plan, target_workers=10, delta=0)
    assert headline(still).startswith("Stay at 10 workers")


def test_all_parts_are_shown() -> None:
    text = shown(response())
    for words in ("mail: 10 → 40 workers", "12:00", "▲ scale up", "10 → 25", "$12.50", "+$10,950.00", "Warnings"):
        assert words in text
    for words in ("INSUFFICIENT_HISTORY: Give history.", "Recommendations", "Measure service_time_std.", "Why"):
        assert words in text
    assert "[red]rises[/red]" in text
    assert "[jobs/s x s]" in text


@pytest.mark.parametrize("columns", [40, 60, 80, 120, 240])
def test_it_adapts_to_the_width(columns: int) -> None:
    assert max(len(line) for line in shown(response(), columns).splitlines()) <= columns


def test_colour_only_helps() -> None:
    assert "\x1b[" in shown(response(), colour=True)
    assert "\x1b[" not in shown(response())


def test_missing_workers_are_marked() -> None:
    first = shown(response()).splitlines()[4]
    assert first.split()[-1].startswith("█")
    assert first.split()[-1].endswith("xx")


def test_an_added_worker_serves_after_its_start_up_delay() -> None:
    plan = response(delay=3 * MINUTE).plan
    assert [serving(plan, NOW + minutes * MINUTE) for minutes in (0, 2, 3, 7, 8)] == [10, 10, 25, 25, 40]


def test_long_plans_are_condensed_to_their_worst() -> None:
    lines = timeline(response(intervals=288))
    short = condensed(lines, 24)
    assert len(short) == 24
    assert (short[0].start, short[-1].end) == (lines[0].start, lines[-1].end)
    assert short[0].short
    assert len(shown(response(intervals=288)).splitlines()) < 60


def test_no_intervals_draw_no_timeline() -> None:
    plain = response()
    empty = replace(plain, plan=replace(plain.plan, required=()), forecast=(), warnings=(), recommendations=())
    assert "forecast:" not in shown(empty)


def test_payback_is_told_in_words() -> None:
    plain = response()
    for span, words in ((timedelta(0), "-"), (UNBOUNDED, "never"), (timedelta(hours=2), "2h")):
        cost = replace(plain.plan.cost_impact, payback_period=span)
        assert words in shown(replace(plain, plan=replace(plain.plan, cost_impact=cost)))


@given(ends=st.lists(st.floats(0, 1e6), max_size=4).map(sorted), scale=st.floats(0, 1e6), width=st.integers(0, 60))
def test_a_bar_never_exceeds_its_width(ends: list[float], scale: float, width: int) -> None:
    assert len(bar([(end, "█", "") for end in ends], scale, width)) <= width


@given(value=st.floats(0, 1e3), target=st.floats(0, 1e3), scale=st.floats(0, 1e3), width=st.integers(1, 60))
def test_a_curve_bar_never_exceeds_its_width(value: float, target: float, scale: float, width: int) -> None:
    assert len(curve_bar(value, target, scale, width)) <= width
