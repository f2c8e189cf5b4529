"""What lists in Redis tell about the counters beside them: a key that is not there, and jobs that were not counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(slots=True)
class Seen:
    """What is remembered of one queue.

    Attributes:
        held: jobs that were there at the last look.
        arrived: arrivals that were counted by then; ``None`` before the first look.
        uncounted: jobs by which the queue grew beyond the arrivals that were counted; these came, too.
        owed: those of them that may have been pushed before they were counted: the counter may yet tell of them.
        most: jobs that were there at once since nothing is counted as finished.
    """

    held: float = 0.0
    arrived: float | None = None
    uncounted: float = 0.0
    owed: float = 0.0
    most: float = 0.0

    def look(self, held: float, arrived: float) -> None:
        """Remember another look."""
        if self.arrived is not None and arrived >= self.arrived:
            counted = arrived - self.arrived
            paid = min(self.owed, counted)
            more = max(0.0, held - self.held - (counted - paid))
            self.uncounted += more - paid
            self.owed = more if counted else self.owed + more  # what it does not tell now, it never will
        self.held, self.arrived = held, arrived

    def lacking(self, counts: Mapping[str, float | None], *, hidden: float) -> str:
        """The option whose key must be there by now and is not; empty where each may begin with the next job.

        Args:
            counts: what is counted by each option that is set; ``None`` where its key is not there.
            hidden: jobs that may be at work where nobody sees them.
        """
        absent = {name for name, count in counts.items() if count is None}
        self.most = max(self.most, self.held) if "finished" in absent else 0.0
        gone = max(self.most, counts.get("arrived") or 0.0) - self.held
        ended = bool(counts.get("finished"))
        proofs = {"arrived": self.held > 0 or ended, "finished": gone > hidden, "worked": ended}
        return next((name for name, proof in proofs.items() if proof and name in absent), "")
