import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PlanRequest(_message.Message):
    __slots__ = ("current_metrics", "slo", "queue_name", "config", "history", "force_regen", "strict")
    CURRENT_METRICS_FIELD_NUMBER: _ClassVar[int]
    SLO_FIELD_NUMBER: _ClassVar[int]
    QUEUE_NAME_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    FORCE_REGEN_FIELD_NUMBER: _ClassVar[int]
    STRICT_FIELD_NUMBER: _ClassVar[int]
    current_metrics: Metrics
    slo: SLO
    queue_name: str
    config: PlannerConfig
    history: _containers.RepeatedCompositeFieldContainer[Metrics]
    force_regen: bool
    strict: bool
    def __init__(self, current_metrics: _Optional[_Union[Metrics, _Mapping]] = ..., slo: _Optional[_Union[SLO, _Mapping]] = ..., queue_name: _Optional[str] = ..., config: _Optional[_Union[PlannerConfig, _Mapping]] = ..., history: _Optional[_Iterable[_Union[Metrics, _Mapping]]] = ..., force_regen: _Optional[bool] = ..., strict: _Optional[bool] = ...) -> None: ...

class Metrics(_message.Message):
    __slots__ = ("timestamp", "arrival_rate", "service_time", "service_time_p95", "service_time_std", "current_workers", "utilization", "backlog", "active_jobs", "queue_name")
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    ARRIVAL_RATE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_TIME_FIELD_NUMBER: _ClassVar[int]
    SERVICE_TIME_P95_FIELD_NUMBER: _ClassVar[int]
    SERVICE_TIME_STD_FIELD_NUMBER: _ClassVar[int]
    CURRENT_WORKERS_FIELD_NUMBER: _ClassVar[int]
    UTILIZATION_FIELD_NUMBER: _ClassVar[int]
    BACKLOG_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_JOBS_FIELD_NUMBER: _ClassVar[int]
    QUEUE_NAME_FIELD_NUMBER: _ClassVar[int]
    timestamp: _timestamp_pb2.Timestamp
    arrival_rate: float
    service_time: _duration_pb2.Duration
    service_time_p95: _duration_pb2.Duration
    service_time_std: _duration_pb2.Duration
    current_workers: int
    utilization: float
    backlog: int
    active_jobs: int
    queue_name: str
    def __init__(self, timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., arrival_rate: _Optional[float] = ..., service_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., service_time_p95: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., service_time_std: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., current_workers: _Optional[int] = ..., utilization: _Optional[float] = ..., backlog: _Optional[int] = ..., active_jobs: _Optional[int] = ..., queue_name: _Optional[str] = ...) -> None: ...

class SLO(_message.Message):
    __slots__ = ("p95_latency", "max_backlog", "error_budget", "drain_time", "availability")
    P95_LATENCY_FIELD_NUMBER: _ClassVar[int]
    MAX_BACKLOG_FIELD_NUMBER: _ClassVar[int]
    ERROR_BUDGET_FIELD_NUMBER: _ClassVar[int]
    DRAIN_TIME_FIELD_NUMBER: _ClassVar[int]
    AVAILABILITY_FIELD_NUMBER: _ClassVar[int]
    p95_latency: _duration_pb2.Duration
    max_backlog: int
    error_budget: float
    drain_time: _duration_pb2.Duration
    availability: float
    def __init__(self, p95_latency: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_backlog: _Optional[int] = ..., error_budget: _Optional[float] = ..., drain_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., availability: _Optional[float] = ...) -> None: ...

