"""The optimizer of one rank: others work on the same run and tell what they find."""

from collections.abc import Callable, Sequence

from hmserve.engine.history import History
from hmserve.engine.rank import Rank, first_id
from hmserve.engine.staged import Proposer, StagedOptimizer
from hmserve.space.space import Configuration
from hmserve.trial import WHOLE


class RankedOptimizer(StagedOptimizer):
    """Asks its part of the design, then proposals, until it is stopped (see `Optimizer`).

    How many trials all ranks ask together is for the permits to say. The ids of its trials
    are its own: `rank.number` plus multiples of `rank.size`.

    Args:
        history: Empty.
        design: This rank's part of the configurations to begin with.
        proposer: Makes the proposer when it is first needed: it imports numpy and scipy.
        rank: Which one this is.
        first: No trial has a smaller number.
    """

    def __init__(
        self,
        history: History,
        design: Sequence[Configuration],
        proposer: Callable[[], Proposer],
        rank: Rank,
        first: int = 0,
    ) -> None:
        super().__init__(history, design, proposer, WHOLE, 1)
        self._step = rank.size
        self._next_id = first_id(rank, first)

    @property
    def designed(self) -> int:
        """How many configurations of the design are still to be asked."""
        return len(self._design)

    def extend_design(self, configurations: Sequence[Configuration]) -> None:
        """Ask `configurations` as well before anything is proposed."""
        self._design.extend(configurations)
        self._left.update(map(self._history.space.key, configurations))

    def _run_dry(self) -> None:
        """Go on: another part of the space may be given to this rank."""
