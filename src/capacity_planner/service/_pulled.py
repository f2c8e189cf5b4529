"""Since when a queue is pulled: only what was ordered since then was ordered for whoever asks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from capacity_planner.domain.queues import Mode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from capacity_planner.service.configuration import Configuration
    from capacity_planner.store._settings import ConfigOutline
    from capacity_planner.store.store import Store

PULL = "pull"
_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Known:
    """What some versions on end say.

    Attributes:
        first: the oldest of them.
        last: the newest of them.
        since: queue that the newest has pulled → the version, and its time, since which all have.
    """

    first: int
    last: int
    since: Mapping[str, tuple[int, datetime]]


class Pulled:
    """Knows since which version of the configuration each queue is pulled; safe to share between threads.

    A version never changes, and may be large: it is read once for all queues, when somebody asks so far back.

    Args:
        configuration: the one in effect.
        store: the versions before it.
    """

    def __init__(self, configuration: Configuration, store: Store) -> None:
        self._configuration, self._store = configuration, store
        self._known = _Known(0, 0, {})

    def holds_since(self, queue_name: str, instant: datetime) -> bool:
        """Whether a queue that is pulled now was pulled all the time since an instant, as far as versions are kept.

        Raises:
            UnavailableError: the store does not answer.
        """
        newest = self._configuration.config(fresh=False)
        if newest.changed_at <= instant:
            return True
        known = self._with_newer(self._known, newest.version)
        while queue_name in known.since:
            version, changed_at = known.since[queue_name]
            if changed_at <= instant:
                return True
            if version > known.first:
                return False
            self._known = known = self._with_older(known)
        return False

    def _with_newer(self, known: _Known, newest: int) -> _Known:
        if newest <= known.last:
            return known
        count = newest - known.last if known.last else 1
        for outline in reversed(self._store.config_outlines(before=newest + 1, limit=count)):
            own = outline.version, outline.changed_at
            since = {name: known.since.get(name, own) for name in _pulled(outline)}
            known = _Known(known.first or outline.version, outline.version, since)
        self._known = known
        return known

    def _with_older(self, known: _Known) -> _Known:
        outlines = self._store.config_outlines(before=known.first)
        for outline in outlines:
            known = _moved(known, _pulled(outline), outline.version, outline.changed_at)
        return known if outlines else _moved(known, set(known.since), known.first, _EVER)


def _moved(known: _Known, names: set[str], version: int, changed_at: datetime) -> _Known:
    """What is known with a version before all others, which has these queues pulled."""
    still = {name for name, (since, _) in known.since.items() if since == known.first} & names
    return replace(known, first=version, since={**known.since, **dict.fromkeys(still, (version, changed_at))})


def _pulled(outline: ConfigOutline) -> set[str]:
    scaled = outline.scaled.items()
    return {name for name, (scaler, mode) in scaled if scaler == PULL and mode != Mode.ADVISORY}
