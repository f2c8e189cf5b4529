"""What the tests of the sources on Redis share: a server of their own, a clock that is moved, and words for samples."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from capacity_planner.domain.scaling import Gap
from capacity_planner.sources import _celery_heard, _rates, bullmq, celery_redis, redis_streams
from tests.services._redis import redis_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capacity_planner.contracts import MetricSource
    from capacity_planner.domain.metrics import Metrics
    from tests.services._redis import Redis

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Clock:
    """The clock that rates are measured by, and the planner's."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    @property
    def now(self) -> datetime:
        """What the planner takes for now."""
        return NOON + timedelta(seconds=self.seconds)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds


@pytest.fixture(name="clock")
def clock_fixture(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time stands still until it is moved."""
    clock = Clock()
    for module in (_celery_heard, _rates, bullmq, celery_redis, redis_streams):
        monkeypatch.setattr(module, "monotonic", lambda: clock.seconds)
    return clock


@pytest.fixture(name="shared", scope="session")
def shared_fixture() -> Iterator[Redis]:
    """A server for all tests of a run."""
    with redis_server(durable=False) as server:
        yield server


@pytest.fixture(name="server")
def server_fixture(shared: Redis) -> Redis:
    """An empty server."""
    shared.client.flushall()
    return shared


def sample(source: MetricSource, clock: Clock, *, after: float = 0.0, queue: str = "emails") -> Metrics:
    """The sample after some time, which must be one."""
    clock.wait(after)
    found = source.collect(queue, None, clock.now)
    assert not isinstance(found, Gap), found.reason
    (item,) = found
    assert (item.timestamp, item.queue_name) == (clock.now, queue)
    return item


def gap(source: MetricSource, clock: Clock, *, after: float = 0.0, queue: str = "emails") -> str:
    """The reason of a gap after some time, which must be one."""
    clock.wait(after)
    found = source.collect(queue, None, clock.now)
    assert isinstance(found, Gap), found
    return found.reason
