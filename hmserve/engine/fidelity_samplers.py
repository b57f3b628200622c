"""Where configurations come from when some evaluations are cheap.

Whatever needs numpy is imported when a sampler is made.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from hmserve.engine.build import Watch
from hmserve.engine.history import History
from hmserve.fidelity.rungs import Ladder, Rung
from hmserve.scenario import Scenario
from hmserve.space.space import Configuration


class Sampler(Protocol):
    """A `Proposer` that knows where its configurations begin."""

    @property
    def state(self) -> Mapping[str, Any]:
        """What the last proposal fitted, as plain JSON values."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take `state` as if the last proposal had fitted it."""

    def propose(
        self, history: History, rung: Rung, n: int, first_id: int, *, quick: bool = False
    ) -> Sequence[Configuration]:
        """Return at most `n` configurations that are neither evaluated nor pending.

        Args:
            history: What is known; its evaluations have the fidelity they reached, those
                without one are full.
            rung: Where the new configurations begin.
            n: At least 1.
            first_id: The number of the first trial that is made of them.
            quick: Whether all but the first may be chosen with less care.
        """


def sampler(
    scenario: Scenario, ladder: Ladder, seed: int, designed: int, watch: Watch | None = None
) -> Sampler:
    """Return the sampler that the key ``fidelity`` of `scenario` names.

    Args:
        scenario: What to optimize.
        ladder: The fidelities in use.
        seed: Decides every draw of the run.
        designed: How many trials the design of experiments has.
        watch: Told where the time goes.
    """
    from hmserve.engine.fidelity_build import Parts

    return Parts(scenario, ladder, seed, designed, watch).sampler()
