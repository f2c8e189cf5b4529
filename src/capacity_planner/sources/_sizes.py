"""Keys of any kind in Redis → how many entries they have, or what they count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capacity_planner.errors import WorldError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from capacity_planner.sources._redis import RedisServer

_COMMANDS = {"string": "get", "list": "llen", "set": "scard", "zset": "zcard", "hash": "hlen", "stream": "xlen"}


def sizes_of(server: RedisServer, keys: Sequence[str]) -> dict[str, int | None]:
    """The sizes of keys, all of one instant; ``None`` for one that is not there.

    Raises:
        WorldError: as `RedisServer.ask`; or a text is no number.
    """
    if not keys:
        return {}
    kinds = server.ask(_each("type", keys))
    there = {key: _COMMANDS.get(kind) for key, kind in zip(keys, kinds, strict=True)}
    known = [(key, command) for key, command in there.items() if command]
    answers = server.ask(lambda pipe: [getattr(pipe, command)(key) for key, command in known]) if known else []
    found = {key: _count(key, answer) for (key, _), answer in zip(known, answers, strict=True)}
    return {key: found.get(key) for key in keys}


def _each(command: str, keys: Sequence[str]) -> Callable[[Any], list[Any]]:
    return lambda pipe: [getattr(pipe, command)(key) for key in keys]


def _count(key: str, answer: Any) -> int | None:
    try:
        return None if answer is None else int(answer)
    except ValueError:
        raise WorldError(f"The key {key!r} holds a text that is no number, so it counts nothing.") from None
