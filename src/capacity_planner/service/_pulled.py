"""Since when a queue is pulled: only what was ordered since then was ordered for whoever asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capacity_planner.domain.queues import Mode

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from capacity_planner.service.configuration import Configuration
    from capacity_planner.store.store import Store

PULL = "pull"
_MOST = 200


class Pulled:
    """Knows which queues each version of the configuration had pulled; safe to share between threads.

    A version never changes, and may be large: it is read once for all queues, when somebody asks so far back.

    Args:
        configuration: the one in effect.
        store: the versions before it.
    """

    def __init__(self, configuration: Configuration, store: Store) -> None:
        self._configuration, self._store = configuration, store
        self._versions: dict[int, tuple[datetime, frozenset[str]]] = {}

    def holds_since(self, queue_name: str, instant: datetime) -> bool:
        """Whether a queue that is pulled now was pulled all the time since an instant, as far as versions are kept.

        Raises:
            UnavailableError: the store does not answer.
        """
        newest = self._configuration.config(fresh=False)
        if newest.changed_at <= instant:
            return True
        for number in range(newest.version - 1, 0, -1):
            found = self._version(number)
            if found is None:
                return True
            changed_at, names = found
            if queue_name not in names:
                return False
            if changed_at <= instant:
                return True
        return False

    def _version(self, number: int) -> tuple[datetime, frozenset[str]] | None:
        if found := self._versions.get(number):
            return found
        outlines = self._store.config_outlines(before=number + 1)
        read = {item.version: (item.changed_at, _pulled(item.scaled)) for item in outlines}
        known = {**self._versions, **read}
        self._versions = {version: known[version] for version in sorted(known)[-_MOST:]}
        return read.get(number)


def _pulled(scaled: Mapping[str, tuple[str, str]]) -> frozenset[str]:
    return frozenset(name for name, (scaler, mode) in scaled.items() if scaler == PULL and mode != Mode.ADVISORY)
