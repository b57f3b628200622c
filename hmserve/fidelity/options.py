"""What a scenario says about fidelities, and how the fidelity of a trial is shown."""

import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from hmserve.fidelity.rungs import Ladder, reaches
from hmserve.trial import Trial

TRIAL: Final = "trial"
"""The column of the trial with which a configuration began: the name of its checkpoint."""

PREVIOUS: Final = "previous"
"""The column of the fidelity up to which a configuration has been evaluated before."""


class FidelityOptions(NamedTuple):
    """How cheap versions of an evaluation are used: the key ``fidelity``.

    Args:
        name: The column that says how much of an evaluation is wanted, or was made.
        integer: Whether that is a whole number.
        min: The least of it that tells anything.
        max: A full evaluation.
        eta: What each rung has more of than the one below.
        scheduler: ``hyperband``, ``successive_halving``, ``asha`` or ``full``.
        sampler: ``auto``, ``kde``, ``gp``, ``random_forest`` or ``random``.
        num_iterations: Brackets, else configurations; None: hmserve decides.
        rounding: ``paper`` or ``table``: how many configurations a bracket has.
        resumable: Whether an evaluation may go on from where its configuration was left.
        cost_exponent: The cost of an evaluation is its fidelity to the power of this.
        stopping: ``none``, ``asha`` or ``median``: when an evaluation is ended early.
        assume_requested: Whether an answer need not say how far it went.
        top_n_percent: KDE: so many of the results are good ones.
        min_samples_in_model: KDE: what a model needs; None: one more than parameters.
        num_samples: KDE: candidates of which the best is proposed.
        random_fraction: KDE: the share of configurations that are drawn.
        bandwidth_factor: KDE: how much wider candidates are drawn than the model is.
        min_bandwidth: KDE: the narrowest a kernel gets.
    """

    name: str
    integer: bool
    min: float
    max: float
    eta: float
    scheduler: str
    sampler: str
    num_iterations: int | None
    rounding: str
    resumable: bool
    cost_exponent: float
    stopping: str
    assume_requested: bool
    top_n_percent: float
    min_samples_in_model: int | None
    num_samples: int
    random_fraction: float
    bandwidth_factor: float
    min_bandwidth: float

    @classmethod
    def read(cls, block: Mapping[str, Any] | None) -> "FidelityOptions | None":
        """Return what the key says; None if it is absent."""
        if block is None:
            return None
        own = dict(block)
        own["integer"] = own["type"] == "integer"
        for name in ("num_iterations", "min_samples_in_model"):
            own[name] = None if own[name] is None else int(own[name])
        own["num_samples"] = int(own["num_samples"])
        return cls._make(own[name] for name in cls._fields)

    @property
    def columns(self) -> tuple[str, ...]:
        """What stands beside the parameters of a trial: the fidelity, and what it resumes."""
        return (self.name, TRIAL, PREVIOUS) if self.resumable else (self.name,)

    def of(self, trial: Trial) -> float:
        """Return the fidelity of `trial`; one that has none is full."""
        return self.max if trial.fidelity is None else trial.fidelity

    def allows(self, fidelity: float) -> bool:
        """Whether an evaluation may have come as far as `fidelity`."""
        return 0.0 < fidelity < math.inf and reaches(self.max, fidelity)

    def value(self, fidelity: float) -> int | float:
        """Return `fidelity` as a user has it: a whole number where that is the type."""
        whole = self.integer and float(fidelity).is_integer()
        return int(fidelity) if whole else float(fidelity)

    def settings(self, trial: Trial) -> dict[str, Any]:
        """Return what stands in `columns` for `trial`.

        A configuration that nobody asked for has neither a trial nor anything before.
        """
        wanted = {self.name: self.value(self.of(trial))}
        if not self.resumable:
            return wanted
        root, previous = (trial.stage.root, trial.stage.previous) if trial.stage else (None, 0)
        return {**wanted, TRIAL: root, PREVIOUS: self.value(previous)}

    @property
    def ladder(self) -> Ladder:
        """The fidelities in use."""
        return Ladder.of(self.min, self.max, self.eta, self.integer)
