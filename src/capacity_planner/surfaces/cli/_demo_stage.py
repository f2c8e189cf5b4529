"""The demo put together: Redis, a load, workers, and the service that plans for them. Nothing of it is left behind."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from time import monotonic
from typing import TYPE_CHECKING, Any

from redis import RedisError

from capacity_planner.domain.scaling import Order
from capacity_planner.registry import scalers
from capacity_planner.service.desk import Desk
from capacity_planner.service.heavy import Heavy
from capacity_planner.service.telemetry import Telemetry
from capacity_planner.store.store import Store
from capacity_planner.surfaces.cli._demo_loop import looped
from capacity_planner.surfaces.cli._demo_redis import AT_HAND, connected, ended, redis_of
from capacity_planner.surfaces.cli._demo_replay import SERVICE_TIME, ReplayClock
from capacity_planner.surfaces.cli._demo_settings import QUEUE, SERVER, service_config, supervisor_options

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from capacity_planner.contracts import Scaler
    from capacity_planner.surfaces.cli._demo_replay import Replay

KEYS = ("waiting", "processing", "arrived", "finished", "worked", "workers", "responses")
_HERE = Path(__file__).parent
_READY = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What there is to look at.

    Attributes:
        replay: what is replayed.
        clock: the time of the trace.
        redis: a client.
        url: of the Redis.
        prefix: what the demo's keys begin with.
        store: samples, plans and orders.
        desk: answers about them.
        crew: workers at the begin.
    """

    replay: Replay
    clock: ReplayClock
    redis: Any
    url: str
    prefix: str
    store: Store
    desk: Desk
    crew: int

    def key(self, name: str) -> str:
        """A key of the demo."""
        return f"{self.prefix}:{name}"


@contextmanager
def stage(replay: Replay, redis_url: str | None, *, crew: int, planned: bool = True) -> Iterator[Stage]:
    """The demo as it runs; when the context is left, every process, key and file of it is gone.

    Args:
        replay: what is replayed.
        redis_url: the Redis; ``None`` takes one at hand, or starts one.
        crew: workers at the begin.
        planned: whether they are planned for; otherwise they stay as many.

    Raises:
        PlannerError: ``CONFIG_INVALID``; there is no Redis, or no Linux.
    """
    with ExitStack() as stack:
        home = stack.enter_context(_home())
        url = stack.enter_context(redis_of(redis_url, home))
        made = _made(replay, url, home, crew, stack)
        options = supervisor_options(url, made.prefix, home)
        by_hand = scalers.make("supervisor", options)
        stack.callback(_dismissed, by_hand, made)
        by_hand.scale(_order(crew, "begin", made.clock()))
        if planned:
            config = service_config(replay, url, made.prefix, options)
            stack.enter_context(looped(made.store, made.desk, config, replay.history(QUEUE)))
        made.clock.go(monotonic() + _READY)
        load = _load(made, home, own=url not in {redis_url, AT_HAND})
        stack.callback(ended, load)
        yield made


@contextmanager
def _home() -> Iterator[Path]:
    home = Path(mkdtemp(prefix="capacity-planner-demo-"))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _forgotten(redis: Any, prefix: str) -> None:
    with suppress(RedisError):  # it may be gone
        redis.delete(*(f"{prefix}:{kind}" for kind in KEYS))


def _made(replay: Replay, url: str, home: Path, crew: int, stack: ExitStack) -> Stage:
    clock = ReplayClock(replay)
    store = Store.open(f"sqlite:///{home / 'store.db'}", clock=clock)
    stack.callback(store.close)
    telemetry = Telemetry()
    heavy = Heavy(SERVER, telemetry)
    stack.callback(heavy.close, _READY)
    prefix = f"capacity-planner-demo:{secrets.token_hex(4)}"
    redis = connected(url)
    stack.callback(redis.close)
    stack.callback(_forgotten, redis, prefix)
    redis.mset({f"{prefix}:{kind}": 0 for kind in ("arrived", "finished", "worked")})
    return Stage(
        replay=replay,
        clock=clock,
        redis=redis,
        url=url,
        prefix=prefix,
        store=store,
        desk=Desk(store, telemetry, heavy),
        crew=crew,
    )


def _order(workers: int, name: str, at: datetime) -> Order:
    """An order of our own, from before and after those of plans."""
    return Order(
        id=f"demo/{name}",
        plan_id="demo",
        queue_name=QUEUE,
        sequence=1,
        due=at,
        expires=at,
        from_workers=0,
        to_workers=workers,
    )


def _dismissed(by_hand: Scaler, made: Stage) -> None:
    by_hand.scale(_order(0, "end", made.clock()))
    close = getattr(by_hand, "close", None)
    if close is not None:
        close()


def _load(made: Stage, home: Path, *, own: bool) -> subprocess.Popen[str]:
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-P", str(_HERE / "_demo_load.py"), made.prefix, str(os.getpid())],
        env={**os.environ, "DEMO_REDIS": made.url},
        stdin=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    asked = {
        "seed": made.replay.seed,
        "rates": made.replay.coming(),
        "length": made.replay.bin_length,
        "service_time": SERVICE_TIME,
        "begin": made.clock.begin,
        "keys": [made.key(kind) for kind in KEYS],
        "home": str(home),
        "own": own,
    }
    if process.stdin is not None:
        with process.stdin as pipe:
            json.dump(asked, pipe)
    return process
