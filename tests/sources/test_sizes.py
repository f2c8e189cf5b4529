"""The sizes of keys in Redis: of what kind a key is, is asked only until it is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from capacity_planner.errors import WorldError
from capacity_planner.sources._redis import RedisServer
from capacity_planner.sources._sizes import Sizes

if TYPE_CHECKING:
    from tests.services._redis import Redis


def asked(server: Redis) -> int:
    """How often the server was asked of what kind a key is."""
    return int(server.client.info("commandstats").get("cmdstat_type", {}).get("calls", 0))


def test_keys_that_are_alike_need_one_question_about_their_kind(server: Redis) -> None:
    sizes = Sizes(RedisServer(server.url))
    assert sizes.of({"busy:a": "busy:*"}) == {}
    server.client.sadd("busy:a", "1", "2")
    assert sizes.of({"busy:a": "busy:*"}) == {"busy:a": 2}
    before = asked(server)
    server.client.sadd("busy:b", "1")
    server.client.delete("busy:a")
    assert sizes.of({"busy:a": "busy:*", "busy:b": "busy:*"}) == {"busy:b": 1}
    assert asked(server) == before


def test_a_key_that_became_one_of_another_kind_is_a_failure_once(server: Redis) -> None:
    sizes = Sizes(RedisServer(server.url))
    server.client.lpush("jobs", "1")
    assert sizes.of({"jobs": "jobs"}) == {"jobs": 1}
    server.client.delete("jobs")
    server.client.hset("jobs", mapping={"1": "", "2": ""})
    with pytest.raises(WorldError, match="WRONGTYPE"):
        sizes.of({"jobs": "jobs"})
    assert sizes.of({"jobs": "jobs"}) == {"jobs": 2}
