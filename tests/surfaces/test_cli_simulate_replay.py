"""``simulate --replay``: whatever instant the scenario begins at, and whatever the history lacks."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.surfaces._made import cli
from tests.surfaces.test_cli_simulate import answer
from tests.surfaces.test_cli_simulate_files import written

TAXI = Path(__file__).parents[2] / "examples" / "nyc_taxi" / "nyc_taxi.csv"
PLAN = ("--workers", "40", "--service-time", "1s", "--p95", "8s", "--replay")


def counts(path: Path, stamps: list[str], each: int = 2400) -> tuple[str, ...]:
    rows = [f"{stamp},{each}" for stamp in stamps]
    return (*PLAN, "--history", written(path, "\n".join(["timestamp,count", *rows])))


def jobs_at(start: str, duration: str) -> int:
    flags = (*PLAN, "--workers", "99", "--history", str(TAXI), "--start", start, "--duration", duration)
    return answer(*flags).summary.jobs


def test_a_start_within_a_daily_bin_shares_it_by_time(tmp_path: Path) -> None:
    flags = counts(tmp_path / "a.csv", [f"2026-01-0{day}T00:00:00Z" for day in range(1, 6)])
    for start, duration, jobs in (("02T12", "24h", 2400), ("02T12", "12h", 1200), ("03T00", "6h", 600)):
        found = answer(*flags, "--start", f"2026-01-{start}:00:00Z", "--duration", duration)
        assert found.summary.jobs == jobs


def test_a_start_within_a_short_bin_replays_that_time() -> None:
    (first, second) = (jobs_at(f"2014-07-01T00:{minute}:00Z", "30m") for minute in ("00", "30"))
    assert (first, second) == (10844, 8127)
    assert jobs_at("2014-07-01T00:07:00Z", "30m") == pytest.approx(first * 23 / 30 + second * 7 / 30, abs=1)
    assert jobs_at("2014-07-01T00:07:13.5Z", "22m46.5s") == pytest.approx(first * 22.775 / 30, abs=1)


def test_intervals_that_are_missing_are_told(tmp_path: Path) -> None:
    stamps = [f"2026-01-01T{hour:02}:00:00Z" for hour in range(24) if hour not in {4, 5, 6}]
    result = cli("simulate", *counts(tmp_path / "a.csv", stamps))
    assert "a.csv: 3 of 24 intervals of the history are missing and replayed as 0 jobs." in result.stderr
    whole = counts(tmp_path / "b.csv", [f"2026-01-01T{hour:02}:00:00Z" for hour in range(24)])
    assert "missing" not in cli("simulate", *whole, "--start", "2026-01-01T03:20:00Z").stderr


def test_samples_within_one_bin_add_up(tmp_path: Path) -> None:
    times = [datetime.fromisoformat("2026-01-01T00:00:00+00:00") + timedelta(hours=hour) for hour in range(12)]
    stamps = [time.isoformat() for time in times]
    stamps.insert(6, (times[5] + timedelta(minutes=10)).isoformat())
    assert answer(*counts(tmp_path / "a.csv", stamps)).summary.jobs == 13 * 2400


@pytest.mark.parametrize("start", ["00:00:00.000001", "00:13:07", "00:29:59.9", "01:00:00.5"])
@pytest.mark.parametrize("duration", ["1h", "59m59.999999s", "1.000001s", "7h13m"])
def test_any_start_and_any_length_replay_their_time(start: str, duration: str) -> None:
    found = cli(
        "simulate", *PLAN, "--history", str(TAXI), "--start", f"2014-07-01T{start}Z", "--duration", duration, "--json"
    )
    assert found.exit_code in {0, 3}, found.output


def test_rates_hold_until_the_next_one(tmp_path: Path) -> None:
    rows = [f"2026-01-01T00:{minute:02}:00Z,2" for minute in (0, 5, 10, 11, 15, 20)]
    path = written(tmp_path / "a.csv", "\n".join(["timestamp,rate", *rows]))
    assert answer(*PLAN, "--history", path, "--duration", "20m").summary.jobs == 2400
