"""Orders are told to another program: signed, known again, and never where a redirect leads."""

from __future__ import annotations

import ssl
import subprocess
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.errors import ErrorCode, PlannerError, WorldError
from capacity_planner.registry import scalers
from tests.services._servers import free_port

from ._orders import order
from ._receiver import SECRET, Receiver, receiving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from capacity_planner.contracts import Scaler


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    return path


def webhook(receiver: Receiver, secret: Path, *, ask: bool = True, **options: Any) -> Scaler:
    base = f"http://127.0.0.1:{receiver.port}"
    asked = {"current_url": f"{base}/queues/{{queue}}"} if ask else {}
    return scalers.make("webhook", {"url": f"{base}/scale", "secret_file": str(secret)} | asked | options)


def test_an_order_arrives_signed_with_all_that_is_needed_and_what_runs_is_read_back(
    receiver: Receiver, secret: Path
) -> None:
    scaler = webhook(receiver, secret)
    assert scaler.current("emails") == 1
    assert scaler.scale(order(5, 2)) == 5
    assert receiver.orders == {
        "plan-1/2": {
            "id": "plan-1/2",
            "plan_id": "plan-1",
            "queue_name": "emails",
            "sequence": 2,
            "from_workers": 1,
            "to_workers": 5,
            "due": "2026-01-31T12:00:00Z",
            "expires": "2026-01-31T13:00:00Z",
        }
    }
    assert [request[:2] for request in receiver.requests] == [
        ("GET", "/queues/emails"),
        ("POST", "/scale"),
        ("GET", "/queues/emails"),
    ]
    assert receiver.forged == 0


def test_an_order_that_comes_twice_has_one_key(receiver: Receiver, secret: Path) -> None:
    scaler = webhook(receiver, secret)
    scaler.scale(order(5))
    receiver.workers = 3
    assert scaler.scale(order(5)) == 3
    assert len(receiver.orders) == 1


def test_the_key_is_the_id_also_of_an_order_whose_number_was_changed(receiver: Receiver, secret: Path) -> None:
    changed = replace(order(6), id="plan-1/1#6")
    assert webhook(receiver, secret).scale(changed) == 6
    assert receiver.orders["plan-1/1#6"]["id"] == "plan-1/1#6"


def test_without_an_address_to_ask_it_cannot_tell(receiver: Receiver, secret: Path) -> None:
    scaler = webhook(receiver, secret, ask=False)
    assert scaler.current("emails") is None
    assert scaler.scale(order(5)) is None
    assert receiver.workers == 5


def test_the_name_of_a_queue_is_quoted_in_an_address(receiver: Receiver, secret: Path) -> None:
    webhook(receiver, secret).current("a/b?größe x")
    assert receiver.requests[-1][1] == "/queues/a%2Fb%3Fgr%C3%B6%C3%9Fe%20x"


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (503, {}, "answered 503"),
        (500, {}, "answered 500"),
        (429, {"Retry-After": "30"}, "answered 429. It asks to wait: Retry-After 30."),
        (408, {}, "answered 408"),
        (409, {}, "answered 409"),
        (423, {}, "answered 423"),
        (425, {}, "answered 425"),
    ],
)
def test_a_failure_that_may_pass_is_temporary(
    receiver: Receiver, secret: Path, status: int, headers: dict[str, str], words: str
) -> None:
    failure = _failure(receiver, secret, status, headers)
    assert words in failure.message
    assert failure.temporary


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (400, {}, 'answered 400. It said: {"ok": true}'),
        (401, {}, "answered 401"),
        (404, {}, "answered 404"),
        (302, {"Location": "http://127.0.0.1:1/"}, "Redirects are not followed"),
        (304, {}, "answered 304"),
    ],
)
def test_a_refusal_is_a_failure_for_good(
    receiver: Receiver, secret: Path, status: int, headers: dict[str, str], words: str
) -> None:
    failure = _failure(receiver, secret, status, headers)
    assert words in failure.message
    assert not failure.temporary


