"""What an optimizer under test looks like: ask, tell, and what it is told of the job."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import version
from typing import Any, NamedTuple, Protocol

from comparison.problem import Outcome, Problem


@dataclass(frozen=True)
class Task:
    """What a peer may know before it begins.

    Args:
        problem: What is to be minimised; peers do not evaluate it.
        seed: Decides every draw of the peer.
        pending: How many configurations are out at once.
        budget: How many evaluations there will be.
        options: Entries merged into hmserve's scenario.
        closing: What is entered here is left when the run is over.
    """

    problem: Problem
    seed: int
    pending: int = 1
    budget: int = 100
    options: Mapping[str, Any] = field(default_factory=dict)
    closing: ExitStack = field(default_factory=ExitStack)


class Suggestion(NamedTuple):
    """A configuration to evaluate, and what the peer knows it by."""

    configuration: Mapping[str, Any]
    token: Any = None


class Peer(Protocol):
    """An optimizer. What it prints goes to stderr, what it raises ends the run."""

    def ask(self) -> Suggestion | None:
        """Return what to evaluate next; None if nothing before another `tell`."""

    def tell(self, suggestion: Suggestion, outcome: Outcome) -> None:
        """Take what a suggestion came to."""


@dataclass(frozen=True)
class Entry:
    """Where a peer is found, where it runs and what it can do.

    Args:
        path: ``module:name`` of what makes it of a `Task`, below ``comparison.peers``.
        environment: Its virtual environment; empty for the one that runs the benchmark.
        packages: The distributions whose versions are recorded.
        continuous: Whether it takes real parameters only.
        several: Whether it takes several objectives.
    """

    path: str
    environment: str = ""
    packages: tuple[str, ...] = ()
    continuous: bool = False
    several: bool = False

    def __call__(self, task: Task) -> Peer:
        """Import the peer and begin."""
        module, name = self.path.split(":")
        make: Callable[[Task], Peer] = getattr(
            import_module(f"comparison.peers.{module}"), name
        )
        return make(task)

    @property
    def versions(self) -> dict[str, str]:
        """The versions by distribution, as installed here."""
        return {package: version(package) for package in self.packages}

    def takes(self, problem: Problem) -> bool:
        """Whether the peer can work on `problem` at all."""
        kinds = {entry["parameter_type"] for entry in problem.parameters.values()}
        return (self.several or problem.objectives == 1) and (
            not self.continuous or kinds == {"real"}
        )


def penalised(problem: Problem, outcome: Outcome) -> list[float]:
    """Return the values for a peer that knows neither failures nor constraints."""
    return list(outcome.values if outcome.feasible else problem.penalty)


def measured(problem: Problem, outcome: Outcome) -> list[float]:
    """Return the values for a peer that is told of failures and constraints apart."""
    return list(outcome.values or problem.penalty)


def violations(outcome: Outcome, count: int) -> list[float]:
    """Return what must be <= 0, for a peer that knows such constraints.

    Args:
        outcome: Of an evaluation.
        count: How many constraints the problem measures; where it measures none, the only
            one says whether the evaluation failed.
    """
    if not count:
        return [-1.0 if outcome.values else 1.0]
    return list(outcome.constraints) if outcome.values else [1.0] * count
