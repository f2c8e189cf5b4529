"""KEDA asks for the workers of a queue, and gets what the loop decided, or an error on which its fallback acts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from capacity_planner.domain.queues import Mode
from capacity_planner.errors import UnavailableError
from capacity_planner.frozen import FrozenOptions
from tests.service._stage import CONFIG, queue
from tests.surfaces.keda._keda import Keda
from tests.surfaces.keda._served import EMAILS, SECOND, ZERO, pulled, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.surfaces.keda._served import Served

Code = grpc.StatusCode


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as made:
        yield made


def refusal(keda: Keda, what: str = "metrics") -> tuple[Any, str]:
    asked = keda.specs if what == "spec" else lambda: keda.metrics_and_activity("s0-workers-emails")
    with keda, pytest.raises(grpc.RpcError) as caught:
        asked()
    error: Any = caught.value
    return error.code(), error.details()


def test_a_reading_is_the_metric_and_then_the_activity_and_both_say_what_was_ordered(busy: Served) -> None:
    busy.stage.tick()
    plan = busy.stage.desk.records("emails")[0].response.plan
    with busy.keda() as keda:
        assert keda.specs() == {"s0-workers-emails": 1.0}
        assert keda.metrics_and_activity("s0-workers-emails") == ([float(plan.steps[0].to_workers)], True)
        assert keda.asked == ["GetMetricSpec", "GetMetrics", "IsActive"]


def test_a_version_of_keda_from_before_floats_reads_the_same(busy: Served) -> None:
    busy.stage.tick()
    with busy.keda() as new, Keda(busy.port, EMAILS, old=True) as old:
        assert old.specs() == new.specs() == {"s0-workers-emails": 1.0}
        assert old.read() == new.read()
        assert new.read()[0] > 10


def test_the_second_trigger_s_prefix_is_kedas_own_business(busy: Served) -> None:
    busy.stage.tick()
    with Keda(busy.port, EMAILS, index=7) as keda:
        assert keda.specs() == {"s7-workers-emails": 1.0}
        assert keda.metrics_and_activity("s7-workers-emails") == keda.metrics_and_activity("s7-workers-emails")


def test_the_metric_moves_and_its_target_does_not(busy: Served) -> None:
    busy.stage.tick()
    with busy.keda() as keda:
        specs = keda.specs()
        for workers in (7, 30, 1):
            busy.stage.clock.now += SECOND
            busy.stage.desk.scaled("emails", workers, by="ann")
            assert keda.read() == (float(workers), True)
            assert keda.specs() == specs == {"s0-workers-emails": 1.0}


def test_an_hpa_can_be_built_before_anything_is_known_of_the_queue(busy: Served) -> None:
    with busy.keda() as keda:
        assert keda.specs() == {"s0-workers-emails": 1.0}
    with Keda(busy.port, {"queueName": "a/b, c"}) as keda:
        (name,) = keda.specs()
    assert name.startswith("s0-workers-a-b-c-")


@pytest.mark.parametrize(("activation", "active"), [("0", True), ("3", True), ("4", False), ("100", False)])
def test_a_trigger_is_active_with_more_workers_than_its_activation(
    tmp_path: Path, activation: str, *, active: bool
) -> None:
    with served(tmp_path, rate=2.4) as calm:
        calm.stage.tick()
        with calm.keda(activationWorkers=activation) as keda:
            assert keda.read() == (4.0, active)


def test_zero_workers_are_a_zero_and_an_idle_trigger(tmp_path: Path) -> None:
    with served(tmp_path, rate=0.0, config=ZERO) as idle:
        idle.stage.tick()
        with idle.keda() as keda, Keda(idle.port, EMAILS, old=True) as old:
            assert keda.read() == old.read() == (0.0, False)


def test_nothing_is_made_up_where_no_plan_was_made(busy: Served) -> None:
    code, said = refusal(busy.keda())
    assert (code, said) == (Code.UNAVAILABLE, "No plan was made for emails yet.")


def test_a_stale_plan_is_an_error_unless_the_newest_order_is_to_be_held(busy: Served) -> None:
    busy.stage.tick()
    with busy.keda() as keda:
        told = keda.read()
        busy.stage.clock.now += 4 * CONFIG.plan_interval
    code, said = refusal(busy.keda())
    assert code is Code.UNAVAILABLE
    assert "more than 15m" in said
    with busy.keda(fallback="hold") as keda:
        assert keda.read() == told


def test_beside_another_scaler_and_in_advisory_mode_keda_is_refused_with_the_remedy(busy: Served) -> None:
    busy.settle(queue())
    code, said = refusal(busy.keda())
    assert code is Code.FAILED_PRECONDITION
    assert 'scaler = {name = "pull"}' in said
    busy.settle(pulled(mode=Mode.ADVISORY))
    code, said = refusal(busy.keda())
    assert code is Code.FAILED_PRECONDITION
    assert "advisory" in said


def test_a_queue_that_is_not_planned_for_is_not_found(busy: Served) -> None:
    code, said = refusal(Keda(busy.port, {"queueName": "reports"}))
    assert code is Code.NOT_FOUND
    assert "'reports'" in said


@pytest.mark.parametrize(
    ("metadata", "sentence"),
    [
        ({}, "scalerMetadata.queueName is missing"),
        ({"queueName": ""}, "scalerMetadata.queueName is missing"),
        ({"queuename": "emails"}, "Did you mean queueName?"),
        ({"queueName": "a\nb"}, "scalerMetadata.queueName is 'a\\nb', which has characters that cannot be printed."),
        (EMAILS | {"activationWorker": "1"}, "Did you mean activationWorkers?"),
        (EMAILS | {"activationWorkers": "-1"}, "is no whole number from 0 on"),
        (EMAILS | {"activationWorkers": "1.5"}, "is no whole number from 0 on"),
        (EMAILS | {"ahead": "30"}, "scalerMetadata.ahead is '30', which has no unit"),
        (EMAILS | {"ahead": "2h"}, "is not between 0s and 1h."),
        (EMAILS | {"fallback": "static"}, "is none of error, hold."),
    ],
)
@pytest.mark.parametrize("what", ["spec", "metrics"])
def test_wrong_metadata_are_refused_by_name_with_the_remedy(
    busy: Served, metadata: dict[str, str], sentence: str, what: str
) -> None:
    code, said = refusal(Keda(busy.port, metadata), what)
    assert code is Code.INVALID_ARGUMENT
    assert sentence in said


def test_keys_of_keda_itself_are_left_to_keda(busy: Served) -> None:
    keys = {"enableTLS": "true", "unsafeSsl": "false", "caCert": "/ca.pem", "tlsClientCert": "c", "tlsClientKey": "k"}
    with busy.keda(**keys, somethingNewer="1") as keda:
        assert keda.specs()


def test_orders_ahead_of_their_time_are_told_to_those_who_ask_ahead(tmp_path: Path) -> None:
    limits = FrozenOptions({"max_step_size": 4, "scale_up_cooldown": timedelta(minutes=4)})
    with served(tmp_path, pulled(planner=limits, best_effort=True)) as made:
        made.stage.tick()
        with made.keda() as plain, made.keda(ahead="5m") as early:
            assert plain.read() == (8.0, True)
            assert early.read() == (12.0, True)


def test_what_is_told_keeps_the_limits_of_the_moment(busy: Served) -> None:
    busy.stage.tick()
    busy.settle(pulled(planner=FrozenOptions({"max_workers": 6})))
    with busy.keda() as keda:
        assert keda.read() == (6.0, True)


def test_a_store_that_is_away_is_an_error_and_then_all_is_well_again(
    busy: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy.stage.tick()
    with busy.keda() as keda:
        told = keda.read()

    def away(*_: object, **__: object) -> None:
        raise UnavailableError("The store does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(busy.stage.store, "now", away)
        assert refusal(busy.keda()) == (Code.UNAVAILABLE, "The store does not answer.")
    with busy.keda() as keda:
        assert keda.read() == told


def test_a_failure_that_nobody_foresaw_is_told_by_its_number_alone(
    busy: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(busy.stage.store, "now", broken)
    code, said = refusal(busy.keda())
    assert code is Code.INTERNAL
    assert "secret" not in said
    (record,) = [item for item in caplog.records if item.name == "capacity_planner.keda"]
    assert getattr(record, "error_id", "?") in said


def test_it_stays_as_it_is_while_a_cooldown_runs(busy: Served) -> None:
    busy.stage.tick()
    with busy.keda() as keda:
        told = keda.read()
        for _ in range(5):
            busy.stage.tick(20 * SECOND, rate=10.0)
            assert keda.read() == told
