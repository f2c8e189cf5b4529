"""Logs: one line per event, all facts, no secrets."""

from __future__ import annotations

import io
import json
import logging
import socket
import warnings
from datetime import UTC, datetime, timedelta, timezone
from threading import Thread
from time import perf_counter
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.domain.scaling import Decision
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.service._logs_secrets import without_secrets
from capacity_planner.service.logs import LEVELS, JsonFormatter, TextFormatter, configure

if TYPE_CHECKING:
    from collections.abc import Iterator

LOG = logging.getLogger("capacity_planner.tests")
NAMES = ("", "capacity_planner", "uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi", "grpc")


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """What `configure` changes belongs to the whole process."""
    loggers = [logging.getLogger(name) for name in NAMES]
    before = [(logger.handlers, logger.propagate, logger.level) for logger in loggers]
    yield
    for logger, (handlers, propagate, level) in zip(loggers, before, strict=True):
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)
    logging.captureWarnings(capture=False)


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_has_time_level_logger_message_and_every_extra_field(stream: io.StringIO) -> None:
    configure("json", "info", stream)
    before = datetime.now(UTC)
    LOG.info("planned for %s", "emails", extra={"queue": "emails", "workers": 4, "share": 0.25, "late": False})
    (line,) = lines(stream)
    written = datetime.fromisoformat(line.pop("time"))
    assert written.utcoffset() == timedelta(0)
    assert abs(written - before) < timedelta(seconds=5)
    assert line == {
        "level": "info",
        "logger": "capacity_planner.tests",
        "message": "planned for emails",
        "queue": "emails",
        "workers": 4,
        "share": 0.25,
        "late": False,
    }


def test_time_ends_with_z_and_is_of_the_record() -> None:
    record = logging.makeLogRecord({"msg": "x", "created": 1_767_225_600.1234})
    assert json.loads(JsonFormatter().format(record))["time"] == "2026-01-01T00:00:00.123Z"
    assert TextFormatter().format(record).startswith("2026-01-01T00:00:00.123Z ")


def test_what_json_has_no_word_for_is_written_as_the_wire_has_it(stream: io.StringIO) -> None:
    configure("json", "info", stream)
    at = datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    facts = {
        "at": at,
        "naive": datetime(2026, 1, 1),  # noqa: DTZ001 - shown as it is
        "took": timedelta(milliseconds=350),
        "decision": Decision.APPLIED,
        "nan": float("nan"),
        "steps": (1, [timedelta(seconds=5)]),
        "map": {"inf": float("inf"), 5: None},
        "error": ValueError("x"),
        "raw": b"caf\xc3\xa9 \xff",
    }
    LOG.info("x", extra=facts)
    (line,) = lines(stream)
    assert {name: line[name] for name in facts} == {
        "at": "2026-01-01T00:00:00Z",
        "naive": "2026-01-01 00:00:00",
        "took": "0.350s",
        "decision": "applied",
        "nan": "nan",
        "steps": [1, ["5s"]],
        "map": {"inf": "inf", "5": None},
        "error": "x",
        "raw": "café \ufffd",
    }


def test_an_extra_field_cannot_stand_for_one_of_ours(stream: io.StringIO) -> None:
    configure("json", "info", stream)
    LOG.info("true", extra={"level": "forged", "time": 5})
    (line,) = lines(stream)
    assert (line["level"], line["level_"], line["time_"]) == ("info", "forged", 5)


def test_a_structure_that_holds_itself_is_written_and_ends(stream: io.StringIO) -> None:
    configure("json", "info", stream)
    own: dict[str, Any] = {}
    own["own"] = own
    LOG.info("x", extra={"own": own})
    assert "{...}" in stream.getvalue()


def test_an_exception_is_one_field_of_json(stream: io.StringIO) -> None:
    configure("json", "info", stream)
    try:
        raise KeyError("emails")  # noqa: TRY301 - it is what is logged
    except KeyError:
        LOG.exception("failed", stack_info=True)
    (line,) = lines(stream)
    assert line["message"] == "failed"
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert line["exception"].endswith("KeyError: 'emails'")
    assert line["stack"].startswith("Stack (most recent call last)")


def test_text_is_one_line_with_its_extras(stream: io.StringIO) -> None:
    configure("text", "info", stream)
    LOG.warning("no plan", extra={"queue": "a b", "workers": 4, "reason": "", "name_": "x=1", "way": ["a"]})
    time, _, rest = stream.getvalue().partition(" ")
    assert datetime.fromisoformat(time).utcoffset() == timedelta(0)
    assert rest == 'WARNING capacity_planner.tests no plan queue="a b" workers=4 reason="" name_="x=1" way=["a"]\n'


