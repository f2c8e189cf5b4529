"""The file of tokens: TOML tables, read with care and written so that a crash leaves the old file or the new one."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import stat
import tomllib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from capacity_planner.errors import ErrorCode, PlannerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_log = logging.getLogger(__name__)

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_SHORTEST = 16
_EXAMPLE = 'Add a table such as [tokens.ci] with role = "read" and sha256 = "…".'


def read_tables(path: str, roles: Sequence[str]) -> list[tuple[str, str, bytes]]:
    """Name, role and digest of every token in a file.

    Raises:
        PlannerError: ``CONFIG_INVALID`` with the place and the remedy; never with a token.
    """
    file = Path(path)
    found = list(_tokens(file, _parsed(file, _text(file)), roles))
    if not found:
        _refuse(file, f"has no tokens. {_EXAMPLE}")
    names: dict[bytes, str] = {}
    for name, _, digest in found:
        if digest in names:
            _refuse(file, f"has one token for both {names[digest]} and {name}. Give each its own.")
        names[digest] = name
    _warn_if_open(file)
    return found


def add_table(path: str, name: str, role: str, sha256: str, roles: Sequence[str]) -> None:
    """Add a token to a file, which is made where there is none.

    Raises:
        PlannerError: ``CONFIG_INVALID``: the name exists or cannot be one, or the file cannot be read or written.
    """
    file = Path(path)
    if not _NAME.fullmatch(name):
        _refuse(file, f"cannot name a token {name[:80]!r}. Use up to 64 letters, digits, - and _.")
    table = f'[tokens.{name}]\nrole = "{role}"\nsha256 = "{sha256}"\n'
    with _replacing(file) as made:
        before = _text(file) if file.exists() else ""
        if name in {known for known, *_ in _tokens(file, _parsed(file, before), roles)}:
            _refuse(file, f"has a token {name} already. Take another name, or remove its table.")
        gap = "" if not before else "\n" if before.endswith("\n") else "\n\n"
        made.write(f"{before}{gap}{table}")


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        _refuse(file, f"cannot be read: {error.strerror}.")
    except UnicodeDecodeError:
        _refuse(file, "is not UTF-8.")


def _parsed(file: Path, text: str) -> dict[str, Any]:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at [^()]*\)", str(error))  # the rest of the message may quote a token
        _refuse(file, f"is no TOML{f' {place[0]}' if place else ''}. {_EXAMPLE}")
    unknown = sorted(set(tables) - {"tokens"})
    if unknown or not isinstance(tables.get("tokens", {}), dict):
        _refuse(file, f"has {unknown[0] if unknown else 'tokens'}, which is no table of tokens. {_EXAMPLE}")
    return dict(tables.get("tokens", {}))


def _tokens(file: Path, tables: dict[str, Any], roles: Sequence[str]) -> Iterator[tuple[str, str, bytes]]:
    for name, table in tables.items():
        at = f"tokens.{name}"
        if not _NAME.fullmatch(name) or not isinstance(table, dict):
            _refuse(file, f"has {at[:80]}, which is no table of a token. {_EXAMPLE}")
        unknown = sorted(set(table) - {"role", "sha256", "token"})
        if unknown:
            _refuse(file, f"has {at}.{unknown[0]}, which is no setting of a token. There are role, sha256 and token.")
        if table.get("role") not in tuple(roles):
            _refuse(file, f"has no {at}.role that is one of: {', '.join(roles)}.")
        yield name, table["role"], _digest(file, at, table)


def _digest(file: Path, at: str, table: dict[str, Any]) -> bytes:
    if ("sha256" in table) == ("token" in table):
        _refuse(file, f"needs either {at}.sha256 or {at}.token. The hash is the better one: it cannot be used to call.")
    given = table.get("sha256", table.get("token"))
    if "sha256" in table:
        if not isinstance(given, str) or not _SHA256.fullmatch(given):
            _refuse(file, f"has {at}.sha256, which is not 64 hexadecimal digits.")
        return bytes.fromhex(given)
    if not isinstance(given, str) or len(given) < _SHORTEST or not given.isascii() or not given.isprintable():
        _refuse(file, f"has {at}.token, which is not {_SHORTEST} or more printable ASCII characters.")
    if " " in given:
        _refuse(file, f"has {at}.token, which has a space. No header can carry it.")
    return hashlib.sha256(given.encode()).digest()


def _warn_if_open(file: Path) -> None:
    mode = file.stat().st_mode
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        _log.warning("%s can be read by other users (mode %s). Make it yours alone: chmod 600", file, oct(mode & 0o777))


@contextmanager
def _replacing(file: Path) -> Iterator[TextIO]:
    """What comes in the place of a file; the new file is at once the lock that keeps two writers apart."""
    new = file.with_name(f"{file.name}.new")
    try:
        made = os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8")
    except FileExistsError:
        _refuse(file, f"is being changed, or a change of it was broken off. If nobody does, remove {new}.")
    except OSError as error:
        _refuse(file, f"cannot be written: {error.strerror}.")
    try:
        with made:
            yield made
            made.flush()
            os.fsync(made.fileno())
        new.replace(file)
    except BaseException as error:
        new.unlink(missing_ok=True)
        if isinstance(error, OSError):
            _refuse(file, f"cannot be written: {error.strerror}.")
        raise


def _refuse(file: Path, problem: str) -> NoReturn:
    raise PlannerError(
        ErrorCode.CONFIG_INVALID,
        f"token_file {file} {problem}",
        details={"field": "token_file", "value": str(file)},
    )
