"""What is measured through a real Prometheus server is what the queue really did."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import fmean
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.domain.scaling import Gap
from capacity_planner.errors import WorldError
from capacity_planner.registry import sources
from capacity_planner.sources._promql_presets import PRESETS
from tests.services._exporter import Queue, Shape, exported, running
from tests.services._prometheus import Prometheus, prometheus
from tests.services._servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from capacity_planner.domain.metrics import Metrics

pytestmark = pytest.mark.slow
ODD = 'e-mails "größe" \\ .*{x}'
CALM = Shape(ODD, rate=40.0, service=(0.2, 0.3), workers=4, concurrency=4)
LATE = Shape("reports", rate=12.0, service=(0.5, 0.7), workers=3, concurrency=2)
STEP, MEASURED = 5, 40
NOT_BY_QUEUE = {"go-redis-work-queue", "flower"}


@dataclass(frozen=True, slots=True)
class World:
    """What runs."""

    server: Prometheus
    queues: list[Queue]
    began: float
    until: float
    exporter: ExitStack
    port: int

    def collect(self, preset: str, queue: str, since: float | None, until: float, **options: Any) -> Any:
        """What a source finds."""
        usual = {"url": self.server.url, "preset": preset, "step": f"{STEP}s", "labels": 'job="queues"'}
        source = sources.make("prometheus", {**usual, "concurrency": 4 if queue == ODD else 2, **options})
        return source.collect(queue, None if since is None else at(since), at(until))

    def samples(self, preset: str, queue: str, **options: Any) -> Sequence[Metrics]:
        """The samples of the time in which all was well."""
        found = self.collect(preset, queue, self.began, self.until, **options)
        assert not isinstance(found, Gap), found.reason
        assert len(found) == MEASURED // STEP
        return list(found)


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    port = free_port()
    with running([CALM, LATE]) as queues, ExitStack() as exporter:
        exporter.enter_context(exported(queues, port))
        targets = {"queues": port, "again": port}  # as two replicas of an exporter would
        with prometheus(tmp_path_factory.mktemp("prometheus"), targets) as server:
            began = (time.time() + 4 * STEP) // STEP * STEP
            until = began + MEASURED
            time.sleep(until + 1.0 - time.time())
            yield World(server, queues, began, until, exporter, port)


def cases() -> list[Any]:
    pairs = [(preset, number) for preset in PRESETS for number in (0, 1) if not (preset in NOT_BY_QUEUE and number)]
    return [pytest.param(preset, number, id=f"{preset}-{('calm', 'late')[number]}") for preset, number in pairs]


@pytest.mark.parametrize(("preset", "number"), cases())
def test_a_preset_measures_what_really_was(world: World, preset: str, number: int) -> None:
    queue = world.queues[number]
    found = world.samples(preset, queue.shape.name, **({"concurrency": 1} if preset == "rq-exporter" else {}))
    truth = queue.came(world.began, world.until) / MEASURED
    assert fmean(item.arrival_rate for item in found) == pytest.approx(truth, rel=0.05)
    took = queue.took[: len([end for end in queue.ends if end <= world.until])]
    assert found[-1].service_time.total_seconds() == pytest.approx(fmean(took), rel=0.05)
    expect_jobs(queue, found, preset)
    workers = {"rq-exporter": queue.shape.slots, "sidekiq": 7, "bullmq": 0}.get(preset, queue.shape.workers)
    assert {item.current_workers for item in found} == {workers}


def expect_jobs(queue: Queue, found: Sequence[Metrics], preset: str) -> None:
    times = [item.timestamp.timestamp() - 0.5 for item in found]
    if preset != "flower":
        waited = sum(queue.waiting(moment) for moment in times)
        assert sum(item.backlog for item in found) == pytest.approx(waited, rel=0.05, abs=2 * len(found))
    active = fmean(fmean(queue.active(moment - step / 10) for step in range(10 * STEP)) for moment in times)
    assert fmean(item.active_jobs for item in found) == pytest.approx(active, rel=0.1)
    if preset not in {"bullmq", "flower", "sidekiq"}:
        assert fmean(item.utilization for item in found) == pytest.approx(active / queue.shape.slots, rel=0.05)


def test_a_percentile_is_as_rough_as_the_buckets(world: World) -> None:
    (*_, newest) = world.samples("celery-exporter", ODD)
    assert newest.service_time_p95 is not None
    assert 0.25 < newest.service_time_p95.total_seconds() <= 0.5


def test_without_labels_an_exporter_that_is_scraped_twice_counts_twice_but_not_what_is_a_maximum(world: World) -> None:
    once, twice = (world.samples("sidekiq", "reports", labels=labels)[-1] for labels in ('job="queues"', ""))
    assert twice.arrival_rate == pytest.approx(2 * once.arrival_rate, rel=0.1)
    assert twice.backlog == pytest.approx(once.backlog, rel=0.1)


def test_own_queries_and_constants_go_before_those_of_a_preset(world: World) -> None:
    own = {
        "arrival_rate": "sum(rate(celery_task_sent_total{job=\"queues\",queue_name='{queue}'}[{step}]))",
        "backlog": "none",
        "service_time": "250ms",
        "service_time_p95": "none",
        "workers": 9,
    }
    found = world.samples("celery-exporter", ODD, **own)
    assert fmean(item.arrival_rate for item in found) == pytest.approx(40, rel=0.05)
    assert {(item.backlog, item.current_workers, item.service_time_p95) for item in found} == {(0, 9, None)}
    assert {item.service_time for item in found} == {timedelta(milliseconds=250)}


def test_several_series_are_refused_with_the_remedy(world: World) -> None:
    query = 'rate(celery_task_sent_total{queue_name="{queue}"}[{step}])'
    with pytest.raises(WorldError, match=r"arrival_rate finds 4 series.*sum\(…\)") as caught:
        world.samples("", ODD, arrival_rate=query)
    assert not caught.value.temporary


def test_a_query_that_is_none_is_told_in_the_words_of_the_server(world: World) -> None:
    with pytest.raises(WorldError, match=r"refuses the query for arrival_rate: .*parse error") as caught:
        world.samples("", ODD, arrival_rate="sum(rate(a[{step}])")
    assert not caught.value.temporary


def test_a_queue_that_nobody_knows_is_a_gap_with_the_query(world: World) -> None:
    found = world.collect("celery-exporter", "nobody", world.began, world.until)
    assert isinstance(found, Gap)
    assert "for arrival_rate from" in found.reason
    assert "celery_task_sent_total" in found.reason


def test_between_two_steps_there_is_nothing_new(world: World) -> None:
    assert world.collect("celery-exporter", ODD, world.until, world.until + 0.9 * STEP) == ()


def test_a_first_start_has_the_history_at_once_and_goes_on_from_there(world: World) -> None:
    found = world.collect("celery-exporter", ODD, None, world.until)
    assert found[-1].timestamp == at(world.until)
    assert len(found) >= MEASURED // STEP
    assert all(item.arrival_rate > 0 for item in found)
    later = world.collect("celery-exporter", ODD, found[-3].timestamp.timestamp(), world.until)
    assert later == found[-2:]
    short = world.collect("celery-exporter", ODD, None, world.until, history="12s")
    assert short == found[-len(short) :]
    assert len(short) <= 3


@pytest.mark.parametrize("preset", ["celery-exporter", "rq-exporter", "bullmq", "rabbitmq"])
def test_where_the_exporter_was_away_there_is_no_sample_and_no_zero(world: World, preset: str) -> None:
    away_from, away_until, again = _absence(world)
    found = world.collect(preset, "reports", world.until, again)
    times = [item.timestamp.timestamp() for item in found]
    assert not [moment for moment in times if away_from + STEP < moment < away_until]
    assert times[-1] >= away_until
    assert all(item.arrival_rate == pytest.approx(LATE.rate, rel=0.3) for item in found)
    gap = world.collect(preset, "reports", away_from + STEP, away_until)
    assert isinstance(gap, Gap)


_ABSENCES: list[tuple[float, float, float]] = []


def _absence(world: World) -> tuple[float, float, float]:
    """Take the exporter away for a while, once for all who ask."""
    if not _ABSENCES:
        away_from = time.time()
        world.exporter.close()
        time.sleep(3.5 * STEP)
        away_until = time.time()
        world.exporter.enter_context(exported(world.queues, world.port))
        time.sleep(4 * STEP)
        _ABSENCES.append((away_from, away_until, time.time()))
    return _ABSENCES[0]


def test_a_restart_of_prometheus_is_an_error_and_then_a_hole(world: World) -> None:
    _absence(world)
    began = time.time()
    world.server.stop()
    with pytest.raises(WorldError, match=r"does not answer: .*refused") as caught:
        world.collect("celery-exporter", "reports", began - 10, began)
    assert caught.value.temporary
    time.sleep(2.5 * STEP)
    world.server.start()
    ready = time.time()  # it finds its targets some seconds later
    time.sleep(5 * STEP)
    found = world.collect("celery-exporter", "reports", began - 2 * STEP, time.time())
    times = [item.timestamp.timestamp() for item in found]
    assert [moment for moment in times if moment < began]
    assert not [moment for moment in times if began + STEP < moment < ready]
    assert [moment for moment in times if moment > ready]
    assert all(item.arrival_rate == pytest.approx(LATE.rate, rel=0.3) for item in found)
