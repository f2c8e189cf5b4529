from __future__ import annotations

import hashlib
import logging
import os
import stat
import threading
import tomllib
from typing import TYPE_CHECKING

import pytest

from capacity_planner.errors import PlannerError, ServiceError
from capacity_planner.service.access import Access, AccessError, Role, guard, new_token, parse_address

if TYPE_CHECKING:
    from pathlib import Path

READER, APPLIER = "reader-token-0123456789", "applier-token-0123456789"


def write(path: Path, text: str, mode: int = 0o600) -> str:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return str(path)


def sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@pytest.fixture
def access(tmp_path: Path) -> Access:
    hashed, plain = f'role = "read"\nsha256 = "{sha256(READER)}"', f'role = "apply"\ntoken = "{APPLIER}"'
    return Access.load(write(tmp_path / "tokens.toml", f"[tokens.ci]\n{hashed}\n[tokens.ops]\n{plain}\n"))


def test_a_token_is_known_by_its_name(access: Access) -> None:
    assert access.required
    assert access.authorize(f"Bearer {READER}", Role.READ) == "ci"
    assert access.authorize(f"bearer  {APPLIER} ", Role.APPLY) == "ops"


def test_apply_includes_read(access: Access) -> None:
    assert access.authorize(f"Bearer {APPLIER}", Role.READ) == "ops"


def test_a_reader_may_not_apply(access: Access) -> None:
    with pytest.raises(AccessError, match="token ci may read, and this needs a token that may apply") as caught:
        access.authorize(f"Bearer {READER}", Role.APPLY)
    assert caught.value.status == 403
    assert isinstance(caught.value, ServiceError)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        READER,
        f"Basic {READER}",
        f"Bearer {READER}x",
        f"Bearer {READER[:-1]}",
        f"Bearer {sha256(READER)}",
        "Bearer é",
        "Bearer \ud800",
        "Bearer \x00",
    ],
)
def test_without_a_known_token_nothing_is_allowed(access: Access, header: str | None) -> None:
    with pytest.raises(AccessError) as caught:
        access.authorize(header, Role.READ)
    assert caught.value.status == 401
    assert READER[:8] not in caught.value.message


def test_where_no_tokens_are_needed_everybody_is_anonymous() -> None:
    assert not Access.open_to_all().required
    assert Access.open_to_all().authorize(None, Role.APPLY) == "anonymous"
    assert Access.open_to_all().authorize("Bearer whatever", Role.APPLY) == "anonymous"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "has no tokens"),
        ("[tokens]", "has no tokens"),
        ("tokens = 3", "no table of tokens"),
        ("[tokns.a]\nrole = 'read'", "has tokns, which is no table of tokens"),
        ("[tokens.a]\nrole = 'read'", "needs either"),
        (f"[tokens.a]\nrole = 'read'\ntoken = '{READER}'\nsha256 = '{sha256(READER)}'", "needs either"),
        (f"[tokens.a]\nrole = 'admin'\ntoken = '{READER}'", "one of: read, apply"),
        (f"[tokens.a]\ntoken = '{READER}'", "one of: read, apply"),
        (f"[tokens.a]\nrole = ['read']\ntoken = '{READER}'", "one of: read, apply"),
        (f"[tokens.a]\nrole = 'read'\ntokn = '{READER}'", "tokens.a.tokn"),
        ("[tokens.a]\nrole = 'read'\nsha256 = 'abc'", "64 hexadecimal digits"),
        ("[tokens.a]\nrole = 'read'\nsha256 = 3", "64 hexadecimal digits"),
        ("[tokens.a]\nrole = 'read'\ntoken = 'short'", "16 or more"),
        ("[tokens.a]\nrole = 'read'\ntoken = 'ütterly-unsendable-token'", "ASCII"),
        ("[tokens.a]\nrole = 'read'\ntoken = 'with a space in the middle'", "has a space"),
        (f"[tokens.'a b']\nrole = 'read'\ntoken = '{READER}'", "no table of a token"),
        ("[tokens]\na = 3", "no table of a token"),
        (f"[tokens.a]\nrole = 'read'\ntoken = {READER}", "is no TOML"),
        (
            f"[tokens.a]\nrole = 'read'\ntoken = '{READER}'\n[tokens.b]\nrole = 'apply'\nsha256 = '{sha256(READER)}'",
            "one token for both a and b",
        ),
    ],
)
def test_a_file_with_a_mistake_is_refused_without_telling_a_token(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(PlannerError, match=problem) as caught:
        Access.load(write(tmp_path / "tokens.toml", text))
    assert caught.value.code == "CONFIG_INVALID"
    assert "tokens.toml" in caught.value.message
    assert READER not in str(caught.value) + str(caught.value.details)
    assert caught.value.__cause__ is None


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlannerError, match="cannot be read: No such file"):
        Access.load(str(tmp_path / "none.toml"))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tokens.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(PlannerError, match="is not UTF-8"):
        Access.load(str(tmp_path / "tokens.toml"))


@pytest.mark.parametrize(("mode", "warns"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)])
def test_a_file_that_others_can_read_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int, *, warns: bool
) -> None:
    with caplog.at_level(logging.WARNING):
        Access.load(write(tmp_path / "tokens.toml", f"[tokens.a]\nrole = 'read'\ntoken = '{READER}'", mode))
    assert ("chmod 600" in caplog.text) == warns
    assert READER not in caplog.text