def _failure(receiver: Receiver, secret: Path, status: int, headers: dict[str, str]) -> WorldError:
    receiver.answers = [(status, headers)]
    with pytest.raises(WorldError) as caught:
        webhook(receiver, secret).scale(order(5))
    assert receiver.workers == 1
    assert len(receiver.requests) == 1
    return caught.value


def test_an_answer_that_breaks_off_is_none(receiver: Receiver, secret: Path) -> None:
    receiver.answers = [(200, {"Content-Length": "1000", "Connection": "close"})]
    with pytest.raises(WorldError, match="does not answer: its answer broke off"):
        webhook(receiver, secret).current("emails")


def test_who_is_slow_is_left_in_time_whether_he_says_nothing_or_dribbles(receiver: Receiver, secret: Path) -> None:
    scaler = webhook(receiver, secret, timeout="0.3s")
    receiver.delay = 1.0
    _left_in_time(scaler)
    receiver.delay, receiver.drip = 0.0, 0.1
    _left_in_time(scaler)


def _left_in_time(scaler: Scaler) -> None:
    began = time.monotonic()
    with pytest.raises(WorldError, match=r"did not answer within 0.3 s") as caught:
        scaler.scale(order(5))
    assert time.monotonic() - began < 0.9
    assert caught.value.temporary


def test_who_is_not_there_may_come_back(receiver: Receiver, secret: Path) -> None:
    scaler = webhook(receiver, secret, url=f"http://127.0.0.1:{free_port()}/scale?token=hidden")
    with pytest.raises(WorldError, match="does not answer: Connection refused") as caught:
        scaler.scale(order(5))
    assert caught.value.temporary
    assert "hidden" not in caught.value.message
    with pytest.raises(WorldError, match="does not answer"):
        webhook(receiver, secret, url="http://no-such-host.invalid/").scale(order(5))


@pytest.mark.parametrize(
    ("field", "body", "workers"),
    [
        ("workers", b'{"workers": 7}', 7),
        ("/status/pools/1/size~1now", b'{"status": {"pools": [{}, {"size/now": 4}]}}', 4),
        ("", b"3", 3),
    ],
)
def test_what_runs_is_read_from_a_field_a_pointer_or_a_bare_number(
    receiver: Receiver, secret: Path, field: str, body: bytes, workers: int
) -> None:
    receiver.body = body
    assert webhook(receiver, secret, current_field=field).current("emails") == workers


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("workers", b'{"worker": 7}'),
        ("workers", b'{"workers": "7"}'),
        ("workers", b'{"workers": -1}'),
        ("workers", b'{"workers": true}'),
        ("workers", b"7"),
        ("workers", b"<html>"),
        ("/a/x", b'{"a": [1]}'),
        ("/a/9", b'{"a": [1]}'),
        ("", b"[]"),
    ],
)
def test_an_answer_without_a_number_is_a_failure_and_no_zero(
    receiver: Receiver, secret: Path, field: str, body: bytes
) -> None:
    receiver.body = body
    with pytest.raises(WorldError, match="does not say how many workers run"):
        webhook(receiver, secret, current_field=field).current("emails")