def test_a_traceback_in_text_is_indented_below_its_line(stream: io.StringIO) -> None:
    configure("text", "info", stream)
    try:
        raise KeyError("emails")  # noqa: TRY301 - it is what is logged
    except KeyError:
        LOG.exception("failed", extra={"queue": "emails"})
    first, *others = stream.getvalue().splitlines()
    assert first.endswith("ERROR   capacity_planner.tests failed queue=emails")
    assert others[0] == "    Traceback (most recent call last):"
    assert others[-1] == "    KeyError: 'emails'"
    assert all(line.startswith("    ") for line in others)


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_nobody_can_begin_a_line_of_his_own_or_speak_to_the_terminal(log_format: str, stream: io.StringIO) -> None:
    configure(log_format, "info", stream)
    evil = "x\n2026-01-01 ERROR forged\r\x1b[31m\x9b\u2028\ud800"
    facts = {"queue": evil, "many": [evil]}
    record = LOG.makeRecord(LOG.name, logging.INFO, __file__, 1, "said %s", (evil,), None, extra=facts)
    (handler,) = [item for item in logging.getLogger().handlers if getattr(item, "stream", None) is stream]
    handler.handle(record)
    written = stream.getvalue()
    assert written.count("\n") == 1
    assert written[:-1].isprintable()
    written.encode()


@given(st.text(), st.text(), st.dictionaries(st.text(min_size=1), st.text() | st.floats() | st.binary()))
def test_whatever_is_said_makes_one_line(message: str, value: str, facts: dict[str, Any]) -> None:
    record = logging.makeLogRecord({"msg": message, "extra_value": value, "facts": facts})
    for formatter in (JsonFormatter(), TextFormatter()):
        assert "\n" not in formatter.format(record)
    assert json.loads(JsonFormatter().format(record))["logger"] == record.name


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("postgresql://planner:s3cret@db:5432/plans", "postgresql://planner:***@db:5432/plans"),
        ("postgresql+psycopg://u:s3:cr/e@t@db/plans", "postgresql+psycopg://u:***@db/plans"),
        ("URL('postgresql://me@corp:s3cret@db')", "URL('postgresql://me@corp:***@db')"),
        ("redis://:s3cret@cache", "redis://:***@cache"),
        ("postgresql://u:s3cret@a/x and postgresql://v:s3cret@b", "postgresql://u:***@a/x and postgresql://v:***@b"),
        ("Authorization: Bearer s3cret", "Authorization: Bearer ***"),
        ("bearer s3cret, then", "bearer ***, then"),
        ("{'authorization': 'Bearer s3cret'}", "{'authorization': 'Bearer ***'}"),
        ("[(b'authorization', b'Basic s3cret')]", "[(b'authorization', b'Basic ***')]"),
        ("Authorization: Basic s3cret==", "Authorization: Basic ***"),
        ("authorization=s3cret", "authorization=***"),
        ("host=db password=s3cret user=me", "host=db password=*** user=me"),
        ("host=db password='s3 cret' user=me", "host=db password=*** user=me"),
        ('{"password": "s3 cret", "user": "me"}', '{"password": ***, "user": "me"}'),
        ("GET /metrics?token=s3cret&x=1", "GET /metrics?token=***&x=1"),
        ("postgresql://db/plans?user=me&password=s3cret&x=1", "postgresql://db/plans?user=me&password=***&x=1"),
    ],
)
def test_secrets_are_hidden_and_the_rest_is_not(text: str, hidden: str) -> None:
    assert without_secrets(text) == hidden


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:8080/v1/plans",
        "postgresql://planner@db:5432/plans does not answer",
        "password authentication failed for user me",
        "sqlite:///capacity-planner.db",
        "mail me@example.com",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert without_secrets(text) == text


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_no_way_into_the_log_leads_past_the_filter(log_format: str, stream: io.StringIO) -> None:
    configure(log_format, "info", stream)
    url = "postgresql://u:s3cret@db/plans"
    headers = {"authorization": "s3cret", "Proxy-Authorization": "s3cret"}
    try:
        raise ValueError(f"cannot open {url}")  # noqa: TRY301 - it is what is logged
    except ValueError as error:
        LOG.exception("%s", url, extra={"url": url, "headers": headers, "password": "s3cret"})
        LOG.warning("x", extra={"error": error, "list": [url, {"deep": [url]}], "raw": b"Bearer s3cret"})
        LOG.warning("x", extra={"scope": [(b"authorization", b"s3cret"), (b"host", b"db")], url: 1})
        LOG.warning("x", extra={"facts": {url: 1}})
    logging.getLogger("uvicorn.access").info('"GET /metrics?token=%s"', "s3cret")
    written = stream.getvalue()
    assert "s3cret" not in written
    assert "failed" not in written
    assert written.count("***") > 10
    assert "host" in written


