"""How a source asks a server over HTTP: bounded, trusted, and without giving its secret away."""

from __future__ import annotations

import base64
import shutil
import ssl
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.errors import ErrorCode, PlannerError, WorldError
from capacity_planner.sources import _web
from capacity_planner.sources._web import Answer, Site
from capacity_planner.sources._web_login import Login
from tests.services._servers import free_port
from tests.sources._web_server import Asked, Reply, serving

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "s3cret"  # noqa: S105 - nobody has it


def site(url: str, login: Login | None = None, **options: Any) -> Site:
    return Site(url, login or Login(), **{"timeout": "5s", **options})


def failure(asked: Site) -> WorldError:
    with pytest.raises(WorldError) as caught:
        asked.get("/x", {})
    assert SECRET not in caught.value.message
    return caught.value


def test_a_document_is_read_from_below_the_path_of_the_address() -> None:
    with serving(lambda _: Reply({"a": [1, 2]})) as server:
        answer = site(f"{server.url}/prefix/").get("/api/b%2Fc", {"query": "a b&c=é"})
    assert answer == Answer(200, {"a": [1, 2]})
    assert (server.asked[0].path, server.asked[0].query) == ("/prefix/api/b%2Fc", {"query": "a b&c=é"})
    assert "authorization" not in server.asked[0].headers


def test_a_token_is_read_from_its_file_each_time(tmp_path: Path) -> None:
    file = tmp_path / "token"
    with serving(lambda _: Reply({})) as server:
        asked = site(server.url, Login(token_file=str(file)))
        for token in ("one", "two"):
            file.write_text(f"{token}\n")
            asked.get("/x", {})
    assert [question.headers["authorization"] for question in server.asked] == ["Bearer one", "Bearer two"]


@pytest.mark.parametrize("password", ["päss: wörd", SECRET])
def test_a_name_goes_with_the_password_of_the_file(tmp_path: Path, password: str) -> None:
    file = tmp_path / "password"
    file.write_text(password, encoding="utf-8")
    with serving(lambda _: Reply({})) as server:
        site(server.url, Login(username="planner", password_file=str(file))).get("/x", {})
        site(server.url, Login(username="planner", password=password)).get("/x", {})
    for question in server.asked:
        kind, _, pair = question.headers["authorization"].partition(" ")
        assert (kind, base64.b64decode(pair).decode()) == ("Basic", f"planner:{password}")


@pytest.mark.parametrize("content", [None, "", "one\ntwo", "\x00", "tökén"])
def test_a_file_without_a_secret_is_a_failure_that_names_it_and_does_not_show_it(
    tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    error = failure(site("http://127.0.0.1:9", Login(token_file=str(file))))
    assert str(file) in error.message
    assert "two" not in error.message
    assert "tökén" not in error.message


def test_a_login_does_not_show_its_secret() -> None:
    assert SECRET not in repr(Login(username="planner", password=SECRET))


@pytest.mark.parametrize("status", [401, 403])
def test_a_server_that_does_not_let_us_in_is_not_worth_trying_again(status: int) -> None:
    with serving(lambda _: Reply({"reason": f"not {SECRET}"}, status)) as server:
        error = failure(site(server.url, Login(username="planner", password=SECRET)))
    assert not error.temporary
    assert f"HTTP {status}" in error.message


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_fails_is_worth_trying_again(status: int) -> None:
    with serving(lambda _: Reply(b"<html>", status)) as server:
        error = failure(site(server.url))
    assert error.temporary
    assert f"HTTP {status}" in error.message


@pytest.mark.parametrize(("data", "read"), [({"error": "bad"}, {"error": "bad"}), (b"<html>", None), (b"", None)])
def test_what_we_did_wrong_is_for_the_source_to_tell(data: Any, read: Any) -> None:
    with serving(lambda _: Reply(data, 404)) as server:
        assert site(server.url).get("/x", {}) == Answer(404, read)


def test_a_page_that_is_no_json_is_a_failure() -> None:
    with serving(lambda _: Reply(b"<html>hello</html>")) as server:
        assert "something else than JSON" in failure(site(server.url)).message


def test_an_answer_that_breaks_off_is_a_failure() -> None:
    with serving(lambda _: Reply(b'{"a":', headers={"Content-Length": "100"})) as server:
        assert failure(site(server.url)).temporary


def test_nobody_there_is_a_failure() -> None:
    error = failure(site(f"http://127.0.0.1:{free_port()}"))
    assert error.temporary
    assert "Connection refused" in error.message


def test_a_host_that_nobody_knows_is_a_failure() -> None:
    assert "does not answer" in failure(site("http://nowhere.invalid")).message


@pytest.mark.parametrize("reply", [Reply({}, pause=1.0), Reply({"a": "b" * 100}, drip=0.05)])
def test_a_server_that_takes_too_long_is_not_waited_for(reply: Reply) -> None:
    with serving(lambda _: reply) as server:
        began = time.monotonic()
        error = failure(site(server.url, timeout="300ms"))
        assert time.monotonic() - began < 0.9
    assert "nothing came within 0.3 s" in error.message
    assert error.temporary


def test_too_much_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_web, "_MOST_BYTES", 2**20)
    with serving(lambda _: Reply(b"x" * (2**20 + 1))) as server:
        assert "more than 1 MB" in failure(site(server.url)).message


