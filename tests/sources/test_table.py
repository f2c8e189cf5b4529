"""A table becomes samples, and every doubt becomes a sentence with a remedy."""

from __future__ import annotations

import gzip
import random
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.sources.table import read_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(name="write")
def write_fixture(tmp_path: Path) -> Callable[..., Path]:
    def write(*lines: str, name: str = "history.csv") -> Path:
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


def refusal(path: Path, **options: Any) -> PlannerError:
    with pytest.raises(PlannerError) as caught:
        read_table(path, **options)
    return caught.value


def test_counts_become_rates_at_the_end_of_their_bins(write: Callable[..., Path]) -> None:
    reading = read_table(write("timestamp,value", "2026-01-01T00:00:00Z,300", "2026-01-01T00:05:00Z,600"))
    assert [item.arrival_rate for item in reading.metrics] == [1.0, 2.0]
    assert reading.metrics[0].timestamp == START + timedelta(minutes=5)
    assert (reading.unit, reading.interval) == ("count", timedelta(minutes=5))


def test_counts_stamped_at_the_end_stay_where_they_are(write: Callable[..., Path]) -> None:
    path = write("timestamp,value", "2026-01-01T00:00:00Z,300", "2026-01-01T00:05:00Z,600")
    assert read_table(path, stamp="end").metrics[0].timestamp == START


def test_rates_are_taken_as_measured(write: Callable[..., Path]) -> None:
    reading = read_table(write("time;rate", "2026-01-01T01:00:00+01:00;2.5"))
    assert (reading.metrics[0].timestamp, reading.metrics[0].arrival_rate) == (START, 2.5)
    assert (reading.unit, reading.time_column, reading.value_column) == ("rate", "time", "rate")


def test_unit_overrules_the_name(write: Callable[..., Path]) -> None:
    path = write("ts,jobs", "2026-01-01T00:00:00Z,3", "2026-01-01T00:01:00Z,6")
    assert [item.arrival_rate for item in read_table(path, unit="rate").metrics] == [3.0, 6.0]


def test_a_single_count_needs_its_bin(write: Callable[..., Path]) -> None:
    path = write("ts,jobs", "2026-01-01T00:00:00Z,300")
    assert "--bin 5m" in refusal(path).message
    assert read_table(path, interval=timedelta(minutes=5)).metrics[0].arrival_rate == 1.0


def test_all_fields_are_read_with_their_units(write: Callable[..., Path]) -> None:
    header = "Timestamp,arrival_rate,service_time,service_time_p95,service_time_std,current_workers,utilization"
    row = "2026-01-01T00:00:00Z,2,350ms,PT1S,0.1s,4,0.5,7,3,mail"
    sample = read_table(write(f"{header},backlog,active_jobs,queue_name", row)).metrics[0]
    assert (sample.service_time, sample.service_time_p95) == (timedelta(milliseconds=350), timedelta(seconds=1))
    assert (sample.service_time_std, sample.current_workers) == (timedelta(milliseconds=100), 4)
    assert (sample.utilization, sample.backlog, sample.active_jobs, sample.queue_name) == (0.5, 7, 3, "mail")


def test_disorder_duplicates_and_gaps_are_counted(write: Callable[..., Path]) -> None:
    reading = read_table(
        write(
            "timestamp,rate",
            "2026-01-01T00:02:00Z,2",
            "2026-01-01T00:01:00Z,1",
            "2026-01-01T00:03:00Z,",
            "2026-01-01T00:02:00Z,9",
        )
    )
    assert [item.arrival_rate for item in reading.metrics] == [1.0, 9.0]
    assert (reading.duplicates, reading.out_of_order, reading.blank, reading.refused) == (1, 1, 1, 0)


def test_the_order_of_rows_does_not_matter(write: Callable[..., Path]) -> None:
    rows = [f"2026-01-01T00:{minute:02}:00Z,{minute * 7 % 13}" for minute in range(60)]
    shuffled = random.Random(1).sample(rows, k=60)  # noqa: S311 - no secret
    expected = read_table(write("ts,count", *rows)).metrics
    assert read_table(write("ts,count", *shuffled, name="b.csv")).metrics == expected


@pytest.mark.parametrize("bad", ["-1", "nan", "inf", "1e999", "abc", "1,5", "1_000", "0x10"])
def test_what_is_no_rate_is_refused_by_row_and_column(write: Callable[..., Path], bad: str) -> None:
    error = refusal(write("timestamp;rate", "2026-01-01T00:00:00Z;1", f"2026-01-01T00:01:00Z;{bad}"))
    assert error.code is ErrorCode.INVALID_METRICS
    assert "history.csv row 3, column rate" in error.message
    assert bad in error.message


def test_bad_rows_are_left_out_only_when_asked(write: Callable[..., Path]) -> None:
    path = write("timestamp,rate", "2026-01-01T00:00:00Z,1", "2026-01-01T00:01:00Z,x", "oops,2")
    assert read_table(path, skip_refused=True).refused == 2


def test_a_naive_time_needs_its_zone(write: Callable[..., Path]) -> None:
    path = write("timestamp,rate", "2026-01-01 01:00:00,1")
    assert "--timezone UTC" in refusal(path).message
    assert read_table(path, timezone="Europe/Berlin").metrics[0].timestamp == START
    assert "no time zone" in refusal(path, timezone="Europe/Atlantis").message


