"""Bodies of requests: JSON, of a size that is taken on, alone and together, and sent within a reasonable time."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from capacity_planner.errors import TooLargeError, UnavailableError
from capacity_planner.surfaces.http._problems import HttpError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from starlette.requests import Request

PATIENCE, SLOWEST = 30.0, 256 * 1_024.0
_TOGETHER = 4


class Room:
    """Memory for the bodies of all requests that are under way; for the event loop alone.

    Args:
        most: bytes of one body.
    """

    def __init__(self, most: int) -> None:
        self.most, self._left = most, _TOGETHER * most

    @contextmanager
    def share(self) -> Iterator[Callable[[int], None]]:
        """What takes bytes for one request, which are free again at its end."""
        taken = 0

        def take(size: int) -> None:
            nonlocal taken
            if size > self._left:
                raise UnavailableError("Other requests have bodies as large as are taken on together. Try again later.")
            taken, self._left = taken + size, self._left - size

        try:
            yield take
        finally:
            self._left += taken


async def read_body(request: Request, most: int, take: Callable[[int], None]) -> bytes:
    """The body.

    Args:
        request: nothing of it was read yet.
        most: bytes that are taken on.
        take: takes room for so many bytes.

    Raises:
        UnavailableError: there is no room for it now.
        TooLargeError: it is larger, or says so.
        HttpError: it is not JSON, or does not come.
        ClientDisconnect: whoever sent it has gone.
    """
    _check_type(request)
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said) > most:
        raise _too_large(most)
    limit = PATIENCE + (int(said) if said.isdecimal() else most) / SLOWEST
    try:
        async with asyncio.timeout(limit):
            return await _all(request.stream(), most, take)
    except TimeoutError:
        raise _late(f"The body did not come to its end within {limit:.0f} s.") from None


async def _all(stream: AsyncIterator[bytes], most: int, take: Callable[[int], None]) -> bytes:
    parts, size = list[bytes](), 0
    while (part := await _next(stream)) is not None:
        size += len(part)
        if size > most:
            raise _too_large(most)
        take(len(part))
        parts.append(part)
    return b"".join(parts)


async def _next(stream: AsyncIterator[bytes]) -> bytes | None:
    try:
        async with asyncio.timeout(PATIENCE):
            return await anext(stream, None)
    except TimeoutError:
        raise _late(f"Nothing of the body came for {PATIENCE:.0f} s.") from None


def _check_type(request: Request) -> None:
    """A body must say that it is JSON, also so that a page of another origin cannot send one unasked."""
    given = request.headers.get("content-type", "")
    media = given.partition(";")[0].strip().lower()
    if media == "application/json" or (media.startswith("application/") and media.endswith("+json")):
        return
    shown = f"Content-Type is {given[:80]!r}" if given else "Content-Type is missing"
    raise HttpError(415, f"{shown}, and only JSON is read here. Send 'Content-Type: application/json'.")


def _late(message: str) -> HttpError:
    return HttpError(408, message, {"Connection": "close"})


def _too_large(most: int) -> TooLargeError:
    return TooLargeError(f"The body has more than {most:,} bytes (max_body). Send less at a time.")
