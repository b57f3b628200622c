"""What every scheduler does, whatever is promoted when."""

from typing import NamedTuple, Protocol

from hmserve.fidelity.ranking import Outcome
from hmserve.fidelity.rungs import Rung


class Place(NamedTuple):
    """Where a trial may go next.

    Args:
        rung: At which fidelity, in which bracket.
        root: The trial with which the configuration began that is promoted here; None: a new
            configuration is wanted.
        previous: The fidelity up to which it has been evaluated; 0 if it is new.
        room: How many new configurations are wanted here; 1 for a promotion.
    """

    rung: Rung
    root: int | None = None
    previous: float = 0.0
    room: int = 1


class Scheduler(Protocol):
    """Which configuration is evaluated at which fidelity, and in what order.

    A trial is out from `enter` until it is settled or released. Nothing here depends on how
    many are out at once, nor on the order in which they are settled between two promotions.
    """

    @property
    def most(self) -> int | None:
        """How many trials there will be at most; None if there is no end."""

    def next(self) -> Place | None:
        """Return where the next trial goes; None while results are awaited, or at the end.

        If nothing is out and it is None, it stays so, unless a trial is released.
        """

    def enter(self, trial: int, place: Place) -> None:
        """Take `trial` as out at `place`, not necessarily what `next` would say.

        Raises:
            ValueError: The place cannot be had. Nothing has changed.
        """

    def settle(self, trial: int, outcome: Outcome | None) -> None:
        """Take what came of a trial, None if its configuration is not to be promoted.

        A trial may be settled again, when the answer comes after all; it counts if that is
        not too late.
        """

    def release(self, trial: int) -> None:
        """Take a trial as never handed out; what was promoted is promoted again."""

    def starve(self) -> None:
        """Go on without new configurations: there are none left."""

    def feed(self) -> None:
        """Want new configurations again."""
