"""Addresses to listen on: host and port in one text, and whether others than this machine can reach them."""

from __future__ import annotations

import ipaddress
import re
import socket

from capacity_planner.errors import ErrorCode, PlannerError

_LOCAL, _EVERYWHERE = "127.0.0.1", "0.0.0.0"  # noqa: S104 - `guard` asks for tokens there
_ADDRESS = re.compile(r"(?:(?:\[(?P<six>[^\[\]]+)\]|(?P<host>[^:\[\]\s]*)):)?(?P<port>\d{1,5})", re.ASCII)
_MOST = 65_535


def parse_address(text: str) -> tuple[str, int]:
    """Host and port; a port alone is on loopback, a port behind a colon on all interfaces.

    Raises:
        PlannerError: ``CONFIG_INVALID``: it is no address.

    >>> parse_address("127.0.0.1:8080"), parse_address("[::1]:8080")
    (('127.0.0.1', 8080), ('::1', 8080))
    >>> parse_address("8080"), parse_address(":8080")
    (('127.0.0.1', 8080), ('0.0.0.0', 8080))
    """
    match = _ADDRESS.fullmatch(text.strip())
    if match is None or int(match["port"]) > _MOST:
        raise _invalid(text, "is no address. Write host and port, such as 127.0.0.1:8080 or [::1]:8080.")
    if match["six"]:
        return match["six"], int(match["port"])
    return {None: _LOCAL, "": _EVERYWHERE}.get(match["host"], match["host"]), int(match["port"])


def beyond_loopback(host: str) -> bool:
    """Whether others than this machine can reach a host.

    Raises:
        PlannerError: ``CONFIG_INVALID``: the name cannot be resolved.

    >>> beyond_loopback("127.0.0.1"), beyond_loopback("0.0.0.0")
    (False, True)
    """
    return not all(_is_loopback(found) for found in _resolved(host))


def _resolved(host: str) -> set[str]:
    try:
        return {str(item[4][0]) for item in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        raise _invalid(host, "is no name that this machine knows. Give an IP address.") from None


def _is_loopback(text: str) -> bool:
    found = ipaddress.ip_address(text.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback


def _invalid(text: str, problem: str) -> PlannerError:
    details = {"field": "address", "value": text}
    return PlannerError(ErrorCode.CONFIG_INVALID, f"The address {text!r} {problem}", details=details)
