"""Keys of any kind in Redis → how many entries they have, or what they count."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from capacity_planner.errors import WorldError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from capacity_planner.sources._redis import RedisServer

_COMMANDS = {"string": "get", "list": "llen", "set": "scard", "zset": "zcard", "hash": "hlen", "stream": "xlen"}


class Sizes:
    """The sizes of keys; safe to share between threads.

    Of what kind a key is, is asked only until it is known: a list may be there between two questions, and gone again.

    Args:
        server: where the keys are.
    """

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._kinds: dict[str, str] = {}

    def of(self, keys: Mapping[str, str]) -> dict[str, float]:
        """The sizes of those keys that are there, all of one instant; empty ones are not there.

        Args:
            keys: each with what it is alike: keys that are alike are of one kind.

        Raises:
            WorldError: as `RedisServer.ask`; or a text counts nothing.
        """
        self._learn(keys)
        known = [(key, kind) for key, alike in keys.items() if (kind := self._kinds.get(alike)) is not None]
        if not known:
            return {}
        try:
            answers = self._server.ask(lambda pipe: [getattr(pipe, _COMMANDS[kind])(key) for key, kind in known])
        except WorldError:
            self._kinds.clear()  # a key may have become one of another kind
            raise
        found = zip(known, answers, strict=True)
        return {key: _count(key, answer) for (key, _), answer in found if answer not in {None, 0}}

    def _learn(self, keys: Mapping[str, str]) -> None:
        new = [key for key, alike in keys.items() if alike not in self._kinds]
        kinds = self._server.ask(lambda pipe: [pipe.type(key) for key in new]) if new else []
        self._kinds |= {keys[key]: kind for key, kind in zip(new, kinds, strict=True) if kind in _COMMANDS}


def _count(key: str, answer: Any) -> float:
    try:
        count = float(answer)
    except ValueError:
        count = math.nan
    if 0 <= count < math.inf:
        return count
    what = "a number below 0" if -math.inf < count < 0 else "a text that is no number"
    raise WorldError(f"The key {key!r} holds {what}, so it counts nothing. Count it up from 0, by INCR or INCRBYFLOAT.")
