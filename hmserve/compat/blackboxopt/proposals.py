"""What an optimizer of hmserve asks and is told, in blackboxopt's words; nothing is written."""

import functools
import logging
import math
import os
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from blackboxopt.base import (
    ConstraintsError,
    EvaluationsError,
    Objective,
    OptimizationComplete,
    OptimizerNotReady,
    validate_objectives,
)
from blackboxopt.evaluation import Evaluation as Reported
from blackboxopt.evaluation import EvaluationSpecification
from parameterspace import ParameterSpace

from hmserve.compat.blackboxopt.spaces import Translation
from hmserve.engine.build import build
from hmserve.engine.optimizer import Optimizer
from hmserve.errors import UnknownTrialError, UsageError
from hmserve.fidelity.rungs import same
from hmserve.scenario import Scenario
from hmserve.schema import load_schema
from hmserve.trial import OUTSIDE, Evaluation, Trial, within

_OURS: Final = "optimizer"
_TRIAL: Final = "trial"

_SECTIONS: Final = ("Engine", "Several objectives", "Without a model")
_BESIDES: Final = ("design_of_experiment",)
"""Whatever says how hmserve searches: the other keys say what, and for how long."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a user wants besides the search space and the objectives.

    Args:
        constraints: The names of the constraints that are learnt; others are passed over.
        keys: Of a scenario: how the engine works.
        fixed: Of a scenario: what follows from the other arguments.
        seed: Decides every proposal; None: drawn.
        logger: Is told of every proposal; None: blackboxopt's own.
    """

    constraints: Sequence[str] = ()
    keys: Mapping[str, Any] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    logger: logging.Logger | None = None


