"""What the usual exporters call what we measure.

Each preset gives a query per field of a sample, as far as its exporter knows it. The names of the metrics are those
of celery-exporter (danihodovic), rq-exporter 3.1 (mdawar), yabeda-sidekiq, BullMQ 6 (``exportPrometheusMetrics``),
go-redis-work-queue, RabbitMQ's own ``/metrics/per-object`` and Flower 2.
"""

from __future__ import annotations

_STEP, _WINDOW = "{step}", "{window}"


def _of(metric: str, matchers: str = "") -> str:
    return metric + "{{labels}" + matchers + "}"


def _mean_rate(metric: str, matchers: str, over: str) -> str:
    return f"sum(rate({_of(metric, matchers)}[{over}]))"


def _rate(metric: str, matchers: str = "") -> str:
    """The rate over a step at whose end the counter was still there: otherwise it would be of a part alone."""
    return f"({_mean_rate(metric, matchers, _STEP)} and sum({_of(metric, matchers)}))"


def _mean_of_many(values: str, counter: str) -> str:
    """A mean over the window, of those instants a step before which the counter was there already."""
    return f"avg_over_time(({values} and sum({counter}" + " offset {step}))[{window}:{fine}])"


def _mean(histogram: str, matchers: str = "") -> str:
    total, jobs = (_mean_rate(f"{histogram}_{part}", matchers, _WINDOW) for part in ("sum", "count"))
    return f"{total} / {jobs}"


def _p95(histogram: str, matchers: str = "") -> str:
    """The 95th percentile; none where it lies beyond the last bucket, as that has no end."""
    buckets = f"sum by (le) (rate({_of(f'{histogram}_bucket', matchers)}[{_WINDOW}]))"
    return f"histogram_quantile(0.95, {buckets}) < histogram_quantile(1, {buckets})"


def _balance(done: str, held: str, held_before: str) -> str:
    """The arrival rate where only departures are counted: what left, and how much more there is than a step before.

    Where that is less than nothing by more than the two can be out of step, jobs left in another way, and nothing is
    known.
    """
    rate = f"{done} + ({held} - {held_before}) / " + "{seconds}"
    return f"clamp_min({rate}, 0) and ({rate} > -0.1 * {done} - 1 / " + "{seconds})"


def _celery() -> dict[str, str]:
    queue = 'queue_name="{queue}"'
    busy = _rate("celery_task_runtime_sum", queue)
    return {
        "arrival_rate": _rate("celery_task_sent_total", queue),
        "service_time": _mean("celery_task_runtime", queue),
        "service_time_p95": _p95("celery_task_runtime", queue),
        "backlog": f"sum({_of('celery_queue_length', queue)})",
        "active_jobs": busy,
        "workers": f"sum({_of('celery_active_worker_count', queue)})",
        "utilization": f"{busy} / sum({_of('celery_active_process_count', queue)})",
    }


def _rq() -> dict[str, str]:
    queue, workers = 'queue="{queue}"', 'queues=~"(.+,)?{queue_regex}(,.+)?"'
    held = _of("rq_jobs", f'{queue},status=~"queued|started"')
    jobs, many = _rq_jobs(workers, _STEP), _rq_jobs(workers, _WINDOW)
    none = f"0 * sum({held})"  # the exporter knows the queue, so that no worker is none
    return {
        "arrival_rate": _balance(f"({jobs} or {none})", f"sum({held})", f"sum({held}" + " offset {step})"),
        "service_time": f"{_mean_rate('rq_workers_working_time_total', workers, _WINDOW)} / {many}",
        "backlog": "sum(" + _of("rq_jobs", f'{queue},status="queued"') + ")",
        "active_jobs": "sum(" + _of("rq_jobs", f'{queue},status="started"') + ")",
        "workers": f"sum({_of('rq_workers', workers)}) or {none}",
        "utilization": "sum(sum_over_time(" + _of("rq_workers", workers + ',state="busy"') + "[{step}]))"
        f" / sum(sum_over_time({_of('rq_workers', workers)}" + "[{step}]))",
    }


def _rq_jobs(workers: str, over: str) -> str:
    succeeded, failed = (f"rq_workers_{outcome}_total" for outcome in ("success", "failed"))
    return f"({_mean_rate(succeeded, workers, over)} + {_mean_rate(failed, workers, over)})"