def test_a_token_is_sent_and_a_secret_that_was_changed_is_used_at_once(
    receiver: Receiver, secret: Path, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("token-of-sixteen-characters")
    scaler = webhook(receiver, secret, token_file=str(token))
    scaler.scale(order(5))
    assert receiver.requests[0][2]["Authorization"] == "Bearer token-of-sixteen-characters"
    secret.write_text("another-secret-altogether")
    scaler.scale(order(5))
    assert receiver.forged == 2
    secret.write_text("")
    with pytest.raises(WorldError, match="holds no secret of 16"):
        scaler.scale(order(5))
    secret.unlink()
    with pytest.raises(WorldError, match="cannot be read: No such file"):
        scaler.scale(order(5))


@pytest.mark.parametrize("status", [400, 502])
def test_what_an_answer_says_of_our_own_headers_is_not_quoted(
    receiver: Receiver, secret: Path, tmp_path: Path, status: int
) -> None:
    token = tmp_path / "token"
    token.write_text("token-of-sixteen-characters")
    receiver.echo, receiver.answers = True, [(status, {})]
    with pytest.raises(WorldError, match=r"It said: Bearer … …$"):
        webhook(receiver, secret, token_file=str(token)).scale(order(5))


@pytest.mark.parametrize("status", [404, 503])
def test_an_order_that_was_taken_counts_though_what_runs_cannot_be_read(
    receiver: Receiver, secret: Path, status: int
) -> None:
    receiver.answers = [(200, {}), (status, {})]
    assert webhook(receiver, secret).scale(order(5)) is None
    assert receiver.workers == 5


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run([*command, *subject, *files, "-days", "1"], check=True, capture_output=True)
    return folder


def test_certificates_are_checked(certificate: Path, secret: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    with receiving(context) as receiver:
        known = {"secret_file": str(secret), "timeout": "5s"}
        trusted = known | {"ca_file": str(certificate / "cert.pem")}
        url = f"https://localhost:{receiver.port}/scale"
        scalers.make("webhook", trusted | {"url": url}).scale(order(5))
        assert (receiver.workers, receiver.forged) == (5, 0)
        with pytest.raises(WorldError, match="has a certificate that is not trusted: self-signed certificate"):
            scalers.make("webhook", known | {"url": url}).scale(order(6))
        with pytest.raises(WorldError, match="is not trusted: IP address mismatch"):
            scalers.make("webhook", trusted | {"url": url.replace("localhost", "127.0.0.1")}).scale(order(6))
        assert receiver.workers == 5


def test_no_order_goes_beyond_the_bounds(receiver: Receiver, secret: Path) -> None:
    for ask, seen in ((True, 3), (False, None)):
        with pytest.raises(WorldError, match="option most is 3") as caught:
            webhook(receiver, secret, ask=ask, most=3).scale(order(5))
        assert (receiver.workers, caught.value.reached) == (3, seen)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"url": "ftp://x/"}, "url is '…', which is no address"),
        ({"url": "https:///path"}, "is no address"),
        ({"url": "https://host:99999/"}, "is no address"),
        ({"url": "https://planner:hidden@host/"}, "has a name or a password in it"),
        ({"url": "https://host/größe"}, "is no address"),
        ({"url": "https://hooks..example.com/"}, "is no address"),
        ({"current_url": f"https://{'x' * 64}.example.com/"}, "is no address"),
        ({"current_url": "host"}, "current_url is '…', which is no address"),
        ({"secret_file": "/no/such"}, "secret_file is '/no/such', which cannot be read: No such file"),
        ({"ca_file": "/no/such"}, "ca_file is '/no/such', which cannot be read"),
        ({"timeout": "0s"}, "is not between"),
        ({"current_field": 5}, "is not a text"),
    ],
)
def test_what_makes_no_webhook_is_refused_by_name(options: dict[str, Any], words: str, secret: Path) -> None:
    with pytest.raises(PlannerError, match=words) as caught:
        scalers.make("webhook", {"url": "https://host/scale", "secret_file": str(secret)} | options)
    assert caught.value.code is ErrorCode.CONFIG_INVALID
    assert "hidden" not in str(caught.value)


def test_files_that_hold_nothing_useful_are_refused(secret: Path, tmp_path: Path) -> None:
    short = tmp_path / "short"
    short.write_text("short")
    good = {"url": "https://host/scale", "secret_file": str(secret)}
    for option, words in (("secret_file", "holds no secret of 16"), ("token_file", "16"), ("ca_file", "no PEM file")):
        with pytest.raises(PlannerError, match=words):
            scalers.make("webhook", good | {option: str(short)})