class PlannerConfig(_message.Message):
    __slots__ = ("forecast_window", "forecast_model", "history_window", "seasonal_period", "safety_margin", "confidence_threshold", "max_step_size", "cooldown_period", "min_workers", "max_workers", "worker_cost_per_hour", "violation_cost_per_hour", "scale_up_threshold", "scale_down_threshold", "anomaly_threshold", "spike_threshold", "queueing_model", "service_time_model", "startup_delay", "worker_concurrency", "plan_interval", "scale_up_cooldown", "seed")
    FORECAST_WINDOW_FIELD_NUMBER: _ClassVar[int]
    FORECAST_MODEL_FIELD_NUMBER: _ClassVar[int]
    HISTORY_WINDOW_FIELD_NUMBER: _ClassVar[int]
    SEASONAL_PERIOD_FIELD_NUMBER: _ClassVar[int]
    SAFETY_MARGIN_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    MAX_STEP_SIZE_FIELD_NUMBER: _ClassVar[int]
    COOLDOWN_PERIOD_FIELD_NUMBER: _ClassVar[int]
    MIN_WORKERS_FIELD_NUMBER: _ClassVar[int]
    MAX_WORKERS_FIELD_NUMBER: _ClassVar[int]
    WORKER_COST_PER_HOUR_FIELD_NUMBER: _ClassVar[int]
    VIOLATION_COST_PER_HOUR_FIELD_NUMBER: _ClassVar[int]
    SCALE_UP_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    SCALE_DOWN_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    ANOMALY_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    SPIKE_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    QUEUEING_MODEL_FIELD_NUMBER: _ClassVar[int]
    SERVICE_TIME_MODEL_FIELD_NUMBER: _ClassVar[int]
    STARTUP_DELAY_FIELD_NUMBER: _ClassVar[int]
    WORKER_CONCURRENCY_FIELD_NUMBER: _ClassVar[int]
    PLAN_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    SCALE_UP_COOLDOWN_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    forecast_window: _duration_pb2.Duration
    forecast_model: str
    history_window: _duration_pb2.Duration
    seasonal_period: _duration_pb2.Duration
    safety_margin: float
    confidence_threshold: float
    max_step_size: int
    cooldown_period: _duration_pb2.Duration
    min_workers: int
    max_workers: int
    worker_cost_per_hour: float
    violation_cost_per_hour: float
    scale_up_threshold: float
    scale_down_threshold: float
    anomaly_threshold: float
    spike_threshold: float
    queueing_model: str
    service_time_model: str
    startup_delay: _duration_pb2.Duration
    worker_concurrency: int
    plan_interval: _duration_pb2.Duration
    scale_up_cooldown: _duration_pb2.Duration
    seed: int
    def __init__(self, forecast_window: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., forecast_model: _Optional[str] = ..., history_window: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., seasonal_period: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., safety_margin: _Optional[float] = ..., confidence_threshold: _Optional[float] = ..., max_step_size: _Optional[int] = ..., cooldown_period: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., min_workers: _Optional[int] = ..., max_workers: _Optional[int] = ..., worker_cost_per_hour: _Optional[float] = ..., violation_cost_per_hour: _Optional[float] = ..., scale_up_threshold: _Optional[float] = ..., scale_down_threshold: _Optional[float] = ..., anomaly_threshold: _Optional[float] = ..., spike_threshold: _Optional[float] = ..., queueing_model: _Optional[str] = ..., service_time_model: _Optional[str] = ..., startup_delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., worker_concurrency: _Optional[int] = ..., plan_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., scale_up_cooldown: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., seed: _Optional[int] = ...) -> None: ...

class PlanResponse(_message.Message):
    __slots__ = ("plan", "forecast", "queueing_result", "recommendations", "warnings", "generation_time", "cache_hit")
    PLAN_FIELD_NUMBER: _ClassVar[int]
    FORECAST_FIELD_NUMBER: _ClassVar[int]
    QUEUEING_RESULT_FIELD_NUMBER: _ClassVar[int]
    RECOMMENDATIONS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    GENERATION_TIME_FIELD_NUMBER: _ClassVar[int]
    CACHE_HIT_FIELD_NUMBER: _ClassVar[int]
    plan: CapacityPlan
    forecast: _containers.RepeatedCompositeFieldContainer[Forecast]
    queueing_result: QueueingResult
    recommendations: _containers.RepeatedScalarFieldContainer[str]
    warnings: _containers.RepeatedCompositeFieldContainer[PlanWarning]
    generation_time: _duration_pb2.Duration
    cache_hit: bool
    def __init__(self, plan: _Optional[_Union[CapacityPlan, _Mapping]] = ..., forecast: _Optional[_Iterable[_Union[Forecast, _Mapping]]] = ..., queueing_result: _Optional[_Union[QueueingResult, _Mapping]] = ..., recommendations: _Optional[_Iterable[str]] = ..., warnings: _Optional[_Iterable[_Union[PlanWarning, _Mapping]]] = ..., generation_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., cache_hit: _Optional[bool] = ...) -> None: ...

