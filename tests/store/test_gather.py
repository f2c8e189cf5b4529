from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock, active_count
from typing import TYPE_CHECKING

import pytest

from capacity_planner.errors import UnavailableError
from capacity_planner.store._gather import Gather

if TYPE_CHECKING:
    from collections.abc import Sequence

PATIENCE = 10


class Book:
    """Where things are written, one group after the other; the first may be held up."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.begun, self.goes_on = Event(), Event()
        self.writing = Lock()

    def __call__(self, items: Sequence[int]) -> None:
        assert self.writing.acquire(blocking=False), "two write at the same time"
        try:
            self.begun.set()
            assert self.goes_on.wait(PATIENCE)
            if 13 in items:
                raise ValueError("13 is not written.")
            if 14 in items:
                raise UnavailableError("The book is full.")
            if 15 in items:
                raise SystemExit
            self.groups.append(list(items))
        finally:
            self.writing.release()


@pytest.fixture
def book() -> Book:
    return Book()


def held_up(book: Book, pool: ThreadPoolExecutor, *parts: list[int]) -> list[BaseException | None]:
    """Write 0, and the parts while that is under way."""
    gather = Gather(book)
    first = pool.submit(gather, [0])
    assert book.begun.wait(PATIENCE)
    others = []
    for count, part in enumerate(parts, start=1):
        others.append(pool.submit(gather, part))
        while len(gather._waiting) < count:  # noqa: SLF001 - until it waits
            assert active_count()
    book.goes_on.set()
    errors = [future.exception(PATIENCE) for future in (first, *others)]
    gather([99])
    return errors


def test_one_alone_writes_at_once(book: Book) -> None:
    book.goes_on.set()
    gather = Gather(book)
    gather([1, 2])
    gather([3])
    assert book.groups == [[1, 2], [3]]


def test_what_comes_meanwhile_is_written_together_in_its_order(book: Book) -> None:
    with ThreadPoolExecutor(9) as pool:
        assert held_up(book, pool, [1, 2], [3], [4]) == [None] * 4
    assert book.groups == [[0], [1, 2, 3, 4], [99]]


def test_no_group_grows_without_end(book: Book) -> None:
    with ThreadPoolExecutor(9) as pool:
        assert held_up(book, pool, [1] * 1500, [2] * 500, [3], [4] * 5000, [5]) == [None] * 6
    assert [len(group) for group in book.groups] == [1, 2000, 1, 5000, 1, 1]


def test_what_one_gave_wrong_is_raised_to_that_one_alone(book: Book) -> None:
    with ThreadPoolExecutor(9) as pool:
        errors = held_up(book, pool, [1], [12, 13], [2])
    assert [type(error) for error in errors] == [type(None), type(None), ValueError, type(None)]
    assert book.groups == [[0], [1], [2], [99]]


def test_that_nothing_can_be_written_is_raised_to_all_who_waited(book: Book) -> None:
    with ThreadPoolExecutor(9) as pool:
        errors = held_up(book, pool, [1], [14], [2])
    assert [type(error) for error in errors] == [type(None), *[UnavailableError] * 3]
    assert book.groups == [[0], [99]]


def test_nobody_is_told_that_it_is_written_when_the_writer_was_stopped(book: Book) -> None:
    with ThreadPoolExecutor(9) as pool:
        errors = held_up(book, pool, [1], [15], [2])
    assert [type(error) for error in errors] == [type(None), SystemExit, UnavailableError, UnavailableError]
    assert book.groups == [[0], [99]]


def test_many_threads_write_all_that_they_have(book: Book) -> None:
    book.goes_on.set()
    gather = Gather(book)

    def work(thread: int) -> None:
        for place in range(200):
            gather([thread * 1000 + place + 100])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    written = [item for group in book.groups for item in group]
    assert sorted(written) == [thread * 1000 + place + 100 for thread in range(8) for place in range(200)]
