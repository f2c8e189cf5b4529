"""What RabbitMQ's management API tells of a queue is what really happened to it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from capacity_planner.domain.scaling import Gap
from capacity_planner.errors import WorldError
from capacity_planner.registry import sources
from tests.services._rabbitmq import Broker, Work, at_work, broker, declared, published_once

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from capacity_planner.domain.metrics import Metrics

pytestmark = pytest.mark.slow
STEP, MEASURED = 5, 40


@dataclass(frozen=True, slots=True)
class World:
    """What runs, and when all was well."""

    node: Broker
    calm: Work
    late: Work
    began: float
    until: float

    def collect(self, work: Work, since: float | None, until: float, **options: Any) -> Any:
        """What a source finds."""
        usual = {"url": self.node.url, "step": f"{STEP}s", "slots_per_consumer": work.slots}
        source = sources.make("rabbitmq", {**usual, **options})
        return source.collect(work.name, None if since is None else at(since), at(until))


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    calm = Work("e-mails / größe", rate=30.0, service=1.0, consumers=4, slots=10, prefetch=20)
    late = Work("reports", rate=17.0, service=0.5, consumers=2, slots=4, prefetch=12, first=300)
    with broker() as node, at_work(node.amqp, calm, late):
        time.sleep(15)
        began = time.time() // STEP * STEP
        until = began + MEASURED
        time.sleep(until + 2 * STEP - time.time())
        yield World(node, calm, late, began, until)


def expect_truth(work: Work, found: Sequence[Metrics] | Gap) -> None:
    assert not isinstance(found, Gap), found.reason
    times = [item.timestamp.timestamp() for item in found]
    assert len(times) >= MEASURED // STEP - 1
    assert [later - earlier for earlier, later in pairwise(times)] == [STEP] * (len(times) - 1)
    # RabbitMQ looks up to 5 s before the instant that it gives, always as long before, at what channels told up to
    # 5 s before.
    come = work.record.arrivals(times[0] - STEP - 5, times[-1] - 5) / (len(times) * STEP)
    assert fmean(item.arrival_rate for item in found) == pytest.approx(come, rel=0.05)
    assert found[-1].service_time.total_seconds() == pytest.approx(work.service, rel=0.05)
    waited = sum(work.record.waiting(moment - 2.5) for moment in times)
    assert sum(item.backlog for item in found) == pytest.approx(waited, rel=0.05, abs=3 * len(times))
    active = fmean(work.record.active(moment - 2.5) for moment in times)
    assert fmean(item.active_jobs for item in found) == pytest.approx(active, rel=0.05)
    assert fmean(item.utilization for item in found) == pytest.approx(active / (work.consumers * work.slots), rel=0.05)
    assert {item.current_workers for item in found} == {work.consumers}


@pytest.mark.parametrize("name", ["calm", "late"])
def test_a_queue_is_measured_as_it_was(world: World, name: str) -> None:
    work = getattr(world, name)
    expect_truth(work, world.collect(work, world.began, world.until))


def test_a_first_start_has_what_was_counted_and_no_zeros_from_before(world: World) -> None:
    found = world.collect(world.calm, None, world.until)
    assert len(found) > MEASURED // STEP
    assert found[-MEASURED // STEP :] == world.collect(world.calm, world.began, world.until)
    assert all(item.arrival_rate == pytest.approx(world.calm.rate, rel=0.1) for item in found[1:])


def test_a_queue_that_nobody_declared_is_a_gap(world: World) -> None:
    found = world.collect(Work("nobody", 1.0, 1.0, 1, 1, 1), None, world.until)
    assert isinstance(found, Gap)
    assert "has no queue nobody in the virtual host /" in found.reason


def test_a_virtual_host_that_is_not_there_is_a_gap(world: World) -> None:
    found = world.collect(world.calm, None, world.until, vhost="nowhere")
    assert isinstance(found, Gap)


def test_a_wrong_password_is_a_failure_that_does_not_show_it(world: World) -> None:
    with pytest.raises(WorldError, match="does not let us in") as caught:
        world.collect(world.calm, None, world.until, password="s3cret")  # noqa: S106 - it is wrong
    assert not caught.value.temporary
    assert "s3cret" not in caught.value.message


def test_who_may_only_look_may_measure(world: World, tmp_path: Path) -> None:
    guest, looker = ("guest", "guest"), {"password": "looker", "tags": "management"}
    nothing = dict.fromkeys(("configure", "write", "read"), "^$")
    httpx.put(f"{world.node.url}/api/users/looker", auth=guest, json=looker).raise_for_status()
    httpx.put(f"{world.node.url}/api/permissions/%2F/looker", auth=guest, json=nothing).raise_for_status()
    (tmp_path / "password").write_text("looker\n")
    login = {"username": "looker", "password_file": str(tmp_path / "password")}
    found = world.collect(world.calm, world.began, world.until, **login)
    assert found == world.collect(world.calm, world.began, world.until)


def test_messages_of_connections_that_are_gone_at_once_are_counted_and_before_the_first_nothing_is(
    world: World,
) -> None:
    brief = Work("brief", 10.0, 0.0, 0, 1, 1)
    declared(world.node.amqp, brief.name)
    time.sleep(2 * STEP)
    assert isinstance(world.collect(brief, None, time.time()), Gap)
    for _ in range(5 * STEP * 10):
        time.sleep(0.1)
        published_once(world.node.amqp, brief.name)
        brief.record.came.append(time.time())
    found = world.collect(brief, None, time.time())[1:]
    begin, end = found[0].timestamp.timestamp() - STEP, found[-1].timestamp.timestamp()
    came = brief.record.arrivals(begin - 5, end - 5) / (end - begin)
    assert fmean(item.arrival_rate for item in found) == pytest.approx(came, rel=0.05)
    assert (found[-1].current_workers, found[-1].active_jobs) == (0, 0)
    assert found[-1].backlog > 50


def test_a_restart_is_an_error_and_then_a_gap_and_then_the_truth_again(world: World) -> None:
    began = time.time()
    world.node.stop()
    with pytest.raises(WorldError, match=r"does not answer: .*refused") as caught:
        world.collect(world.late, began - 10, began)
    assert caught.value.temporary
    world.node.start()
    ready = time.time()
    assert isinstance(world.collect(world.late, began - 10, time.time()), Gap)
    time.sleep(MEASURED + 4 * STEP)
    for work in (world.calm, world.late):
        found = world.collect(work, began, time.time())
        assert all(item.timestamp.timestamp() > ready for item in found)
        expect_truth(work, [item for item in found if item.timestamp.timestamp() > ready + 3 * STEP])
