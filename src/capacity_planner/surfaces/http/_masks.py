"""Options of sources and scalers without the passwords in them, for those who may only look."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from capacity_planner.frozen import FrozenOptions

if TYPE_CHECKING:
    from capacity_planner.domain.queues import Chosen, ConfigVersion, QueueSettings

MASK = "***"
_SECRET = re.compile(r"password|secret|token|key", re.IGNORECASE)
_FILE = "_file"
# As far as the last @ before a space: a password that was not percent-encoded may have one too.
_IN_ADDRESS = re.compile(r"(://[^:/?#@\s]*):\S*@")


def masked_version(version: ConfigVersion) -> ConfigVersion:
    """A configuration without passwords."""
    config = version.config
    return replace(version, config=replace(config, queues=tuple(masked_queue(queue) for queue in config.queues)))


def masked_queue(queue: QueueSettings) -> QueueSettings:
    """A queue's settings without passwords."""
    return replace(queue, source=_chosen(queue.source), scaler=_chosen(queue.scaler))


def _chosen(chosen: Chosen) -> Chosen:
    return replace(chosen, options=FrozenOptions({name: _value(name, item) for name, item in chosen.options.items()}))


def _value(name: str, value: Any) -> Any:
    """The value; names of files are none of the secrets in them."""
    if _SECRET.search(name) and not name.lower().endswith(_FILE):
        return MASK
    if isinstance(value, tuple):
        return tuple(_value("", item) for item in value)
    return _IN_ADDRESS.sub(rf"\1:{MASK}@", value) if isinstance(value, str) else value
