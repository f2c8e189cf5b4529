"""A worker of the demo, a program of its own: it takes jobs from a list in Redis, works by sleeping, and counts.

It needs nothing of this package, as a worker of one's own would not either. A job that it was given is finished before
it ends; it ends when it is told to, and when the demo is gone.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import Any

import redis

_PATIENCE = 0.5


def work(client: Any, prefix: str, job: str) -> None:
    """Do a job, and write down that it is done and how long it took since it was wanted."""
    asked = json.loads(job)
    began = time.monotonic()
    time.sleep(asked["seconds"])
    ended = time.monotonic()
    with client.pipeline(transaction=True) as pipeline:
        pipeline.lrem(f"{prefix}:processing", 1, job)
        pipeline.incr(f"{prefix}:finished")
        pipeline.incrby(f"{prefix}:worked", round(1000.0 * (ended - began)))
        pipeline.rpush(f"{prefix}:responses", f"{ended:.6f} {ended - asked['wanted']:.6f}")
        pipeline.execute()


def main(prefix: str, number: str, parent: int) -> None:
    """Work until told to stop.

    Args:
        prefix: what the demo's keys in Redis begin with.
        number: of this worker: 1, 2, …
        parent: the process without which there is nothing to do.
    """
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda came, _: told.append(came))
    client: Any = redis.Redis.from_url(os.environ["DEMO_REDIS"], decode_responses=True)
    client.sadd(f"{prefix}:workers", number)
    while not told and os.getppid() == parent:
        job = client.blmove(f"{prefix}:waiting", f"{prefix}:processing", _PATIENCE, "RIGHT", "LEFT")
        if job:
            work(client, prefix, job)
    client.srem(f"{prefix}:workers", number)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