def _sidekiq() -> dict[str, str]:
    queue = 'queue="{queue}"'
    return {
        "arrival_rate": _rate("sidekiq_jobs_enqueued_total", queue),
        "service_time": _mean("sidekiq_job_runtime_seconds", queue),
        "service_time_p95": _p95("sidekiq_job_runtime_seconds", queue),
        "backlog": f"max({_of('sidekiq_jobs_waiting_count', queue)})",
        "active_jobs": _rate("sidekiq_job_runtime_seconds_sum", queue),
        "workers": f"max({_of('sidekiq_active_processes')})",
        "utilization": f"{_rate('sidekiq_job_runtime_seconds_sum')} / max({_of('sidekiq_concurrency')})",
    }


def _bullmq() -> dict[str, str]:
    queue = 'queue="{queue}"'
    waiting = _of("bullmq_job_count", queue + ',state=~"waiting|prioritized|paused"')
    held = "sum(max by (state) (" + _of("bullmq_job_count", queue + ',state=~"waiting|prioritized|paused|active"')
    active = "max(" + _of("bullmq_job_count", queue + ',state="active"') + ")"
    completed, failed = _of("bullmq_job_completed_total", queue), _of("bullmq_job_failed_total", queue)
    # Workers that do not count leave the total at zero for ever.
    done = f"(max(rate({completed}[{_STEP}])) + max(rate({failed}[{_STEP}])) and max({completed}) > 0)"
    return {
        "arrival_rate": _balance(done, f"{held}))", held + " offset {step}))"),
        "service_time": f"{_mean_of_many(active, completed)} / {_mean_of_many(done, completed)}",
        "backlog": f"sum(max by (state) ({waiting}))",
        "active_jobs": active,
    }


def _go_redis_work_queue() -> dict[str, str]:
    busy, slots = _rate("job_processing_duration_seconds_sum"), f"sum({_of('worker_active')})"
    return {
        "arrival_rate": f"{_rate('jobs_produced_total')} + {_rate('jobs_retried_total')}",
        "service_time": _mean("job_processing_duration_seconds"),
        "service_time_p95": _p95("job_processing_duration_seconds"),
        "backlog": "sum(max by (queue) (" + _of("queue_length", 'queue!~".*(completed|dead_letter)"') + "))",
        "active_jobs": busy,
        "workers": f"ceil({slots} / " + "{concurrency})",
        "utilization": f"{busy} / {slots}",
    }


def _rabbitmq() -> dict[str, str]:
    queue = 'queue="{queue}"'
    unacked = f"sum({_of('rabbitmq_queue_messages_unacked', queue)})"
    consumers = f"sum({_of('rabbitmq_queue_consumers', queue)})"
    slots = f"({consumers}" + " * {concurrency})"
    busy = f"clamp_max({unacked}, scalar({slots}))"
    acked = _of("rabbitmq_channel_messages_acked_total", queue)
    done = f"sum(rate({acked}[{_STEP}]))"
    return {
        "arrival_rate": _rate("rabbitmq_queue_messages_published_total", queue),
        "service_time": f"{_mean_of_many(busy, acked)} / {_mean_of_many(done, acked)}",
        "backlog": f"sum({_of('rabbitmq_queue_messages_ready', queue)}) + clamp_min({unacked} - {slots}, 0)",
        "active_jobs": busy,
        "workers": consumers,
        "utilization": f"avg_over_time(({busy} / {slots})" + "[{step}:{fine}])",
    }


def _flower() -> dict[str, str]:
    return {
        "arrival_rate": _rate("flower_events_total", 'type="task-sent"'),
        "service_time": _mean("flower_task_runtime_seconds"),
        "service_time_p95": _p95("flower_task_runtime_seconds"),
        "backlog": f"sum({_of('flower_worker_prefetched_tasks')})",
        "active_jobs": _rate("flower_task_runtime_seconds_sum"),
        "workers": f"sum({_of('flower_worker_online')})",
    }


PRESETS: dict[str, dict[str, str]] = {
    "celery-exporter": _celery(),
    "rq-exporter": _rq(),
    "sidekiq": _sidekiq(),
    "bullmq": _bullmq(),
    "go-redis-work-queue": _go_redis_work_queue(),
    "rabbitmq": _rabbitmq(),
    "flower": _flower(),
}
