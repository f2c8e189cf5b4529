"""What does not fit in a scenario, told all at once."""

from __future__ import annotations

from dataclasses import dataclass

from capacity_planner.errors import ErrorCode, PlannerError


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not fit.

    Attributes:
        field: where, without the leading ``scenario``.
        value: what it is.
        problem: why that cannot be, and what to do.
    """

    field: str
    value: str
    problem: str

    def told(self) -> dict[str, str]:
        """As ``details["errors"]`` lists it."""
        name = f"scenario.{self.field}"
        return {"field": name, "value": self.value, "message": f"{name} is {self.value}, {self.problem}"}


def refusal(errors: list[dict[str, str]]) -> PlannerError:
    """All problems in one error."""
    first, more = errors[0], f" ({len(errors) - 1} more in details.)" if len(errors) > 1 else ""
    return PlannerError(
        ErrorCode.CONFIG_INVALID,
        f"{first['message']}{more}",
        details={"field": first["field"], "value": first["value"], "errors": errors},
    )
