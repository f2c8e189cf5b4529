"""The chart of a forecast in the terminal."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.surfaces.cli._chart import ASCII, BLOCKS, Fan, fan_chart, ink_for
from capacity_planner.surfaces.cli._chart_axes import scale_of
from tests.surfaces._made import MINUTE, NOW

RATES = st.floats(0, 1e9) | st.just(math.nan)
BANDS = st.lists(st.floats(0, 1e9), min_size=5, max_size=5).map(sorted)


def fan(past: list[float], bands: list[list[float]]) -> Fan:
    return Fan(NOW - len(past) * 5 * MINUTE, NOW, NOW + len(bands) * 5 * MINUTE, past, bands)


def test_the_bands_lie_around_the_median() -> None:
    lines = [line.plain for line in fan_chart(fan([50.0] * 24, [[20.0, 40.0, 50.0, 60.0, 80.0]] * 12), 80, ASCII)]
    last = "".join(line[79] if len(line) == 80 else " " for line in lines[:-2])
    assert last.strip().replace(" ", "") == last.strip()
    assert last.strip().strip(".").strip(":") == "o"
    assert set(last.strip()) == {".", ":", "o"}
    assert any("*" in line for line in lines)
    assert "now" in lines[-1]


def test_a_gap_is_not_drawn() -> None:
    lines = fan_chart(fan([10.0] * 8 + [math.nan] * 8 + [10.0] * 8, [[9.0, 9.5, 10.0, 10.5, 11.0]] * 12), 90, ASCII)
    line = next(item.plain for item in lines if "*" in item.plain)
    assert "   " in line.partition("*")[2].rpartition("*")[0]


def test_blocks_stand_where_they_can_be_written() -> None:
    assert ink_for("utf-8") is BLOCKS
    assert [ink_for(name) for name in ("ascii", "cp1252", "nonsense")] == [ASCII] * 3


@pytest.mark.parametrize("columns", [0, 10, 20])
def test_where_there_is_no_room_nothing_is_drawn(columns: int) -> None:
    assert fan_chart(fan([1.0], [[1.0] * 5]), columns, BLOCKS) == []


@given(
    past=st.lists(RATES, min_size=1, max_size=90),
    bands=st.lists(BANDS, min_size=1, max_size=90),
    columns=st.integers(40, 130),
)
def test_it_never_exceeds_its_columns(past: list[float], bands: list[list[float]], columns: int) -> None:
    for line in fan_chart(fan(past, bands), columns, BLOCKS):
        assert len(line.plain) <= columns


@given(st.floats(1e-9, 1e12))
def test_the_scale_is_round_and_reaches_the_highest(highest: float) -> None:
    scale = scale_of(highest)
    assert scale.ticks[-1] >= highest * (1 - 1e-6)
    assert scale.ticks[-1] <= 2.5 * highest
    assert 9 <= scale.rows <= 17
    assert scale.dot(highest) < scale.rows * 4


@pytest.mark.parametrize(
    ("highest", "labels"),
    [
        (17.0, ["0", "5", "10", "15", "20"]),
        (11.0, ["0.0", "2.5", "5.0", "7.5", "10.0", "12.5"]),
        (0.9, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (0.11, ["0.000", "0.025", "0.050", "0.075", "0.100", "0.125"]),
        (110.0, ["0", "25", "50", "75", "100", "125"]),
        (4900.0, ["0", "1,000", "2,000", "3,000", "4,000", "5,000"]),
    ],
)
def test_ticks_have_the_decimals_of_their_step(highest: float, labels: list[str]) -> None:
    assert scale_of(highest).labels == labels
