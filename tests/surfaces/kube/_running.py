"""An operator at work on a cluster, and patience with both."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np

from capacity_planner.domain.metrics import Metrics
from capacity_planner.pipeline.settings import Settings, load_settings
from capacity_planner.surfaces.kube.client import Cluster
from capacity_planner.surfaces.kube.operating import Operator, Where

from ._cluster import kubeconfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ._cluster import Api

PACE = {"plan_interval": "1s", "cooldown_period": "1s", "forecast_window": "20s", "history_window": "10m"}


def settings(store: Path, queues: str = "") -> Settings:
    """Settings of a service that plans every second."""
    file = store.with_suffix(".toml")
    planner = "\n".join(f'{name} = "{value}"' for name, value in PACE.items())
    file.write_text(f'[server]\nstore = "sqlite:///{store}"\nlease = "5s"\n[planner]\n{planner}\n{queues}')
    return load_settings(file)


@contextmanager
def operating(api: Api, folder: Path, *, name: str = "one", queues: str = "", **where: Any) -> Iterator[Operator]:
    """An operator with a store of its own, or with that of another one."""
    file = kubeconfig(api, folder)
    clusters = (Cluster(file, timeout=2.0), Cluster(file, timeout=1.0))
    told: dict[str, Any] = {"lease_namespace": "planner", "lease_seconds": 5}
    place = Where(**told | where)
    ended = Event()
    with Operator(*clusters, settings(folder / f"{name}.db", queues), place, ended=ended.set) as operator:
        yield operator
    assert ended.is_set()
    if operator.error is not None:
        raise operator.error


def eventually(check: Callable[[], Any], seconds: float = 20.0) -> Any:
    """What a check says when it says something at last."""
    end = time.monotonic() + seconds
    while True:
        try:
            found = check()
        except (KeyError, StopIteration, ValueError):
            found = None
        if found:
            return found
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


def condition(api: Api, kind: Any, name: str, which: str) -> dict[str, Any]:
    """A condition of a resource."""
    status = api.get(kind, name)["status"]
    return next(item for item in status["conditions"] if item["type"] == which)


def push(operator: Operator, rate: float, workers: int, *, queue: str = "emails", minutes: float = 5.0) -> None:
    """Samples of every second until now."""
    assert operator.term is not None
    now, rng = datetime.now(UTC), np.random.default_rng(3)
    samples = [
        Metrics(
            timestamp=now - timedelta(seconds=second),
            arrival_rate=float(rng.poisson(60.0 * rate)) / 60.0,
            service_time=timedelta(seconds=1),
            service_time_std=timedelta(seconds=0.5),
            current_workers=workers,
            queue_name=queue,
        )
        for second in range(round(60 * minutes), -1, -1)
    ]
    operator.term.service.desk.push(samples)
