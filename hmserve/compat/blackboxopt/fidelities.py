"""hmserve's optimizers for evaluations of several fidelities.

Names, order and defaults of the arguments are blackboxopt's.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from blackboxopt.base import MultiObjectiveOptimizer, Objective, SingleObjectiveOptimizer
from parameterspace import ParameterSpace

from hmserve.compat.blackboxopt.full import Served
from hmserve.compat.blackboxopt.proposals import Proposals, Wishes


class Hyperband(Served, SingleObjectiveOptimizer):
    """Brackets of configurations, of which the best go on to higher fidelities.

    Args:
        search_space: Where configurations are from; not to be changed from now on.
        objective: What is optimized.
        min_fidelity: The least that tells anything.
        max_fidelity: A full evaluation.
        num_iterations: How many brackets there are.
        eta: What each fidelity has more of than the one below; one configuration in so many
            goes on to it.
        seed: Decides every proposal; None: drawn.
        logger: Is told of every proposal; None: blackboxopt's own.
        sampler: Where new configurations come from: ``random``, ``kde`` as in BOHB, ``gp``,
            ``random_forest``, or ``auto``, the one that hmserve has measured best.
        constraints: The names of the reported constraints that have to be 0 or more.
        scenario: Keys of a scenario that say how hmserve searches, such as ``models``.

    Raises:
        ValueError: Nothing in the search space varies.
        UsageError: A key of a scenario is not for here.
        ScenarioError: The arguments cannot be used; every error is listed.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - as in blackboxopt
        self,
        search_space: ParameterSpace,
        objective: Objective,
        min_fidelity: float,
        max_fidelity: float,
        num_iterations: int,
        eta: float = 3.0,
        seed: int | None = None,
        logger: logging.Logger | None = None,
        *,
        sampler: str = "random",
        constraints: Sequence[str] = (),
        scenario: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(search_space=search_space, objective=objective, seed=seed)
        rungs = _rungs(min_fidelity, max_fidelity, num_iterations, eta)
        fidelity = {**rungs, "sampler": sampler}
        wishes = Wishes(constraints, scenario or {}, {"fidelity": fidelity}, seed, logger)
        self._proposals = Proposals(search_space, [objective], wishes)


class BOHB(Served, SingleObjectiveOptimizer):
    """Hyperband whose configurations are chosen by densities of good and bad results.

    Args:
        search_space: Where configurations are from; not to be changed from now on.
        objective: What is optimized.
        min_fidelity: The least that tells anything.
        max_fidelity: A full evaluation.
        num_iterations: How many brackets there are.
        eta: What each fidelity has more of than the one below; one configuration in so many
            goes on to it.
        top_n_percent: The percentage of the results that are good ones.
        min_samples_in_model: How many results at one fidelity a model needs; None: one more
            than there are parameters (blackboxopt: three times as many as parameters).
        num_samples: How many candidates there are for each configuration.
        random_fraction: The share of configurations that are drawn without a model.
        bandwidth_factor: How many times wider than the model candidates are drawn.
        min_bandwidth: The narrowest a kernel may be, in the unit cube.
        seed: Decides every proposal; None: drawn.
        logger: Is told of every proposal; None: blackboxopt's own.
        constraints: The names of the reported constraints that have to be 0 or more.
        scenario: Keys of a scenario that say how hmserve searches, such as ``models``.

    Raises:
        ValueError: Nothing in the search space varies.
        UsageError: A key of a scenario is not for here.
        ScenarioError: The arguments cannot be used; every error is listed.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - as in blackboxopt
        self,
        search_space: ParameterSpace,
        objective: Objective,
        min_fidelity: float,
        max_fidelity: float,
        num_iterations: int,
        eta: float = 3.0,
        top_n_percent: int = 15,
        min_samples_in_model: int | None = None,
        num_samples: int = 64,
        random_fraction: float = 1 / 3,
        bandwidth_factor: float = 3.0,
        min_bandwidth: float = 1e-3,
        seed: int | None = None,
        logger: logging.Logger | None = None,
        *,
        constraints: Sequence[str] = (),
        scenario: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(search_space=search_space, objective=objective, seed=seed)
        fidelity = {
            **_rungs(min_fidelity, max_fidelity, num_iterations, eta),
            "sampler": "kde",
            "top_n_percent": _plain(top_n_percent),
            "min_samples_in_model": _plain(min_samples_in_model),
            "num_samples": _plain(num_samples),
            "random_fraction": _plain(random_fraction),
            "bandwidth_factor": _plain(bandwidth_factor),
            "min_bandwidth": _plain(min_bandwidth),
        }
        wishes = Wishes(constraints, scenario or {}, {"fidelity": fidelity}, seed, logger)
        self._proposals = Proposals(search_space, [objective], wishes)


class ASHA(Served, SingleObjectiveOptimizer):
    """No brackets: what is among the best of those that came as far goes on at once.

    It never waits for results as long as configurations begin: for many workers.

    Args:
        search_space: Where configurations are from; not to be changed from now on.
        objective: What is optimized.
        min_fidelity: The least that tells anything.
        max_fidelity: A full evaluation.
        num_iterations: How many configurations begin.
        eta: What each fidelity has more of than the one below; one configuration in so many
            goes on to it.
        seed: Decides every proposal; None: drawn.
        logger: Is told of every proposal; None: blackboxopt's own.
        sampler: Where new configurations come from, as for `Hyperband`.
        constraints: The names of the reported constraints that have to be 0 or more.
        scenario: Keys of a scenario that say how hmserve searches, such as ``models``.

    Raises:
        ValueError: Nothing in the search space varies.
        UsageError: A key of a scenario is not for here.
        ScenarioError: The arguments cannot be used; every error is listed.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - those of Hyperband
        self,
        search_space: ParameterSpace,
        objective: Objective,
        min_fidelity: float,
        max_fidelity: float,
        num_iterations: int,
        eta: float = 3.0,
        seed: int | None = None,
        logger: logging.Logger | None = None,
        *,
        sampler: str = "auto",
        constraints: Sequence[str] = (),
        scenario: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(search_space=search_space, objective=objective, seed=seed)
        rungs = _rungs(min_fidelity, max_fidelity, num_iterations, eta)
        fidelity = {**rungs, "scheduler": "asha", "sampler": sampler}
        wishes = Wishes(constraints, scenario or {}, {"fidelity": fidelity}, seed, logger)
        self._proposals = Proposals(search_space, [objective], wishes)


