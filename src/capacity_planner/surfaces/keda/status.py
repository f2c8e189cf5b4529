"""Errors on KEDA's wire: a code and a sentence, which stand in the events of the ScaledObject."""

from __future__ import annotations

import logging
import secrets
from typing import NoReturn

import grpc

from capacity_planner.errors import ConflictError, NotFoundError, PlannerError, ServiceError, UnavailableError
from capacity_planner.service.access import AccessError
from capacity_planner.surfaces.keda.asked import TOKEN

_LOG = logging.getLogger("capacity_planner.keda")
_LONGEST = 1_000
_UNAUTHORIZED = 401

_Code = grpc.StatusCode
_CODES = {
    PlannerError: _Code.INVALID_ARGUMENT,
    NotFoundError: _Code.NOT_FOUND,
    ConflictError: _Code.FAILED_PRECONDITION,
    UnavailableError: _Code.UNAVAILABLE,
    AccessError: _Code.PERMISSION_DENIED,
    ServiceError: _Code.UNAVAILABLE,
}


def refuse(error: Exception, context: grpc.ServicerContext) -> NoReturn:
    """End a call with what went wrong; of what was not foreseen the caller is told where the log has it."""
    code, sentence = _told(error, context.peer())
    context.abort(code, sentence[:_LONGEST])
    raise AssertionError  # never reached, as `abort` raises


def _told(error: Exception, peer: str) -> tuple[grpc.StatusCode, str]:
    if isinstance(error, AccessError) and error.status == _UNAUTHORIZED:
        hint = f"KEDA has it from {TOKEN} in the trigger's metadata, which names a variable of the scaled container."
        return _Code.UNAUTHENTICATED, f"{error.message} {hint}"
    if isinstance(error, PlannerError | ServiceError):
        return next(code for kind, code in _CODES.items() if isinstance(error, kind)), error.message
    error_id = secrets.token_hex(8)
    _LOG.error("A call of KEDA failed unexpectedly.", exc_info=error, extra={"error_id": error_id, "peer": peer})
    return _Code.INTERNAL, f"The service failed in a way it should not. Its log says why, under {error_id}."
