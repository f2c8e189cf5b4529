"""The scaler that tells somebody else's program: a signed message for each order."""

from __future__ import annotations

import hashlib
import hmac
import json
import ssl
from contextlib import suppress
from time import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from capacity_planner.errors import WorldError
from capacity_planner.registry import scalers
from capacity_planner.scaling._bounds import MOST, Bounds
from capacity_planner.scaling._http import Answer, Client, address, shown
from capacity_planner.scaling._options import file, refuse, seconds, text
from capacity_planner.units import format_instant

if TYPE_CHECKING:
    from pathlib import Path

    from capacity_planner.domain.scaling import Order

_SHORTEST = 16
_UNFIT = f"holds no secret of {_SHORTEST} or more printable ASCII characters without blanks."
_PLACE = "{queue}"


@scalers.register("webhook")
class Webhook:
    """POSTs each order as JSON, with a signature and a key by which a repetition is known.

    Times are RFC 3339. The header ``X-Capacity-Planner-Signature: t=SECONDS,v1=HEX`` holds the HMAC-SHA256 of
    ``SECONDS.BODY`` under the secret; ``Idempotency-Key`` is the order's id.

    Args:
        url: where to; ``{queue}`` is the queue's name.
        secret_file: a file with the secret, 16 characters or more; it is read for every message.
        token_file: a file with a token that is sent as ``Authorization: Bearer``; empty sends none.
        current_url: where to ask, by GET, how many workers run; empty does not ask.
        current_field: the field of the JSON that says so, or a JSON pointer such as ``/status/workers``; empty where
            it is a bare number.
        timeout: how long an exchange may take.
        ca_file: PEM file of the authorities that are trusted; empty trusts those of the system.
        least: fewest workers, whatever is ordered.
        most: most workers, whatever is ordered.
    """

    name: str

    def __init__(
        self,
        *,
        url: str,
        secret_file: str,
        token_file: str = "",
        current_url: str = "",
        current_field: str = "workers",
        timeout: str = "10s",
        ca_file: str = "",
        least: int = 0,
        most: int = MOST,
    ) -> None:
        self._url = address("url", url)
        self._current_url = address("current_url", current_url) if text("current_url", current_url) else ""
        self._field = text("current_field", current_field)
        self._secret_file = _checked("secret_file", secret_file)
        self._token_file = _checked("token_file", token_file) if text("token_file", token_file) else None
        self._client = Client(seconds("timeout", timeout, least=0.001, most=300.0), _context(ca_file))
        self._bounds = Bounds.of(least, most)

    def current(self, queue_name: str) -> int | None:
        """What the other side says runs; ``None`` where it is not asked."""
        if not self._current_url:
            return None
        answer = self._ask("GET", self._current_url, queue_name, b"", {})
        return self._workers(answer)

    def scale(self, order: Order) -> int | None:
        """Tell the other side."""
        kept = self._bounds.kept(order.to_workers)
        message = {
            "id": order.id,
            "plan_id": order.plan_id,
            "queue_name": order.queue_name,
            "sequence": order.sequence,
            "from_workers": order.from_workers,
            "to_workers": kept,
            "due": format_instant(order.due),
            "expires": format_instant(order.expires),
        }
        headers = {"Content-Type": "application/json", "Idempotency-Key": quote(order.id, safe="/:#")}
        self._ask("POST", self._url, order.queue_name, json.dumps(message).encode(), headers)
        running = None
        with suppress(WorldError):  # the order was taken, and whoever asks next is told what is wrong
            running = self.current(order.queue_name)
        return self._bounds.told(order, running)

    def _ask(self, method: str, url: str, queue_name: str, body: bytes, headers: dict[str, str]) -> Answer:
        whole = url.replace(_PLACE, quote(queue_name, safe=""))
        signed = signature(_secret(self._secret_file), body, int(time()))
        sent = headers | {
            "Accept": "application/json",
            "User-Agent": "capacity-planner",
            "X-Capacity-Planner-Signature": signed,
        }
        secrets = [signed, signed.rpartition("=")[2]]
        if self._token_file:
            token = _secret(self._token_file).decode()
            sent["Authorization"] = f"Bearer {token}"
            secrets.append(token)
        answer = self._client.send(method, whole, sent, body if method == "POST" else None)
        answer.check(shown(urlsplit(url)), secrets)
        return answer

    def _workers(self, answer: Answer) -> int:
        try:
            value = _at(json.loads(answer.body), self._field)
        except (ValueError, KeyError, IndexError, TypeError):
            value = None
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            where = f" at {self._field!r}" if self._field else ""
            raise WorldError(
                f"{shown(urlsplit(self._current_url))} does not say how many workers run: its JSON has no whole "
                f"number{where}. Set current_field.",
                temporary=False,
            )
        return value


def signature(secret: bytes, body: bytes, at: int) -> str:
    """The header by which a receiver knows that a message is ours, and how old it is.

    >>> signature(b"0123456789abcdef", b"{}", 1767225600)
    't=1767225600,v1=99902517b3069f78750aa0520b0493482454c2d30a579c7acc839f3363ca1b88'
    """
    digest = hmac.new(secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def _at(value: Any, field: str) -> Any:
    """What is at a JSON pointer (RFC 6901), or in a field."""
    if not field.startswith("/"):
        return value[field] if field else value
    for part in field[1:].split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def _checked(option: str, value: object) -> Path:
    path = file(option, value)
    if not _fits(path.read_bytes().strip()):
        raise refuse(option, str(path), _UNFIT)
    return path


def _secret(path: Path) -> bytes:
    try:
        found = path.read_bytes().strip()
    except OSError as error:
        raise WorldError(f"{path} cannot be read: {error.strerror}.") from error
    if not _fits(found):
        raise WorldError(f"{path} {_UNFIT}")
    return found


def _fits(secret: bytes) -> bool:
    text = secret.decode("latin-1")
    return len(secret) >= _SHORTEST and text.isascii() and text.isprintable() and " " not in text


def _context(ca_file: object) -> ssl.SSLContext:
    path = file("ca_file", ca_file) if text("ca_file", ca_file) else None
    try:
        return ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        raise refuse("ca_file", str(path), "is no PEM file of certificates.") from None
