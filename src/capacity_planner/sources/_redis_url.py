"""The address of a Redis server: what may stand in it, and that nothing else does."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.sources._options import text, wrong

_SCHEMES = ("redis", "rediss", "unix")
_ASKED = ("db", "username", "password", "socket_timeout", "socket_connect_timeout")
_TLS = "ssl_"


def checked_url(url: Any, password_file: str) -> str:
    """An address that leaves nothing to be guessed; what it says is not shown, for it may hold a password.

    Args:
        url: the address.
        password_file: the option; empty where the address has the password, if there is one.

    Raises:
        PlannerError: ``CONFIG_INVALID``; it is none.
    """
    address = text("url", url)
    try:
        parts = urlsplit(address)
    except ValueError:
        raise no_url() from None
    database = parts.path.strip("/")
    strange = parts.scheme != "unix" and database and not database.isdecimal()
    if parts.scheme not in _SCHEMES or strange or parts.fragment:
        raise no_url()
    asked = parse_qs(parts.query, keep_blank_values=True)
    if not all(name in _ASKED or name.startswith(_TLS) for name in asked):
        raise no_url(f"asks for what is not known here. Ask for nothing but {', '.join(_ASKED)} and {_TLS}….")
    if password_file and (parts.password or "password" in asked):
        raise wrong("password_file", password_file, "stands beside a password in url. Leave one of them out.")
    return address


def no_url(problem: str = "") -> PlannerError:
    """The refusal of an address.

    Args:
        problem: ends the sentence that begins with the option's name.
    """
    problem = problem or "is no address of Redis. Write it as redis://[[user]:password@]host[:port][/database]."
    details = {"field": "source.options.url"}
    return PlannerError(ErrorCode.CONFIG_INVALID, f"source.options.url {problem}", details=details)
