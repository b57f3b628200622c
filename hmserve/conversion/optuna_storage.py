"""Storages of Optuna: a database of SQLite and a journal, both read and never changed."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.request import pathname2url

from hmserve.conversion.foreign import ForeignSpace
from hmserve.conversion.optuna import Study, parse_distribution, read_study
from hmserve.conversion.sources import Source, fault, show
from hmserve.document import quote
from hmserve.errors import UsageError

_MAXIMISE: Final = frozenset({"MAXIMIZE", 2})
_METRICS: Final = "study:metric_names"
_FINISHED: Final = frozenset({"COMPLETE", "PRUNED", "FAIL", 1, 2, 3})


def read_sqlite(path: Path, study: str | None = None) -> ForeignSpace:
    """Return the space of a study in a database.

    Args:
        path: The file.
        study: Its name; None: the last one.

    Raises:
        UsageError: It is no storage of Optuna, or has no such study.
    """
    # What another process is about to write lies beside the file, and needs its lock.
    busy = any(path.with_name(path.name + end).exists() for end in ("-wal", "-journal"))
    options = "mode=ro" if busy else "mode=ro&immutable=1"
    address = f"file:{pathname2url(str(path.absolute()))}?{options}"
    try:
        connection = sqlite3.connect(address, uri=True)
        try:
            studies = _studies_of(connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise UsageError(f"{path}: expected a storage of Optuna, got: {error}") from None
    return _chosen(studies, study, str(path))


def _studies_of(connection: sqlite3.Connection) -> dict[int, Study]:
    studies = {
        number: Study(str(name))
        for number, name in connection.execute(
            "SELECT study_id, study_name FROM studies ORDER BY study_id"
        )
    }
    for number, direction in connection.execute(
        "SELECT study_id, direction FROM study_directions ORDER BY study_id, objective"
    ):
        studies[number].directions.append(direction in _MAXIMISE)
    for number, value in connection.execute(
        "SELECT study_id, value_json FROM study_system_attributes WHERE key = ?", (_METRICS,)
    ):
        studies[number].metrics = _names(json.loads(value))
    trials: dict[int, dict[str, Any]] = {}
    for trial, number, state in connection.execute(
        "SELECT trial_id, study_id, state FROM trials ORDER BY trial_id"
    ):
        trials[trial] = {}
        if state in _FINISHED:
            studies[number].trials.append(trials[trial])
    for trial, name, text in connection.execute(
        "SELECT trial_id, param_name, distribution_json FROM trial_params ORDER BY param_id"
    ):
        trials[trial][str(name)] = parse_distribution(text, f"trial {trial}, {show(name)}")
    return studies


def read_journal(source: Source, study: str | None = None) -> ForeignSpace:
    """Return the space of a study in a journal.

    Args:
        source: The journal.
        study: Its name; None: the last one.

    Raises:
        UsageError: It is no journal of Optuna, or has no such study.
    """
    journal = _Journal()
    lines = source.text.split("\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        place = source.at(number)
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            if number == len(lines):  # it is being written
                break
            raise fault(place, "a line of JSON", line) from None
        try:
            journal.apply(record, place)
        except (KeyError, IndexError, TypeError, AttributeError):
            raise fault(place, "a record of a journal of Optuna", record) from None
    return _chosen(journal.finish(), study, source.name)


class _Journal:
    """Follows the records of a journal; studies and trials are numbered as they come."""

    def __init__(self) -> None:
        self._studies: dict[int, Study] = {}
        self._count = 0
        self._trials: list[tuple[int, dict[str, Any]]] = []
        self._finished: set[int] = set()
        self._readers: Mapping[int, Callable[[Mapping[str, Any], str], None]] = {
            0: self._create,
            1: self._delete,
            3: self._attribute,
            4: self._begin,
            5: self._draw,
            6: self._end,
        }

    def apply(self, record: Mapping[str, Any], place: str) -> None:
        """Take a record, of which kinds that say nothing of the space are passed over."""
        reader = self._readers.get(record["op_code"])
        if reader is not None:
            reader(record, place)

    def finish(self) -> dict[int, Study]:
        """Return the studies, with the trials that are finished."""
        for number, (study, drawn) in enumerate(self._trials):
            if number in self._finished and study in self._studies:
                self._studies[study].trials.append(drawn)
        return self._studies

    def _create(self, record: Mapping[str, Any], place: str) -> None:
        del place
        directions = [direction in _MAXIMISE for direction in record["directions"]]
        self._studies[self._count] = Study(str(record["study_name"]), directions)
        self._count += 1

    def _delete(self, record: Mapping[str, Any], place: str) -> None:
        del place
        self._studies.pop(record["study_id"], None)

    def _attribute(self, record: Mapping[str, Any], place: str) -> None:
        del place
        if _METRICS in record["system_attr"]:
            self._studies[record["study_id"]].metrics = _names(record["system_attr"][_METRICS])

    def _begin(self, record: Mapping[str, Any], place: str) -> None:
        trial: dict[str, Any] = {
            str(name): parse_distribution(text, place)
            for name, text in (record.get("distributions") or {}).items()
        }
        self._trials.append((record["study_id"], trial))
        if record.get("state") in _FINISHED:
            self._finished.add(len(self._trials) - 1)

    def _draw(self, record: Mapping[str, Any], place: str) -> None:
        drawn = self._trials[record["trial_id"]][1]
        drawn[str(record["param_name"])] = parse_distribution(record["distribution"], place)

    def _end(self, record: Mapping[str, Any], place: str) -> None:
        del place
        if record["state"] in _FINISHED:
            self._finished.add(record["trial_id"])


def _names(value: Any) -> list[str]:
    return [str(name) for name in value] if isinstance(value, list) else []


def _chosen(studies: Mapping[int, Study], name: str | None, source: str) -> ForeignSpace:
    """Return the space of the study `name`, or of the last one."""
    names = [study.name for study in studies.values()]
    if not names:
        raise UsageError(f"{source}: expected a study, got a storage without any")
    if name is not None and name not in names:
        raise UsageError(
            f"{source}: expected one of the studies {quote(names)}, got {quote(name)}"
        )
    study = [*studies.values()][-1 if name is None else names.index(name)]
    if not any(study.trials):
        raise UsageError(
            f"{source}: expected finished trials in the study {quote(study.name)}, got none: "
            "Optuna knows its parameters by its trials"
        )
    others = [other for other in names if other != study.name] if name is None else []
    return read_study(study, others, source)
