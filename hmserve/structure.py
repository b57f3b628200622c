"""What ties parameters together: conditions, known constraints, priors; and so the space.

What few scenarios have is imported where it is met: the first request is not to wait for it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from hmserve.document import Findings, Path, quote
from hmserve.schema import did_you_mean
from hmserve.space.conditions import Condition, Conditions
from hmserve.space.parameters import Parameter
from hmserve.space.space import Distribution, Known, Space

Document = Mapping[str, Any]


def read_space(
    document: Document, parameters: Sequence[Parameter], findings: Findings
) -> Space | None:
    """Return the space of `parameters`; None, with complaints, if there is none."""
    before = len(findings.problems)
    conditions = _conditions(document, parameters, findings)
    known = _known(document, parameters, conditions, findings)
    priors = _priors(document, parameters, findings)
    if len(findings.problems) > before:
        return None
    space = Space(parameters, conditions=conditions, priors=priors, known=known)
    _warn_of_defaults(space, findings)
    return space


def check_region(space: Space, findings: Findings) -> None:
    """Refuse constraints that no configuration satisfies."""
    if space.known is not None and space.known.region.empty:
        findings.refuse(("constraints",), "no configuration satisfies all constraints")


def _conditions(
    document: Document, parameters: Sequence[Parameter], findings: Findings
) -> dict[str, Condition]:
    found: dict[str, Condition] = {}
    by_name = {parameter.name: parameter for parameter in parameters}
    for name, entry in document["input_parameters"].items():
        if entry["condition"] is None:
            continue
        path: Path = ("input_parameters", name, "condition")
        found[name] = {
            parent: _parent_values(by_name, parent, values, (*path, parent), findings)
            for parent, values in entry["condition"].items()
        }
    try:
        Conditions(found)
    except ValueError as error:
        findings.refuse(("input_parameters",), str(error))
    return found


def _parent_values(
    by_name: Mapping[str, Parameter],
    parent: str,
    values: Sequence[Any],
    path: Path,
    findings: Findings,
) -> list[Any]:
    parameter = by_name.get(parent)
    if parameter is None:
        findings.refuse(path, f"is no parameter{did_you_mean(parent, [*by_name])}")
        return []
    if parameter.size == float("inf"):
        findings.refuse(path, "is real: a condition names single values")
        return []
    for index, value in enumerate(values):
        if not parameter.contains(value):
            findings.refuse((*path, index), f"{quote(value)} is no value of {parent}")
    return list(values)


def _known(
    document: Document,
    parameters: Sequence[Parameter],
    conditions: Mapping[str, Condition],
    findings: Findings,
) -> Known | None:
    names = [parameter.name for parameter in parameters]
    texts: list[tuple[Path, str]] = [
        (("constraints", index), text) for index, text in enumerate(document["constraints"])
    ]
    for name, entry in document["input_parameters"].items():
        path: Path = ("input_parameters", name)
        texts += [((*path, "constraints", i), t) for i, t in enumerate(entry["constraints"])]
        for index, other in enumerate(entry["dependencies"]):
            if other not in names:
                message = f"{quote(other)} is no parameter{did_you_mean(other, names)}"
                findings.refuse((*path, "dependencies", index), message)
    return _compiled(texts, parameters, conditions, findings) if texts else None


def _compiled(
    texts: Sequence[tuple[Path, str]],
    parameters: Sequence[Parameter],
    conditions: Mapping[str, Condition],
    findings: Findings,
) -> Known:
    from hmserve.constraints.expression import Expression, compile_expression
    from hmserve.constraints.known import KnownConstraints
    from hmserve.constraints.symbols import ExpressionError, symbol_of

    symbols = {parameter.name: symbol_of(parameter) for parameter in parameters}

    def read(path: Path, text: str) -> Expression | None:
        try:
            return compile_expression(text, symbols)
        except ExpressionError as error:
            findings.refuse(path, str(error))
            return None

    # BaCO's files repeat a constraint under each parameter it concerns.
    read_all = {text: read(path, text) for path, text in texts}
    found = {text: e for text, e in read_all.items() if e is not None}
    return KnownConstraints(parameters, list(found.values()), conditions)


def _priors(
    document: Document, parameters: Sequence[Parameter], findings: Findings
) -> dict[str, Distribution]:
    entries = document["input_parameters"]
    if all(entry["prior"] == "uniform" for entry in entries.values()):
        return {}
    from hmserve.prior_entries import read_prior

    found = {}
    for parameter in parameters:
        prior = read_prior(parameter, entries[parameter.name], document, findings)
        if prior is not None:
            found[parameter.name] = prior
    return found


def _warn_of_defaults(space: Space, findings: Findings) -> None:
    """Note a default configuration that no request can begin with."""
    defaults = {p.name: p.default for p in space.parameters}
    if space.known is None or None in defaults.values():
        return
    broken = space.known.broken(space.conditions.settle(defaults))
    if broken is not None:
        message = f"the defaults break the constraint {quote(broken)}: another one comes first"
        findings.warn(("input_parameters",), message)
