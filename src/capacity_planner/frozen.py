"""Maps that cannot change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

K = TypeVar("K", float, str)
V = TypeVar("V")


class _Frozen(Mapping[K, V]):
    __slots__ = ("_items",)

    def __init__(self, items: Mapping[K, V] | None = None) -> None:
        self._items: dict[K, V] = dict(sorted((items or {}).items()))

    def __getitem__(self, key: K) -> V:
        return self._items[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(tuple(self._items.items()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._items})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (dict(self._items),))


class FrozenMap(_Frozen[float, float]):
    """An immutable, hashable map of numbers in the order of their keys, such as quantile level → rate."""

    __slots__ = ()


class FrozenOptions(_Frozen[str, Any]):
    """An immutable, hashable map of names to values, in the order of the names; a list is kept as a tuple."""

    __slots__ = ()
