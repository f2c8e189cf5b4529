"""A Redis server that may go away and come back: bounded questions, and one sentence where it does not answer."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capacity_planner.errors import ErrorCode, PlannerError, WorldError
from capacity_planner.sources._options import text, wrong
from capacity_planner.sources._redis_url import checked_url, no_url

if TYPE_CHECKING:
    from collections.abc import Callable

_PATIENCE = 3.0
_LONGEST_WAIT = 60.0
_CLUSTER = (
    "One node is asked, and one slot at a time. Give all keys of a queue the same hash tag, such as the prefix {bull}, "
    "and name the node that has them."
)
_SCAN_COUNT, _MOST_SCANS = 2_000, 1_000


class RedisServer:
    """A server by its URL; it is connected to when it is first asked, and again by itself after it was away.

    Attributes:
        client: of the library.
        errors: what the client raises.
        database: its number.
        outages: how often it did not answer.

    Args:
        url: ``redis://host:port/db``, ``rediss://…`` with TLS, or ``unix://path?db=0``.
        password_file: a file that has the password.

    Raises:
        PlannerError: ``CONFIG_INVALID``; an option does not hold, or the extra is missing.
    """

    def __init__(self, url: str, password_file: str = "") -> None:
        self._redis = _library()
        self.errors: type[Exception] = self._redis.RedisError
        self.outages = 0
        self.client = self._made(url, text("password_file", password_file, empty=True))
        weakref.finalize(self, self.client.connection_pool.disconnect)
        known = self.client.connection_pool.connection_kwargs
        self.database = int(known.get("db") or 0)
        self._where = known.get("path") or f"{known.get('host', 'localhost')}:{known.get('port', 6379)}"

    def ask(self, build: Callable[[Any], Any]) -> list[Any]:
        """The answers to some commands, all of one instant.

        Args:
            build: calls the commands on the pipeline that it is given.

        Raises:
            WorldError: the server did not answer, or refused.
        """
        try:
            with self.client.pipeline(transaction=True) as pipeline:
                build(pipeline)
                return list(pipeline.execute())
        except self._redis.RedisError as error:
            raise self.failure(error) from error

    def wait(self, key: str, seconds: int) -> str | None:
        """The next item of a list, as soon as there is one; ``None`` where none came.

        Raises:
            WorldError: as `ask`.
        """
        try:
            popped = self.client.brpop([key], timeout=seconds)
        except self._redis.RedisError as error:
            raise self.failure(error) from error
        return popped[1] if popped else None

    def keys(self, pattern: str) -> list[str]:
        """The keys that match a glob.

        Raises:
            WorldError: as `ask`; or there are too many keys to look through.
        """
        found: set[str] = set()
        cursor = 0
        try:
            for _ in range(_MOST_SCANS):
                cursor, keys = self.client.scan(cursor, match=pattern, count=_SCAN_COUNT)
                found.update(keys)
                if not cursor:
                    return sorted(found)
        except self._redis.RedisError as error:
            raise self.failure(error) from error
        few = f"{_SCAN_COUNT * _MOST_SCANS:,}"
        sentence = f"Redis at {self._where} has more than {few} keys, too many to look for {pattern}."
        raise WorldError(f"{sentence} Give the queue a database of its own.", temporary=False)

    def close(self) -> None:
        """Let go of all connections."""
        self.client.connection_pool.disconnect()

    def failure(self, error: Exception) -> WorldError:
        """What an exception of the library says to the planner."""
        known = self._redis.exceptions
        reason = str(error).rstrip(".") or type(error).__name__
        if isinstance(error, known.AuthenticationError | known.AuthorizationError | known.NoPermissionError):
            remedy = "Check user, password and rights in the URL, or in password_file."
            return WorldError(f"Redis at {self._where} refuses: {reason}. {remedy}", temporary=False)
        if isinstance(error, known.ConnectionError | known.TimeoutError):
            self.outages += 1
            return WorldError(f"Redis at {self._where} does not answer: {reason}.")
        if isinstance(error, known.AskError | known.ClusterError | known.ClusterCrossSlotError):
            return WorldError(f"Redis at {self._where} is one of a cluster: {reason}. {_CLUSTER}", temporary=False)
        return WorldError(f"Redis at {self._where} refuses: {reason}.", temporary=False)

    def _again_at_once(self) -> Any:
        """One more try, for a connection that is stale since the server was started anew."""
        return self._redis.retry.Retry(self._redis.backoff.NoBackoff(), 1, (self._redis.ConnectionError,))

    def _made(self, url: Any, password_file: str) -> Any:
        address = checked_url(url, password_file)
        settings: dict[str, Any] = {
            "decode_responses": True,
            "encoding_errors": "replace",
            "protocol": 2,  # the answers have the same shape in every version of the library
            "socket_timeout": _PATIENCE,
            "socket_connect_timeout": _PATIENCE,
            "retry": self._again_at_once(),
            "retry_on_error": [self._redis.ConnectionError],
        }
        if password_file:
            settings["password"] = _password(password_file)
        try:
            client = self._redis.Redis.from_url(address, **settings)
            known = client.connection_pool.connection_kwargs
            client.connection_pool.connection_class(**known)  # what it does not take would fail at each turn
        except (ValueError, TypeError, self.errors):
            raise no_url() from None
        if not all(0 < known[name] <= _LONGEST_WAIT for name in ("socket_timeout", "socket_connect_timeout")):
            raise no_url(f"waits for no time at all, or for more than {_LONGEST_WAIT:g}s. Leave the timeouts out.")
        return client


def _library() -> Any:
    try:
        import redis  # noqa: PLC0415 - an extra
        import redis.backoff  # noqa: PLC0415 - as above
        import redis.retry  # noqa: PLC0415 - as above
    except ImportError as error:
        sentence = "This source needs an extra: pip install 'capacity-planner[redis]'"
        raise PlannerError(ErrorCode.CONFIG_INVALID, sentence, cause=error) from None
    return redis


def _password(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise wrong("password_file", path, f"cannot be read: {getattr(error, 'strerror', None) or error}.") from None
