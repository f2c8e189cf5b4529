"""One HTTP exchange: its certificate checked, no redirect followed, no longer than it may take."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Event, Timer
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from capacity_planner.errors import WorldError
from capacity_planner.scaling._options import refuse, text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_LARGEST = 2**20
_SUCCESS, _REDIRECT, _CLIENT, _SERVER = 200, 300, 400, 500
_NOT_NOW = frozenset({408, 409, 423, 425, 429})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said.

    Args:
        status: HTTP's.
        body: at most a mebibyte of it.
        retry_after: the header of that name.
    """

    status: int
    body: bytes
    retry_after: str

    def check(self, what: str, secrets: Collection[str] = ()) -> None:
        """See that it is a success.

        Args:
            what: who answered.
            secrets: what was sent and must not be quoted from the answer.

        Raises:
            WorldError: it is none; those that may pass are temporary.
        """
        if _SUCCESS <= self.status < _REDIRECT:
            return
        if self.status in _NOT_NOW or self.status >= _SERVER:
            wait = f" It asks to wait: Retry-After {self.retry_after}." if self.retry_after else ""
            raise WorldError(f"{what} answered {self.status}.{wait}{self._said(secrets)}")
        remedy = " Redirects are not followed: set the address that it leads to." if self.status < _CLIENT else ""
        raise WorldError(f"{what} answered {self.status}.{remedy}{self._said(secrets)}", temporary=False)

    def _said(self, secrets: Collection[str]) -> str:
        whole = self.body.decode(errors="replace")
        for secret in secrets:
            whole = whole.replace(secret, "…")
        line = " ".join(whole[:1000].split())
        printable = "".join(sign for sign in line if sign.isprintable())[:200]
        return f" It said: {printable}" if printable else ""


@dataclass(frozen=True, slots=True)
class Client:
    """Asks servers.

    Args:
        timeout: seconds that an exchange may take.
        context: which certificates are trusted.
    """

    timeout: float
    context: ssl.SSLContext

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """Send a request and read the answer.

        Raises:
            WorldError: there was none.
        """
        parts, late = urlsplit(url), Event()
        connection = self._connection(parts)
        try:
            connection.connect()
            timer = Timer(self.timeout, _break, (connection.sock, late))
            timer.daemon = True
            timer.start()
            try:
                return _exchange(connection, method, _target(parts), headers, body)
            finally:
                timer.cancel()
        except TimeoutError as error:
            raise self._late(parts) from error
        except ssl.SSLCertVerificationError as error:
            problem = f"has a certificate that is not trusted: {error.verify_message}. Set ca_file."
            raise WorldError(f"{shown(parts)} {problem}") from error
        except (OSError, HTTPException) as error:
            if late.is_set():
                raise self._late(parts) from error
            raise WorldError(f"{shown(parts)} does not answer: {_reason(error)}.") from error
        finally:
            connection.close()

    def _connection(self, parts: SplitResult) -> HTTPConnection:
        host = parts.hostname or ""
        if parts.scheme == "https":
            return HTTPSConnection(host, parts.port, timeout=self.timeout, context=self.context)
        return HTTPConnection(host, parts.port, timeout=self.timeout)

    def _late(self, parts: SplitResult) -> WorldError:
        return WorldError(f"{shown(parts)} did not answer within {self.timeout:g} s.")


def address(option: str, value: object) -> str:
    """The address that an option says.

    Raises:
        PlannerError: ``CONFIG_INVALID``; the rest of the address, which may be a secret, is not shown.
    """
    url = text(option, value)
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna")  # as it is looked up, which fails for some
        known = parts.scheme in {"http", "https"} and host and (parts.port is None or parts.port > 0)
    except ValueError:
        known = False
    if not known or not url.isascii() or not url.isprintable() or " " in url:
        raise refuse(option, "…", "is no address such as https://host/path.")
    if parts.username is not None or parts.password is not None:
        raise refuse(option, shown(parts), "has a name or a password in it. Put a token into token_file.")
    return url


def shown(parts: SplitResult) -> str:
    """An address without what may be secret.

    >>> shown(urlsplit("https://hooks.example.com/T0/B0/secret?token=x"))
    'https://hooks.example.com'
    """
    host = parts.hostname or ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{f':{parts.port}' if parts.port else ''}"


def _target(parts: SplitResult) -> str:
    return f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"


def _exchange(
    connection: HTTPConnection, method: str, target: str, headers: Mapping[str, str], body: bytes | None
) -> Answer:
    connection.request(method, target, body=body, headers=dict(headers))
    with connection.getresponse() as response:
        said = response.read(_LARGEST)
        if response.length and len(said) < _LARGEST:
            raise HTTPException("its answer broke off")
        return Answer(response.status, said, response.headers.get("Retry-After", "")[:50])


def _break(sock: socket.socket, late: Event) -> None:
    """End an exchange under way; TLS would wait for the other side."""
    late.set()
    try:
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:
        return


def _reason(error: Exception) -> str:
    reason = getattr(error, "strerror", None) or str(error)
    return f"{reason or type(error).__name__}".rstrip(".")
