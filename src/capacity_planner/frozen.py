"""A map that cannot change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class FrozenMap(Mapping[float, float]):
    """An immutable, hashable map of numbers in the order of their keys, such as quantile level → rate."""

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[float, float] | None = None) -> None:
        self._items = dict(sorted((items or {}).items()))

    def __getitem__(self, key: float) -> float:
        return self._items[key]

    def __iter__(self) -> Iterator[float]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(tuple(self._items.items()))

    def __repr__(self) -> str:
        return f"FrozenMap({self._items})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (FrozenMap, (dict(self._items),))
