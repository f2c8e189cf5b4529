"""How the service's own process is set: where it listens, what it keeps, and what it takes on at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from capacity_planner.fields import CONFIG, CountMark, DurationMark, TextMark

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_PASSWORD = re.compile(r"(://[^:/@]*):[^@]*@")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Settings of one process of the service.

    Attributes:
        http: address and port of HTTP; a host that is not loopback needs a token_file, or ``--insecure``.
        grpc: address and port of gRPC; empty does without.
        store: ``sqlite:///FILE`` or ``postgresql://USER:PASSWORD@HOST/DATABASE``.
        token_file: TOML file of the tokens that callers need; empty asks for none.
        tls_cert: PEM file of the certificate chain; empty serves without TLS.
        tls_key: PEM file of the certificate's private key.
        cors_origin: the one origin whose pages may call; empty allows none.
        external_metrics: ``token``, or ``open``: then the external metrics of Kubernetes are told without one, as its
            aggregator sends none.
        max_body: most bytes of a request's body.
        max_history: most samples of one request.
        max_jobs: most jobs that one simulation may simulate, over all its replications.
        max_time: longest time that one request may take.
        max_heavy: simulations that run at once, each in a process of its own.
        max_waiting: heavy requests that wait for their turn; more are answered 503.
        lease: a queue whose replica is not heard of for so long is taken over by another.
        keep_samples: samples are kept as they came for so long, and then one for each bin of five minutes.
        keep_bins: these bins are kept for so long.
        keep_plans: plans, orders and outcomes are kept for so long.
        max_queues: most queues with metrics of their own; those beyond are counted together as ``other``.
        log_format: ``json`` or ``text``.
        log_level: ``debug``, ``info``, ``warning`` or ``error``.
    """

    __pydantic_config__ = CONFIG

    http: Annotated[str, TextMark()] = "127.0.0.1:8080"
    grpc: Annotated[str, TextMark()] = "127.0.0.1:50051"
    store: Annotated[str, TextMark(zero_means="sqlite:///capacity-planner.db")] = "sqlite:///capacity-planner.db"
    token_file: Annotated[str, TextMark()] = ""
    tls_cert: Annotated[str, TextMark()] = ""
    tls_key: Annotated[str, TextMark()] = ""
    cors_origin: Annotated[str, TextMark()] = ""
    external_metrics: Annotated[str, TextMark()] = "token"
    max_body: Annotated[int, CountMark(ge=1_000, le=2**31)] = 32 * 2**20
    max_history: Annotated[int, CountMark(ge=1, le=10_000_000)] = 200_000
    max_jobs: Annotated[int, CountMark(ge=1, le=10**12)] = 500_000_000
    max_time: Annotated[timedelta, DurationMark(ge=_SECOND, le=_DAY)] = timedelta(minutes=5)
    max_heavy: Annotated[int, CountMark(ge=1, le=1_000)] = 1
    max_waiting: Annotated[int, CountMark(ge=0, le=100_000)] = 16
    lease: Annotated[timedelta, DurationMark(ge=_SECOND, le=_DAY)] = timedelta(seconds=15)
    keep_samples: Annotated[timedelta, DurationMark(ge=timedelta(hours=1), le=3660 * _DAY)] = 35 * _DAY
    keep_bins: Annotated[timedelta, DurationMark(ge=timedelta(hours=1), le=36600 * _DAY)] = 400 * _DAY
    keep_plans: Annotated[timedelta, DurationMark(ge=timedelta(hours=1), le=36600 * _DAY)] = 30 * _DAY
    max_queues: Annotated[int, CountMark(ge=1, le=100_000)] = 1_000
    log_format: Annotated[str, TextMark()] = "text"
    log_level: Annotated[str, TextMark()] = "info"

    @property
    def store_shown(self) -> str:
        """The store's address without its password.

        >>> ServerSettings(store="postgresql://planner:secret@db/planner").store_shown
        'postgresql://planner:***@db/planner'
        """
        return _PASSWORD.sub(r"\1:***@", self.store)
