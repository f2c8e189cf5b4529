"""The configuration in effect: read from the store, set as a whole, and never half."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from capacity_planner.domain.queues import ConfigVersion, ServiceConfig
from capacity_planner.service.checking import checked_service

if TYPE_CHECKING:
    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.queues import QueueSettings
    from capacity_planner.store.store import Store

_FRESH = 1.0


class Configuration:
    """What the service plans for; safe to share between threads.

    Args:
        store: where every version is kept.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._version: ConfigVersion | None = None
        self._queues: dict[str, QueueSettings] = {}
        self._read_at = 0.0

    def config(self, *, fresh: bool = True) -> ConfigVersion:
        """The configuration in effect; not ``fresh`` may be a second old."""
        if self._version is None or fresh or monotonic() - self._read_at > _FRESH:
            found = self._store.config()
            none = ConfigVersion(version=0, config=ServiceConfig(), changed_at=self._store.now(), changed_by="defaults")
            return self._took(found or none)
        return self._version

    def _took(self, version: ConfigVersion) -> ConfigVersion:
        if version is not self._version:
            self._queues = {queue.queue_name: queue for queue in version.config.queues}
        self._version, self._read_at = version, monotonic()
        return version

    def config_versions(self) -> list[ConfigVersion]:
        """The newest configurations, the newest first."""
        return self._store.config_versions()

    def put_config(self, config: ServiceConfig, *, expected: int | None, by: str, digest: str = "") -> ConfigVersion:
        """Set a configuration.

        Orders that are still to be carried out fall for every queue that left, or whose mode is another now.

        Args:
            config: the whole document.
            expected: the version that the caller saw; ``None`` sets it whatever is there.
            by: who sets it.
            digest: of the file that it comes from.

        Raises:
            ConflictError: another version was set meanwhile.
        """
        valid, before = checked_service(config), self.config().config
        version = self._store.put_config(valid, expected=expected, by=by, digest=digest)
        modes = {queue.queue_name: queue.mode for queue in valid.queues}
        left = [old.queue_name for old in before.queues if old.queue_name not in modes]
        changed = [old.queue_name for old in before.queues if modes.get(old.queue_name, old.mode) is not old.mode]
        for names, note in ((left, "The queue left the configuration."), (changed, "The queue's mode was changed.")):
            if names:
                self._store.supersede(names, note)
        return self._took(version)

    def settings(self, queue_name: str) -> QueueSettings | None:
        """How a queue is run; ``None`` where it is not planned for by itself."""
        self.config(fresh=False)
        return self._queues.get(queue_name)

    def planner_config(self, queue_name: str) -> PlannerConfig:
        """The planner's settings for a queue."""
        service, queue = self.config(fresh=False).config, self.settings(queue_name)
        return queue.config(service.planner) if queue else service.planner
