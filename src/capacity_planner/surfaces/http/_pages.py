"""Where no token is needed, any page in a browser on this machine could call: those of other sites may not."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from capacity_planner.errors import PlannerError
from capacity_planner.service.access import AccessError
from capacity_planner.service.address import beyond_loopback, parse_address
from capacity_planner.surfaces.http._problems import HttpError

if TYPE_CHECKING:
    from starlette.requests import Request

    from capacity_planner.domain.server import ServerSettings

_MISDIRECTED = 421
_READING = frozenset({"GET", "HEAD"})


class Pages:
    """What a request must say of where it comes from and goes to, where no token is needed.

    Args:
        settings: the address, and whose pages may call.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self._origin = settings.cors_origin
        host, _ = parse_address(settings.http)
        self._names = {"localhost", host.lower()}
        # Who listens for others without tokens has said --insecure, and is known by names that nobody told us.
        self._any_name = _is_reached_from_elsewhere(host)

    def check(self, request: Request) -> None:
        """Refuse what a page of another site sends.

        Raises:
            HttpError: it was sent to a name that is not this machine's: its page has changed what its name stands for.
            AccessError: a page of another origin asks for a change.
        """
        host = request.headers.get("host", "")
        if not (self._any_name or self._is_ours(host)):
            problem = f"Host is {host[:80]!r}, which is no name of this machine alone. Call 127.0.0.1 or localhost, or"
            raise HttpError(_MISDIRECTED, f"{problem} set token_file: with tokens any name will do.")
        origin = request.headers.get("origin")
        if origin is None or request.method in _READING:
            return
        if origin not in {f"{request.url.scheme}://{host}".lower(), self._origin or None}:
            raise AccessError(403, f"Pages of {origin[:80]!r} may not call. Set cors_origin where they should.")

    def _is_ours(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
            return name in self._names or ipaddress.ip_address(name).is_loopback
        except ValueError:
            return False


def _is_reached_from_elsewhere(host: str) -> bool:
    try:
        return beyond_loopback(host)
    except PlannerError:
        return False  # nobody can listen there either, which is told where somebody tries