def test_a_new_token_can_be_used_and_only_its_hash_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    token = new_token(str(path), "ci", Role.READ)
    other = new_token(str(path), "ops", Role.APPLY)
    assert len(token) >= 43  # 256 bits in base 64
    assert token != other
    assert token not in path.read_text()
    assert tomllib.loads(path.read_text())["tokens"]["ci"] == {"role": "read", "sha256": sha256(token)}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    access = Access.load(str(path))
    assert access.authorize(f"Bearer {token}", Role.READ) == "ci"
    assert access.authorize(f"Bearer {other}", Role.APPLY) == "ops"


def test_a_new_token_keeps_what_a_person_wrote(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    written = f'# mine\n[tokens.a]\nrole = "read"\ntoken = "{READER}"'
    new_token(write(path, written, 0o644), "b", Role.READ)
    assert path.read_text().startswith(written + "\n\n[tokens.b]\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["", "a b", "a.b", "é", "a" * 65, 'x"]\n[tokens.y'])
def test_a_name_that_cannot_be_one_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PlannerError, match="cannot name a token"):
        new_token(str(tmp_path / "tokens.toml"), name, Role.READ)
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_exists_is_refused_and_nothing_changes(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    new_token(str(path), "ci", Role.READ)
    before = path.read_bytes()
    with pytest.raises(PlannerError, match="has a token ci already"):
        new_token(str(path), "ci", Role.APPLY)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_broken_gets_no_new_token(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    with pytest.raises(PlannerError, match="is no TOML"):
        new_token(write(path, "[tokens"), "ci", Role.READ)
    assert path.read_text() == "[tokens"
    assert list(tmp_path.iterdir()) == [path]


def test_a_change_that_was_broken_off_is_told(tmp_path: Path) -> None:
    (tmp_path / "tokens.toml.new").touch()
    with pytest.raises(PlannerError, match=r"remove .*tokens\.toml\.new"):
        new_token(str(tmp_path / "tokens.toml"), "ci", Role.READ)


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(PlannerError, match="cannot be written: No such file or directory"):
        new_token(str(tmp_path / "none" / "tokens.toml"), "ci", Role.READ)


def test_of_tokens_made_at_once_none_is_lost(tmp_path: Path) -> None:
    path, made = str(tmp_path / "tokens.toml"), list[str]()

    def make(place: int) -> None:
        for attempt in range(20):
            name = f"t{place}-{attempt}"
            try:
                new_token(path, name, Role.READ)
            except PlannerError as error:
                assert "is being changed" in error.message  # noqa: PT017 - either outcome is right
            else:
                made.append(name)

    work = [threading.Thread(target=make, args=(place,)) for place in range(4)]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert set(tomllib.loads((tmp_path / "tokens.toml").read_text())["tokens"]) == set(made)
    assert len(made) > 4
    assert os.listdir(tmp_path) == ["tokens.toml"]  # noqa: PTH208 - names are what is compared


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("127.0.0.1:8080", ("127.0.0.1", 8080)),
        ("[::1]:8080", ("::1", 8080)),
        ("localhost:0", ("localhost", 0)),
        ("planner.example.com:65535", ("planner.example.com", 65535)),
        (":8080", ("0.0.0.0", 8080)),  # noqa: S104 - what it means is what is tested
        ("8080", ("127.0.0.1", 8080)),
    ],
)
def test_an_address_has_a_host_and_a_port(text: str, parsed: tuple[str, int]) -> None:
    assert parse_address(text) == parsed


@pytest.mark.parametrize("text", ["", "localhost", "::1:8080", "a:b", "1.2.3.4:65536", "1.2.3.4:-1", "a b:1", "[]:1"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(PlannerError, match="is no address") as caught:
        parse_address(text)
    assert caught.value.code == "CONFIG_INVALID"


@pytest.mark.parametrize(
    "address", ["127.0.0.1:1", "127.8.9.10:1", "[::1]:1", "localhost:1", "8080", "[::ffff:127.0.0.1]:1"]
)
def test_on_loopback_no_token_is_needed(address: str, caplog: pytest.LogCaptureFixture) -> None:
    guard(address, Access.open_to_all())
    assert caplog.text == ""


@pytest.mark.parametrize("address", ["0.0.0.0:1", ":1", "[::]:1", "192.0.2.7:1", "[2001:db8::1]:1"])
def test_beyond_loopback_a_token_is_needed_or_an_explicit_word(
    address: str, access: Access, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(PlannerError, match=r"token_file.*--insecure") as caught:
        guard(address, Access.open_to_all(), tls=True)
    assert caught.value.code == "CONFIG_INVALID"
    guard(address, access, tls=True)
    assert caplog.text == ""
    guard(address, access)
    assert "no TLS" in caplog.text
    guard(address, Access.open_to_all(), insecure=True, tls=True)
    assert "may do everything" in caplog.text


def test_a_host_that_nobody_knows_is_refused() -> None:
    with pytest.raises(PlannerError, match="no name that this machine knows"):
        guard("no-such-host.invalid:1", Access.open_to_all(), insecure=True)
