"""The Prometheus source: which queries it asks, and what it makes of the answers."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.domain.scaling import Gap
from capacity_planner.errors import ErrorCode, PlannerError, WorldError
from capacity_planner.registry import sources
from capacity_planner.sources._promql_presets import PRESETS
from tests.sources._web_server import Asked, Reply, Server, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from capacity_planner.domain.metrics import Metrics

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NOTHING = float("nan")


class Api:
    """A small Prometheus API: what it finds is a function of the query and the minutes since noon."""

    def __init__(self, finds: Mapping[str, Callable[[float], float | None]]) -> None:
        self._finds = finds

    def __call__(self, asked: Asked) -> Reply:
        assert asked.path == "/api/v1/query_range"
        query = asked.query
        start, end, step = (float(query[name]) for name in ("start", "end", "step"))
        assert (end - start) / step <= 11_000
        find = self._finds.get(query["query"])
        times = [start + step * number for number in range(int((end - start) / step) + 1)]
        values = [(at, find((at - NOON.timestamp()) / 60)) for at in times] if find else []
        found = [[at, str(value)] for at, value in values if value is not None]
        return Reply(matrix({"metric": {}, "values": found}) if found else matrix())


def matrix(*series: dict[str, Any]) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": "matrix", "result": list(series)}}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Api({})) as made:
        yield made


def collect(server: Server, since: float | None, until: float, **options: Any) -> Sequence[Metrics] | Gap:
    source = sources.make("prometheus", {"url": server.url, "arrival_rate": "rate", **options})
    return source.collect("emails", None if since is None else NOON + since * MINUTE, NOON + until * MINUTE)


def samples(found: Sequence[Metrics] | Gap) -> list[tuple[float, float]]:
    assert not isinstance(found, Gap), found.reason
    return [((item.timestamp - NOON) / MINUTE, item.arrival_rate) for item in found]


def queries(server: Server) -> list[str]:
    return [asked.query["query"] for asked in server.asked]


def test_samples_stand_at_whole_steps_whenever_they_are_asked_for(server: Server) -> None:
    server.answer = Api({"rate": lambda minute: 100 + minute})
    assert samples(collect(server, 0.2, 3.9)) == [(1, 101), (2, 102), (3, 103)]
    assert samples(collect(server, 3, 5)) == [(4, 104), (5, 105)]
    assert samples(collect(server, 3, 11, step="5m")) == [(5, 105), (10, 110)]
    assert collect(server, 3, 3.99) == ()


def test_a_server_that_lags_is_asked_later(server: Server) -> None:
    server.answer = Api({"rate": lambda minute: 100 + minute})
    assert samples(collect(server, 0, 3, delay="90s")) == [(1, 101)]


def test_a_first_start_asks_for_the_history_in_pieces(server: Server) -> None:
    server.answer = Api({"rate": lambda minute: minute + 1e6 if minute > -1440 else None})
    found = samples(collect(server, None, 0, history="72h"))
    assert len(found) == 1439
    assert (found[0][0], found[-1]) == (-1438, (0, 1e6))
    spans = [(float(asked.query["start"]), float(asked.query["end"])) for asked in server.asked]
    assert len(spans) == 3
    assert all(later[0] - earlier[1] == 60 for earlier, later in pairwise(spans))
    assert spans[0][0] == NOON.timestamp() - 72 * 3600


def test_what_lies_further_back_than_the_history_is_not_asked_for(server: Server) -> None:
    server.answer = Api({"rate": lambda _: 1.0})
    assert len(samples(collect(server, -1000, 0, history="10m"))) == 10


def test_a_hole_is_no_sample_and_neither_are_its_edges(server: Server) -> None:
    hole = {4.0: None, 5.0: NOTHING}
    server.answer = Api({"rate": lambda minute: hole.get(minute, 2.0)})
    assert [minute for minute, _ in samples(collect(server, 0, 9))] == [1, 2, 7, 8, 9]


@pytest.mark.parametrize("value", [NOTHING, float("inf"), -1.0, 1e300, None])
@pytest.mark.parametrize("field", ["backlog", "active_jobs", "workers"])
def test_a_count_that_is_not_known_is_no_zero(server: Server, field: str, value: float | None) -> None:
    server.answer = Api({"rate": lambda _: 1.0, "count": lambda minute: value if minute == 2 else 3.4})
    found = collect(server, 0, 3, **{field: "count"})
    assert [minute for minute, _ in samples(found)] == [1, 3]
    name = "current_workers" if field == "workers" else field
    assert {getattr(item, name) for item in found} == {3}  # type: ignore[union-attr]


@pytest.mark.parametrize("value", [NOTHING, float("inf"), -1.0, None])
def test_a_service_time_that_is_not_known_leaves_the_sample(server: Server, value: float | None) -> None:
    server.answer = Api({"rate": lambda _: 1.0, "time": lambda _: value})
    times = {"service_time": "time", "service_time_p95": "time", "service_time_std": "time", "utilization": "time"}
    found = collect(server, 0, 1, **times)
    assert not isinstance(found, Gap)
    (item,) = found
    assert (item.service_time, item.service_time_p95, item.service_time_std) == (timedelta(0), None, None)
    assert item.utilization == 0


def test_every_field_comes_from_its_query(server: Server) -> None:
    fields = ["arrival_rate", "service_time", "service_time_p95", "service_time_std"]
    fields += ["backlog", "active_jobs", "workers", "utilization"]
    server.answer = Api({name: lambda _, value=number: float(value) for number, name in enumerate(fields, start=1)})  # type: ignore[misc]
    found = collect(server, 0, 1, **{name: name for name in fields})
    assert not isinstance(found, Gap)
    (item,) = found
    assert (item.arrival_rate, item.backlog, item.active_jobs, item.current_workers) == (1, 5, 6, 7)
    times = (item.service_time, item.service_time_p95, item.service_time_std)
    assert times == tuple(timedelta(seconds=number) for number in (2, 3, 4))
    assert (item.utilization, item.queue_name) == (8, "emails")


def test_the_busy_share_follows_from_jobs_and_workers_where_nothing_says_it(server: Server) -> None:
    server.answer = Api({"rate": lambda _: 1.0, "busy": lambda _: 3.0})
    found = collect(server, 0, 1, active_jobs="busy", workers=2, concurrency=2)
    assert not isinstance(found, Gap)
    assert found[0].utilization == 0.75


def test_places_are_filled_so_that_no_name_leaves_its_quotes(server: Server) -> None:
    query = 'r{{labels}q="{queue}",w=~"{queue_regex}"}[{step}] {seconds} [{window}:{fine}] {concurrency}'
    odd = "a'b\"c\\d`e.f+g größe}{"
    options = {"url": server.url, "arrival_rate": query, "labels": 'ns="prod", x=~"{y}"', "concurrency": 3}
    sources.make("prometheus", {**options, "step": "90s"}).collect(odd, NOON, NOON + 3 * MINUTE)
    (filled,) = queries(server)
    quoted = r"a\x27b\x22c\x5cd\x60e.f+g\x20größe\x7d\x7b"
    escaped = r"a\x27b\x22c\x5c\x5cd\x60e\x5c.f\x5c+g\x5c\x20größe\x5c\x7d\x5c\x7b"
    assert filled == f'r{{ns="prod", x=~"{{y}}",q="{quoted}",w=~"{escaped}"}}[90s] 90 [600s:7500ms] 3'


def test_a_window_is_a_step_at_least(server: Server) -> None:
    collect(server, 0, 60, arrival_rate="[{window}]", step="30m")
    collect(server, 0, 60, arrival_rate="[{step}:{fine}]", step="2500ms")
    assert queries(server) == ["[1800s]", "[2500ms:1000ms]"]


def test_a_preset_asks_for_what_its_exporter_knows_and_own_queries_go_first(server: Server) -> None:
    server.answer = Api({})
    collect(server, 0, 1, preset="celery-exporter", backlog="own", active_jobs="none", workers="4", arrival_rate="")
    asked = queries(server)
    assert "own" in asked
    assert not [query for query in asked if "celery_queue_length" in query or "celery_active_worker_count" in query]
    assert [query for query in asked if "celery_task_sent_total" in query]
    assert len(asked) == len(PRESETS["celery-exporter"]) - 2


@pytest.mark.parametrize("preset", list(PRESETS))
def test_every_selector_of_a_preset_takes_labels_and_every_field_is_one(preset: str) -> None:
    for field, query in PRESETS[preset].items():
        assert field in {"arrival_rate", "service_time", "service_time_p95"} | {
            *("backlog", "active_jobs", "workers", "utilization")
        }
        names = re.findall(r"\b(?:[a-z]+_)+[a-z0-9]+\{", query)
        assert names
        assert query.count("{{labels}") == len(names)


@pytest.mark.parametrize("preset", list(PRESETS))
def test_the_page_names_every_metric_of_a_preset(preset: str) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "measure-with-prometheus.md").read_text()
    section = page.partition(f"\n### {preset}\n")[2].partition("\n### ")[0]
    names = {name for query in PRESETS[preset].values() for name in re.findall(r"\b((?:[a-z]+_)+[a-z0-9]+)\{", query)}
    assert {name for name in names if f"`{name}" not in section} == set()
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", section, re.MULTILINE)
    known = {field for field, text in rows if not text.startswith(("not known", "inferred where", "inferred: `active"))}
    assert known == set(PRESETS[preset])


def test_nothing_at_all_is_a_gap_that_says_which_query_found_nothing(server: Server) -> None:
    server.answer = Api({"rate": lambda _: 1.0, "other": lambda _: None})
    found = collect(server, 0, 5, backlog="other")
    assert isinstance(found, Gap)
    assert "for backlog from 2026-01-31T12:01:00Z to 2026-01-31T12:05:00Z" in found.reason
    assert found.reason.endswith("The query is: other")


def refused(server: Server, reply: Reply, **options: Any) -> WorldError:
    server.answer = lambda _: reply
    with pytest.raises(WorldError) as caught:
        collect(server, 0, 1, **options)
    return caught.value


def test_several_series_are_refused_with_the_remedy(server: Server) -> None:
    series = [{"metric": {"instance": name}, "values": [[NOON.timestamp(), "1"]]} for name in "abc"]
    error = refused(server, Reply(matrix(*series)))
    assert "finds 3 series, such as {'instance': 'a'} and {'instance': 'b'}" in error.message
    assert not error.temporary


@pytest.mark.parametrize("status", [400, 422])
def test_what_the_server_says_of_a_query_is_told(server: Server, status: int) -> None:
    error = refused(server, Reply({"status": "error", "errorType": "bad_data", "error": "parse error"}, status))
    assert "refuses the query for arrival_rate: parse error. It is: rate" in error.message
    assert not error.temporary


@pytest.mark.parametrize(
    "reply",
    [
        Reply({"hello": "world"}),
        Reply([1]),
        Reply(matrix({"metric": {}, "values": [[NOON.timestamp(), "many"]]})),
        Reply(matrix({"metric": {}})),
        Reply(b"<html>", 404),
        Reply({"message": "no route"}, 404),
    ],
)
def test_a_server_that_is_no_prometheus_is_told_as_such(server: Server, reply: Reply) -> None:
    error = refused(server, reply)
    assert "does not answer as Prometheus does" in error.message
    assert not error.temporary


def test_a_server_that_is_not_ready_is_asked_again(server: Server) -> None:
    assert refused(server, Reply(b"Service Unavailable", 503)).temporary


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"arrival_rate": ""}, "arrival_rate is '', which leaves the arrivals unknown"),
        ({"arrival_rate": "none"}, "leaves the arrivals unknown"),
        ({"arrival_rate": 5}, "arrival_rate is 5, which is not a text"),
        ({"preset": "celery"}, "preset is 'celery', which is none of celery-exporter, rq-exporter"),
        ({"backlog": 'sum(x{q="{quue}"})'}, r"has \{quue\}, which nothing fills"),
        ({"service_time": "2"}, "service_time is '2', which has no unit"),
        ({"service_time": "2 sec"}, "service_time is '2 sec', which is not a duration"),
        ({"service_time": 2}, "service_time is 2, which is not a duration"),
        ({"service_time": "-2s"}, "service_time is '-2s', which must be from 0 s"),
        ({"workers": -1}, "workers is -1, which must be from 0"),
        ({"workers": 2.5}, "workers is 2.5, which is not a whole number"),
        ({"workers": True}, "workers is True, which is not a whole number"),
        ({"workers": "2.5"}, "workers is '2.5', which is not a whole number"),
        ({"concurrency": 0}, "concurrency is 0, which must be from 1"),
        ({"labels": "prod"}, "labels is 'prod', which is no list of label matchers"),
        ({"labels": 'a="b"}) or vector(1) or ({c="'}, "is no list of label matchers"),
        ({"step": "0s"}, "step is '0s', which must be from 1 s"),
        ({"step": "25h"}, "step is '25h', which must be from 1 s"),
        ({"window": "-1m"}, "window is '-1m'"),
        ({"history": "1d"}, "history is '1d', which is not a duration"),
        ({"username": "a", "bearer_token_file": "b"}, "bearer_token_file is 'b', which goes without username"),
        ({"querry": "x"}, "querry is no option of the source prometheus"),
    ],
)
def test_an_option_that_does_not_hold_is_refused_when_the_source_is_made(options: dict[str, Any], words: str) -> None:
    with pytest.raises(PlannerError, match=words) as caught:
        sources.make("prometheus", {"url": "http://127.0.0.1:9090", "arrival_rate": "rate", **options})
    assert caught.value.code is ErrorCode.CONFIG_INVALID


@pytest.mark.parametrize(("text", "seconds"), [("250ms", 0.25), ("1m30s", 90.0), ("PT2S", 2.0), ("0s", 0.0)])
def test_a_duration_in_place_of_a_query_holds_for_all_samples(server: Server, text: str, seconds: float) -> None:
    server.answer = Api({"rate": lambda _: 1.0})
    found = collect(server, 0, 2, service_time=text)
    assert not isinstance(found, Gap)
    assert {item.service_time.total_seconds() for item in found} == {seconds}


@pytest.mark.parametrize("query", ["Pace", "P95_seconds", "0.001 * sum(x)", "1 - y", "seconds"])
def test_a_query_is_not_taken_for_a_duration(server: Server, query: str) -> None:
    server.answer = Api({"rate": lambda _: 1.0, query: lambda _: 7.0})
    found = collect(server, 0, 1, service_time=query)
    assert not isinstance(found, Gap)
    assert found[0].service_time == timedelta(seconds=7)