class CapacityPlan(_message.Message):
    __slots__ = ("id", "generated_at", "current_workers", "target_workers", "delta", "steps", "confidence", "cost_impact", "slo_achievable", "rationale", "forecast_window", "safety_margin", "valid_until", "queue_name", "slo", "service_time", "service_time_std", "service_time_p95", "startup_delay", "worker_concurrency", "required")
    ID_FIELD_NUMBER: _ClassVar[int]
    GENERATED_AT_FIELD_NUMBER: _ClassVar[int]
    CURRENT_WORKERS_FIELD_NUMBER: _ClassVar[int]
    TARGET_WORKERS_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    COST_IMPACT_FIELD_NUMBER: _ClassVar[int]
    SLO_ACHIEVABLE_FIELD_NUMBER: _ClassVar[int]
    RATIONALE_FIELD_NUMBER: _ClassVar[int]
    FORECAST_WINDOW_FIELD_NUMBER: _ClassVar[int]
    SAFETY_MARGIN_FIELD_NUMBER: _ClassVar[int]
    VALID_UNTIL_FIELD_NUMBER: _ClassVar[int]
    QUEUE_NAME_FIELD_NUMBER: _ClassVar[int]
    SLO_FIELD_NUMBER: _ClassVar[int]
    SERVICE_TIME_FIELD_NUMBER: _ClassVar[int]
    SERVICE_TIME_STD_FIELD_NUMBER: _ClassVar[int]
    SERVICE_TIME_P95_FIELD_NUMBER: _ClassVar[int]
    STARTUP_DELAY_FIELD_NUMBER: _ClassVar[int]
    WORKER_CONCURRENCY_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    id: str
    generated_at: _timestamp_pb2.Timestamp
    current_workers: int
    target_workers: int
    delta: int
    steps: _containers.RepeatedCompositeFieldContainer[ScalingStep]
    confidence: float
    cost_impact: CostAnalysis
    slo_achievable: bool
    rationale: str
    forecast_window: _duration_pb2.Duration
    safety_margin: float
    valid_until: _timestamp_pb2.Timestamp
    queue_name: str
    slo: SLO
    service_time: _duration_pb2.Duration
    service_time_std: _duration_pb2.Duration
    service_time_p95: _duration_pb2.Duration
    startup_delay: _duration_pb2.Duration
    worker_concurrency: int
    required: _containers.RepeatedCompositeFieldContainer[RequiredWorkers]
    def __init__(self, id: _Optional[str] = ..., generated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., current_workers: _Optional[int] = ..., target_workers: _Optional[int] = ..., delta: _Optional[int] = ..., steps: _Optional[_Iterable[_Union[ScalingStep, _Mapping]]] = ..., confidence: _Optional[float] = ..., cost_impact: _Optional[_Union[CostAnalysis, _Mapping]] = ..., slo_achievable: _Optional[bool] = ..., rationale: _Optional[str] = ..., forecast_window: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., safety_margin: _Optional[float] = ..., valid_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., queue_name: _Optional[str] = ..., slo: _Optional[_Union[SLO, _Mapping]] = ..., service_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., service_time_std: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., service_time_p95: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., startup_delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., worker_concurrency: _Optional[int] = ..., required: _Optional[_Iterable[_Union[RequiredWorkers, _Mapping]]] = ...) -> None: ...

