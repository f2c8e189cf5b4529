"""Instants and durations as the database has them: whole microseconds, since 1970 for an instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_CHUNK = 500


def micros(at: datetime) -> int:
    """An instant as the database has it.

    >>> micros(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    return (at - EPOCH) // _MICROSECOND


def instant(at: int) -> datetime:
    """The instant of so many microseconds."""
    return EPOCH + timedelta(microseconds=at)


def maybe_micros(at: datetime | None) -> int | None:
    """As `micros`, where there is an instant."""
    return None if at is None else micros(at)


def maybe_instant(at: int | None) -> datetime | None:
    """As `instant`, where there is one."""
    return None if at is None else instant(at)


def length(duration: timedelta) -> int:
    """A duration as the database has it."""
    return duration // _MICROSECOND


def chunks(items: Iterable[T]) -> Iterator[list[T]]:
    """The items in lists that a statement can name: databases bound the number of its parameters."""
    whole = list(items)
    return (whole[start : start + _CHUNK] for start in range(0, len(whole), _CHUNK))
