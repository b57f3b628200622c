"""Files of other tools: which one a file is of, and who reads it."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from hmserve.conversion.foreign import ForeignSpace
from hmserve.conversion.sources import Source, decode, read_bytes
from hmserve.document import quote
from hmserve.errors import UsageError

FORMS: Final = ("kernel-tuner", "irace", "configspace", "optuna")
"""The tools of which files are read."""

_SQLITE: Final = b"SQLite format 3\0"
_IRACE: Final = re.compile(
    r"""^\s*[._A-Za-z0-9]+\s+("[^"]*"|'[^']*')\s*[cior](,\s*log)?\s*\(""", re.M
)
_PCS: Final = re.compile(
    r"^\s*[^\s#{}\[\]|]+\s*(categorical\b|ordinal\b|integer\b|real\b)?"
    r"\s*(\{[^{}\n]*\}|\[[^\[\],\n]+,[^\[\],\n]+\])\s*\[[^\[\]\n]*\]",
    re.M,
)
_SCRIPT: Final = re.compile(r"\btune_params\b|\btune_kernel\b|\bkernel_tuner\b")


def read(path: Path | str, form: str | None = None, study: str | None = None) -> ForeignSpace:
    """Return what a scenario says of the parameter space in a file of another tool.

    Args:
        path: The file. It is read, never run or changed.
        form: One of `FORMS`; None: as its content shows.
        study: Of Optuna, the name of a study; None: the last one.

    Raises:
        UsageError: The file cannot be read, is of no tool that is known, or is not as that
            tool writes it.
    """
    path = Path(path)
    if form is not None and form not in FORMS:
        raise UsageError(f"expected as form one of {', '.join(FORMS)}, got {quote(form)}")
    data = read_bytes(path)
    if data.startswith(_SQLITE):
        return _read_database(path, form, study)
    source = decode(data, str(path))
    found = _recognised(source)
    if form is None and len(found) == 1:
        form = found[0]
    if form is None:
        raise UsageError(_ambiguous(source.name, found))
    return _READERS[form](source, study)


def _read_database(path: Path, form: str | None, study: str | None) -> ForeignSpace:
    if form not in {None, "optuna"}:
        raise UsageError(f"{path}: expected a file of {form}, got a database of SQLite")
    from hmserve.conversion.optuna_storage import read_sqlite

    return read_sqlite(path, study)


def _ambiguous(name: str, found: tuple[str, ...]) -> str:
    known = ", ".join(FORMS)
    if found:
        return f"{name}: it may be of {' or '.join(found)}; say which (--form), one of {known}"
    return (
        f"{name}: expected a parameter space of {known}, got something else; "
        "if it is one, say which (--form)"
    )


def _recognised(source: Source) -> tuple[str, ...]:
    """Return the tools that `source` may be of."""
    text = source.text.lstrip()
    if text.startswith("{"):
        return _recognised_json(source, text)
    found = (
        ("kernel-tuner", _SCRIPT.search(text)),
        ("irace", _IRACE.search(text)),
        ("configspace", _PCS.search(text)),
    )
    return tuple(form for form, match in found if match)


def _recognised_json(source: Source, text: str) -> tuple[str, ...]:
    if _is_journal(text):
        return ("optuna",)
    if '"tune_params"' in text or '"TuningParameters"' in text:
        return ("kernel-tuner",)
    if _PCS.search(text) and not text.startswith(
        ('{"', "{\n")
    ):  # a forbidden clause comes first
        return ("configspace",)
    tree = source.json()
    if isinstance(tree, dict) and "hyperparameters" in tree:
        return ("configspace",)
    return ("optuna",) if isinstance(tree, dict) and _has_distributions(tree) else ()


def _is_journal(text: str) -> bool:
    return '"op_code"' in text.partition("\n")[0]


def _has_distributions(tree: Mapping[str, Any]) -> bool:
    return bool(tree) and all("Distribution" in str(value) for value in tree.values())


def _read_kernel_tuner(source: Source, study: str | None) -> ForeignSpace:
    del study
    from hmserve.conversion import kernel_tuner

    if not source.text.lstrip().startswith("{"):
        return kernel_tuner.read_kernel_tuner_script(source)
    tree = kernel_tuner.parse_unfinished(source)
    return kernel_tuner.read_kernel_tuner_json(source, tree)


def _read_irace(source: Source, study: str | None) -> ForeignSpace:
    del study
    from hmserve.conversion.irace import read_irace

    return read_irace(source)


def _read_configspace(source: Source, study: str | None) -> ForeignSpace:
    del study
    from hmserve.conversion.configspace import read_configspace
    from hmserve.conversion.pcs import read_pcs

    text = source.text.lstrip()
    if text.startswith("{") and not _PCS.search(text):
        return read_configspace(source.json(), source.name)
    return read_pcs(source)


def _read_optuna(source: Source, study: str | None) -> ForeignSpace:
    from hmserve.conversion.optuna import read_distributions
    from hmserve.conversion.optuna_storage import read_journal
    from hmserve.conversion.sources import fault

    if _is_journal(source.text.lstrip()):
        return read_journal(source, study)
    tree = source.json()
    if not isinstance(tree, dict):
        raise fault(source.name, "an object with a distribution for each name", tree)
    return read_distributions(tree, source.name)


_READERS: Final[Mapping[str, Callable[[Source, str | None], ForeignSpace]]] = {
    "kernel-tuner": _read_kernel_tuner,
    "irace": _read_irace,
    "configspace": _read_configspace,
    "optuna": _read_optuna,
}
