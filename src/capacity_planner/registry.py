"""Names to classes: one decorator per kind, and a file is found because it lies in the room.

A room is scanned only by name: asking for the queueing model ``mgc`` imports ``queueing/mgc.py`` alone. A file whose
name begins with an underscore, or that registers nothing, is a helper. An installed package adds members by the
entry-point groups ``capacity_planner.queue_models``, ``capacity_planner.forecast_models``,
``capacity_planner.policies``, ``capacity_planner.sources`` and ``capacity_planner.scalers``.

A member may stand for a family: ``statsforecast:AutoETS`` is the member ``statsforecast``, whose class is given
``AutoETS``. Its class says in ``variants`` what stands for these in a list of names, such as ``MODEL``, and refuses
one that it does not know with ``MODEL_NOT_SUPPORTED``.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import pkgutil
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from capacity_planner.errors import ErrorCode, PlannerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from importlib.metadata import EntryPoint

    from capacity_planner.contracts import ForecastModel, MetricSource, Policy, QueueModel, Scaler

T = TypeVar("T")
_C = TypeVar("_C", bound=type[Any])


class Registry(Generic[T]):
    """The members of one kind.

    Args:
        kind: what a member is called in messages, such as ``queueing model``.
        field: the configuration key that names a member.
        package: the room whose files hold our own members.
        group: the entry-point group through which installed packages add theirs.
    """

    def __init__(self, kind: str, *, field: str, package: str, group: str) -> None:
        self._kind, self._field, self._package, self._group = kind, field, package, group
        self._classes: dict[str, Callable[..., T]] = {}

    def register(self, name: str) -> Callable[[_C], _C]:
        """Decorate a class as the member ``name``."""

        def keep(cls: _C) -> _C:
            cls.name = name
            self._classes[name] = cls
            return cls

        return keep

    def get(self, name: str) -> T:
        """A new member.

        Args:
            name: its name, for a family with the variant after a colon.

        Raises:
            PlannerError: ``MODEL_NOT_SUPPORTED`` with the names there are.
        """
        member, colon, variant = str(name).partition(":")
        made = self._class(member, name)
        if _variants(made):
            return made(variant)
        if colon:
            raise self._unvaried(name, member)
        return made()

    def make(self, name: str, options: Mapping[str, Any]) -> T:
        """A new member with options, which are its constructor's parameters.

        Raises:
            PlannerError: ``MODEL_NOT_SUPPORTED`` with the names there are; ``CONFIG_INVALID`` for an option that it
                does not take, or misses.
        """
        made = self._class(name, name)
        known = inspect.signature(made).parameters
        for option in options:
            if option not in known:
                near = difflib.get_close_matches(option, list(known), n=1)
                hint = f"Did you mean {near[0]}?" if near else f"It takes: {', '.join(known) or 'none'}."
                raise self._option(name, option, f"is no option of the {self._kind} {name}. {hint}")
        for option, parameter in known.items():
            if parameter.default is parameter.empty and option not in options:
                raise self._option(name, option, f"is missing; the {self._kind} {name} needs it.")
        try:
            return made(**options)
        except (TypeError, ValueError, AttributeError) as error:
            where = f"{self._field}.options"
            sentence = f"{where} ({', '.join(options)}) do not make the {self._kind} {name}: {error}."
            raise PlannerError(ErrorCode.CONFIG_INVALID, sentence, details={"field": where, "member": name}) from error

    def names(self) -> list[str]:
        """Every member's name, ours and installed ones, sorted; a family as ``statsforecast:MODEL``."""
        for name in self._files():
            self._find(name)
        ours = {f"{name}:{family}" if (family := _variants(made)) else name for name, made in self._classes.items()}
        installed = {entry.name for entry in _entries(self._group)}
        return sorted(ours | (installed - set(self._classes)))

    def _class(self, member: str, name: str) -> Callable[..., T]:
        if member not in self._classes:
            self._find(member)
        if member not in self._classes:
            raise self._unknown(name)
        return self._classes[member]

    def _find(self, name: str) -> None:
        if name in self._files():
            importlib.import_module(f"{self._package}.{name}")
        if name not in self._classes:
            for entry in _entries(self._group):
                if entry.name == name:
                    self._classes.setdefault(name, entry.load())

    def _files(self) -> frozenset[str]:
        return _files(self._package)

    def _unknown(self, name: str) -> PlannerError:
        names = self.names()
        near = difflib.get_close_matches(str(name), names, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        return PlannerError(
            ErrorCode.MODEL_NOT_SUPPORTED,
            f"{self._field} is {name!r}, which is no {self._kind}. {hint}Use one of: {', '.join(names)}.",
            details={"field": self._field, "value": name, "supported": names},
        )

    def _option(self, name: str, option: str, sentence: str) -> PlannerError:
        where = f"{self._field}.options.{option}"
        return PlannerError(ErrorCode.CONFIG_INVALID, f"{where} {sentence}", details={"field": where, "member": name})

    def _unvaried(self, name: str, member: str) -> PlannerError:
        return PlannerError(
            ErrorCode.MODEL_NOT_SUPPORTED,
            f"{self._field} is {name!r}, but {member} has no variants. Use {member!r}.",
            details={"field": self._field, "value": name, "supported": [member]},
        )


def _entries(group: str) -> Iterable[EntryPoint]:
    """What installed packages add; the library that knows is slow to load, and a member of ours does without."""
    from importlib.metadata import entry_points  # noqa: PLC0415

    return entry_points(group=group)


def _variants(made: Callable[..., Any]) -> str:
    """What stands for the variants of a family in a list of names; empty for a member without."""
    return getattr(made, "variants", "")


@cache
def _files(package: str) -> frozenset[str]:
    path = importlib.import_module(package).__path__
    return frozenset(info.name for info in pkgutil.iter_modules(path) if not info.name.startswith("_"))


queue_models: Registry[QueueModel] = Registry(
    "queueing model",
    field="queueing_model",
    package="capacity_planner.queueing",
    group="capacity_planner.queue_models",
)
forecast_models: Registry[ForecastModel] = Registry(
    "forecast model",
    field="forecast_model",
    package="capacity_planner.forecasting",
    group="capacity_planner.forecast_models",
)
policies: Registry[Policy] = Registry(
    "scaling policy",
    field="policy",
    package="capacity_planner.policies",
    group="capacity_planner.policies",
)
sources: Registry[MetricSource] = Registry(
    "source",
    field="source",
    package="capacity_planner.sources",
    group="capacity_planner.sources",
)
scalers: Registry[Scaler] = Registry(
    "scaler",
    field="scaler",
    package="capacity_planner.scaling",
    group="capacity_planner.scalers",
)
