"""A query over a span of time → its values at the steps of an even grid."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from capacity_planner.errors import WorldError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capacity_planner.sources._web import Site

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_MOST_POINTS = 2_000  # a server takes up to 11,000, but a first start asks for weeks
_BAD_REQUEST = 400


@dataclass(frozen=True, slots=True)
class Grid:
    """Instants at whole steps since 1970, which are the same whoever asks and whenever [ms].

    Attributes:
        first: the first instant.
        last: the last one.
        step: their distance.
    """

    first: int
    last: int
    step: int

    @classmethod
    def between(cls, since: datetime, until: datetime, step: timedelta) -> Grid | None:
        """The instants after ``since`` and up to ``until``; ``None`` where there is none."""
        length = step // _MILLISECOND
        first = ((since - _EPOCH) // _MILLISECOND // length + 1) * length
        last = (until - _EPOCH) // _MILLISECOND // length * length
        return cls(first, last, length) if first <= last else None

    @property
    def instants(self) -> range:
        """All of them [ms since 1970]."""
        return range(self.first, self.last + 1, self.step)

    @property
    def with_one_before(self) -> Grid:
        """The same, and the instant before the first one."""
        return Grid(self.first - self.step, self.last, self.step)

    def pieces(self) -> Iterator[Grid]:
        """The grid in pieces that a server answers at once."""
        for first in range(self.first, self.last + 1, self.step * _MOST_POINTS):
            yield Grid(first, min(first + self.step * (_MOST_POINTS - 1), self.last), self.step)


def instant(milliseconds: int) -> datetime:
    """The instant that many milliseconds after the begin of 1970."""
    return _EPOCH + milliseconds * _MILLISECOND


def ask(site: Site, field: str, query: str, grid: Grid) -> dict[int, float]:
    """The values of a query: instant [ms since 1970] → number; where there is none, or no finite one, nothing.

    Args:
        site: the Prometheus server.
        field: what the query is for, in messages.
        query: PromQL.
        grid: where.

    Raises:
        WorldError: the server fails, refuses the query, or finds several series.
    """
    found: dict[int, float] = {}
    for piece in grid.pieces():
        spoken = {"start": piece.first / 1_000, "end": piece.last / 1_000, "step": piece.step / 1_000}
        answer = site.get("/api/v1/query_range", {"query": query, **{key: f"{at:.3f}" for key, at in spoken.items()}})
        found |= _values(site, field, query, answer.data, refused=answer.status >= _BAD_REQUEST)
    return found


def _values(site: Site, field: str, query: str, data: Any, *, refused: bool) -> dict[int, float]:
    try:
        if refused:
            raise _refusal(site, field, query, data["error"])
        series = data["data"]["result"]
        if len(series) > 1:
            raise _several(field, query, [item["metric"] for item in series])
        pairs = [(round(at * 1_000), float(text)) for item in series for at, text in item["values"]]
    except (KeyError, TypeError, ValueError):
        message = f"{site.url} does not answer as Prometheus does. Check the address, and the path before /api/v1."
        raise WorldError(message, temporary=False) from None
    return {at: number for at, number in pairs if math.isfinite(number)}


def _refusal(site: Site, field: str, query: str, reason: str) -> WorldError:
    return WorldError(f"{site.url} refuses the query for {field}: {reason}. It is: {query}", temporary=False)


def _several(field: str, query: str, found: list[Any]) -> WorldError:
    shown = " and ".join(str(labels) for labels in found[:2])
    return WorldError(
        f"The query for {field} finds {len(found)} series, such as {shown}. Make one of them, mostly with sum(…). "
        f"It is: {query}",
        temporary=False,
    )
