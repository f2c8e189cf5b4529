"""A simulation's course as server-sent events."""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from threading import Event

    from capacity_planner.service.heavy import Task, TaskState

HEARTBEAT = 15.0
_LOOK = 1.0


@contextmanager
def _changes(task: Task) -> Iterator[asyncio.Event]:
    """An event of the running loop that is set whenever the task changes."""
    loop, changed = asyncio.get_running_loop(), asyncio.Event()

    def tell() -> None:
        with suppress(RuntimeError):  # the loop may have ended before the task
            loop.call_soon_threadsafe(changed.set)

    stop = task.watch(tell)
    try:
        yield changed
    finally:
        stop()


async def ended(task: Task, seconds: float, closing: Event) -> bool:
    """Wait for a task's end without a thread, and say whether it came.

    Args:
        task: what is waited for.
        seconds: for so long.
        closing: nobody waits any longer once it is set.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    with _changes(task) as changed:
        while not task.state.ended and loop.time() < end and not closing.is_set():
            changed.clear()
            await _set_within(changed, min(end - loop.time(), _LOOK))
    return task.state.ended


async def stream(task: Task, closing: Event, tell: Callable[[Task], dict[str, Any]]) -> AsyncIterator[str]:
    """Events until the task's end: ``progress``, and then one named like its last state.

    Args:
        task: what is watched.
        closing: the stream ends once it is set.
        tell: what is told of the task.
    """
    loop = asyncio.get_running_loop()
    with _changes(task) as changed:
        told: tuple[TaskState, float] | None = None
        spoke = loop.time()
        while not closing.is_set():
            changed.clear()
            now = task.state, task.progress
            if now[0].ended:
                yield _event(now[0], tell(task))
                return
            if now != told:
                told, spoke = now, loop.time()
                yield _event("progress", tell(task))
            elif loop.time() - spoke >= HEARTBEAT:
                spoke = loop.time()
                yield ": still there\n\n"
            await _set_within(changed, _LOOK)


async def _set_within(changed: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(changed.wait(), seconds)


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
