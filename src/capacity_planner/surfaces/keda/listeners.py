"""KEDA's streams: whoever listens is told at once and whenever something changes, without a thread of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import grpc

    from capacity_planner.surfaces.keda.asked import Asked

    Send = Callable[[Any], object]

_TELLERS = 4
_PATIENCE = 60.0


@dataclass(eq=False)
class Listener:
    """An open stream.

    Args:
        asked: what it is told about; ``None`` where that never changes.
        send: sends a message, and waits until it is on its way; ``None`` ends the stream.
        context: of its call.
    """

    asked: Asked | None
    send: Send
    context: grpc.ServicerContext
    _lock: Lock = field(default_factory=Lock)
    _told: Any = None
    _told_at: float = 0.0
    _begun: float | None = None

    def is_due(self, value: Any, now: float, heartbeat: float) -> bool:
        """Whether it is to be told; one that has long not taken what it was told is cut off."""
        if self._begun is not None:
            if now - self._begun > _PATIENCE:
                self.context.cancel()
            return False
        if value is None or (value == self._told and now - self._told_at < heartbeat):
            return False
        self._told, self._told_at, self._begun = value, now, now
        return True

    def tell(self, message: Any) -> None:
        """Send, one message after the other; nothing to one who has gone."""
        with self._lock:
            if self.context.is_active():
                self.send(message)
        self._begun = None


class Listeners:
    """All open streams, and the thread that looks what is new for them.

    Args:
        read: what is to be told about a question; ``None`` where that is not known, and then nobody is told.
        message: the message that says it.
        every: seconds between two looks.
        heartbeat: seconds after which the same is told again, so that connections that are dead are noticed.
    """

    def __init__(
        self, read: Callable[[Asked], Any], message: Callable[[Any], Any], *, every: float, heartbeat: float
    ) -> None:
        self._read, self._message, self._every, self._heartbeat = read, message, every, heartbeat
        self._open: set[Listener] = set()
        self._lock, self._ended = Lock(), Event()
        self._tellers = ThreadPoolExecutor(_TELLERS, thread_name_prefix="capacity-planner-keda")
        self._looker: Thread | None = None

    def add(self, listener: Listener, first: Any) -> None:
        """Tell a listener the first message, and from then on what changes; at the end of the service nothing more.

        Args:
            listener: an open stream.
            first: the message, or for one that listens to changes what `read` found.
        """
        if not listener.context.add_callback(lambda: self._remove(listener)):
            return
        with self._lock:
            if not self._ended.is_set():
                self._admit(listener, first)
                return
        listener.tell(None)

    def end(self) -> None:
        """End all streams; whoever listened may connect to another replica."""
        with self._lock:
            self._ended.set()
            left = tuple(self._open)
        for listener in left:
            self._tellers.submit(listener.tell, None)
        self._tellers.shutdown(wait=False)

    def __len__(self) -> int:
        return len(self._open)

    def _admit(self, listener: Listener, first: Any) -> None:
        self._open.add(listener)
        if listener.asked is None:
            self._tellers.submit(listener.tell, first)
        else:
            self._offer(listener, first)
        if self._looker is None:
            self._looker = Thread(target=self._look, name="capacity-planner-keda", daemon=True)
            self._looker.start()

    def _look(self) -> None:
        while not self._ended.wait(self._every):
            with self._lock:
                listening = {item.asked for item in self._open}
            found = {asked: self._read(asked) for asked in listening if asked is not None}
            with self._lock:
                for listener in self._open if not self._ended.is_set() else ():
                    if listener.asked in found:
                        self._offer(listener, found[listener.asked])

    def _offer(self, listener: Listener, value: Any) -> None:
        if listener.is_due(value, monotonic(), self._heartbeat):
            self._tellers.submit(listener.tell, self._message(value))

    def _remove(self, listener: Listener) -> None:
        with self._lock:
            self._open.discard(listener)