@pytest.mark.parametrize("stamp", ["2026-03-29 02:30:00", "2026-10-25 02:30:00"])
def test_local_times_that_do_not_exist_once_are_refused(write: Callable[..., Path], stamp: str) -> None:
    path = write("timestamp,rate", f"{stamp},1")
    assert "clocks change" in refusal(path, timezone="Europe/Berlin").message


def test_an_epoch_needs_its_unit(write: Callable[..., Path]) -> None:
    path = write("ts,rate", f"{START.timestamp():.0f},1")
    assert "--time-unit" in refusal(path).message
    assert read_table(path, time_unit="s").metrics[0].timestamp == START
    assert "outside the calendar" in refusal(write("ts,rate", "1e300,1"), time_unit="ms").message


def test_a_bare_duration_is_refused(write: Callable[..., Path]) -> None:
    message = refusal(write("ts,rate,service_time", "2026-01-01T00:00:00Z,1,2")).message
    assert "column service_time" in message
    assert "has no unit" in message


def test_several_queues_need_a_choice(write: Callable[..., Path]) -> None:
    path = write("ts,rate,queue_name", "2026-01-01T00:00:00Z,1,a", "2026-01-01T00:00:00Z,2,b")
    assert "--queue-name" in refusal(path).message
    assert [item.arrival_rate for item in read_table(path, queue_name="b").metrics] == [2.0]
    assert "no samples of the queue 'c'" in refusal(path, queue_name="c").message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n \n", "has no rows"),
        (b"timestamp,rate\n", "has no samples"),
        (b"2026-01-01T00:00:00Z,5\n", "has no header"),
        (b"timestamp,arival_rate\n2026-01-01T00:00:00Z,5\n", "Did you mean arrival_rate"),
        (b"\x00\x01\x02\x03", "is binary"),
        (b"\xff\xfe\x00\x80junk", "neither UTF-8"),
        (b"\x1f\x8bjunk", "cannot be read"),
        (b"PAR1junk", "cannot be read as Parquet"),
        (b"ts,rate\n2026-01-01T00:00:00Z," + b"9" * 200_000, "field larger"),
        (b"ts,rate\n2026-01-01T00:00:00Z,1,2\n", "more cells"),
    ],
)
def test_what_is_no_table_is_told(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "odd.csv"
    path.write_bytes(content)
    error = refusal(path)
    assert words in error.message
    assert str(path) in error.message


def test_missing_files_and_columns_are_named_with_their_neighbours(tmp_path: Path, write: Callable[..., Path]) -> None:
    path = write("timestamp,rate", "2026-01-01T00:00:00Z,1")
    assert "Did you mean" in refusal(tmp_path / "histroy.csv").message
    assert "is a directory" in refusal(tmp_path).message
    assert "Nor does the directory" in refusal(tmp_path / "no" / "x.csv").message
    assert "Did you mean rate" in refusal(path, value_column="rat").message


def test_columns_and_bins_that_cannot_be_meant_are_refused(write: Callable[..., Path]) -> None:
    assert "twice" in refusal(write("ts,rate,rate", "2026-01-01T00:00:00Z,1,2")).message
    assert "days apart" in refusal(write("ts,count", "0001-01-02T00:00:00Z,1", "8999-01-01T00:00:00Z,2")).message
    assert "outside the calendar" in refusal(write("ts,rate", "0001-01-01 00:00:00,1"), timezone="Asia/Tokyo").message


def test_gzip_reads_as_plain(tmp_path: Path, write: Callable[..., Path]) -> None:
    plain = write("timestamp,rate", "2026-01-01T00:00:00Z,1")
    packed = tmp_path / "history.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert read_table(packed) == read_table(plain)


def parquet(path: Path, columns: dict[str, Any]) -> Path:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table(columns), path)
    return path


def test_parquet_reads_as_csv(tmp_path: Path, write: Callable[..., Path]) -> None:
    pa = pytest.importorskip("pyarrow")
    stamps = pa.array([START, START + timedelta(minutes=1)], pa.timestamp("ns", tz="UTC"))
    spent = pa.array([timedelta(seconds=2), None], pa.duration("ns"))
    path = parquet(tmp_path / "a.parquet", {"ts": stamps, "count": [60, None], "service_time": spent})
    plain = write("ts,count,service_time", "2026-01-01T00:00:00Z,60,2s", "2026-01-01T00:01:00Z,,")
    assert read_table(path, interval=timedelta(minutes=1)) == read_table(plain, interval=timedelta(minutes=1))


def test_naive_parquet_times_need_their_zone_too(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", {"ts": [START.replace(tzinfo=None)], "rate": [1.5]})
    assert "--timezone" in refusal(path).message
    assert read_table(path, timezone="UTC").metrics[0].timestamp == START


def test_parquet_days_begin_at_midnight(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", {"date": [START.date()], "rate": [1.5]})
    assert read_table(path, timezone="UTC").metrics[0].timestamp == START


def test_parquet_without_its_extra_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = parquet(tmp_path / "a.parquet", {"ts": [START], "rate": [1.5]})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    error = refusal(path)
    assert error.code is ErrorCode.CONFIG_INVALID
    assert "pip install 'capacity-planner[parquet]'" in error.message


@given(content=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: f"ts,rate\n{text}".encode()))
def test_junk_is_refused_and_never_a_crash(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("junk") / "junk.csv"
    path.write_bytes(content)
    assert outcome(path) in {None, ErrorCode.INVALID_METRICS}


def outcome(path: Path) -> ErrorCode | None:
    try:
        read_table(path)
    except PlannerError as error:
        return error.code
    return None
