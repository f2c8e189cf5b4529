"""How many members a sorted set gained, held against a real one that is cleared away at its old end."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest

from capacity_planner.sources._sorted_sets import MOST, Gained

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.services._redis import Redis

KEY = "bull:emails:completed"


def look(server: Redis, gained: Gained, *, expired: float = math.inf) -> float:
    with server.client.pipeline() as pipe:
        gained.ask(pipe, KEY)
        gained.read(pipe.execute(), expired=expired)
    return gained.total


def add(server: Redis, scores: Mapping[str, float]) -> None:
    server.client.zadd(KEY, scores)


def test_what_was_there_before_was_not_gained(server: Redis) -> None:
    add(server, {"a": 1, "b": 2})
    gained = Gained()
    assert look(server, gained) == 0
    assert gained.newest == ["b", "a"]


def test_members_of_the_same_score_are_told_apart(server: Redis) -> None:
    add(server, {"a": 1, "b": 2})
    gained = Gained()
    look(server, gained)
    add(server, {"c": 2, "d": 3})
    assert look(server, gained) == 2
    assert look(server, gained) == 2


def test_old_members_may_be_cleared_away(server: Redis) -> None:
    add(server, {f"old{number}": number for number in range(500)})
    gained = Gained()
    look(server, gained)
    add(server, {f"new{number}": 1000 + number for number in range(300)})
    server.client.zremrangebyrank(KEY, 0, 399)
    assert (look(server, gained), gained.sure) == (300, True)


def test_a_set_that_was_renewed_as_a_whole_may_have_lost_some(server: Redis) -> None:
    add(server, {f"old{number}": number for number in range(100)})
    gained = Gained()
    look(server, gained)
    add(server, {f"new{number}": 1000 + number for number in range(400)})
    server.client.zremrangebyrank(KEY, 0, -101)
    assert (look(server, gained), gained.sure) == (100, False)
    add(server, {"newest": 5000})
    assert (look(server, gained), gained.sure) == (101, True)


def test_nothing_was_lost_where_the_mark_is_not_yet_due(server: Redis) -> None:
    add(server, {"a": 100})
    gained = Gained()
    look(server, gained)
    server.client.delete(KEY)
    add(server, {"b": 120})
    look(server, gained, expired=90)
    assert gained.sure


def test_an_empty_set_is_a_beginning(server: Redis) -> None:
    gained = Gained()
    assert look(server, gained) == 0
    add(server, {"a": 5, "b": 5})
    assert (look(server, gained), gained.sure) == (2, True)


def test_members_that_never_expire_are_counted_too(server: Redis) -> None:
    add(server, {f"old{number}": math.inf for number in range(300)})
    gained = Gained()
    look(server, gained)
    add(server, {f"new{number}": math.inf for number in range(50)})
    assert (look(server, gained), gained.sure) == (50, True)


def test_more_of_one_score_than_are_looked_at_are_counted_by_the_whole(server: Redis) -> None:
    add(server, {f"old{number}": 7 for number in range(MOST + 50)})
    gained = Gained()
    look(server, gained)
    add(server, {"new": 8})
    assert (look(server, gained), gained.sure) == (1, False)
    add(server, {"newer": 9})
    assert (look(server, gained), gained.sure) == (2, True)


@pytest.mark.parametrize("seed", range(30))
def test_where_it_is_sure_it_is_right(server: Redis, seed: int) -> None:
    dice, gained, made, score = random.Random(seed), Gained(), 0, 1  # noqa: S311 - no secret
    add(server, {"first": 0})
    look(server, gained)
    for _ in range(40):
        fresh = {}
        for _ in range(dice.choice([0, 1, 3, 20, 300])):
            made, score = made + 1, score + dice.choice([0, 0, 1])
            fresh[str(made)] = score
        if fresh:
            add(server, fresh)
        if dice.random() < 0.5:
            server.client.zremrangebyrank(KEY, 0, -1 - dice.choice([50, 100, 1000]))
        before, counted = gained.total, look(server, gained)
        assert counted - before <= len(fresh)
        if gained.sure:
            assert counted - before == len(fresh)