def test_a_text_of_any_length_is_searched_in_a_moment() -> None:
    began = perf_counter()
    for text in ("a." * 20_000, "a://:" * 8_000, "authorization " * 3_000, "password" * 5_000):
        without_secrets(text)
    assert perf_counter() - began < 2


def test_libraries_speak_through_our_stream_and_only_from_warning_on(stream: io.StringIO) -> None:
    theirs = logging.getLogger("uvicorn.access")
    theirs.handlers, theirs.propagate = [logging.StreamHandler(io.StringIO())], False
    configure("json", "debug", stream)
    for name in ("uvicorn.access", "uvicorn.error", "grpc._server", "sqlalchemy.engine", "asyncio", "x"):
        logging.getLogger(name).info("info")
        logging.getLogger(name).warning("warning")
    said = [(line["logger"], line["level"]) for line in lines(stream)]
    assert [name for name, level in said if level == "info"] == ["uvicorn.access", "uvicorn.error", "grpc._server"]
    assert [name for name, level in said if level == "warning"].count("sqlalchemy.engine") == 1
    assert len(said) == 9


def test_warnings_of_python_become_lines(stream: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        configure("json", "info", stream)
        warnings.warn("old\nnews", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(capture=False)
    (line,) = lines(stream)
    assert (line["logger"], line["level"]) == ("py.warnings", "warning")
    assert "old\nnews" in line["message"]


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_silences_what_lies_below_it(level: str, stream: io.StringIO) -> None:
    configure("json", level, stream)
    for name in LEVELS:
        LOG.log(LEVELS[name], name)
    assert [line["message"] for line in lines(stream)] == list(LEVELS)[list(LEVELS).index(level) :]


def test_configured_again_it_writes_once_and_leaves_the_handlers_of_others(stream: io.StringIO) -> None:
    other = logging.StreamHandler(io.StringIO())
    logging.getLogger().addHandler(other)
    before = len(logging.getLogger().handlers)
    configure("text", "debug", io.StringIO())
    configure("json", "info", stream)
    LOG.info("once")
    assert len(lines(stream)) == 1
    assert len(logging.getLogger().handlers) == before + 1
    assert other in logging.getLogger().handlers


def test_it_writes_to_stderr_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json", "info")
    LOG.info("here")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert json.loads(captured.err)["message"] == "here"


@pytest.mark.parametrize(
    ("log_format", "log_level", "field", "sentence"),
    [
        ("yaml", "info", "log_format", "log_format is 'yaml'. It takes: json, text."),
        ("json", "loud", "log_level", "log_level is 'loud'. It takes: debug, info, warning, error."),
    ],
)
def test_a_format_or_level_that_there_is_not_is_refused(
    log_format: str, log_level: str, field: str, sentence: str
) -> None:
    before = logging.getLogger().handlers
    with pytest.raises(PlannerError) as caught:
        configure(log_format, log_level)
    assert caught.value.code is ErrorCode.CONFIG_INVALID
    assert caught.value.message == sentence
    assert caught.value.details["field"] == field
    assert logging.getLogger().handlers == before


async def _hello(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello"})


def test_uvicorn_itself_writes_our_lines(stream: io.StringIO) -> None:
    configure("json", "info", stream)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(_hello, log_config=None, lifespan="off"))
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            port = listener.getsockname()[1]
            listener.listen()
            assert httpx.get(f"http://127.0.0.1:{port}/x?token=s3cret", timeout=10).text == "hello"
        finally:
            server.should_exit = True
            thread.join(10)
    said = lines(stream)
    access = [line["message"] for line in said if line["logger"] == "uvicorn.access"]
    assert len(access) == 1
    assert access[0].endswith('"GET /x?token=*** HTTP/1.1" 200')
    assert any(line["logger"] == "uvicorn.error" for line in said)
    assert all("color_message" not in line for line in said)
