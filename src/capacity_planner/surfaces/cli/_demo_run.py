"""The demo from begin to end: what is seen of it is shown, until its time is over or it is told to end."""

from __future__ import annotations

import json
import logging
import signal
from collections import deque
from contextlib import ExitStack, contextmanager
from queue import Empty, SimpleQueue
from statistics import fmean
from typing import TYPE_CHECKING

from redis import RedisError
from rich.live import Live

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.surfaces.cli._console import note, print_json, results
from capacity_planner.surfaces.cli._demo_replay import Replay
from capacity_planner.surfaces.cli._demo_seen import Seen
from capacity_planner.surfaces.cli._demo_settings import crew_for
from capacity_planner.surfaces.cli._demo_stage import stage
from capacity_planner.surfaces.cli._demo_view import page
from capacity_planner.surfaces.cli._demo_words import closing, line_of, opening, outcome, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

_LOOK = 0.25
_LOG = logging.getLogger("capacity_planner")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(redis: str | None, seconds: float, speed: float, *, as_json: bool, plain: bool) -> None:
    """Run the demo, and show it.

    Args:
        redis: the Redis; ``None`` takes one at hand, or starts one.
        seconds: how long.
        speed: how many times as fast as the trace.
        as_json: show what it came to as JSON, and nothing else.
        plain: a line for each second.

    Raises:
        PlannerError: ``CONFIG_INVALID``; there is no Redis any more, no Linux, or too little of the trace.
    """
    replay = Replay.taxi(seconds, speed)
    if seconds > replay.longest:
        message = f"--seconds is {seconds:g}, and at this --speed the trace ends after {replay.longest:.0f} s."
        raise PlannerError(ErrorCode.CONFIG_INVALID, message, details={"field": "--seconds"})
    console, gone = results(), ""
    with ExitStack() as stack:
        told_to_end = stack.enter_context(_signals())
        warnings = stack.enter_context(_warnings())
        if not as_json:
            console.print("Starting workers; the planner learns from the three days before…")
        made = stack.enter_context(stage(replay, redis, crew=crew_for(replay, fmean(replay.coming()))))
        warnings.clear()  # the first reading of a queue tells no rate yet
        seen = Seen(made)
        live = console.is_terminal and not plain and not as_json
        show = (_live if live else _lines)(seen, console, warnings, stack, silent=as_json)
        try:
            while made.clock.elapsed < seconds and not _told(told_to_end):
                seen.look()
                show()
            seen.look()
        except RedisError as error:
            gone = f"Redis went away at second {made.clock.elapsed:.0f}: {str(error).rstrip('.')}. Start it again."
    _conclude(seen, console, as_json=as_json)
    if gone:
        raise PlannerError(ErrorCode.CONFIG_INVALID, gone, details={"field": "--redis"})


def _live(seen: Seen, console: Console, warnings: deque[str], stack: ExitStack, *, silent: bool) -> Callable[[], None]:
    del silent
    live = stack.enter_context(Live(console=console, auto_refresh=False))
    return lambda: live.update(page(seen, console.width, list(warnings)), refresh=True)


def _lines(seen: Seen, console: Console, warnings: deque[str], stack: ExitStack, *, silent: bool) -> Callable[[], None]:
    del stack
    if not silent:
        console.print(*opening(seen.stage), sep="\n", soft_wrap=True)
    shown = [0, 0]

    def show() -> None:
        if silent:
            return
        note([warnings.popleft() for _ in range(len(warnings))])
        for deed in seen.deeds[shown[1] :]:
            console.print(f"      {told(deed)}", soft_wrap=True)
        for number, second in enumerate(seen.seconds[shown[0] :], start=shown[0] + 1):
            console.print(line_of(second, number), soft_wrap=True)
        shown[:] = len(seen.seconds), len(seen.deeds)

    return show


def _conclude(seen: Seen, console: Console, *, as_json: bool) -> None:
    if as_json:
        print_json(json.dumps(outcome(seen), indent=2))
        return
    console.print()
    for sentence in closing(seen):
        console.print(sentence, soft_wrap=True)


def _told(told_to_end: SimpleQueue[int]) -> bool:
    """Whether to end, after a moment of waiting for that."""
    try:
        told_to_end.get(timeout=_LOOK)
    except Empty:
        return False
    return True


@contextmanager
def _signals() -> Iterator[SimpleQueue[int]]:
    """Signals that ask to end, kept: what was begun is cleaned up, however often they come."""
    told_to_end: SimpleQueue[int] = SimpleQueue()  # a signal may come at any moment, also while a lock is held
    before = {number: signal.signal(number, lambda came, _: told_to_end.put(came)) for number in _SIGNALS}
    try:
        yield told_to_end
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _warnings() -> Iterator[deque[str]]:
    """What the service warns of, which would tear the page apart."""
    newest: deque[str] = deque(maxlen=3)

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            reason = getattr(record, "reason", "")
            newest.append(f"{record.getMessage()}: {reason}" if reason else record.getMessage())

    handler, spread = Keep(logging.WARNING), _LOG.propagate
    _LOG.addHandler(handler)
    _LOG.propagate = False
    try:
        yield newest
    finally:
        _LOG.removeHandler(handler)
        _LOG.propagate = spread
