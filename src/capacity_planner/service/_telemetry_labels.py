"""What labels may say: closed sets, and sets that stop growing, so that no caller can fill a Prometheus server."""

from __future__ import annotations

from capacity_planner.domain.scaling import Decision, Reason
from capacity_planner.errors import (
    ConflictError,
    ErrorCode,
    NotFoundError,
    PlannerError,
    TooLargeError,
    UnavailableError,
    WorldError,
)
from capacity_planner.registry import forecast_models, scalers
from capacity_planner.service.access import AccessError

OTHER = "other"
NONE = "none"

_SERVICE_CODES: dict[type[BaseException], str] = {
    NotFoundError: "NOT_FOUND",
    ConflictError: "CONFLICT",
    TooLargeError: "TOO_LARGE",
    UnavailableError: "UNAVAILABLE",
    WorldError: "WORLD_FAILED",
    AccessError: "ACCESS_DENIED",
}
INTERNAL = "INTERNAL"
CODES = (*(str(code) for code in ErrorCode), *_SERVICE_CODES.values(), INTERNAL)

DECISIONS = tuple(str(decision) for decision in Decision)
REASONS = tuple(str(reason) or NONE for reason in Reason)
DIRECTIONS = ("up", "down", NONE)
OUTCOMES = ("done", "retry", "failed")
ANSWERS = ("made", "cached", "refused")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SOURCES = ("loop", "request")
# A label that is empty is none at all to Prometheus, and ``other`` is taken.
_RENAMED = {"": "(unnamed)", OTHER: "(other)"}
_LONGEST = 200
_MOST_ROUTES = 64
_MOST_MODELS = 100


def code_of(error: str | BaseException) -> str:
    """The label of an error, or of a code in words.

    >>> code_of(NotFoundError("There is no such plan.")), code_of("CONFIG_INVALID"), code_of(KeyError("x"))
    ('NOT_FOUND', 'CONFIG_INVALID', 'INTERNAL')
    """
    if isinstance(error, str):
        return error if error in CODES else OTHER
    if isinstance(error, PlannerError):
        return str(error.code)
    return next((code for kind, code in _SERVICE_CODES.items() if isinstance(error, kind)), INTERNAL)


class Names:
    """Names that a label may take: as many as there is room for, and ``other`` for those that come later.

    Args:
        most: how many.

    >>> names = Names(1)
    >>> names.label("emails"), names.label("reports"), names.label("emails")
    ('emails', 'other', 'emails')
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[str, bool] = {}

    def label(self, name: str) -> str:
        """The name where there is room for it; a name that is empty, or too long, has one that a label can show."""
        shown = _shown(name)
        if shown != OTHER and shown not in self._known:
            if len(self._known) >= self._most:
                return OTHER
            self._known[shown] = False
        return shown

    def keep(self, name: str) -> tuple[str, str]:
        """The label of a name that goes before those that nobody keeps, and the one that had to make room, if any."""
        shown, gone = _shown(name), ""
        if shown not in self._known and len(self._known) >= self._most:
            gone = next((other for other, kept in self._known.items() if not kept), "")
            self._known.pop(gone, None)
        label = self.label(name)
        if label in self._known:
            self._known[label] = True
        return label, gone

    def kept(self, label: str) -> bool:
        """Whether somebody keeps it."""
        return self._known.get(label, False)

    def drop(self, name: str) -> str:
        """Make room; the label that it had, or ``other``."""
        shown = _shown(name)
        return OTHER if self._known.pop(shown, None) is None else shown


class Models:
    """Forecast models that there are; one of a family, such as ``statsforecast:AutoETS``, by its whole name."""

    def __init__(self) -> None:
        self._members = frozenset(name.partition(":")[0] for name in forecast_models.names())
        self._names = Names(_MOST_MODELS)

    def label(self, model: str) -> str:
        """The model's name, or ``other``."""
        return self._names.label(model) if model.partition(":")[0] in self._members else OTHER


def routes() -> Names:
    """Room for the routes of one service."""
    return Names(_MOST_ROUTES)


def known_scalers() -> frozenset[str]:
    """Scalers that there are, and ``none`` for what a person did, and told."""
    return frozenset({NONE, *scalers.names()})


def _shown(name: str) -> str:
    if len(name) > _LONGEST:
        return OTHER
    return _RENAMED.get(name) or name.encode("utf-8", "replace").decode()
