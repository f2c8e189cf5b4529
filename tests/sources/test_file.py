"""The file source: what is new in a table that something else writes."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from capacity_planner.domain.scaling import Gap
from capacity_planner.errors import ErrorCode, PlannerError, WorldError
from capacity_planner.registry import sources

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from capacity_planner.domain.metrics import Metrics

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
HEADER = "timestamp,arrival_rate,queue_name\n"


def table(path: Path, rows: Sequence[tuple[int, float, str]]) -> None:
    lines = [f"{(NOON + timedelta(minutes=minute)).isoformat()},{rate},{queue}\n" for minute, rate, queue in rows]
    path.write_text(HEADER + "".join(lines))


def samples(found: Sequence[Metrics] | Gap) -> list[tuple[float, float]]:
    assert not isinstance(found, Gap)
    return [((item.timestamp - NOON) / timedelta(minutes=1), item.arrival_rate) for item in found]


def test_only_what_is_new_and_the_newest_known_and_nothing_of_the_future_of_the_one_queue(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    table(path, [(0, 1.0, "a"), (5, 2.0, "a"), (5, 9.0, "b"), (10, 3.0, "a")])
    source = sources.make("file", {"path": str(path)})
    assert samples(source.collect("a", None, NOON + timedelta(minutes=7))) == [(0, 1.0), (5, 2.0)]
    assert samples(source.collect("a", NOON, NOON + timedelta(minutes=7))) == [(0, 1.0), (5, 2.0)]
    later = samples(source.collect("a", NOON + timedelta(minutes=5), NOON + timedelta(hours=1)))
    assert later == [(5, 2.0), (10, 3.0)]
    assert samples(source.collect("b", None, NOON + timedelta(hours=1))) == [(5, 9.0)]


def test_a_file_that_grew_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    table(path, [(0, 1.0, "a")])
    source = sources.make("file", {"path": str(path)})
    assert samples(source.collect("a", None, NOON + timedelta(hours=1))) == [(0, 1.0)]
    table(path, [(0, 1.0, "a"), (5, 2.0, "a")])
    assert samples(source.collect("a", NOON, NOON + timedelta(hours=1))) == [(0, 1.0), (5, 2.0)]


def test_a_line_without_its_end_counts_once_the_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    table(path, [(0, 1.0, "a"), (5, 25.0, "a")])
    path.write_text(path.read_text().removesuffix("5.0,a\n"))
    source = sources.make("file", {"path": str(path)})
    assert samples(source.collect("a", None, NOON + timedelta(hours=1))) == [(0, 1.0)]
    path.write_text(path.read_text() + "5.0,a")
    assert samples(source.collect("a", None, NOON + timedelta(hours=1))) == [(0, 1.0)]
    left = path.stat().st_mtime - 6
    os.utime(path, (left, left))
    assert samples(source.collect("a", None, NOON + timedelta(hours=1))) == [(0, 1.0), (5, 25.0)]


def test_a_last_row_that_was_corrected_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    table(path, [(0, 1.0, "a"), (5, 2.0, "a")])
    source = sources.make("file", {"path": str(path)})
    assert samples(source.collect("a", None, NOON + timedelta(hours=1))) == [(0, 1.0), (5, 2.0)]
    table(path, [(0, 1.0, "a"), (5, 25.0, "a")])
    assert samples(source.collect("a", NOON + timedelta(minutes=5), NOON + timedelta(hours=1))) == [(5, 25.0)]


def test_facts_that_the_file_has_not_come_from_the_options(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"timestamp,arrival_rate,current_workers\n{NOON.isoformat()},1.5,7\n")
    options = {"path": str(path), "service_time": "2s", "service_time_std": "3s", "workers": 4}
    found = sources.make("file", options).collect("a", None, NOON)
    assert not isinstance(found, Gap)
    (sample,) = found
    assert (sample.service_time, sample.service_time_std) == (timedelta(seconds=2), timedelta(seconds=3))
    assert sample.current_workers == 7


def test_a_trace_of_the_past_is_shifted_into_the_present(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    table(path, [(0, 1.0, "a")])
    source = sources.make("file", {"path": str(path), "shift": "24h"})
    assert samples(source.collect("a", None, NOON + timedelta(hours=25))) == [(24 * 60, 1.0)]


def test_no_sample_up_to_now_is_a_gap_and_nothing_new_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    table(path, [(0, 1.0, "a")])
    source = sources.make("file", {"path": str(path)})
    found = source.collect("a", None, NOON - timedelta(days=1))
    assert isinstance(found, Gap)
    assert "no sample up to now" in found.reason
    assert source.collect("a", NOON + timedelta(seconds=1), NOON + timedelta(hours=1)) == []


def test_a_file_that_is_not_there_or_not_readable_is_a_failure_of_the_world(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="cannot be read"):
        sources.make("file", {"path": str(tmp_path / "no.csv")}).collect("a", None, NOON)
    path = tmp_path / "a.csv"
    path.write_text("timestamp,arrival_rate\n2026-01-31T12:00:00Z,many\n")
    with pytest.raises(WorldError, match="'many' is not a number"):
        sources.make("file", {"path": str(path)}).collect("a", None, NOON)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"service_time": "2"}, "source.options.service_time is '2'"),
        ({"shift": 5}, "source.options.shift is 5"),
        ({"unit": "jobs"}, "none of auto, rate, count"),
        ({"workers": -1}, "source.options.workers is -1"),
        ({"bin": "-5m"}, "source.options.bin is '-5m', which must be at least 0.001s."),
        ({"bin": "0s"}, "source.options.bin is '0s'"),
        ({"service_time": "-2s"}, "source.options.service_time is '-2s', which must be at least 0s."),
        ({"service_time_p95": "-2s"}, "source.options.service_time_p95 is '-2s'"),
        ({"timezone": "Mars"}, "timezone is 'Mars', which is no time zone."),
        ({"timezone": 5}, "source.options.timezone is 5, which is not a text."),
        ({"time_column": 5}, "source.options.time_column is 5, which is not a text."),
        ({"value_column": 5}, "source.options.value_column is 5, which is not a text."),
        ({"path": 5}, "source.options.path is 5, which is not a text."),
    ],
)
def test_an_option_that_does_not_hold_is_refused_when_the_source_is_made(
    options: dict[str, object], words: str
) -> None:
    with pytest.raises(PlannerError, match=words) as caught:
        sources.make("file", {"path": "a.csv", **options})
    assert caught.value.code is ErrorCode.CONFIG_INVALID
