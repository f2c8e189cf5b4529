"""Listens to the events of Celery's workers on Redis, from a thread of its own."""

from __future__ import annotations

import json
import weakref
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

from capacity_planner.sources._celery_asked import opened
from capacity_planner.sources._celery_heard import Heard

if TYPE_CHECKING:
    from capacity_planner.sources._celery_heard import News
    from capacity_planner.sources._redis import RedisServer

_POLL, _AFTER_FAILURE = 0.5, 2.0
_PATIENCE = 5.0


class Listener:
    """Listens from a thread of its own, from the first call on and as long as it is kept.

    Args:
        server: the broker.
        prefix: of all keys.
    """

    def __init__(self, server: RedisServer, prefix: str) -> None:
        self._server, self._channels = server, f"{prefix}/{server.database}.celeryev/*"
        self._heard = Heard()
        self._lock, self._stop = Lock(), Event()
        self._thread: Thread | None = None
        weakref.finalize(self, self._stop.set)

    def news(self) -> News:
        """What was heard up to now."""
        with self._lock:
            if self._thread is None:
                arguments = (self._server, self._channels, self._heard, self._stop)
                self._thread = Thread(target=_listen, args=arguments, name="celery-events", daemon=True)
                self._thread.start()
        return self._heard.news()

    def close(self) -> None:
        """Listen no longer."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_PATIENCE)


def _listen(server: RedisServer, channels: str, heard: Heard, stop: Event) -> None:
    while not stop.is_set():
        try:
            with server.client.pubsub() as pubsub:
                pubsub.psubscribe(channels)
                while not stop.is_set():
                    message = pubsub.get_message(timeout=_POLL)
                    if message is not None and message["type"] == "psubscribe":
                        heard.connected()
                    elif message is not None:
                        _take(message["data"], heard)
        except server.errors:
            heard.broke()
            stop.wait(_AFTER_FAILURE)


def _take(text: str, heard: Heard) -> None:
    with suppress(ValueError, TypeError, KeyError, AttributeError):  # somebody else's message
        body = opened(json.loads(text))
        for event in body if isinstance(body, list) else [body]:
            heard.event(event)
