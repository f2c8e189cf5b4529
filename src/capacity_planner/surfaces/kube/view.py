"""What is known of the cluster: told by watching, put right by listing now and then."""

from __future__ import annotations

from threading import Event, Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from capacity_planner.surfaces.kube.names import Kind
    from capacity_planner.surfaces.kube.objects import Object

_MOST_GONE = 10_000


class View:
    """The newest of every object that was seen; safe to share between threads.

    A watch can lose a deletion, and a list is older than what was told while it came. So a list only removes what was
    there before it was asked for, never brings back what was seen to go, and never replaces what is newer. What only a
    list has missed may come back.

    Attributes:
        news: set when anything was learned; whoever waits for it clears it.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._objects: dict[Kind, dict[str, Object]] = {}
        self._gone: dict[str, None] = {}
        self.news = Event()

    def told(self, found: Object, *, gone: bool) -> None:
        """Take what a watch tells of one object."""
        with self._lock:
            known = self._objects.setdefault(found.kind, {})
            if gone:
                known.pop(found.uid, None)
                self._bury(found.uid)
            else:
                self._take(known, found)
        self.news.set()

    def learned(self, found: Object) -> None:
        """Take what a change of ours has made of an object."""
        with self._lock:
            self._take(self._objects.setdefault(found.kind, {}), found)

    def ids(self, kind: Kind) -> set[str]:
        """What is known of a kind, to be asked for before a list is."""
        with self._lock:
            return set(self._objects.get(kind, ()))

    def listed(self, kind: Kind, found: Iterable[Object], before: set[str]) -> None:
        """Take a list of a kind.

        Args:
            kind: the kind.
            found: all that there are.
            before: what was known before the list was asked for.
        """
        there = {item.uid: item for item in found}
        with self._lock:
            known = self._objects.setdefault(kind, {})
            for uid in before - there.keys():
                known.pop(uid, None)
            for item in there.values():
                self._take(known, item)

    def of(self, *kinds: Kind) -> list[Object]:
        """All objects of some kinds."""
        with self._lock:
            return [item for kind in kinds for item in self._objects.get(kind, {}).values()]

    def _take(self, known: dict[str, Object], found: Object) -> None:
        older = known.get(found.uid)
        if found.uid not in self._gone and (older is None or found.revision >= older.revision):
            known[found.uid] = found

    def _bury(self, uid: str) -> None:
        self._gone[uid] = None
        while len(self._gone) > _MOST_GONE:
            del self._gone[next(iter(self._gone))]
