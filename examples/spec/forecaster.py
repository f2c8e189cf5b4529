"""Forecasts of an arrival rate for two hours, by each of the models, and how right they turn out to be."""

import math
from datetime import UTC, datetime, timedelta

from capacity_planner import Forecaster, Metrics, PlannerConfig

config = PlannerConfig(history_window=timedelta(days=7), plan_interval=timedelta(minutes=15))
forecaster = Forecaster(config)
midnight = datetime(2026, 1, 26, tzinfo=UTC)


def measured(hours: int) -> list[Metrics]:
    """Samples of every quarter of an hour from midnight on: busiest at noon, with a little up and down."""
    samples = []
    for quarter in range(4 * hours + 1):
        daily = -math.cos(2 * math.pi * quarter / 96)
        rate = 25.5 + 10 * daily + math.sin(2.4 * quarter)
        samples.append(Metrics(timestamp=midnight + quarter * timedelta(minutes=15), arrival_rate=rate))
    return samples


# Metrics from the last three days: a season needs two
history = measured(hours=3 * 24 + 6)

for model in ("ewma", "holt_winters", "linear", "seasonal"):
    forecaster.set_model(model)
    forecasts = forecaster.predict(history, timedelta(hours=2))
    print(f"=== {model} ===")
    for forecast in forecasts[3::4]:
        print(
            f"At {forecast.timestamp:%H:%M}: {forecast.arrival_rate:.1f} jobs/sec "
            f"(±{(forecast.upper - forecast.lower) / 2:.1f} confidence: {forecast.confidence:.0%})"
        )

# Two hours later the first forecasts can be judged
later = measured(hours=3 * 24 + 8)
print("=== Accuracy ===")
for model in ("ewma", "holt_winters", "linear", "seasonal"):
    forecaster.set_model(model)
    forecaster.predict(later, timedelta(hours=2))
    print(f"{model}: {forecaster.get_accuracy():.1%}")
