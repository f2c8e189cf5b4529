"""The RabbitMQ source: what it makes of the counters and lengths that the management API keeps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.domain.scaling import Gap
from capacity_planner.errors import ErrorCode, PlannerError, WorldError
from capacity_planner.registry import sources
from tests.sources._web_server import Asked, Reply, Server, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from capacity_planner.domain.metrics import Metrics

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
SECRET = "s3cret"  # noqa: S105 - nobody has it


class Api:
    """A small management API, of one queue whose numbers are functions of the seconds since noon.

    Args:
        now: by its clock, seconds since noon.
        consumers: of the queue.
        numbers: ``publish``, ``ack``, ``deliver_no_ack``, ``ready`` and ``unacked``; counters that are not there are
            left out.
    """

    def __init__(self, now: int, *, consumers: int = 2, **numbers: Callable[[int], int]) -> None:
        self._now, self._consumers = now, consumers
        self._numbers: dict[str, Callable[[int], int]] = {"ready": lambda _: 0, "unacked": lambda _: 0, **numbers}

    def __call__(self, asked: Asked) -> Reply:
        query = asked.query
        assert (query["msg_rates_age"], query["msg_rates_incr"]) == (query["lengths_age"], query["lengths_incr"])
        age, incr = int(query["msg_rates_age"]), int(query["msg_rates_incr"])
        assert (age, incr) in {(600, 5), (3600, 60)}
        last = self._now // incr * incr
        rows = {name: self._details(find, last - age, last, incr) for name, find in self._numbers.items()}
        lengths = {
            "messages_ready_details": rows.pop("ready"),
            "messages_unacknowledged_details": rows.pop("unacked"),
        }
        stats = {f"{name}_details": details for name, details in rows.items()}
        told = {"consumers": self._consumers, "state": "running", **lengths}
        return Reply(told | ({"message_stats": stats} if stats else {}))

    @staticmethod
    def _details(find: Callable[[int], int], first: int, last: int, incr: int) -> dict[str, Any]:
        times = range(last, first - 1, -incr)
        stamps = [{"sample": find(at), "timestamp": int(NOON.timestamp() + at) * 1000} for at in times]
        return {"rate": 12.3, "samples": stamps}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(lambda _: Reply({})) as made:
        yield made


def collect(server: Server, since: float | None, until: float, **options: Any) -> Sequence[Metrics] | Gap:
    source = sources.make("rabbitmq", {"url": server.url, **options})
    return source.collect("emails", None if since is None else NOON + since * SECOND, NOON + until * SECOND)


def samples(found: Sequence[Metrics] | Gap) -> list[Metrics]:
    assert not isinstance(found, Gap), found.reason
    return list(found)


def times(found: Sequence[Metrics] | Gap) -> list[float]:
    return [(item.timestamp - NOON) / SECOND for item in samples(found)]


def steady(rate: int) -> Callable[[int], int]:
    return lambda at: 1_000_000 + rate * at


def test_the_queue_is_asked_for_by_its_whole_name(server: Server) -> None:
    server.answer = Api(300, publish=steady(2))
    source = sources.make("rabbitmq", {"url": server.url, "vhost": "a/b"})
    source.collect("e-mails / größe", NOON, NOON + 5 * MINUTE)
    assert server.asked[0].path == "/api/queues/a%2Fb/e-mails%20%2F%20gr%C3%B6%C3%9Fe"


def test_a_rate_is_a_difference_of_the_counter_over_a_step(server: Server) -> None:
    server.answer = Api(303, publish=lambda at: 5_000 + at * at // 60)
    found = samples(collect(server, 60, 304))
    assert times(found) == [120, 180, 240, 300]
    rates = [(at * at // 60 - (at - 60) * (at - 60) // 60) / 60 for at in (120, 180, 240, 300)]
    assert [item.arrival_rate for item in found] == rates


def test_nothing_new_is_nothing_and_no_gap(server: Server) -> None:
    server.answer = Api(359, publish=steady(2))
    assert collect(server, 300, 359) == ()
    server.answer = Api(360, publish=steady(2))
    assert times(collect(server, 300, 360)) == [360]


def test_a_first_start_has_the_last_hour(server: Server) -> None:
    server.answer = Api(10, publish=steady(2))
    found = samples(collect(server, None, 12))
    assert (len(found), times(found)[0], times(found)[-1]) == (60, -59 * 60, 0)
    assert server.asked[-1].query["msg_rates_incr"] == "60"


def test_steps_that_are_no_minutes_go_back_ten_of_them(server: Server) -> None:
    server.answer = Api(0, publish=steady(2))
    found = samples(collect(server, None, 2, step="15s"))
    assert (len(found), times(found)[0]) == (40, -585)


def test_a_counter_that_began_anew_counts_from_there(server: Server) -> None:
    server.answer = Api(300, publish=lambda at: 0 if at < 150 else 7 * (at - 140))
    assert times(collect(server, 0, 300)) == [240, 300]
    assert {item.arrival_rate for item in samples(collect(server, 0, 300))} == {7}


def test_a_counter_that_was_set_back_counts_from_there(server: Server) -> None:
    server.answer = Api(300, publish=lambda at: 50_000 + 7 * at if at < 150 else 7 * (at - 140))
    assert times(collect(server, 0, 300)) == [240, 300]
    assert {item.arrival_rate for item in samples(collect(server, 0, 300))} == {7}


def test_a_counter_that_began_a_moment_ago_is_a_gap_that_says_when(server: Server) -> None:
    server.answer = Api(300, publish=lambda at: 0 if at < 270 else 7 * (at - 260))
    found = collect(server, 0, 300)
    assert isinstance(found, Gap)
    assert "since 12:04:30 UTC" in found.reason


@pytest.mark.parametrize("numbers", [{}, {"publish": lambda _: 0}])
def test_a_queue_of_which_nothing_was_counted_is_a_gap_and_no_zero(server: Server, numbers: dict[str, Any]) -> None:
    server.answer = Api(300, **numbers)
    found = collect(server, 0, 300)
    assert isinstance(found, Gap)
    assert "has counted no message" in found.reason


def test_a_queue_that_stands_still_has_a_rate_of_zero(server: Server) -> None:
    server.answer = Api(60, publish=lambda _: 5, ready=lambda _: 3)
    (item,) = samples(collect(server, 0, 60))
    assert (item.arrival_rate, item.backlog, item.service_time) == (0, 3, timedelta(0))


def test_prefetched_messages_wait_and_busy_slots_are_no_more_than_there_are(server: Server) -> None:
    server.answer = Api(60, consumers=3, publish=steady(2), ready=lambda _: 40, unacked=lambda _: 50)
    (item,) = samples(collect(server, 0, 60, slots_per_consumer=4))
    assert (item.current_workers, item.active_jobs, item.backlog, item.utilization) == (3, 12, 40 + 38, 1)
    server.answer = Api(60, consumers=3, publish=steady(2), ready=lambda _: 0, unacked=lambda _: 6)
    (item,) = samples(collect(server, 0, 60, slots_per_consumer=4))
    assert (item.active_jobs, item.backlog, item.utilization) == (6, 0, 0.5)


def test_a_worker_may_have_several_consumers(server: Server) -> None:
    server.answer = Api(60, consumers=7, publish=steady(2))
    (item,) = samples(collect(server, 0, 60, consumers_per_worker=3))
    assert item.current_workers == 3


def test_no_consumers_are_no_workers_and_everything_waits(server: Server) -> None:
    server.answer = Api(60, consumers=0, publish=steady(2), ready=lambda at: 100 + at)
    (item,) = samples(collect(server, 0, 60))
    assert (item.current_workers, item.active_jobs, item.backlog, item.utilization) == (0, 0, 160, 0)


@pytest.mark.parametrize("acknowledged", ["ack", "deliver_no_ack", "get_no_ack"])
def test_the_service_time_is_busy_slots_over_throughput_of_ten_minutes(server: Server, acknowledged: str) -> None:
    numbers = {"publish": steady(2), "unacked": lambda at: 5 + at // 5 % 3, acknowledged: steady(2)}
    server.answer = Api(60, consumers=10, **numbers)
    (item,) = samples(collect(server, 0, 60))
    assert item.service_time == timedelta(seconds=3)
    assert item.utilization == pytest.approx(0.6)


def test_a_handful_of_jobs_tells_no_service_time(server: Server) -> None:
    server.answer = Api(60, publish=steady(2), unacked=lambda _: 1, ack=lambda at: 1000 + at // 100)
    (item,) = samples(collect(server, 0, 60))
    assert item.service_time == timedelta(0)


def test_what_is_acknowledged_before_its_job_waits_as_long_as_it_is_not(server: Server) -> None:
    early = {"acknowledge": "before", "slots_per_consumer": 2}
    server.answer = Api(60, publish=steady(2), ready=lambda _: 9, unacked=lambda _: 6, ack=steady(2))
    (item,) = samples(collect(server, 0, 60, **early))
    assert item.backlog == 15
    assert (item.service_time, item.active_jobs, item.utilization) == (timedelta(seconds=2), 4, 1)
    server.answer = Api(60, publish=steady(2), unacked=lambda at: at // 5 % 2, ack=steady(2))
    (item,) = samples(collect(server, 0, 60, **early))
    assert (item.backlog, item.service_time, item.active_jobs) == (0, timedelta(0), 0)
    (item,) = samples(collect(server, 0, 60, service_time="1s", **early))
    assert (item.service_time, item.active_jobs, item.utilization) == (timedelta(seconds=1), 2, 0.5)


def test_facts_from_the_options_go_first(server: Server) -> None:
    server.answer = Api(60, publish=steady(2), unacked=lambda _: 2, ack=steady(2))
    facts = {"service_time": "3s", "service_time_std": "1s", "service_time_p95": "5s"}
    (item,) = samples(collect(server, 0, 60, **facts))
    assert (item.service_time, item.service_time_std, item.service_time_p95) == (3 * SECOND, SECOND, 5 * SECOND)


def test_a_queue_that_is_not_there_is_a_gap(server: Server) -> None:
    server.answer = lambda _: Reply({"error": "Object Not Found", "reason": "Not Found"}, 404)
    found = collect(server, 0, 60)
    assert isinstance(found, Gap)
    assert "has no queue emails in the virtual host /" in found.reason


@pytest.mark.parametrize("data", [[], {}, {"state": "running", "consumers": 0}])
def test_a_queue_without_statistics_is_a_gap(server: Server, data: Any) -> None:
    server.answer = lambda _: Reply(data)
    found = collect(server, 0, 60)
    assert isinstance(found, Gap)
    assert "no statistics of the queue yet" in found.reason


@pytest.mark.parametrize("state", ["down", "stopped", "crashed"])
def test_a_queue_whose_node_is_down_is_a_gap(server: Server, state: str) -> None:
    server.answer = lambda _: Reply({"state": state, "consumers": 0})
    found = collect(server, 0, 60)
    assert isinstance(found, Gap)
    assert f"The queue is {state}" in found.reason


def test_a_clock_that_is_ahead_is_told(server: Server) -> None:
    server.answer = Api(4000, publish=steady(2))
    found = collect(server, 0, 60)
    assert isinstance(found, Gap)
    assert "clock is 3940 s ahead of ours" in found.reason


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(b"<html>", 404), "HTTP 404"),
        (Reply({"error": "bad_request"}, 400), "HTTP 400"),
        (Reply({"hello": "world", "messages_ready_details": 7, "message_stats": {"publish_details": 8}}), "is none of"),
        (Reply([{"name": "emails"}]), "is none of"),
    ],
)
def test_what_is_no_management_api_is_a_failure(server: Server, reply: Reply, words: str) -> None:
    server.answer = lambda _: reply
    with pytest.raises(WorldError, match=words) as caught:
        collect(server, 0, 60)
    assert not caught.value.temporary


@pytest.mark.parametrize(
    ("options", "pair"),
    [
        ({}, "Basic Z3Vlc3Q6Z3Vlc3Q="),
        ({"username": "me", "password": "pw"}, "Basic bWU6cHc="),
        ({"username": "me"}, "Basic bWU6"),
    ],
)
def test_a_guest_asks_unless_somebody_else_does(server: Server, options: dict[str, Any], pair: str) -> None:
    server.answer = Api(60, publish=steady(2))
    collect(server, 0, 60, **options)
    assert server.asked[0].headers["authorization"] == pair


def test_a_wrong_password_is_told_without_it(server: Server) -> None:
    server.answer = lambda _: Reply({"error": "not_authorized", "reason": f"Login {SECRET} failed"}, 401)
    with pytest.raises(WorldError, match="HTTP 401") as caught:
        collect(server, 0, 60, username="me", password=SECRET)
    assert SECRET not in caught.value.message
    assert not caught.value.temporary


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"step": "7s"}, "step is '7s'"),
        ({"step": "90s"}, "step is '90s'"),
        ({"step": "0s"}, "step is '0s'"),
        ({"step": "1h"}, "step is '1h'"),
        ({"vhost": ""}, "vhost is ''"),
        ({"username": ""}, "username is ''"),
        ({"acknowledge": "never"}, "acknowledge is 'never', which is neither after nor before"),
        ({"acknowledge": ["after"]}, "acknowledge is"),
        ({"slots_per_consumer": 0}, "slots_per_consumer is 0"),
        ({"consumers_per_worker": 0.5}, "consumers_per_worker is 0.5"),
        ({"service_time": 2}, "service_time is 2"),
        ({"service_time": "-2s"}, "service_time is '-2s', which is below zero"),
        ({"username": "a", "password_file": "b", "password": SECRET}, "password_file is 'b'"),
        ({"passwort": SECRET}, "passwort is no option of the source rabbitmq. Did you mean password"),
    ],
)
def test_an_option_that_does_not_hold_is_refused_when_the_source_is_made(options: dict[str, Any], words: str) -> None:
    with pytest.raises(PlannerError, match=words) as caught:
        sources.make("rabbitmq", {"url": "http://127.0.0.1:15672", **options})
    assert caught.value.code is ErrorCode.CONFIG_INVALID
    assert SECRET not in str(caught.value)