class ScalingStep(_message.Message):
    __slots__ = ("sequence", "scheduled_at", "action", "from_workers", "to_workers", "delta", "rationale", "estimated_cost", "confidence", "cooldown_until")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_AT_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    FROM_WORKERS_FIELD_NUMBER: _ClassVar[int]
    TO_WORKERS_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    RATIONALE_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_COST_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    COOLDOWN_UNTIL_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    scheduled_at: _timestamp_pb2.Timestamp
    action: str
    from_workers: int
    to_workers: int
    delta: int
    rationale: str
    estimated_cost: float
    confidence: float
    cooldown_until: _timestamp_pb2.Timestamp
    def __init__(self, sequence: _Optional[int] = ..., scheduled_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., action: _Optional[str] = ..., from_workers: _Optional[int] = ..., to_workers: _Optional[int] = ..., delta: _Optional[int] = ..., rationale: _Optional[str] = ..., estimated_cost: _Optional[float] = ..., confidence: _Optional[float] = ..., cooldown_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CostAnalysis(_message.Message):
    __slots__ = ("current_cost_per_hour", "projected_cost_per_hour", "delta_cost_per_hour", "monthly_cost_delta", "violation_cost_risk", "net_benefit", "payback_period")
    CURRENT_COST_PER_HOUR_FIELD_NUMBER: _ClassVar[int]
    PROJECTED_COST_PER_HOUR_FIELD_NUMBER: _ClassVar[int]
    DELTA_COST_PER_HOUR_FIELD_NUMBER: _ClassVar[int]
    MONTHLY_COST_DELTA_FIELD_NUMBER: _ClassVar[int]
    VIOLATION_COST_RISK_FIELD_NUMBER: _ClassVar[int]
    NET_BENEFIT_FIELD_NUMBER: _ClassVar[int]
    PAYBACK_PERIOD_FIELD_NUMBER: _ClassVar[int]
    current_cost_per_hour: float
    projected_cost_per_hour: float
    delta_cost_per_hour: float
    monthly_cost_delta: float
    violation_cost_risk: float
    net_benefit: float
    payback_period: _duration_pb2.Duration
    def __init__(self, current_cost_per_hour: _Optional[float] = ..., projected_cost_per_hour: _Optional[float] = ..., delta_cost_per_hour: _Optional[float] = ..., monthly_cost_delta: _Optional[float] = ..., violation_cost_risk: _Optional[float] = ..., net_benefit: _Optional[float] = ..., payback_period: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class RequiredWorkers(_message.Message):
    __slots__ = ("start", "end", "arrival_rate", "demand_rate", "offered_load", "backlog", "workers")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    ARRIVAL_RATE_FIELD_NUMBER: _ClassVar[int]
    DEMAND_RATE_FIELD_NUMBER: _ClassVar[int]
    OFFERED_LOAD_FIELD_NUMBER: _ClassVar[int]
    BACKLOG_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    start: _timestamp_pb2.Timestamp
    end: _timestamp_pb2.Timestamp
    arrival_rate: float
    demand_rate: float
    offered_load: float
    backlog: float
    workers: int
    def __init__(self, start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., arrival_rate: _Optional[float] = ..., demand_rate: _Optional[float] = ..., offered_load: _Optional[float] = ..., backlog: _Optional[float] = ..., workers: _Optional[int] = ...) -> None: ...

class Forecast(_message.Message):
    __slots__ = ("timestamp", "arrival_rate", "lower", "upper", "confidence", "model", "quantiles")
    class QuantilesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    ARRIVAL_RATE_FIELD_NUMBER: _ClassVar[int]
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    QUANTILES_FIELD_NUMBER: _ClassVar[int]
    timestamp: _timestamp_pb2.Timestamp
    arrival_rate: float
    lower: float
    upper: float
    confidence: float
    model: str
    quantiles: _containers.ScalarMap[str, float]
    def __init__(self, timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., arrival_rate: _Optional[float] = ..., lower: _Optional[float] = ..., upper: _Optional[float] = ..., confidence: _Optional[float] = ..., model: _Optional[str] = ..., quantiles: _Optional[_Mapping[str, float]] = ...) -> None: ...

class QueueingResult(_message.Message):
    __slots__ = ("utilization", "queue_length", "wait_time", "response_time", "p95_response_time", "probability_of_wait", "throughput", "capacity", "model", "confidence", "assumptions")
    UTILIZATION_FIELD_NUMBER: _ClassVar[int]
    QUEUE_LENGTH_FIELD_NUMBER: _ClassVar[int]
    WAIT_TIME_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_TIME_FIELD_NUMBER: _ClassVar[int]
    P95_RESPONSE_TIME_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_OF_WAIT_FIELD_NUMBER: _ClassVar[int]
    THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    ASSUMPTIONS_FIELD_NUMBER: _ClassVar[int]
    utilization: float
    queue_length: float
    wait_time: _duration_pb2.Duration
    response_time: _duration_pb2.Duration
    p95_response_time: _duration_pb2.Duration
    probability_of_wait: float
    throughput: float
    capacity: float
    model: str
    confidence: float
    assumptions: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, utilization: _Optional[float] = ..., queue_length: _Optional[float] = ..., wait_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., response_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., p95_response_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., probability_of_wait: _Optional[float] = ..., throughput: _Optional[float] = ..., capacity: _Optional[float] = ..., model: _Optional[str] = ..., confidence: _Optional[float] = ..., assumptions: _Optional[_Iterable[str]] = ...) -> None: ...

class PlanWarning(_message.Message):
    __slots__ = ("code", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class SimulationRequest(_message.Message):
    __slots__ = ("scenario", "config")
    SCENARIO_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    scenario: SimulationScenario
    config: PlannerConfig
    def __init__(self, scenario: _Optional[_Union[SimulationScenario, _Mapping]] = ..., config: _Optional[_Union[PlannerConfig, _Mapping]] = ...) -> None: ...

class SimulationScenario(_message.Message):
    __slots__ = ("name", "description", "plan", "slo_override", "traffic_pattern", "duration", "granularity", "start", "service_time", "service_time_std", "startup_delay", "initial_backlog", "replications", "seed", "trace", "service_time_p95", "service_family", "patience", "batch_size")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    SLO_OVERRIDE_FIELD_NUMBER: _ClassVar[int]
    TRAFFIC_PATTERN_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    GRANULARITY_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    SERVICE_TIME_FIELD_NUMBER: _ClassVar[int]
    SERVICE_TIME_STD_FIELD_NUMBER: _ClassVar[int]
    STARTUP_DELAY_FIELD_NUMBER: _ClassVar[int]
    INITIAL_BACKLOG_FIELD_NUMBER: _ClassVar[int]
    REPLICATIONS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    TRACE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_TIME_P95_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FAMILY_FIELD_NUMBER: _ClassVar[int]
    PATIENCE_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    plan: CapacityPlan
    slo_override: SLO
    traffic_pattern: TrafficPattern
    duration: _duration_pb2.Duration
    granularity: _duration_pb2.Duration
    start: _timestamp_pb2.Timestamp
    service_time: _duration_pb2.Duration
    service_time_std: _duration_pb2.Duration
    startup_delay: _duration_pb2.Duration
    initial_backlog: int
    replications: int
    seed: int
    trace: JobTrace
    service_time_p95: _duration_pb2.Duration
    service_family: str
    patience: _duration_pb2.Duration
    batch_size: int
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., plan: _Optional[_Union[CapacityPlan, _Mapping]] = ..., slo_override: _Optional[_Union[SLO, _Mapping]] = ..., traffic_pattern: _Optional[_Union[TrafficPattern, _Mapping]] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., granularity: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., service_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., service_time_std: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., startup_delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., initial_backlog: _Optional[int] = ..., replications: _Optional[int] = ..., seed: _Optional[int] = ..., trace: _Optional[_Union[JobTrace, _Mapping]] = ..., service_time_p95: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., service_family: _Optional[str] = ..., patience: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., batch_size: _Optional[int] = ...) -> None: ...

class TrafficPattern(_message.Message):
    __slots__ = ("type", "base_rate", "amplitude", "period", "spikes", "trend", "noise", "rates", "noise_period")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    BASE_RATE_FIELD_NUMBER: _ClassVar[int]
    AMPLITUDE_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    SPIKES_FIELD_NUMBER: _ClassVar[int]
    TREND_FIELD_NUMBER: _ClassVar[int]
    NOISE_FIELD_NUMBER: _ClassVar[int]
    RATES_FIELD_NUMBER: _ClassVar[int]
    NOISE_PERIOD_FIELD_NUMBER: _ClassVar[int]
    type: str
    base_rate: float
    amplitude: float
    period: _duration_pb2.Duration
    spikes: _containers.RepeatedCompositeFieldContainer[TrafficSpike]
    trend: float
    noise: float
    rates: _containers.RepeatedScalarFieldContainer[float]
    noise_period: _duration_pb2.Duration
    def __init__(self, type: _Optional[str] = ..., base_rate: _Optional[float] = ..., amplitude: _Optional[float] = ..., period: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., spikes: _Optional[_Iterable[_Union[TrafficSpike, _Mapping]]] = ..., trend: _Optional[float] = ..., noise: _Optional[float] = ..., rates: _Optional[_Iterable[float]] = ..., noise_period: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class TrafficSpike(_message.Message):
    __slots__ = ("start_time", "duration", "magnitude", "shape")
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    MAGNITUDE_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    start_time: _timestamp_pb2.Timestamp
    duration: _duration_pb2.Duration
    magnitude: float
    shape: str
    def __init__(self, start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., magnitude: _Optional[float] = ..., shape: _Optional[str] = ...) -> None: ...

class JobTrace(_message.Message):
    __slots__ = ("arrival_times", "counts", "interval", "service_times")
    ARRIVAL_TIMES_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    SERVICE_TIMES_FIELD_NUMBER: _ClassVar[int]
    arrival_times: _containers.RepeatedScalarFieldContainer[float]
    counts: _containers.RepeatedScalarFieldContainer[int]
    interval: _duration_pb2.Duration
    service_times: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, arrival_times: _Optional[_Iterable[float]] = ..., counts: _Optional[_Iterable[int]] = ..., interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., service_times: _Optional[_Iterable[float]] = ...) -> None: ...

class SimulationResponse(_message.Message):
    __slots__ = ("simulation",)
    SIMULATION_FIELD_NUMBER: _ClassVar[int]
    simulation: Simulation
    def __init__(self, simulation: _Optional[_Union[Simulation, _Mapping]] = ...) -> None: ...

class Simulation(_message.Message):
    __slots__ = ("id", "scenario", "timeline", "summary", "slo_analysis", "cost_analysis", "duration", "created_at", "confidence_intervals")
    ID_FIELD_NUMBER: _ClassVar[int]
    SCENARIO_FIELD_NUMBER: _ClassVar[int]
    TIMELINE_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    SLO_ANALYSIS_FIELD_NUMBER: _ClassVar[int]
    COST_ANALYSIS_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_INTERVALS_FIELD_NUMBER: _ClassVar[int]
    id: str
    scenario: SimulationScenario
    timeline: _containers.RepeatedCompositeFieldContainer[TimelinePoint]
    summary: SimulationSummary
    slo_analysis: SLOAnalysis
    cost_analysis: CostAnalysis
    duration: _duration_pb2.Duration
    created_at: _timestamp_pb2.Timestamp
    confidence_intervals: _containers.RepeatedCompositeFieldContainer[ConfidenceInterval]
    def __init__(self, id: _Optional[str] = ..., scenario: _Optional[_Union[SimulationScenario, _Mapping]] = ..., timeline: _Optional[_Iterable[_Union[TimelinePoint, _Mapping]]] = ..., summary: _Optional[_Union[SimulationSummary, _Mapping]] = ..., slo_analysis: _Optional[_Union[SLOAnalysis, _Mapping]] = ..., cost_analysis: _Optional[_Union[CostAnalysis, _Mapping]] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., confidence_intervals: _Optional[_Iterable[_Union[ConfidenceInterval, _Mapping]]] = ...) -> None: ...

class TimelinePoint(_message.Message):
    __slots__ = ("timestamp", "workers", "arrival_rate", "service_rate", "backlog", "latency", "p95_latency", "utilization", "cost", "slo_violation", "max_backlog")
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    ARRIVAL_RATE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_RATE_FIELD_NUMBER: _ClassVar[int]
    BACKLOG_FIELD_NUMBER: _ClassVar[int]
    LATENCY_FIELD_NUMBER: _ClassVar[int]
    P95_LATENCY_FIELD_NUMBER: _ClassVar[int]
    UTILIZATION_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    SLO_VIOLATION_FIELD_NUMBER: _ClassVar[int]
    MAX_BACKLOG_FIELD_NUMBER: _ClassVar[int]
    timestamp: _timestamp_pb2.Timestamp
    workers: int
    arrival_rate: float
    service_rate: float
    backlog: float
    latency: _duration_pb2.Duration
    p95_latency: _duration_pb2.Duration
    utilization: float
    cost: float
    slo_violation: bool
    max_backlog: int
    def __init__(self, timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., workers: _Optional[int] = ..., arrival_rate: _Optional[float] = ..., service_rate: _Optional[float] = ..., backlog: _Optional[float] = ..., latency: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., p95_latency: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., utilization: _Optional[float] = ..., cost: _Optional[float] = ..., slo_violation: _Optional[bool] = ..., max_backlog: _Optional[int] = ...) -> None: ...

class SimulationSummary(_message.Message):
    __slots__ = ("avg_backlog", "max_backlog", "avg_latency", "p95_latency", "slo_violations", "slo_achievement", "total_cost", "avg_utilization", "efficiency_score", "jobs", "abandoned")
    AVG_BACKLOG_FIELD_NUMBER: _ClassVar[int]
    MAX_BACKLOG_FIELD_NUMBER: _ClassVar[int]
    AVG_LATENCY_FIELD_NUMBER: _ClassVar[int]
    P95_LATENCY_FIELD_NUMBER: _ClassVar[int]
    SLO_VIOLATIONS_FIELD_NUMBER: _ClassVar[int]
    SLO_ACHIEVEMENT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COST_FIELD_NUMBER: _ClassVar[int]
    AVG_UTILIZATION_FIELD_NUMBER: _ClassVar[int]
    EFFICIENCY_SCORE_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    ABANDONED_FIELD_NUMBER: _ClassVar[int]
    avg_backlog: float
    max_backlog: int
    avg_latency: _duration_pb2.Duration
    p95_latency: _duration_pb2.Duration
    slo_violations: int
    slo_achievement: float
    total_cost: float
    avg_utilization: float
    efficiency_score: float
    jobs: int
    abandoned: int
    def __init__(self, avg_backlog: _Optional[float] = ..., max_backlog: _Optional[int] = ..., avg_latency: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., p95_latency: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., slo_violations: _Optional[int] = ..., slo_achievement: _Optional[float] = ..., total_cost: _Optional[float] = ..., avg_utilization: _Optional[float] = ..., efficiency_score: _Optional[float] = ..., jobs: _Optional[int] = ..., abandoned: _Optional[int] = ...) -> None: ...

class SLOAnalysis(_message.Message):
    __slots__ = ("latency_compliance", "backlog_compliance", "availability_achieved", "error_budget_used", "violation_periods", "risk_score")
    LATENCY_COMPLIANCE_FIELD_NUMBER: _ClassVar[int]
    BACKLOG_COMPLIANCE_FIELD_NUMBER: _ClassVar[int]
    AVAILABILITY_ACHIEVED_FIELD_NUMBER: _ClassVar[int]
    ERROR_BUDGET_USED_FIELD_NUMBER: _ClassVar[int]
    VIOLATION_PERIODS_FIELD_NUMBER: _ClassVar[int]
    RISK_SCORE_FIELD_NUMBER: _ClassVar[int]
    latency_compliance: float
    backlog_compliance: float
    availability_achieved: float
    error_budget_used: float
    violation_periods: _containers.RepeatedCompositeFieldContainer[ViolationPeriod]
    risk_score: float
    def __init__(self, latency_compliance: _Optional[float] = ..., backlog_compliance: _Optional[float] = ..., availability_achieved: _Optional[float] = ..., error_budget_used: _Optional[float] = ..., violation_periods: _Optional[_Iterable[_Union[ViolationPeriod, _Mapping]]] = ..., risk_score: _Optional[float] = ...) -> None: ...

class ViolationPeriod(_message.Message):
    __slots__ = ("start", "end", "duration", "type", "severity", "max_value", "impact")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    MAX_VALUE_FIELD_NUMBER: _ClassVar[int]
    IMPACT_FIELD_NUMBER: _ClassVar[int]
    start: _timestamp_pb2.Timestamp
    end: _timestamp_pb2.Timestamp
    duration: _duration_pb2.Duration
    type: str
    severity: str
    max_value: float
    impact: str
    def __init__(self, start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., type: _Optional[str] = ..., severity: _Optional[str] = ..., max_value: _Optional[float] = ..., impact: _Optional[str] = ...) -> None: ...

class ConfidenceInterval(_message.Message):
    __slots__ = ("measure", "mean", "lower", "upper", "level")
    MEASURE_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    measure: str
    mean: float
    lower: float
    upper: float
    level: float
    def __init__(self, measure: _Optional[str] = ..., mean: _Optional[float] = ..., lower: _Optional[float] = ..., upper: _Optional[float] = ..., level: _Optional[float] = ...) -> None: ...

class ForecastRequest(_message.Message):
    __slots__ = ("queue_name", "history", "horizon", "config")
    QUEUE_NAME_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    HORIZON_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    queue_name: str
    history: _containers.RepeatedCompositeFieldContainer[Metrics]
    horizon: _duration_pb2.Duration
    config: PlannerConfig
    def __init__(self, queue_name: _Optional[str] = ..., history: _Optional[_Iterable[_Union[Metrics, _Mapping]]] = ..., horizon: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., config: _Optional[_Union[PlannerConfig, _Mapping]] = ...) -> None: ...

class ForecastResponse(_message.Message):
    __slots__ = ("queue_name", "model", "forecasts", "accuracy", "warnings", "generation_time")
    QUEUE_NAME_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    FORECASTS_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    GENERATION_TIME_FIELD_NUMBER: _ClassVar[int]
    queue_name: str
    model: str
    forecasts: _containers.RepeatedCompositeFieldContainer[Forecast]
    accuracy: _containers.RepeatedCompositeFieldContainer[ForecastAccuracy]
    warnings: _containers.RepeatedCompositeFieldContainer[PlanWarning]
    generation_time: _duration_pb2.Duration
    def __init__(self, queue_name: _Optional[str] = ..., model: _Optional[str] = ..., forecasts: _Optional[_Iterable[_Union[Forecast, _Mapping]]] = ..., accuracy: _Optional[_Iterable[_Union[ForecastAccuracy, _Mapping]]] = ..., warnings: _Optional[_Iterable[_Union[PlanWarning, _Mapping]]] = ..., generation_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ForecastAccuracy(_message.Message):
    __slots__ = ("model", "horizon", "outcomes", "mae", "wape", "mase", "bias", "pinball", "coverage")
    class PinballEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class CoverageEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    MODEL_FIELD_NUMBER: _ClassVar[int]
    HORIZON_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    MAE_FIELD_NUMBER: _ClassVar[int]
    WAPE_FIELD_NUMBER: _ClassVar[int]
    MASE_FIELD_NUMBER: _ClassVar[int]
    BIAS_FIELD_NUMBER: _ClassVar[int]
    PINBALL_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    model: str
    horizon: _duration_pb2.Duration
    outcomes: int
    mae: float
    wape: float
    mase: float
    bias: float
    pinball: _containers.ScalarMap[str, float]
    coverage: _containers.ScalarMap[str, float]
    def __init__(self, model: _Optional[str] = ..., horizon: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., outcomes: _Optional[int] = ..., mae: _Optional[float] = ..., wape: _Optional[float] = ..., mase: _Optional[float] = ..., bias: _Optional[float] = ..., pinball: _Optional[_Mapping[str, float]] = ..., coverage: _Optional[_Mapping[str, float]] = ...) -> None: ...
