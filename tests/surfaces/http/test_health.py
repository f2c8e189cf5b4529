from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from capacity_planner.errors import UnavailableError
from capacity_planner.service.desk import Desk
from capacity_planner.surfaces.http import _ready
from tests.surfaces.http._served import problem, served

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

ADDRESS = "connection to server at 10.1.2.3, port 5432 failed"


class LostDesk(Desk):
    """A desk whose store is lost."""

    asked = 0

    def ready(self) -> list[str]:
        self.asked += 1
        raise UnavailableError(f"The store does not answer: {ADDRESS}")


def test_nobody_is_told_where_the_store_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with served(tmp_path, kind=LostDesk) as own, caplog.at_level("WARNING"):
        refused = own.client.get("/readyz")
    assert problem(refused, 503)["detail"] == "The store does not answer."
    assert refused.headers["retry-after"] == "1"
    assert ADDRESS in caplog.text


def test_whether_it_is_ready_is_looked_into_once_in_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_ready, "KEPT", 60.0)
    with served(tmp_path, kind=LostDesk) as own:
        assert isinstance(own.desk, LostDesk)
        assert [own.client.get("/readyz").status_code for _ in range(20)] == [503] * 20
        assert own.desk.asked == 1


def test_and_looked_into_again_after_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_ready, "KEPT", 0.0)
    with served(tmp_path, kind=LostDesk) as own:
        assert isinstance(own.desk, LostDesk)
        assert [own.client.get("/readyz").status_code for _ in range(3)] == [503] * 3
        assert own.desk.asked == 3


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_may_ask_for_the_head_alone(client: httpx.Client, path: str) -> None:
    whole, head = client.get(path), client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"]
    assert head.headers["content-type"] == whole.headers["content-type"]


def test_nothing_else_is_asked_for_so(client: httpx.Client) -> None:
    assert client.head("/v1/queues").status_code == 405
