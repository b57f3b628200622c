"""The contract every optimizer keeps."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from hmserve.trial import Evaluation, Trial


class Optimizer(Protocol):
    """Ask-and-tell: no clock, no files, no objective function.

    A trial is pending from the `ask` that returns it until it is told, dropped or abandoned.
    One that is expired meanwhile can still be told, dropped or abandoned, but the optimizer
    reckons no more with its result and does not wait for it.
    What is asked depends on the scenario, the seed and the order of the calls alone, so a
    journal of the calls brings an optimizer back to where it was: `replay` for each ask,
    the verbs themselves for the rest.
    """

    @property
    def finished(self) -> bool:
        """Whether nothing is pending and nothing will be asked."""

    @property
    def pending(self) -> Sequence[Trial]:
        """The trials that were asked and not yet answered, in the order of the asks."""

    @property
    def expired(self) -> Sequence[Trial]:
        """The trials that were given up and may still be answered, in the order of the asks."""

    @property
    def budget(self) -> int:
        """How many trials will be asked in all, at most."""

    @property
    def state(self) -> Mapping[str, Any]:
        """What the last ask fitted, as plain JSON values; `replay` takes it back."""

    def ask(self, n: int, *, quick: bool = False) -> Sequence[Trial]:
        """Return at most `n` new trials.

        Fewer, even none, while results are awaited or a stage ends: the design of
        experiments, a batch where `n` is `WHOLE`. At least one when n >= 1, nothing is
        pending and the run is not finished.

        Args:
            n: At least 0.
            quick: Whether somebody waits for them, so that all but the first may be chosen
                with less care.
        """

    def replay(self, trials: Sequence[Trial], state: Mapping[str, Any]) -> None:
        """Take `trials` as asked, without computing them.

        Raises:
            ValueError: They cannot have been the next ones; nothing has changed.
        """

    def tell(self, evaluations: Iterable[Evaluation]) -> None:
        """Take the results of pending trials.

        Raises:
            UnknownTrialError: An evaluation names a trial that is not pending. The
                optimizer is as it was before the call.
        """

    def observe(self, evaluations: Iterable[Evaluation]) -> None:
        """Take results nobody asked for: a warm start, a stranger in a reply, another rank."""

    def drop(self, trials: Iterable[Trial]) -> None:
        """Forget pending trials that were never evaluated; their budget comes back.

        Those of the design of experiments are the next to be asked.

        Raises:
            UnknownTrialError: A trial is not pending. Nothing has changed.
        """

    def abandon(self, trials: Iterable[Trial]) -> None:
        """Forget pending trials that will not be answered; their budget is spent.

        Their configurations are not asked again.

        Raises:
            UnknownTrialError: A trial is not pending. Nothing has changed.
        """

    def expire(self, trials: Iterable[Trial]) -> None:
        """Give up waiting for pending trials; their budget is spent, a late answer counts.

        Raises:
            UnknownTrialError: A trial is not pending, or has expired. Nothing has changed.
        """

    def attend(self, trials: Sequence[Trial]) -> None:
        """Take note of all that somebody else evaluates now, in place of what was so before.

        It is reckoned with as if it were pending, but not waited for. Where nobody else is at
        work nothing is lost without this; a journal does not hold it.
        """

    def stop(self) -> None:
        """Ask nothing more; pending trials may still be told."""
