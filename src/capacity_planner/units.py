"""Durations and instants in words ⇄ values, used at the edges only; inside, time is float seconds.

A duration is read from the protobuf JSON form (``"0.350s"``), from Go's (``"1m30s"``, ``"250ms"``), from ISO 8601
(``"PT90S"``) and, on the wire only, from an integer, which is nanoseconds as Go's ``time.Duration`` marshals. What
could be a slip is refused with the remedy, never guessed: a bare number in a file or on a command line, a float, an
integer below 1 µs. Values are kept to the microsecond. `UNBOUNDED` (292 years, Go's longest duration) stands for
"never ends": it has every written form and compares as one expects.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from fractions import Fraction

NANOSECOND_MAX = 2**63 - 1
UNBOUNDED = timedelta(microseconds=NANOSECOND_MAX // 1000)

_NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)"
_PART = re.compile(rf"({_NUMBER})(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_GO = re.compile(rf"([+-]?)((?:{_NUMBER}(?:ns|us|µs|μs|ms|s|m|h))+)", re.ASCII)
_ISO = re.compile(
    rf"([+-]?)P(?:({_NUMBER})W)?(?:({_NUMBER})D)?(?:T(?:({_NUMBER})H)?(?:({_NUMBER})M)?(?:({_NUMBER})S)?)?", re.ASCII
)
_ISO_SECONDS = (604_800, 86_400, 3_600, 60, 1)
_BARE = re.compile(rf"[+-]?{_NUMBER}", re.ASCII)
_LONGEST_TEXT = 64
_REMEDY = 'Write it with its unit, such as "5s", "1m30s" or "250ms".'


def parse_duration(value: object, *, wire: bool = True) -> timedelta:
    """The duration that a value says.

    Args:
        value: a ``timedelta``, a text, or an integer number of nanoseconds.
        wire: whether an integer is nanoseconds (JSON) or a slip (files, command line).

    Raises:
        ValueError: the value is no duration, or could be a slip; the message says the remedy.

    >>> parse_duration("1m30s"), parse_duration("PT90S"), parse_duration(90_000_000_000)
    (datetime.timedelta(seconds=90), datetime.timedelta(seconds=90), datetime.timedelta(seconds=90))
    """
    if isinstance(value, timedelta):
        return _bounded(value)
    if isinstance(value, str):
        return _from_nanoseconds(_text_nanoseconds(value.strip()))
    if isinstance(value, int) and not isinstance(value, bool) and wire:
        return _from_integer(value)
    raise ValueError(f"is not a duration. {_REMEDY}")


def format_duration(value: timedelta) -> str:
    """The protobuf JSON form: seconds with 0, 3 or 6 decimals and an ``s``.

    >>> format_duration(timedelta(milliseconds=350)), format_duration(timedelta(hours=1))
    ('0.350s', '3600s')
    """
    micros = value // timedelta(microseconds=1)
    sign, (seconds, fraction) = "-" if micros < 0 else "", divmod(abs(micros), 1_000_000)
    if not fraction:
        return f"{sign}{seconds}s"
    digits = f"{fraction:06d}"
    return f"{sign}{seconds}.{digits[:3] if digits.endswith('000') else digits}s"


def nanoseconds(value: timedelta) -> int:
    """Integer nanoseconds, as Go's ``time.Duration`` marshals; `UNBOUNDED` is Go's longest duration.

    >>> nanoseconds(timedelta(seconds=2))
    2000000000
    """
    return NANOSECOND_MAX if value >= UNBOUNDED else value // timedelta(microseconds=1) * 1000


def words(value: timedelta) -> str:
    """A duration as a person reads it.

    >>> words(timedelta(minutes=90)), words(timedelta(milliseconds=350)), words(timedelta(0))
    ('1h30m', '350ms', '0s')
    """
    if value >= UNBOUNDED:
        return "unbounded"
    if value < timedelta(0):
        return "-" + words(-value)
    if 0 < (milliseconds := float(f"{value / timedelta(milliseconds=1):.4g}")) < 1000:  # noqa: PLR2004 - a second
        return f"{milliseconds:.4g}ms"
    if (seconds := float(f"{value.total_seconds():.4g}")) < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.4g}s"
    whole = round(value.total_seconds())
    parts = [(whole // 86_400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "m"), (whole % 60, "s")]
    return "".join(f"{count}{unit}" for count, unit in parts if count)


def from_seconds(seconds: float) -> timedelta:
    """A duration from float seconds; what is infinite or longer than `UNBOUNDED` becomes `UNBOUNDED`.

    >>> from_seconds(0.25), from_seconds(float("inf")) == UNBOUNDED
    (datetime.timedelta(microseconds=250000), True)
    """
    if math.isnan(seconds):
        raise ValueError("is not a number")
    limit = UNBOUNDED.total_seconds()
    return UNBOUNDED if seconds >= limit else timedelta(seconds=max(seconds, -limit))


def seconds_of(value: timedelta) -> float:
    """Float seconds; `UNBOUNDED` becomes infinity."""
    return math.inf if value >= UNBOUNDED else value.total_seconds()


def parse_instant(value: object) -> datetime:
    """An aware UTC instant from a ``datetime`` or an RFC 3339 text.

    Raises:
        ValueError: no instant, without an offset, or outside the calendar.

    >>> parse_instant("2014-04-10T02:00:00+02:00")
    datetime.datetime(2014, 4, 10, 0, 0, tzinfo=datetime.timezone.utc)
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip().upper())
        except ValueError:
            value = None
    if not isinstance(value, datetime):
        raise ValueError('is not an instant. Write it as RFC 3339, such as "2026-01-31T12:00:00Z".')  # noqa: TRY004
    try:
        offset = value.utcoffset()
        instant = None if offset is None else value.astimezone(UTC)
    except (OverflowError, ValueError):
        raise ValueError("is outside the calendar.") from None
    if instant is None:
        raise ValueError('has no time zone. Add the offset, such as "Z", or use datetime.now(UTC).')
    return instant


