"""The load of the demo, a program of its own: jobs come at random, as often as a trace says, into a list in Redis."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import redis

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_LOOK, _LAST_JOBS = 0.25, 3.0


def arrivals(rates: Sequence[float], length: float, dice: random.Random) -> Iterator[float]:
    """Instants of a Poisson process whose rate changes from bin to bin, by thinning.

    Args:
        rates: λ in each bin [jobs/s].
        length: of a bin [s].
        dice: random numbers.

    References:
        Lewis & Shedler (1979), Naval Research Logistics Quarterly 26:403-413.

    >>> 1900 < sum(1 for _ in arrivals([10.0, 30.0], 50.0, random.Random(1))) < 2100
    True
    """
    most, at = max(rates), 0.0
    while most > 0.0 and (at := at + dice.expovariate(most)) < len(rates) * length:
        if dice.random() * most < rates[int(at / length)]:
            yield at


class _Sender:
    """Sends jobs until it is told to stop, or the demo is gone."""

    def __init__(self, prefix: str, parent: int) -> None:
        self._prefix, self._parent = prefix, parent
        self._told: list[int] = []
        signal.signal(signal.SIGTERM, lambda came, _: self._told.append(came))
        self._client: Any = redis.Redis.from_url(os.environ["DEMO_REDIS"], decode_responses=True)

    def run(self, asked: Mapping[str, Any]) -> None:
        dice = random.Random(asked["seed"])  # noqa: S311 - traffic, no secret
        for at in arrivals(asked["rates"], asked["length"], dice):
            if not self._wait(asked["begin"] + at):
                break
            self._send(dice.expovariate(1.0 / asked["service_time"]))
        if self._orphaned:
            self._tidy(asked)

    def _tidy(self, asked: Mapping[str, Any]) -> None:
        """Do what the demo could not, when the last jobs are done."""
        time.sleep(_LAST_JOBS)
        self._client.delete(*asked["keys"])
        if asked["own"]:
            self._client.shutdown(nosave=True)
        shutil.rmtree(asked["home"], ignore_errors=True)

    @property
    def _orphaned(self) -> bool:
        return os.getppid() != self._parent

    def _wait(self, until: float) -> bool:
        """Whether to go on then."""
        while (left := until - time.monotonic()) > 0 and not self._told and not self._orphaned:
            time.sleep(min(left, _LOOK))
        return not self._told and not self._orphaned

    def _send(self, seconds: float) -> None:
        job = {"id": f"{random.getrandbits(64):x}", "wanted": time.monotonic(), "seconds": seconds}
        with self._client.pipeline(transaction=True) as pipeline:
            pipeline.lpush(f"{self._prefix}:waiting", json.dumps(job))
            pipeline.incr(f"{self._prefix}:arrived")
            pipeline.execute()


if __name__ == "__main__":
    with suppress(redis.RedisError):  # the demo says that it is gone
        _Sender(sys.argv[1], int(sys.argv[2])).run(json.load(sys.stdin))
