"""A call's time limit, checked where the work is."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from capacity_planner import codec
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.units import parse_duration, words

if TYPE_CHECKING:
    from datetime import timedelta


class Deadline:
    """Raises once a time limit has passed.

    Args:
        timeout: the limit; ``None`` is none.
        remedy: what else helps than more time.
    """

    def __init__(
        self, timeout: timedelta | None, remedy: str = "plan fewer intervals (forecast_window, plan_interval)"
    ) -> None:
        self._timeout, self._remedy = _checked(timeout), remedy
        self._end = None if self._timeout is None else monotonic() + self._timeout.total_seconds()

    @property
    def remaining(self) -> float:
        """Seconds left; -1 without a limit, as ``Lock.acquire`` takes it."""
        return -1.0 if self._end is None else max(self._end - monotonic(), 0.0)

    def check(self) -> None:
        """Go on, or stop.

        Raises:
            PlannerError: ``FORECAST_FAILED`` when the limit has passed; nothing was changed.
        """
        if self._timeout is not None and self.remaining == 0.0:
            raise PlannerError(
                ErrorCode.FORECAST_FAILED,
                f"timeout is {words(self._timeout)}, and the work took longer. Nothing was changed. Allow more time, "
                f"or {self._remedy}.",
                details={"field": "timeout", "value": words(self._timeout), "timed_out": True},
            )


def _checked(timeout: timedelta | None) -> timedelta | None:
    if timeout is None:
        return None
    try:
        return parse_duration(timeout, wire=False)
    except ValueError as error:
        raise PlannerError(
            ErrorCode.CONFIG_INVALID,
            f"timeout is {codec.shown(timeout)}, which {error}",
            details={"field": "timeout", "value": codec.shown(timeout)},
        ) from None
