"""Queueing theory by itself: what four workers do with 20 jobs/s, and how many there should be."""

from datetime import UTC, datetime, timedelta

from capacity_planner import Metrics, QueueingCalculator
from capacity_planner.units import words

calculator = QueueingCalculator()
metrics = Metrics(
    timestamp=datetime(2026, 1, 31, 12, tzinfo=UTC),
    arrival_rate=20.0,
    service_time=timedelta(milliseconds=200),
    service_time_std=timedelta(milliseconds=200),
    current_workers=4,
)

# Four workers of 5 jobs/s serve 20 jobs/s and not one more: the queue of 20 jobs/s never settles. Five keep up.
for servers in (4, 5):
    result = calculator.calculate(
        20.0,  # λ = 20 jobs/s arrival rate
        5.0,  # μ = 5 jobs/s per worker service rate
        servers,  # c
        metrics,
    )
    print(f"=== {servers} workers ===")
    print(f"Utilization: {result.utilization:.1%}")
    print(f"Queue length: {result.queue_length:.1f} jobs")
    print(f"Wait time: {words(result.wait_time)}")
    print(f"Response time: {words(result.response_time)}")
    print(f"95% respond within: {words(result.p95_response_time)}")
    print(f"Model confidence: {result.confidence:.1%}\n")

service_rate = calculator.estimate_service_rate(metrics)
print(f"Service rate: {service_rate:.1f} jobs/s per worker")
for target in (timedelta(seconds=1), timedelta(milliseconds=650)):
    print(f"Workers for a p95 of {words(target)}: {calculator.calculate_capacity(20.0, service_rate, target)}")
