"""hmserve's optimizers for evaluations that are all full ones."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from blackboxopt.base import (
    MultiObjectiveOptimizer,
    Objective,
    Optimizer,
    SingleObjectiveOptimizer,
)
from blackboxopt.evaluation import Evaluation, EvaluationSpecification
from parameterspace import ParameterSpace

from hmserve.compat.blackboxopt.proposals import Proposals, Wishes

_ENDLESS: Final = 10**9
"""So many proposals are as good as no end."""


class Served(Optimizer):
    """What blackboxopt calls an optimizer, with hmserve's proposals."""

    _proposals: Proposals

    def generate_evaluation_specification(self) -> EvaluationSpecification:
        """Return what is to be evaluated next. Any number may be out.

        Raises:
            OptimizerNotReady: First one of those that are out has to be reported.
            OptimizationComplete: Nothing more will be proposed.
        """
        return self._proposals.next()

    def report(self, evaluations: Evaluation | Iterable[Evaluation]) -> None:
        """Take one evaluation or several, in any order, proposed here or not.

        An objective that is None is a failure. Constraints that the optimizer was not made
        with are passed over.

        Raises:
            EvaluationsError: Some cannot be used: it lists them. All others were taken.
        """
        if isinstance(evaluations, Evaluation):
            evaluations = [evaluations]
        self._proposals.take(evaluations)


class HmserveOptimizer(Served, SingleObjectiveOptimizer):
    """Finds a good value of one objective with few evaluations, by models of it.

    Args:
        search_space: Where configurations are from; not to be changed from now on.
        objective: What is optimized.
        max_steps: How many evaluations are proposed; None: until the search space is exhausted.
        seed: Decides every proposal; None: drawn.
        constraints: The names of the reported constraints that have to be 0 or more.
        scenario: Keys of a scenario that say how hmserve searches, such as ``models``.

    Raises:
        ValueError: Nothing in the search space varies.
        UsageError: A key of a scenario is not for here.
        ScenarioError: The arguments cannot be used; every error is listed.
    """

    def __init__(
        self,
        search_space: ParameterSpace,
        objective: Objective,
        max_steps: int | None = None,
        seed: int | None = None,
        *,
        constraints: Sequence[str] = (),
        scenario: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(search_space=search_space, objective=objective, seed=seed)
        wishes = Wishes(constraints, scenario or {}, _limit(max_steps), seed)
        self._proposals = Proposals(search_space, [objective], wishes)


class HmserveMultiObjectiveOptimizer(Served, MultiObjectiveOptimizer):
    """Finds the Pareto front of several objectives with few evaluations.

    Args:
        search_space: Where configurations are from; not to be changed from now on.
        objectives: What is optimized, of different names.
        max_steps: How many evaluations are proposed; None: until the search space is exhausted.
        seed: Decides every proposal; None: drawn.
        constraints: The names of the reported constraints that have to be 0 or more.
        scenario: Keys of a scenario that say how hmserve searches, such as ``models``.

    Raises:
        ValueError: Nothing in the search space varies, or two objectives have one name.
        UsageError: A key of a scenario is not for here.
        ScenarioError: The arguments cannot be used; every error is listed.
    """

    def __init__(
        self,
        search_space: ParameterSpace,
        objectives: list[Objective],
        max_steps: int | None = None,
        seed: int | None = None,
        *,
        constraints: Sequence[str] = (),
        scenario: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(search_space=search_space, objectives=objectives, seed=seed)
        wishes = Wishes(constraints, scenario or {}, _limit(max_steps), seed)
        self._proposals = Proposals(search_space, objectives, wishes)


def _limit(max_steps: int | None) -> dict[str, Any]:
    if max_steps is None:
        return {"optimization_iterations": _ENDLESS}
    return {"max_evaluations": max_steps}
