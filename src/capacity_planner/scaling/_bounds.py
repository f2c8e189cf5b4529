"""The last guard of a scaler: whatever it is asked for, it asks the world for no fewer and no more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from capacity_planner.errors import WorldError
from capacity_planner.scaling._options import count, refuse

if TYPE_CHECKING:
    from capacity_planner.domain.scaling import Order

MOST = 10_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """Fewest and most workers that a scaler ever asks for; the queue's own limits should lie within.

    Args:
        least: fewest.
        most: most.
    """

    least: int
    most: int

    @classmethod
    def of(cls, least: object, most: object) -> Bounds:
        """The bounds that two options say.

        Raises:
            PlannerError: ``CONFIG_INVALID``.
        """
        bounds = cls(count("least", least), count("most", most))
        if bounds.least > bounds.most:
            raise refuse("least", least, f"is above most, {bounds.most}.")
        return bounds

    def kept(self, workers: int) -> int:
        """The workers to ask for.

        >>> Bounds(1, 8).kept(20)
        8
        """
        return min(max(workers, self.least), self.most)

    def told(self, order: Order, workers: int | None) -> int | None:
        """What to answer to an order that was carried out within the bounds.

        Args:
            order: the order.
            workers: that run; ``None`` where that cannot be known.

        Raises:
            WorldError: for good, as the order lies beyond them.
        """
        kept = self.kept(order.to_workers)
        if kept == order.to_workers:
            return workers
        name, limit = ("most", "max_workers") if kept == self.most else ("least", "min_workers")
        raise WorldError(
            f"{order.to_workers} workers were ordered, but the scaler's option {name} is {kept}, so {kept} were asked "
            f"for. Change it, or the queue's {limit}.",
            temporary=False,
            reached=workers,
        )