def format_instant(value: datetime) -> str:
    """The protobuf JSON form: RFC 3339 in UTC, with 0, 3 or 6 decimals.

    >>> format_instant(datetime(2014, 4, 10, tzinfo=UTC)), format_instant(datetime(2014, 4, 10, 0, 0, 0, 500_000, UTC))
    ('2014-04-10T00:00:00Z', '2014-04-10T00:00:00.500Z')
    """
    unit = "auto" if value.microsecond % 1_000 else "milliseconds" if value.microsecond else "seconds"
    return value.astimezone(UTC).isoformat(timespec=unit).replace("+00:00", "Z")


def _from_integer(value: int) -> timedelta:
    if 0 < abs(value) < 1000:  # noqa: PLR2004 - a microsecond
        raise ValueError(f"is an integer, which means nanoseconds, and is below 1 µs. {_REMEDY}")
    return _from_nanoseconds(Fraction(value))


def _text_nanoseconds(text: str) -> Fraction:
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"is too long for a duration. {_REMEDY}")
    if match := _GO.fullmatch(text):
        total = sum((Fraction(number) * _NANOSECONDS[unit] for number, unit in _PART.findall(match[2])), Fraction(0))
    elif (match := _ISO.fullmatch(text)) and text[-1] not in "PT":
        pairs = zip(match.groups()[1:], _ISO_SECONDS, strict=True)
        total = sum((Fraction(number) * seconds for number, seconds in pairs if number), Fraction(0)) * 10**9
    elif _BARE.fullmatch(text):
        if Fraction(text) == 0:
            return Fraction(0)
        raise ValueError(f"has no unit. {_REMEDY}")
    else:
        raise ValueError(f"is not a duration. {_REMEDY}")
    return -total if match[1] == "-" else total


def _from_nanoseconds(total: Fraction) -> timedelta:
    if abs(total) > NANOSECOND_MAX:
        raise ValueError("is longer than 292 years, the longest duration there is.")
    return timedelta(microseconds=round(total / 1000)) if abs(total) < NANOSECOND_MAX - 999 else _longest(total)


def _longest(total: Fraction) -> timedelta:
    return UNBOUNDED if total > 0 else -UNBOUNDED


def _bounded(value: timedelta) -> timedelta:
    if abs(value) > UNBOUNDED:
        raise ValueError("is longer than 292 years, the longest duration there is.")
    return value
