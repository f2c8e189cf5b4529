"""The address of a Redis server: what may stand in it, and what is refused without being shown."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from capacity_planner.errors import ErrorCode, PlannerError, WorldError
from capacity_planner.sources._redis import RedisServer
from tests.services._servers import free_port, missing

if TYPE_CHECKING:
    from pathlib import Path

    from tests.services._redis import Redis


def refusal(url: str, password_file: str = "") -> str:
    with pytest.raises(PlannerError) as caught:
        RedisServer(url, password_file)
    assert caught.value.code is ErrorCode.CONFIG_INVALID
    return caught.value.message


@pytest.mark.parametrize(
    "url",
    [
        "http://x",
        "redis://:secret@host:port/0",
        "redis://:sec/ret@h:6379/0",
        "redis://[secret/0",
        "secret",
        "redis://host/secret",
        "redis://host/1/2",
        "redis://sec#ret@host/0",
        "redis://host/0?db=secret",
        "redis://host/0?ssl_ca_certs=secret.pem",
    ],
)
def test_what_is_no_url_is_refused_without_showing_it(url: str) -> None:
    message = refusal(url)
    assert message.startswith("source.options.url is no address of Redis. Write it as redis://")
    assert "sec" not in message


@pytest.mark.parametrize("asked", ["foo=secret", "decode_responses=False", "protocol=3", "sec?ret"])
def test_what_a_url_asks_for_beside_is_refused_where_it_is_not_known(asked: str) -> None:
    message = refusal(f"redis://host/0?{asked}")
    assert message.startswith("source.options.url asks for what is not known here. Ask for nothing but db, username,")
    assert "sec" not in message


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "61"])
def test_a_server_is_waited_for_at_least_a_little_and_at_most_a_minute(seconds: str) -> None:
    for name in ("socket_timeout", "socket_connect_timeout"):
        assert "waits for no time at all" in refusal(f"redis://host/0?{name}={seconds}")
        RedisServer(f"redis://host/0?{name}=0.5")


def test_a_password_stands_in_one_place(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("s3cret")
    for url in ("redis://:s3cret@host", "rediss://host?password=s3cret"):
        message = refusal(url, str(path))
        assert message.endswith("which stands beside a password in url. Leave one of them out.")
        assert "s3cret" not in message
    RedisServer("redis://user@host", str(path))


def test_a_certificate_that_the_url_names_is_trusted(server: Redis, tmp_path: Path) -> None:
    program = shutil.which("openssl") or missing("openssl is not installed.")
    key, file, port = tmp_path / "key.pem", tmp_path / "certificate.pem", free_port()
    new = [program, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*new, *names, "-keyout", str(key), "-out", str(file)], check=True, capture_output=True)
    told = ("tls-key-file", str(key), "tls-auth-clients", "no", "tls-port", str(port))
    server.client.config_set("tls-cert-file", str(file), *told)
    try:
        url = f"rediss://127.0.0.1:{port}/0"
        assert RedisServer(f"{url}?ssl_ca_certs={file}").ask(lambda pipe: pipe.llen("a")) == [0]
        with pytest.raises(WorldError, match=r"does not answer: .*certificate"):
            RedisServer(url).ask(lambda pipe: pipe.llen("a"))
    finally:
        server.client.config_set("tls-port", "0")


def test_the_number_of_the_database_is_that_of_the_url() -> None:
    assert RedisServer("redis://127.0.0.1:6379/11").database == 11
    assert RedisServer("redis://127.0.0.1").database == 0
    assert RedisServer("unix:///run/redis.sock?db=3").database == 3
