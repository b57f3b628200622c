"""What the records of a run add up to."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from hmserve.errors import JournalError
from hmserve.journal.records import (
    Abandon,
    Ask,
    Drop,
    End,
    Expire,
    Observe,
    Record,
    Report,
    Resume,
    Start,
    Tell,
)
from hmserve.trial import Evaluation, Trial


@dataclass(frozen=True, slots=True)
class Row:
    """One result as it came in.

    Args:
        evaluation: What came.
        time: Unix seconds.
        elapsed: Seconds the run had been running.
        asked: Whether the run had asked for it.
    """

    evaluation: Evaluation
    time: float
    elapsed: float
    asked: bool


class Ledger:
    """The state of a run: `apply` is the one place where a record changes it.

    Args:
        start: The first record.
    """

    def __init__(self, start: Start) -> None:
        self.start = start
        self.rows: list[Row] = []
        self.elapsed = 0.0
        self.asked = 0
        self.dropped = 0
        self.abandoned = 0
        self.end: End | None = None
        self._pending: dict[int, Trial] = {}
        self._expired: set[int] = set()
        self._rows_at_ask = 0

    @classmethod
    def of(cls, records: Sequence[Record]) -> "Ledger":
        """Return what `records`, the `Start` first, add up to.

        Raises:
            JournalError: They cannot have come from one run.
        """
        if not records or not isinstance(records[0], Start):
            raise JournalError("the journal does not begin with the start of a run")
        ledger = cls(records[0])
        for number, record in enumerate(records[1:], 2):
            with _located(number, ledger.start):
                ledger.apply(record)
        return ledger

    @property
    def pending(self) -> list[Trial]:
        """The trials whose answer is awaited, in the order of the asks."""
        return [t for number, t in self._pending.items() if number not in self._expired]

    @property
    def strangers(self) -> list[Evaluation]:
        """The results nobody asked for that came after the last ask."""
        return [row.evaluation for row in self.rows[self._rows_at_ask :] if not row.asked]

    def trial(self, number: int) -> Trial:
        """Return the pending trial with the id `number`; it may have expired.

        Raises:
            ValueError: It is not pending.
        """
        if number not in self._pending:
            raise ValueError(f"trial {number} is not pending")
        return self._pending[number]

    def apply(self, record: Record) -> None:
        """Take `record` into account.

        Raises:
            ValueError: It cannot be the next one of this run; nothing has changed.
        """
        match record:
            case Start():
                raise ValueError("a second start")
            case Ask():
                self._ask(record)
            case Report():
                self.trial(record.id)
            case Tell():
                self._settle([evaluation.trial.id for evaluation in record.evaluations])
                self._enter(record, asked=True)
            case Observe():
                self._enter(record, asked=False)
            case Drop():
                self._settle(record.ids)
                self.dropped += len(record.ids)
            case Abandon():
                self._settle(record.ids)
                self.abandoned += len(record.ids)
            case Expire():
                self._expire(record.ids)
            case Resume() | End():
                pass
        self.end = record if isinstance(record, End) else None
        self.elapsed = record.elapsed

    def _ask(self, record: Ask) -> None:
        asked = {trial.id: trial for trial in record.trials}
        repeated = asked.keys() & self._pending.keys()
        if repeated or len(asked) < len(record.trials):
            raise ValueError(f"it asks for trials that are pending: {sorted(repeated)}")
        self._pending.update(asked)
        self.asked += len(asked)
        self._rows_at_ask = len(self.rows)

    def _settle(self, ids: Sequence[int]) -> None:
        if len(set(ids)) < len(ids):
            raise ValueError(f"it names a trial twice: {list(ids)}")
        for number in ids:
            self.trial(number)
        for number in ids:
            del self._pending[number]
        self._expired.difference_update(ids)

    def _expire(self, ids: Sequence[int]) -> None:
        for number in ids:
            self.trial(number)
            if number in self._expired:
                raise ValueError(f"trial {number} has expired before")
        self._expired.update(ids)

    def _enter(self, record: Tell | Observe, asked: bool) -> None:
        self.rows.extend(
            Row(evaluation, record.time, record.elapsed, asked)
            for evaluation in record.evaluations
        )


class Replayable(Protocol):
    """The verbs of an optimizer that a journal repeats."""

    def replay(self, trials: Sequence[Trial], state: Mapping[str, Any]) -> None:
        """Take `trials` as asked, without computing them."""

    def tell(self, evaluations: Iterable[Evaluation]) -> None:
        """Take the results of pending trials."""

    def observe(self, evaluations: Iterable[Evaluation]) -> None:
        """Take results nobody asked for."""

    def drop(self, trials: Iterable[Trial]) -> None:
        """Forget pending trials that were never evaluated."""

    def abandon(self, trials: Iterable[Trial]) -> None:
        """Forget pending trials that will not be answered."""

    def expire(self, trials: Iterable[Trial]) -> None:
        """Wait no more for pending trials."""


def replay(records: Sequence[Record], optimizer: Replayable) -> Ledger:
    """Bring a new `optimizer` to where the run of `records` was; nothing is computed again.

    Returns:
        What the records add up to.

    Raises:
        JournalError: They cannot have come from one run, or not from this optimizer.
    """
    ledger = Ledger.of(records[:1])
    for number, record in enumerate(records[1:], 2):
        with _located(number, ledger.start):
            _repeat(record, optimizer, ledger)
            ledger.apply(record)
    return ledger


@contextmanager
def _located(number: int, start: Start) -> Iterator[None]:
    try:
        yield
    except (ValueError, LookupError) as error:
        raise JournalError(
            f"line {number} of the journal cannot follow what is before it: {error}. "
            f"It was written by {start.program}; that version may read it"
        ) from error


def _repeat(record: Record, optimizer: Replayable, ledger: Ledger) -> None:
    match record:
        case Ask():
            optimizer.replay(record.trials, record.state)
        case Tell():
            optimizer.tell(record.evaluations)
        case Observe():
            optimizer.observe(record.evaluations)
        case Drop():
            optimizer.drop([ledger.trial(number) for number in record.ids])
        case Abandon():
            optimizer.abandon([ledger.trial(number) for number in record.ids])
        case Expire():
            optimizer.expire([ledger.trial(number) for number in record.ids])
        case Start() | Resume() | Report() | End():
            pass


def begun_with(records: Sequence[Record]) -> int:
    """Return how many evaluations a run began with; what came later is none of them.

    Args:
        records: Of the run, the `Start` first.
    """
    first, *others = records
    assert isinstance(first, Start)
    if not (first.scenario.get("resume_optimization") or first.scenario.get("warm_start")):
        return 0
    after = next((record for record in others if not isinstance(record, Resume)), None)
    return len(after.evaluations) if isinstance(after, Observe) else 0
