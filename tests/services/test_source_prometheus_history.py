"""A Prometheus server that remembers days: a first start has them all at once."""

from __future__ import annotations

import math
import shutil
import subprocess
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from capacity_planner.domain.scaling import Gap
from capacity_planner.registry import sources
from tests.services._prometheus import prometheus
from tests.services._servers import missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow
DAY, DAYS, SCRAPE, SERVICE = 86_400, 4, 30, 0.5
NOW = int(time.time()) // 60 * 60
BEGIN, AWAY = NOW - DAYS * DAY, (NOW - 30 * 3600, NOW - 29 * 3600)


def rate(at: float) -> float:
    """Jobs/s that came: a wave of a day."""
    return 20 + 15 * math.sin(2 * math.pi * at / DAY)


def counted(at: float) -> float:
    """Jobs that came since the begin."""
    wave = DAY / (2 * math.pi) * (math.cos(2 * math.pi * BEGIN / DAY) - math.cos(2 * math.pi * at / DAY))
    return 20 * (at - BEGIN) + 15 * wave


def exposition() -> Iterator[str]:
    """What was scraped, as OpenMetrics with times; nothing while the exporter was away."""
    scrapes = [at for at in range(BEGIN, NOW, SCRAPE) if not AWAY[0] < at <= AWAY[1]]
    families: dict[tuple[str, str], dict[str, Callable[[float], float]]] = {
        ("celery_task_sent", "counter"): {"celery_task_sent_total": counted},
        ("celery_task_runtime", "histogram"): {
            "celery_task_runtime_bucket": counted,
            "celery_task_runtime_sum": lambda at: SERVICE * counted(at),
            "celery_task_runtime_count": counted,
        },
        ("celery_queue_length", "gauge"): {"celery_queue_length": lambda at: 10 * rate(at)},
        ("celery_active_worker_count", "gauge"): {"celery_active_worker_count": lambda _: 5},
        ("celery_active_process_count", "gauge"): {"celery_active_process_count": lambda _: 20},
    }
    for (family, kind), series in families.items():
        yield f"# TYPE {family} {kind}\n"
        for at in scrapes:
            for name, value in series.items():
                bucket = ',le="+Inf"' if name.endswith("_bucket") else ""
                yield f'{name}{{queue_name="emails"{bucket}}} {value(at)!r} {at}\n'
    yield "# EOF\n"


def test_a_first_start_has_days_of_history_and_leaves_holes_as_holes(tmp_path: Path) -> None:
    tool = shutil.which("promtool") or missing("promtool is not installed: apt-get install prometheus")
    (tmp_path / "scraped.txt").write_text("".join(exposition()))
    create = [tool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", str(tmp_path / "scraped.txt")]
    subprocess.run([*create, str(tmp_path / "data")], check=True, stdout=subprocess.DEVNULL)
    with prometheus(tmp_path, {}) as server:
        source = sources.make("prometheus", {"url": server.url, "preset": "celery-exporter", "concurrency": 4})
        began = time.monotonic()
        found = source.collect("emails", None, datetime.fromtimestamp(NOW, UTC))
        took = time.monotonic() - began
    assert not isinstance(found, Gap), found.reason
    times = [item.timestamp.timestamp() for item in found]
    assert len(found) == pytest.approx((DAYS * DAY - 3600) / 60, abs=10)
    assert not [at for at in times if AWAY[0] + 60 < at <= AWAY[1]]
    assert all(
        item.arrival_rate == pytest.approx(rate(at - 30), rel=0.02) for at, item in zip(times, found, strict=True)
    )
    assert all(
        item.backlog == pytest.approx(10 * rate(at), rel=0.02, abs=1) for at, item in zip(times, found, strict=True)
    )
    assert {(item.service_time, item.current_workers) for item in found[10:]} == {(timedelta(seconds=SERVICE), 5)}
    assert took < 30, took
