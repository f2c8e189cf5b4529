"""Instants: RFC 3339 with an offset, UTC inside, nothing guessed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.units import format_instant, parse_instant

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31T12:00:00Z", NOON),
        ("2026-01-31t12:00:00Z", NOON),
        # RFC 3339 section 5.6: "T" and "Z" may be lower case
        ("2026-01-31t12:00:00z", NOON),
        ("2026-01-31 12:00:00Z", NOON),
        ("2026-01-31T13:30:00+01:30", NOON),
        ("2026-01-31T12:00:00-00:00", NOON),
        ("2026-01-31T12:00:00.250Z", NOON + timedelta(milliseconds=250)),
        # Go's time.RFC3339Nano; what is below a microsecond is cut
        ("2026-01-31T12:00:00.123456789Z", NOON + timedelta(microseconds=123456)),
        # https://www.rfc-editor.org/rfc/rfc3339#section-5.8
        ("1985-04-12T23:20:50.52Z", datetime(1985, 4, 12, 23, 20, 50, 520_000, tzinfo=UTC)),
        ("1996-12-19T16:39:57-08:00", datetime(1996, 12, 20, 0, 39, 57, tzinfo=UTC)),
        ("1937-01-01T12:00:27.87+00:20", datetime(1937, 1, 1, 11, 40, 27, 870_000, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),  # Go's zero time
    ],
)
def test_rfc_3339_is_read_as_utc(text: str, expected: datetime) -> None:
    instant = parse_instant(text)
    assert instant == expected
    assert instant.tzinfo is UTC


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("2026-01-31T12:00:00", "has no time zone. Add the offset"),
        ("2026-01-31", "has no time zone"),
        (datetime(2026, 1, 31, 12), "has no time zone"),  # noqa: DTZ001 - that is the case
        ("1990-12-31T23:59:60Z", "is not an instant"),  # a leap second: no clock of ours has one
        ("2026-02-30T12:00:00Z", "is not an instant"),
        ("2026-01-31T12:00:00 Europe/Paris", "is not an instant"),
        ("noon", "is not an instant"),
        ("", "is not an instant"),
        (1_769_860_800, "is not an instant"),
        (1e9, "is not an instant"),
        (None, "is not an instant"),
        (True, "is not an instant"),
        (NOON.date(), "is not an instant"),
        ("0001-01-01T00:00:00+05:00", "outside the calendar"),
        ("9999-12-31T23:59:59-05:00", "outside the calendar"),
    ],
)
def test_what_is_no_instant_is_refused_with_the_reason(value: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_instant(value)


@given(st.datetimes(max_value=datetime(8999, 1, 1), min_value=datetime(2, 1, 1), timezones=ZONES))  # noqa: DTZ001
def test_an_instant_reads_back_as_it_was_written(instant: datetime) -> None:
    text = format_instant(instant)
    assert text.endswith("Z")
    assert parse_instant(text) == instant
    assert parse_instant(instant) == instant
    assert parse_instant(instant).utcoffset() == timedelta(0)


@given(
    st.text(max_size=40)
    | st.from_regex(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d([.,]\d+)?([Zz]|[+-]\d\d:\d\d)", fullmatch=True)
)
def test_any_text_is_an_instant_or_a_value_error(text: str) -> None:
    try:
        instant = parse_instant(text)
    except ValueError as error:
        assert str(error).startswith(("is ", "has "))  # noqa: PT017 - both ways out are asserted on
        return
    assert instant.utcoffset() == timedelta(0)