class Proposals:
    """Trials that go out as specifications and come back as evaluations.

    Args:
        space: Where configurations are from.
        objectives: What is optimized.
        wishes: All else.

    Raises:
        ValueError: Nothing in the search space varies.
        UsageError: A key of a scenario is not for here.
        ScenarioError: The arguments cannot be used; every error is listed.
    """

    def __init__(
        self, space: ParameterSpace, objectives: Sequence[Objective], wishes: Wishes
    ) -> None:
        _refuse_others(wishes.keys)
        self._translation = Translation(space)
        self._objectives = {f"y{i}": each for i, each in enumerate(objectives)}
        self._constraints = {f"c{i}": name for i, name in enumerate(wishes.constraints)}
        self._scenario = Scenario.parse(
            {
                **wishes.keys,
                **wishes.fixed,
                "input_parameters": self._translation.parameters,
                "optimization_objectives": list(self._objectives),
                "output_constraints": {column: [0, None] for column in self._constraints},
            }
        )
        drawn = int.from_bytes(os.urandom(4), "big")
        self._seed = drawn if wishes.seed is None else int(wishes.seed)
        self._log = wishes.logger or logging.getLogger("blackboxopt")
        # What another optimizer has proposed is no answer to a trial of this one.
        self._name = uuid.uuid4().hex
        self._out: dict[int, Trial] = {}
        self._before: list[Evaluation] = []

    def next(self) -> EvaluationSpecification:
        """Return what is to be evaluated next.

        Raises:
            OptimizerNotReady: First one of those that are out has to be reported.
            OptimizationComplete: Nothing more will be proposed.
        """
        for trial in self._optimizer.ask(1):
            self._out[trial.id] = trial
            found = EvaluationSpecification(
                configuration=self._translation.outward(trial.configuration),
                settings=self._settings(trial),
                optimizer_info=self._info(trial),
            )
            self._log.debug("hmserve proposes %s", found)
            return found
        if self._optimizer.finished:
            raise OptimizationComplete
        raise OptimizerNotReady(f"{len(self._out)} evaluations have to be reported first")

    def take(self, evaluations: Iterable[Reported]) -> None:
        """Take what came of specifications, or what nobody asked for, in any order.

        Raises:
            EvaluationsError: Some cannot be used: it lists them. All others were taken.
        """
        told: dict[int, Evaluation] = {}
        observed: list[Evaluation] = []
        faulty: list[tuple[Reported, Exception]] = []
        for reported in evaluations:
            found = self._understood(reported)
            if isinstance(found, Exception):
                faulty.append((reported, found))
            elif found.trial.id == OUTSIDE:
                observed.append(found)
            elif found.trial.id in told:
                faulty.append((reported, _unknown(found.trial.id)))
            else:
                told[found.trial.id] = found
        self._tell([told[number] for number in sorted(told)])
        self._observe(sorted(observed, key=_place))
        if faulty:
            raise EvaluationsError(faulty)

    @functools.cached_property
    def _optimizer(self) -> Optimizer:
        """Is made when it is first asked: what is known by then makes its design shorter."""
        optimizer = build(self._scenario, self._seed, len(self._before))
        optimizer.observe(self._before)
        return optimizer

    def _tell(self, evaluations: Sequence[Evaluation]) -> None:
        if evaluations:
            self._optimizer.tell(evaluations)
        for evaluation in evaluations:
            del self._out[evaluation.trial.id]

    def _observe(self, evaluations: Sequence[Evaluation]) -> None:
        if "_optimizer" in self.__dict__:
            self._optimizer.observe(evaluations)
        else:
            self._before += evaluations

    def _settings(self, trial: Trial) -> dict[str, Any]:
        return {} if trial.fidelity is None else {"fidelity": trial.fidelity}

    def _info(self, trial: Trial) -> dict[str, Any]:
        """Return what has to come back unchanged; for a race, besides, where a trial stands."""
        ours = {_OURS: self._name, _TRIAL: trial.id}
        if trial.stage is None:
            return ours
        bracket, rung, root, previous = trial.stage
        return {
            **ours,
            # What goes on keeps these two; blackboxopt's visualizer wants the second.
            "id": root,
            "configuration_key": (bracket, root),
            "rung": rung,
            "previous_fidelity": previous,
        }

    def _understood(self, reported: Reported) -> Evaluation | Exception:
        """Return what `reported` says, or what is wrong with it."""
        try:
            return self._read(reported)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are taken
            return error

    def _read(self, reported: Reported) -> Evaluation:
        """Return what `reported` says; raises whatever is wrong with it."""
        validate_objectives(reported, list(self._objectives.values()))
        trial = self._trial(reported)
        values = {n: _finite(reported.objectives[o.name]) for n, o in self._objectives.items()}
        if None in values.values():
            return Evaluation(trial, feasible=False)
        constraints = self._measured(reported)
        if None in constraints.values():
            return Evaluation(trial, feasible=False)
        signs = {n: -1.0 if o.greater_is_better else 1.0 for n, o in self._objectives.items()}
        minimised = {n: signs[n] * value for n, value in values.items() if value is not None}
        known = {n: value for n, value in constraints.items() if value is not None}
        feasible = within(known, self._scenario.output_constraints)
        return Evaluation(trial, minimised, feasible, known)

    def _trial(self, reported: Reported) -> Trial:
        """Return what was evaluated, and how far."""
        info = reported.optimizer_info or {}
        if info.get(_OURS) == self._name:
            number = info.get(_TRIAL)
            if number not in self._out:
                raise _unknown(number)
            trial = self._out[number]
        else:
            trial = Trial(OUTSIDE, self._translation.inward(reported.configuration))
        return self._reached(trial, reported)

    def _reached(self, trial: Trial, reported: Reported) -> Trial:
        options = self._scenario.fidelity
        found = (reported.settings or {}).get("fidelity")
        if options is None or found is None:
            return trial
        if not options.allows(float(found)):
            raise ValueError(
                f"expected a fidelity above 0, at most {options.max:g}, got {found!r:.200}"
            )
        if trial.fidelity is not None and same(float(found), trial.fidelity):
            return trial
        return replace(trial, fidelity=float(found))

    def _measured(self, reported: Reported) -> dict[str, float | None]:
        given = reported.constraints or {}
        missing = [name for name in self._constraints.values() if name not in given]
        if missing:
            raise ConstraintsError(f"Missing: {missing}")
        return {column: _finite(given[name]) for column, name in self._constraints.items()}


def _finite(value: float | None) -> float | None:
    """Return a measured value; None for none, as a failed evaluation has."""
    return None if value is None or not math.isfinite(value) else float(value)


def _place(evaluation: Evaluation) -> str:
    """Return what orders observations, so that the order in which they come does not."""
    trial = evaluation.trial
    found = (trial.configuration, trial.fidelity, evaluation.objectives, evaluation.constraints)
    return repr([sorted(part.items()) if isinstance(part, Mapping) else part for part in found])


def _unknown(number: object) -> UnknownTrialError:
    return UnknownTrialError(f"trial {number!r:.200} is not pending: it was reported before")


def _refuse_others(keys: Mapping[str, Any]) -> None:
    """Raise if one of `keys` says more than how the engine works."""
    known = load_schema("scenario")["properties"]
    allowed = {k for k, v in known.items() if v["x-section"] in _SECTIONS} | {*_BESIDES}
    others = [key for key in keys if key in known and key not in allowed]
    if others:
        raise UsageError(
            f"scenario: expected keys that say how hmserve searches, got {others[0]!r:.200}; "
            "what to search, and for how long, the other arguments say"
        )