def test_a_redirect_on_the_same_server_is_followed(tmp_path: Path) -> None:
    def answer(asked: Asked) -> Reply:
        return Reply({"there": True}) if asked.path == "/y" else Reply(status=302, headers={"Location": "/y"})

    with serving(answer) as server:
        assert site(server.url, Login(username="a", password=SECRET)).get("/x", {}).data == {"there": True}
    assert "authorization" in server.asked[-1].headers


def test_a_redirect_to_another_server_is_refused_and_it_never_hears_of_us() -> None:
    with serving(lambda _: Reply({})) as other:
        location = {"Location": f"{other.url}/y?a=b".replace("//", f"//me:{SECRET}@")}
        with serving(lambda _: Reply(status=307, headers=location)) as server:
            error = failure(site(server.url, Login(username="planner", password=SECRET)))
    assert not error.temporary
    assert f"{server.url} sends us to {other.url}" in error.message
    assert other.asked == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    key, file = folder / "key.pem", folder / "certificate.pem"
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*new, *names, "-keyout", str(key), "-out", str(file)], check=True, capture_output=True)
    return key, file


def test_a_certificate_must_be_trusted(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    key, file = certificate
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file, key)
    with serving(lambda _: Reply({"safe": True}), tls) as server:
        assert site(server.url, ca_file=str(file)).get("/x", {}).data == {"safe": True}
        error = failure(site(server.url))
        assert "its certificate is not trusted" in error.message
        assert "ca_file" in error.message
        (tmp_path / "ca.pem").write_text("none")
        for broken in ("ca.pem", "missing.pem"):
            assert broken in failure(site(server.url, ca_file=str(tmp_path / broken))).message


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "must not be empty"),
        (7, "is not a text"),
        ("127.0.0.1:9090", "is no address of HTTP"),
        ("ftp://host", "is no address of HTTP"),
        ("file:///etc/passwd", "is no address of HTTP"),
        ("http://", "is no address of HTTP"),
        ("http://host:0", "is no address of HTTP"),
        ("http://host:port", "is no address of HTTP"),
        ("http://host/?a=b", "without a query"),
        ("http://host/#a", "without a query"),
        ("http://ho st", "without a query"),
        (f"http://me:{SECRET}@host", "options of their own"),
    ],
)
def test_an_address_that_is_none_is_refused(url: Any, words: str) -> None:
    with pytest.raises(PlannerError, match=words) as caught:
        site(url)
    assert caught.value.code is ErrorCode.CONFIG_INVALID
    assert SECRET not in str(caught.value)
    assert SECRET not in str(caught.value.details)


@pytest.mark.parametrize("timeout", ["0s", "-1s", "11m", 5, "5"])
def test_a_timeout_must_be_one(timeout: Any) -> None:
    with pytest.raises(PlannerError, match=r"source\.options\.timeout"):
        site("http://host", timeout=timeout)


@pytest.mark.parametrize(
    ("login", "field"),
    [
        ({"token_file": "a", "username": "b"}, "bearer_token_file"),
        ({"token_file": 7}, "bearer_token_file"),
        ({"username": "a:b"}, "username"),
        ({"password_file": "a"}, "password_file"),
        ({"username": "a", "password_file": "b", "password": SECRET}, "password_file"),
        ({"username": "a", "password": [SECRET]}, "password"),
    ],
)
def test_a_login_that_contradicts_itself_is_refused(login: dict[str, Any], field: str) -> None:
    with pytest.raises(PlannerError, match=rf"source\.options\.{field} ") as caught:
        Login(**login)
    assert SECRET not in str(caught.value)
    assert SECRET not in str(caught.value.details)
