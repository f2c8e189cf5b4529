"""Celery's remote control as its workers speak it over the broker, without Celery itself."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from time import monotonic, time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from capacity_planner.errors import WorldError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

Replies = dict[str, Any]
_LOCAL = ("redis", "rediss")
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Pidbox:
    """The mailbox of all workers on a broker; every question has a connection of its own.

    Args:
        broker: its URL.
        password_file: a file with the password, which is read for every connection; ``None`` where the URL has it.
        exchange: the workers' ``control_exchange``.
        key_prefix: Redis's ``global_keyprefix``.
        timeout: seconds within which workers answer.
    """

    broker: str
    password_file: Path | None
    exchange: str
    key_prefix: str
    timeout: float

    def ask(self, command: str, arguments: Replies | None = None, nodes: Collection[str] = ()) -> Replies:
        """What workers answer to a command, by the names of the workers.

        Args:
            command: such as ``stats``.
            arguments: of the command.
            nodes: the workers; none asks all, and waits for the whole time.

        Raises:
            WorldError: the broker does not answer.
        """
        with self._connected() as (connection, mailbox):
            ticket = str(uuid4())
            self._publish(connection, mailbox, command, arguments or {}, tuple(nodes), ticket)
            return self._collect(connection, mailbox, ticket, len(nodes))

    def has(self, node: str) -> bool:
        """Whether the broker keeps a worker's mailbox, which goes when the worker ends in good order.

        Raises:
            WorldError: the broker does not answer.
        """
        with self._connected() as (connection, mailbox):
            channel, queue = connection.default_channel, mailbox.get_queue(node)
            if connection.transport_cls in _LOCAL:  # there a mailbox is nothing but its binding
                return any(queue.name in bound for bound in channel.get_table(mailbox.exchange.name))
            try:
                queue(channel).queue_declare(passive=True)
            except connection.channel_errors as error:
                return getattr(error, "code", None) != _NOT_FOUND
            return True

    def _publish(
        self, connection: Any, mailbox: Any, command: str, arguments: Replies, nodes: tuple[str, ...], ticket: str
    ) -> None:
        channel = connection.default_channel
        mailbox.get_reply_queue()(channel).declare()
        message = {
            "method": command,
            "arguments": arguments,
            "destination": list(nodes) or None,
            "pattern": None,
            "matcher": None,
            "ticket": ticket,
            "reply_to": {"exchange": mailbox.reply_exchange.name, "routing_key": mailbox.oid},
        }
        headers = {"clock": mailbox.clock.forward(), "expires": time() + self.timeout}
        _kombu().Producer(channel, auto_declare=False).publish(
            message, exchange=mailbox.exchange.name, declare=[mailbox.exchange], headers=headers, serializer="json"
        )

    def _collect(self, connection: Any, mailbox: Any, ticket: str, expected: int) -> Replies:
        replies: Replies = {}
        channel, queue = connection.default_channel, mailbox.get_reply_queue()

        def read(body: Any, message: Any) -> None:
            if message.headers.get("ticket") == ticket and isinstance(body, dict):
                replies.update(body)

        end = monotonic() + self.timeout
        with _kombu().Consumer(channel, [queue], callbacks=[read], accept=["json"], no_ack=True):
            while (left := end - monotonic()) > 0 and not 0 < expected <= len(replies):
                with contextlib.suppress(TimeoutError):
                    connection.drain_events(timeout=left)
        channel.after_reply_message_received(queue.name)
        return replies

    @contextlib.contextmanager
    def _connected(self) -> Iterator[tuple[Any, Any]]:
        kombu = _kombu()
        connection = kombu.Connection(self.broker, password=self._password(), connect_timeout=self.timeout)
        connection.transport_options = self._options(connection.transport_cls)
        try:
            with connection:
                mailbox = kombu.pidbox.Mailbox(self.exchange, type="fanout", accept=["json"], serializer="json")
                yield connection, mailbox(connection)
        except (
            *connection.connection_errors,
            *connection.channel_errors,
            kombu.exceptions.KombuError,
            OSError,
        ) as error:
            reason = str(error).partition("\n")[0].rstrip(".") or type(error).__name__
            raise WorldError(f"The broker {connection.as_uri()} does not answer: {reason[:300]}.") from error

    def _options(self, transport: object) -> dict[str, Any]:
        """Bounds of every wait, as the transport calls them."""
        once = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}
        if transport not in _LOCAL:
            return {**once, "read_timeout": self.timeout, "write_timeout": self.timeout}
        limits = {"socket_timeout": self.timeout, "socket_connect_timeout": self.timeout}
        return {**once, **limits, "global_keyprefix": self.key_prefix}

    def _password(self) -> str | None:
        if self.password_file is None:
            return None
        try:
            return self.password_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise WorldError(f"{self.password_file} cannot be read: {error.strerror}.") from error


def _kombu() -> Any:
    """The library, an extra that is slow to load."""
    import kombu.exceptions  # noqa: PLC0415
    import kombu.pidbox  # noqa: PLC0415

    return kombu
