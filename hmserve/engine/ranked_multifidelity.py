"""The multi-fidelity optimizer of one rank: others climb the same rungs."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from hmserve.engine.history import History
from hmserve.engine.multifidelity import MultiFidelityOptimizer, Rules
from hmserve.engine.rank import Rank, first_id
from hmserve.fidelity.shared import Shared
from hmserve.space.space import Configuration
from hmserve.trial import Evaluation

if TYPE_CHECKING:
    from hmserve.engine.fidelity_samplers import Sampler


class RankedMultiFidelity(MultiFidelityOptimizer):
    """Promotes what it has begun itself, by the results of all (see `Optimizer`).

    Args:
        history: Empty.
        design: This rank's part of the configurations to begin with.
        sampler: Makes the sampler when it is first needed.
        rules: What is evaluated how far.
        shared: The scheduler of `rules`.
        rank: Which one this is, and the number below which no trial has one.
    """

    def __init__(
        self,
        history: History,
        design: Sequence[Configuration],
        sampler: Callable[[], "Sampler"],
        rules: Rules,
        shared: Shared,
        rank: tuple[Rank, int],
    ) -> None:
        super().__init__(history, design, sampler, rules)
        self._shared = shared
        self._step = rank[0].size
        self._next_id = first_id(*rank)

    @property
    def designed(self) -> int:
        """How many configurations of the design are still to be asked."""
        return len(self._design)

    def extend_design(self, configurations: Sequence[Configuration]) -> None:
        """Ask `configurations` as well before anything is proposed."""
        self._design.extend(configurations)

    def observe(self, evaluations: Iterable[Evaluation]) -> None:
        observed = list(evaluations)
        super().observe(observed)
        top = self._rules.ladder.maximum
        for evaluation in observed:
            fidelity = evaluation.trial.fidelity
            outcome = self._rules.judge(evaluation)
            self._shared.hear(top if fidelity is None else fidelity, outcome)
