"""Whether the operator lives, whether it leads, and what it counts."""

from __future__ import annotations

import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

import pytest

from capacity_planner.errors import PlannerError, UnavailableError
from capacity_planner.surfaces.kube.probes import Probes

from ._running import eventually, operating

if TYPE_CHECKING:
    from pathlib import Path

    from ._cluster import Api


def _get(port: int, path: str, host: str = "127.0.0.1") -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_leader_lives_leads_and_counts(api: Api, tmp_path: Path) -> None:
    with operating(api, tmp_path) as operator, Probes("127.0.0.1:0", operator) as probes:
        eventually(lambda: operator.leads)
        assert _get(probes.port, "/healthz") == (200, "ok\n")
        assert eventually(lambda: _get(probes.port, "/readyz?x=1") == (200, "leads\n"))
        status, text = _get(probes.port, "/metrics")
        assert status == 200
        assert "capacity_planner_" in text
        assert _get(probes.port, "/")[0] == 404


@dataclass
class Asleep:
    """An operator whose threads are stuck."""

    term: Any = None
    leads: bool = False

    def ailing(self) -> str:
        return "It has not come round for 120 s."

    def idle(self) -> str:
        return ""


def test_one_that_waits_is_ready_and_one_that_is_stuck_is_to_be_started_anew() -> None:
    stuck: Any = Asleep()
    with Probes("127.0.0.1:0", stuck) as probes:
        assert _get(probes.port, "/healthz") == (503, "It has not come round for 120 s.\n")
        assert _get(probes.port, "/readyz") == (200, "waits for its turn\n")
        assert _get(probes.port, "/metrics") == (200, "")


def test_a_leader_that_may_not_see_the_resources_is_not_ready(api: Api, tmp_path: Path) -> None:
    api.refuse = lambda method, path: (403, "forbidden") if path.endswith("/horizontalpodautoscalers") else None
    with operating(api, tmp_path) as operator, Probes("127.0.0.1:0", operator) as probes:
        eventually(lambda: operator.leads)
        assert _get(probes.port, "/readyz") == (503, "The resources could not be listed yet; the log says why.\n")
        assert _get(probes.port, "/healthz") == (200, "ok\n")
        api.refuse = lambda method, path: None
        eventually(lambda: _get(probes.port, "/readyz")[0] == 200)


def test_an_address_where_nobody_can_listen_is_refused() -> None:
    stuck: Any = Asleep()
    with Probes("127.0.0.1:0", stuck) as probes, pytest.raises(PlannerError, match="where nobody can listen"):
        Probes(f"127.0.0.1:{probes.port}", stuck)


def test_it_listens_on_ipv6_too() -> None:
    stuck: Any = Asleep()
    with Probes("[::1]:0", stuck) as probes:
        assert _get(probes.port, "/readyz", host="[::1]") == (200, "waits for its turn\n")


def test_one_that_may_not_lead_is_not_ready(api: Api, tmp_path: Path) -> None:
    api.refuse = lambda method, path: (403, "leases is forbidden") if "/leases" in path else None
    with operating(api, tmp_path) as operator, Probes("127.0.0.1:0", operator) as probes:
        text = eventually(lambda: (told := _get(probes.port, "/readyz"))[0] == 503 and told[1])
        assert "leases is forbidden" in text
        assert _get(probes.port, "/healthz")[0] == 200
        api.refuse = lambda method, path: None
        eventually(lambda: _get(probes.port, "/readyz") == (200, "leads\n"))


def test_a_store_that_does_not_answer_is_no_reason_to_start_anew(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("capacity_planner.surfaces.kube.operating._ASLEEP", 6.0)
    with operating(api, tmp_path) as operator, Probes("127.0.0.1:0", operator) as probes:
        eventually(lambda: _get(probes.port, "/readyz") == (200, "leads\n"))
        assert operator.term is not None
        with monkeypatch.context() as away:
            for method in ("now", "check"):
                away.setattr(operator.term.service.store, method, _away)
            eventually(lambda: operator.term is not None and operator.term.service.loop.idle_for() > 8.0)
            assert _get(probes.port, "/healthz") == (200, "ok\n")
            assert _get(probes.port, "/readyz") == (503, "The store does not answer.\n")
        eventually(lambda: _get(probes.port, "/readyz") == (200, "leads\n"))


def _away() -> None:
    raise UnavailableError("The store does not answer.", retry_after=1.0)
