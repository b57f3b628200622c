"""Conditions of other tools as `condition`: the values of parents that make one active.

A `condition` is a product: each parent has one of some values. What is no product, or depends
on what has no single values, is replaced by the smallest product around it.
"""

import ast
import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hmserve.constraints.expression import compile_expression
from hmserve.constraints.symbols import ExpressionError, symbol_of
from hmserve.constraints.tree import Condition, Truth
from hmserve.conversion.logic import conjuncts, inward, literals, names_of
from hmserve.conversion.shapes import MOST_LEVELS
from hmserve.conversion.sources import show
from hmserve.conversion.translation import Translator, Untranslatable
from hmserve.space.parameters import Parameter, Value

_TABULATED: Final = 100_000
"""Combinations of parents that are looked at."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A comparison, or a negated one.

    Args:
        names: The parameters in it, by their names here.
        tree: What it means.
        absent: Whether it holds while one of them is inactive.
    """

    names: tuple[str, ...]
    tree: Condition
    absent: bool


class Activity:
    """Tabulates conditions.

    Args:
        translator: Reads comparisons.
        parameters: By their names in the source.
        conditional: Those of them that have a condition, and so may have no value.
    """

    def __init__(
        self,
        translator: Translator,
        parameters: Mapping[str, Parameter],
        conditional: Collection[str],
    ) -> None:
        self._translator = translator
        self._parameters = parameters
        self._conditional = conditional
        self._symbols = {p.name: symbol_of(p) for p in parameters.values()}

    def table(self, tree: ast.expr) -> tuple[dict[str, list[Value]], list[str]]:
        """Return the values of parents, by their names here, and why that is not all."""
        condition: dict[str, list[Value]] = {}
        left: list[str] = []
        for group in _groups(list(conjuncts(inward(tree)))):
            found, why = self._group(group)
            condition.update(found)
            left += why
        return condition, list(dict.fromkeys(left))

    def _group(self, parts: Sequence[ast.expr]) -> tuple[dict[str, list[Value]], list[str]]:
        """Return the same for conditions that all have to hold, over common parents."""
        left: list[str] = []
        known: dict[int, _Read] = {}
        for literal in itertools.chain.from_iterable(map(literals, parts)):
            read = self._read(literal)
            if isinstance(read, str):
                left.append(read)
            else:
                known[id(literal)] = read
        names = [
            n for n in dict.fromkeys(itertools.chain(*map(names_of, parts))) if self._listed(n)
        ]
        levels = [self._levels(name) for name in names]
        if math.prod(map(len, levels)) > _TABULATED:
            return {}, [f"there are too many combinations of {', '.join(names)}"]
        met = [
            values
            for values in itertools.product(*levels)
            if all(self._holds(part, self._row(names, values), known) for part in parts)
        ]
        if not met:
            return {}, ["nothing satisfies it"]
        return self._product(names, levels, met, left)

    def _product(
        self,
        names: Sequence[str],
        levels: Sequence[Sequence[Value]],
        met: Sequence[tuple[Value, ...]],
        left: list[str],
    ) -> tuple[dict[str, list[Value]], list[str]]:
        """Return the smallest product around the combinations that were `met`."""
        size = 1
        condition: dict[str, list[Value]] = {}
        for index, name in enumerate(names):
            wanted = {values[index] for values in met}
            whole = None in wanted or len(wanted) == len(levels[index])
            if not whole:
                condition[self._parameters[name].name] = [
                    v for v in levels[index] if v in wanted
                ]
            size *= len(levels[index]) if whole else len(wanted)
        if size > len(met):
            left.append("a condition lists values of each parent apart")
        return condition, left

    def _row(self, names: Sequence[str], values: Sequence[Value]) -> dict[str, Value]:
        return {self._parameters[n].name: v for n, v in zip(names, values, strict=True)}

    def _listed(self, name: str) -> bool:
        parameter = self._parameters.get(name)
        return parameter is not None and parameter.size <= MOST_LEVELS

    def _levels(self, name: str) -> list[Value]:
        parameter = self._parameters[name]
        found: list[Value] = [parameter.level(i) for i in range(int(parameter.size))]
        return [*found, None] if name in self._conditional else found

    def _read(self, literal: ast.expr) -> _Read | str:
        """Return what a comparison means, or why that cannot be said."""
        try:
            return self._meaning(literal)
        except (Untranslatable, ExpressionError) as error:
            return str(error)

    def _meaning(self, literal: ast.expr) -> _Read:
        for name in names_of(literal):
            if name in self._parameters and not self._listed(name):
                raise Untranslatable(f"{show(name)} is a range, which a condition cannot list")
        tree = self._translator.truth(literal)
        names = tuple(
            self._parameters[n].name for n in names_of(literal) if n in self._parameters
        )
        if isinstance(tree, ast.Constant):
            return _Read(names, Truth(bool(tree.value)), False)
        text = ast.unparse(ast.fix_missing_locations(ast.Expression(tree)))
        found = compile_expression(text, self._symbols)
        return _Read(names, found.tree, _is_absence(literal))

    def _holds(
        self, at: ast.expr, row: Mapping[str, Value], known: Mapping[int, _Read]
    ) -> bool:
        if isinstance(at, ast.BoolOp):
            parts = (self._holds(part, row, known) for part in at.values)
            return all(parts) if isinstance(at.op, ast.And) else any(parts)
        read = known.get(id(at))
        if read is None:  # it cannot be known
            return True
        if any(row[name] is None for name in read.names):
            return read.absent
        return read.tree.holds(row)


def _is_absence(literal: ast.expr) -> bool:
    """Whether `literal` says that a value is not in a list, as also no value is."""
    inner = literal.operand if isinstance(literal, ast.UnaryOp) else None
    return isinstance(inner, ast.Compare) and isinstance(inner.ops[0], ast.In)


def _groups(parts: Sequence[ast.expr]) -> list[list[ast.expr]]:
    """Return `parts` in groups that have no name in common."""
    groups: list[tuple[set[str], list[ast.expr]]] = []
    for part in parts:
        names, joined = set(names_of(part)), [part]
        apart = []
        for others, group in groups:
            if names & others:
                names |= others
                joined = group + joined
            else:
                apart.append((others, group))
        groups = [*apart, (names, joined)]
    return [group for _, group in groups]