class MultiObjectiveHyperband(Served, MultiObjectiveOptimizer):
    """Hyperband for several objectives: who no other dominates goes on first.

    Args:
        search_space: Where configurations are from; not to be changed from now on.
        objectives: What is optimized, of different names.
        min_fidelity: The least that tells anything.
        max_fidelity: A full evaluation.
        num_iterations: How many brackets there are.
        eta: What each fidelity has more of than the one below; one configuration in so many
            goes on to it.
        seed: Decides every proposal; None: drawn.
        logger: Is told of every proposal; None: blackboxopt's own.
        sampler: Where new configurations come from, as for `Hyperband`.
        constraints: The names of the reported constraints that have to be 0 or more.
        scenario: Keys of a scenario that say how hmserve searches, such as ``models``.

    Raises:
        ValueError: Nothing in the search space varies, or two objectives have one name.
        UsageError: A key of a scenario is not for here.
        ScenarioError: The arguments cannot be used; every error is listed.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - those of Hyperband
        self,
        search_space: ParameterSpace,
        objectives: list[Objective],
        min_fidelity: float,
        max_fidelity: float,
        num_iterations: int,
        eta: float = 3.0,
        seed: int | None = None,
        logger: logging.Logger | None = None,
        *,
        sampler: str = "auto",
        constraints: Sequence[str] = (),
        scenario: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(search_space=search_space, objectives=objectives, seed=seed)
        rungs = _rungs(min_fidelity, max_fidelity, num_iterations, eta)
        fidelity = {**rungs, "sampler": sampler}
        wishes = Wishes(constraints, scenario or {}, {"fidelity": fidelity}, seed, logger)
        self._proposals = Proposals(search_space, objectives, wishes)


def _rungs(
    min_fidelity: float, max_fidelity: float, num_iterations: int, eta: float
) -> dict[str, Any]:
    """Return what the key ``fidelity`` of a scenario says about the schedule."""
    return {
        "name": "fidelity",
        "min_fidelity": _plain(min_fidelity),
        "max_fidelity": _plain(max_fidelity),
        "num_iterations": _plain(num_iterations),
        "eta": _plain(eta),
    }


def _plain(value: Any) -> Any:
    """Return Python's own number for one of numpy."""
    return value.tolist() if hasattr(value, "tolist") else value
