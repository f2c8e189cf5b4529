"""A JSON document behind an address, asked for with a bound on time and size."""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import dataclass
from functools import cached_property
from time import monotonic
from typing import IO, TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, Request, build_opener

from capacity_planner.errors import WorldError
from capacity_planner.sources._options import seconds, text, wrong

if TYPE_CHECKING:
    from collections.abc import Mapping
    from http.client import HTTPMessage

    from capacity_planner.sources._web_login import Login

_MOST_BYTES = 32 * 2**20
_PIECE = 2**16
_LONGEST_WAIT = 600.0
_UNAUTHORIZED, _FORBIDDEN, _TOO_MANY, _SERVER_FAILED = 401, 403, 429, 500


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said to a question that it understood.

    Attributes:
        status: of HTTP: 200, or what a client did wrong.
        data: the JSON document; ``None`` where a refusal has none.
    """

    status: int
    data: Any


class Site:
    """A server that answers with JSON; safe to share between threads.

    Args:
        url: its address, such as ``http://127.0.0.1:9090``; a path is put before those that are asked for.
        login: who asks.
        timeout: for one answer, in words.
        ca_file: certificates to trust instead of the system's, in PEM.

    Raises:
        PlannerError: ``CONFIG_INVALID``; an option does not hold.
    """

    def __init__(self, url: Any, login: Login, *, timeout: Any, ca_file: Any = "") -> None:
        self.url = _address(url)
        self._login = login
        self._timeout = seconds("timeout", timeout)
        if not 0 < self._timeout <= _LONGEST_WAIT:
            raise wrong("timeout", timeout, "must be above 0s and at most 10m.")
        self._ca_file = text("ca_file", ca_file, empty=True)

    def get(self, path: str, parameters: Mapping[str, str]) -> Answer:
        """Ask for a document.

        Args:
            path: begins with a slash; quoted.
            parameters: of the query.

        Raises:
            WorldError: the server does not answer, fails, or does not let us in.
        """
        query = f"?{urlencode(parameters)}" if parameters else ""
        headers = {"Accept": "application/json", "User-Agent": "capacity-planner", **self._login.headers()}
        request = Request(f"{self.url}{path}{query}", headers=headers)  # noqa: S310 - _address lets HTTP through alone
        try:
            status, body = self._asked(request)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise WorldError(f"{self.url} does not answer: {self._reason(error)}.") from None
        self._mind(status)
        return Answer(status, self._read(status, body))

    def _asked(self, request: Request) -> tuple[int, bytes]:
        end = monotonic() + self._timeout
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                return answer.status, self._whole(answer, end)
        except HTTPError as error:
            with error:
                return error.code, self._whole(error, end) if error.fp is not None else b""

    def _whole(self, answer: Any, end: float) -> bytes:
        body = bytearray()
        while piece := answer.read1(_PIECE):
            body += piece
            if len(body) > _MOST_BYTES:
                message = f"{self.url} answers with more than {_MOST_BYTES >> 20} MB. Ask it for less."
                raise WorldError(message, temporary=False)
            if monotonic() > end:
                raise TimeoutError
        return bytes(body)

    def _mind(self, status: int) -> None:
        """Whatever the question was, these mean that there is no answer."""
        if status in {_UNAUTHORIZED, _FORBIDDEN}:
            remedy = "Check the user, the password or the token, and what it is allowed to read."
            raise WorldError(f"{self.url} does not let us in (HTTP {status}). {remedy}", temporary=False)
        if status == _TOO_MANY or status >= _SERVER_FAILED:
            raise WorldError(f"{self.url} cannot answer now (HTTP {status}).")

    def _read(self, status: int, body: bytes) -> Any:
        try:
            return json.loads(body)
        except ValueError:
            if status >= 400:  # noqa: PLR2004 - a refusal, which need not be in JSON
                return None
            raise WorldError(f"{self.url} answers with something else than JSON. Check the address.") from None

    def _reason(self, error: Exception) -> str:
        inner = error.reason if isinstance(error, URLError) and isinstance(error.reason, Exception) else error
        if isinstance(inner, TimeoutError):
            return f"nothing came within {self._timeout:g} s"
        if isinstance(inner, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({inner.verify_message}); name the issuer's in ca_file"
        return str(getattr(inner, "strerror", None) or inner or type(inner).__name__).rstrip(".")

    @cached_property
    def _opener(self) -> OpenerDirector:
        try:
            trusted = ssl.create_default_context(cafile=self._ca_file or None)
        except OSError as error:
            message = f"The certificates in {self._ca_file} cannot be read: {error.strerror or error}."
            raise WorldError(message, temporary=False) from None
        return build_opener(HTTPSHandler(context=trusted), _Nearby())


class _Nearby(HTTPRedirectHandler):
    """Follows a server to another of its pages, but not elsewhere: the secret is for this server alone."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """The next question."""
        if _origin(urlsplit(newurl)) != _origin(urlsplit(req.full_url)):
            fp.close()
            raise WorldError(
                f"{_shown(urlsplit(req.full_url))} sends us to {_shown(urlsplit(newurl))}. "
                "Set url to the address that answers by itself.",
                temporary=False,
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _address(url: Any) -> str:
    """An address without a slash at its end."""
    if isinstance(url, str) and "@" in url:
        raise wrong("url", "***", "has a name or a password in it. Write these in options of their own.")
    parts = _split(text("url", url))
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise wrong("url", url, "is no address of HTTP. Write it as http://HOST:PORT or https://HOST.")
    if parts.query or parts.fragment or any(letter.isspace() for letter in url):
        raise wrong("url", url, "must end with its path, without a query.")
    return str(url).rstrip("/")


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    return None if port == 0 else parts


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname, parts.port or usual


def _shown(parts: SplitResult) -> str:
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
