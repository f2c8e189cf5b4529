from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.domain.queues import Chosen, QueueSettings
from capacity_planner.frozen import FrozenOptions
from capacity_planner.surfaces.http._masks import masked_queue
from tests.surfaces.http._served import served
from tests.surfaces.http.test_tokens import APPLIER, READER, access

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.surfaces.http._served import Served

PASSWORD = "hunter-two"  # noqa: S105 - a test's
CONFIG = {
    "slo": {"p95_latency": "8s"},
    "queues": [
        {
            "queue_name": "emails",
            "source": {"name": "file", "options": {"path": f"http://u:{PASSWORD}@h/emails.csv"}},
            "scaler": {"name": "dry_run", "options": {"journal": f"redis://:{PASSWORD}@h"}},
        }
    ],
}
PLACES = ("/v1/config", "/v1/config/versions", "/v1/queues/emails")


@pytest.fixture
def secretive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("secretive"), access=access()) as made:
        made.client.put("/v1/config", json=CONFIG, headers=header(APPLIER, **{"If-Match": "*"})).raise_for_status()
        yield made


def header(token: str, **rest: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **rest}


@pytest.mark.parametrize("path", PLACES)
def test_who_may_only_look_sees_no_passwords(secretive: Served, path: str) -> None:
    seen = secretive.client.get(path, headers=header(READER))
    assert seen.status_code == 200
    assert PASSWORD not in seen.text
    assert "http://u:***@h/emails.csv" in seen.text
    assert "redis://:***@h" in seen.text


@pytest.mark.parametrize("path", PLACES)
def test_who_may_apply_sees_them(secretive: Served, path: str) -> None:
    assert secretive.client.get(path, headers=header(APPLIER)).text.count(PASSWORD) == 2


def test_what_was_seen_by_who_may_apply_can_be_sent_back(secretive: Served) -> None:
    seen = secretive.client.get("/v1/config", headers=header(APPLIER))
    match = {"If-Match": seen.headers["etag"]}
    secretive.client.put("/v1/config", json=seen.json()["config"], headers=header(APPLIER, **match)).raise_for_status()
    queue = secretive.desk.settings("emails")
    assert queue is not None
    assert queue.scaler.options["journal"] == f"redis://:{PASSWORD}@h"


@pytest.mark.parametrize(
    ("name", "value", "seen"),
    [
        ("password", "x", "***"),
        ("DB_PASSWORD", "x", "***"),
        ("client_secret", "x", "***"),
        ("bearer_token", "x", "***"),
        ("api_key", 7, "***"),
        ("keys", ("a", "b"), "***"),
        ("token_file", "/run/token", "/run/token"),
        ("key_file", "/run/key", "/run/key"),
        ("url", "amqp://a:b@h", "amqp://a:***@h"),
        ("url", "amqp://a:b@c@h", "amqp://a:***@h"),
        ("url", "amqp://:b@h", "amqp://:***@h"),
        ("url", "amqp://h:5672/x", "amqp://h:5672/x"),
        ("urls", ("redis://a:b@h", "redis://h"), ("redis://a:***@h", "redis://h")),
        ("path", "emails.csv", "emails.csv"),
        ("size", 3, 3),
    ],
)
def test_what_is_masked_and_what_is_not(name: str, value: Any, seen: Any) -> None:
    options = FrozenOptions({name: value})
    queue = QueueSettings(queue_name="emails", source=Chosen(name="push", options=options))
    assert masked_queue(queue).source.options[name] == seen
