"""Busy slots are looked at from a thread that begins with the first queue and ends with its owner."""

from __future__ import annotations

import gc
import threading
import time
from typing import TYPE_CHECKING

import pytest

from capacity_planner.errors import WorldError
from capacity_planner.sources._sampler import Sampler

if TYPE_CHECKING:
    from collections.abc import Collection


class Watched:
    """Says what it is told to say."""

    def __init__(self) -> None:
        self.busy = {"emails": 2.0}
        self.away = False
        self.looks = 0
        self.sampler = Sampler(self.look)

    def look(self, queues: Collection[str]) -> dict[str, float]:
        self.looks += 1
        if self.away:
            raise WorldError("away")
        return {name: self.busy[name] for name in queues}


def threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "busy-slots"}


def until(watched: Watched, looks: int) -> None:
    end, wanted = time.monotonic() + 30, watched.looks + looks
    while watched.looks < wanted and time.monotonic() < end:
        time.sleep(0.02)


@pytest.fixture(name="often", autouse=True)
def often_fixture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capacity_planner.sources._sampler._EVERY", 0.01)
    monkeypatch.setattr("capacity_planner.sources._sampler._AFTER_FAILURE", 0.01)


def test_the_mean_is_of_the_time_since_it_was_asked_for_last() -> None:
    watched = Watched()
    assert watched.sampler.mean("emails") is None
    until(watched, 25)
    assert watched.sampler.mean("emails") == pytest.approx(2.0)
    watched.busy["emails"] = 6.0
    watched.sampler.mean("emails")
    until(watched, 25)
    assert watched.sampler.mean("emails") == pytest.approx(6.0, abs=0.5)


def test_too_few_looks_say_nothing() -> None:
    watched = Watched()
    watched.sampler.mean("emails")
    until(watched, 5)
    assert watched.sampler.mean("emails") is None


def test_a_server_that_is_away_is_looked_at_again() -> None:
    watched = Watched()
    watched.away = True
    watched.sampler.mean("emails")
    until(watched, 30)
    assert watched.sampler.mean("emails") is None
    watched.away = False
    until(watched, 30)
    assert watched.sampler.mean("emails") == pytest.approx(2.0)


def test_the_thread_begins_with_the_first_queue_and_ends_with_its_owner() -> None:
    before = threads()
    watched = Watched()
    assert threads() <= before
    watched.busy["other"] = 1.0
    watched.sampler.mean("emails")
    watched.sampler.mean("other")
    (thread,) = threads() - before
    del watched
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()
