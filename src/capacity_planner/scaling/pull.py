"""The scaler that is asked: whoever reads a queue's workers from the service brings them about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capacity_planner.registry import scalers

if TYPE_CHECKING:
    from capacity_planner.domain.scaling import Order


@scalers.register("pull")
class Pull:
    """An order is done when it is published: KEDA, an HPA or a script asks for the workers, and follows.

    What becomes of it is seen where the queue is measured, as nobody reports back.
    """

    name: str

    def current(self, queue_name: str) -> None:
        """Always ``None``: the workers that run are those that are measured."""
        del queue_name

    def scale(self, order: Order) -> None:
        """Nothing is to be done: the record of the order is what is published."""
        del order
