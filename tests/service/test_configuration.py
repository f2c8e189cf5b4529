"""A settings file is the configuration until somebody sets another one; where others set queues, it leaves these."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.domain.queues import Mode, QueueSettings, ServiceConfig
from capacity_planner.domain.request import PlanRequest
from capacity_planner.domain.slo import SLO
from capacity_planner.frozen import FrozenOptions
from capacity_planner.pipeline.settings import load_settings
from capacity_planner.service.service import Service
from capacity_planner.units import parse_duration

from ._told import SAMPLE

if TYPE_CHECKING:
    from pathlib import Path

QUEUE = QueueSettings(queue_name="emails", mode=Mode.MANUAL, slo=SLO(p95_latency=parse_duration("8s")))


def _service(folder: Path, said: str, **options: Any) -> Service:
    file = folder / "capacity-planner.toml"
    file.write_text(f'[server]\nstore = "sqlite:///{folder}/kept.db"\n{said}')
    return Service(load_settings(file), **options)


def _of_others(folder: Path, said: str) -> Service:
    return _service(folder, said, own_queues=False)


def _with_queue(service: Service, *queues: QueueSettings) -> None:
    version = service.desk.config()
    service.desk.put_config(replace(version.config, queues=queues), expected=version.version, by="kubernetes")


def _ordered(service: Service) -> str:
    sample = replace(SAMPLE, timestamp=service.store.now(), arrival_rate=20.0, current_workers=2)
    assert QUEUE.slo is not None
    request = PlanRequest(current_metrics=sample, slo=QUEUE.slo, queue_name="emails")
    plan_id = service.desk.plan(request, by="test").plan.id
    service.desk.apply(plan_id, by="ann")
    return plan_id


def _orders(service: Service, plan_id: str) -> set[tuple[str, str]]:
    return {(str(order.status), order.note) for order in service.desk.orders(plan_id)}


def test_a_changed_file_leaves_the_queues_of_others_and_their_orders(tmp_path: Path) -> None:
    with _of_others(tmp_path, "[planner]\nmax_step_size = 5") as service:
        _with_queue(service, QUEUE)
        plan_id = _ordered(service)
    with _of_others(tmp_path, "[planner]\nmax_step_size = 7") as service:
        config = service.desk.config().config
        assert (config.planner.max_step_size, config.queues) == (7, (QUEUE,))
        assert _orders(service, plan_id) == {("pending", "")}


def test_a_queue_that_does_not_go_with_a_changed_file_leaves(tmp_path: Path) -> None:
    with _of_others(tmp_path, "[planner]\nmax_workers = 50") as service:
        _with_queue(service, QUEUE, replace(QUEUE, queue_name="large", planner=FrozenOptions({"min_workers": 30})))
    with _of_others(tmp_path, "[planner]\nmax_workers = 20") as service:
        assert service.desk.config().config.queues == (QUEUE,)


def test_a_file_that_says_nothing_any_more_is_a_changed_one(tmp_path: Path) -> None:
    with _of_others(tmp_path, "[planner]\nmax_workers = 50") as service:
        _with_queue(service, QUEUE)
    with _of_others(tmp_path, "") as service:
        assert service.desk.config().config == ServiceConfig(queues=(QUEUE,))


def test_silence_changes_nothing_where_another_file_was_read_last(tmp_path: Path) -> None:
    with _service(tmp_path, "[planner]\nmax_workers = 50", origin="serve.toml") as service:
        version = service.desk.config()
    with _of_others(tmp_path, "") as service:
        assert service.desk.config() == version


def test_what_was_set_by_the_api_stays_where_no_file_was_ever_read(tmp_path: Path) -> None:
    with _of_others(tmp_path, "") as service:
        _with_queue(service, QUEUE)
        version = service.desk.config()
    for own_queues in (True, False):
        with _service(tmp_path, "", own_queues=own_queues) as service:
            assert service.desk.config() == version


@pytest.mark.parametrize(
    ("queues", "note"),
    [((), "The queue left the configuration."), ((replace(QUEUE, mode=Mode.AUTO),), "The queue's mode was changed.")],
)
def test_orders_that_fall_say_why(tmp_path: Path, queues: tuple[QueueSettings, ...], note: str) -> None:
    with _service(tmp_path, "[planner]\nmax_step_size = 5") as service:
        _with_queue(service, QUEUE)
        plan_id = _ordered(service)
        _with_queue(service, *queues)
        assert _orders(service, plan_id) == {("superseded", note)}


def test_a_file_with_queues_of_its_own_replaces_all(tmp_path: Path) -> None:
    with _service(tmp_path, "[planner]\nmax_step_size = 5") as service:
        _with_queue(service, QUEUE)
    with _service(tmp_path, "[planner]\nmax_step_size = 7") as service:
        assert service.desk.config().config.queues == ()
