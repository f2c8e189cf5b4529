"""Durations in words: protobuf JSON, Go, ISO 8601, integer nanoseconds, and what could be a slip is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner import units
from capacity_planner.units import UNBOUNDED, format_duration, from_seconds, nanoseconds, parse_duration, seconds_of

US = timedelta(microseconds=1)
ANY = st.timedeltas(-UNBOUNDED, UNBOUNDED)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # https://protobuf.dev/programming-guides/json/: "1.000340012s", "1s"; nine decimals are rounded to microseconds
        ("1s", timedelta(seconds=1)),
        ("0s", timedelta(0)),
        ("0.350s", timedelta(milliseconds=350)),
        ("1.000340012s", timedelta(seconds=1, microseconds=340)),
        ("-0.000001s", -US),
        # https://pkg.go.dev/time#ParseDuration, its own examples, and time.Duration.String's forms
        ("300ms", timedelta(milliseconds=300)),
        ("-1.5h", timedelta(hours=-1.5)),
        ("2h45m", timedelta(hours=2, minutes=45)),
        ("1h15m30.918s", timedelta(hours=1, minutes=15, seconds=30, milliseconds=918)),
        ("1h2m3.5s", timedelta(hours=1, minutes=2, seconds=3.5)),
        ("1m30s", timedelta(seconds=90)),
        ("1µs", US),
        ("1μs", US),
        ("1us", US),
        ("1000ns", US),
        (".5s", timedelta(milliseconds=500)),
        ("5.s", timedelta(seconds=5)),
        ("+5s", timedelta(seconds=5)),
        ("0", timedelta(0)),
        ("1h0m0s", timedelta(hours=1)),
        ("2540400h10m10s", timedelta(hours=2540400, minutes=10, seconds=10)),
        # ISO 8601-1:2019, section 5.5.2
        ("PT90S", timedelta(seconds=90)),
        ("PT1H30M", timedelta(minutes=90)),
        ("P1DT12H", timedelta(hours=36)),
        ("P2W", timedelta(weeks=2)),
        ("PT0.35S", timedelta(milliseconds=350)),
        ("-PT5S", timedelta(seconds=-5)),
        ("PT0S", timedelta(0)),
        ("  5s ", timedelta(seconds=5)),
    ],
)
def test_every_written_form_is_read(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected
    assert parse_duration(text, wire=False) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, timedelta(0)),
        (1_000, US),
        (2_000_000_000, timedelta(seconds=2)),
        (-1_500_000_000, timedelta(seconds=-1.5)),
        (2**63 - 1, UNBOUNDED),
        (-(2**63 - 1), -UNBOUNDED),
    ],
)
def test_an_integer_on_the_wire_is_nanoseconds_as_go_marshals_them(value: int, expected: timedelta) -> None:
    assert parse_duration(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        5,
        -5,
        999,
        5.0,
        0.0,
        float("nan"),
        float("inf"),
        True,
        False,
        None,
        "5",
        "5.0",
        "-3",
        "",
        " ",
        "s",
        "5 s",
        "5S",
        "5sec",
        "5d",
        "1e3s",
        "1,5s",
        "5s5",
        "1h -2m",
        "1h-2m",
        "--5s",
        "nan",
        "NaN s",
        "infs",
        "٣s",
        "P",
        "PT",
        "P1DT",
        "P1Y",
        "P1M",
        "pt5s",
        "PT5",
        "0x5s",
        "5s\x00",
        "9" * 100 + "s",
        "292471209h",
        2**63,
        -(2**63) - 1,
        pytest.param(10**5000, id="10**5000"),
        b"5s",
        [],
        {},
        1j,
        timedelta.max,
        timedelta.min,
    ],
)
def test_what_is_no_duration_or_could_be_a_slip_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^(is|has) .*\.$"):
        parse_duration(value)


@pytest.mark.parametrize("value", [0, 2_000_000_000, 5, 5.0])
def test_off_the_wire_a_bare_number_is_refused_with_the_remedy(value: Any) -> None:
    with pytest.raises(ValueError, match='such as "5s"'):
        parse_duration(value, wire=False)


@pytest.mark.parametrize("value", [5, 5.0, "5", True, "", "5 s"])
def test_a_slip_is_answered_with_the_remedy(value: Any) -> None:
    with pytest.raises(ValueError, match='such as "5s"'):
        parse_duration(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        # protobuf JSON: "generated output always contains 0, 3, 6, or 9 fractional digits"
        (timedelta(0), "0s"),
        (timedelta(seconds=5), "5s"),
        (timedelta(milliseconds=350), "0.350s"),
        (US, "0.000001s"),
        (-US, "-0.000001s"),
        (timedelta(seconds=-1.5), "-1.500s"),
        (timedelta(hours=1), "3600s"),
        (timedelta(seconds=1, microseconds=340), "1.000340s"),
    ],
)
def test_the_written_form_is_protobufs(value: timedelta, text: str) -> None:
    assert format_duration(value) == text


@given(ANY)
def test_text_reads_back_as_it_was_written(value: timedelta) -> None:
    assert parse_duration(format_duration(value)) == value


@given(ANY.filter(lambda value: abs(value) < UNBOUNDED))
def test_nanoseconds_read_back_as_they_were_written(value: timedelta) -> None:
    assert nanoseconds(value) == value // US * 1000
    assert parse_duration(nanoseconds(value)) == value


def test_the_unbounded_duration_is_gos_longest_and_reads_back() -> None:
    assert nanoseconds(UNBOUNDED) == 2**63 - 1
    assert parse_duration(nanoseconds(UNBOUNDED)) == UNBOUNDED
    assert parse_duration(format_duration(UNBOUNDED)) == UNBOUNDED
    assert seconds_of(UNBOUNDED) == float("inf")
    assert units.words(UNBOUNDED) == "unbounded"


@given(st.text(alphabet="0123456789.hmsunµ+-PTDW ", max_size=12) | st.text(max_size=20))
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    try:
        value = parse_duration(text)
    except ValueError:
        return
    assert -UNBOUNDED <= value <= UNBOUNDED


@given(st.floats(allow_nan=False))
def test_float_seconds_saturate_and_never_fail(seconds: float) -> None:
    value = from_seconds(seconds)
    assert -UNBOUNDED <= value <= UNBOUNDED
    if abs(seconds) < 1e6:
        assert abs(value.total_seconds() - seconds) <= 1e-6
    if seconds == float("inf"):
        assert value == UNBOUNDED


def test_nan_is_no_duration() -> None:
    with pytest.raises(ValueError, match="not a number"):
        from_seconds(float("nan"))


@given(ANY)
def test_a_duration_in_words_is_never_empty_and_names_a_unit(value: timedelta) -> None:
    text = units.words(value)
    assert text == "unbounded" or text[-1] in "smhd"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(minutes=90), "1h30m"),
        (timedelta(seconds=59.9996), "1m"),
        (timedelta(microseconds=999_999), "1s"),
        (US, "0.001ms"),
        (timedelta(days=1, seconds=1), "1d1s"),
        (-timedelta(seconds=5), "-5s"),
        (-UNBOUNDED, "-unbounded"),
    ],
)
def test_a_duration_in_words_is_rounded_to_the_unit_a_person_would_use(value: timedelta, text: str) -> None:
    assert units.words(value) == text
