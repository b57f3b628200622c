"""What a script that calls Kernel Tuner says of its space, without running it.

Read are assignments of literals, range(), comprehensions and arithmetic of them, in the order
of the script: at its top and in the function that has `tune_params`.
"""

import ast
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from hmserve.conversion.script_syntax import body_of, freed, is_name, joined_text, pairs_of
from hmserve.conversion.sources import Source, show, unparsed
from hmserve.conversion.statics import NotStaticError, static
from hmserve.errors import UsageError

_TUNERS: Final = frozenset({"tune_kernel", "run_kernel"})
_BRANCHING: Final = (ast.If, ast.For, ast.While)
_PARAMETERS: Final = ("tune_params", "tunable_parameters", "params")
_RESTRICTIONS: Final = ("restrictions", "restrict", "restriction")


@dataclass(slots=True)
class Script:
    """What was found so far.

    Args:
        parameters: Values by name, with the line.
        restrictions: Conditions with their line and how to quote them.
        constants: Names of the script with a known value.
        left: What could not be read, with its line.
        objective: The name of the objective and its line, if it is given.
        maximise: Whether more of it is better.
    """

    parameters: dict[str, tuple[Sequence[Any], int]] = field(default_factory=dict)
    restrictions: list[tuple[ast.expr, int, str]] = field(default_factory=list)
    constants: dict[str, Any] = field(default_factory=dict)
    left: list[tuple[str, int]] = field(default_factory=list)
    objective: tuple[str, int] | None = None
    maximise: bool = False


def read_script(source: Source) -> Script:
    """Return what a script says.

    Raises:
        UsageError: It is no Python.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = ast.parse(source.text)
    except SyntaxError as error:
        got = show((error.text or "").strip())
        raise UsageError(
            f"{source.at(error.lineno or 1)}: expected Python, got {got!r}"
        ) from None
    except (ValueError, RecursionError, MemoryError):
        raise UsageError(f"{source.name}: expected Python, got what cannot be parsed") from None
    reader = _Reader(module)
    reader.run(_relevant(module, reader.parameters_name))
    return reader.script


def _relevant(module: ast.Module, name: str) -> Iterator[ast.stmt]:
    """Yield the statements that are sure to run, at the top and where `name` is assigned."""
    for statement in _straight(module.body):
        inside = isinstance(statement, ast.FunctionDef) and _assigns(statement, name)
        if inside and isinstance(statement, ast.FunctionDef):
            yield from _straight(statement.body)
        else:
            yield statement


def _straight(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        if isinstance(statement, ast.With | ast.Try) or _is_main(statement):
            yield from _straight(statement.body)  # type: ignore[attr-defined]
        else:
            yield statement


def _is_main(statement: ast.stmt) -> bool:
    """Whether `statement` is `if __name__ == "__main__"`."""
    return isinstance(statement, ast.If) and any(
        isinstance(node, ast.Name) and node.id == "__name__"
        for node in ast.walk(statement.test)
    )


def _assigns(function: ast.FunctionDef, name: str) -> bool:
    return any(
        isinstance(node, ast.Assign | ast.AnnAssign)
        and any(isinstance(t, ast.Name) and t.id == name for t in _targets(node))
        for node in ast.walk(function)
    )


def _targets(statement: ast.Assign | ast.AnnAssign | ast.AugAssign) -> list[ast.expr]:
    return statement.targets if isinstance(statement, ast.Assign) else [statement.target]


class _Reader:
    """Follows the statements of a script."""

    def __init__(self, module: ast.Module) -> None:
        self.script = Script()
        calls = [n for n in ast.walk(module) if isinstance(n, ast.Call) and _is_tuner(n)]
        self._tuned = min((call.lineno for call in calls), default=None)
        # Of several calls the first has the last word.
        calls.sort(key=lambda call: call.lineno)
        self._words = {w.arg: w.value for call in calls[::-1] for w in call.keywords}
        given = calls[0].args if calls else []
        self.parameters_name = self._called(
            given[4] if len(given) > 4 else None, _PARAMETERS, module
        )
        self._restrictions_name = self._called(None, _RESTRICTIONS, module)
        self._functions = {
            node.name: node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)
        }

    def run(self, statements: Iterator[ast.stmt]) -> None:
        """Read all `statements`, then the arguments of the tuner."""
        for statement in statements:
            if self._begins_another(statement):
                sentence = "another space begins, of which nothing is read."
                self.script.left.append((sentence, statement.lineno))
                break
            self._statement(statement)
        given = self._words.get("restrictions")
        if given is not None and not isinstance(given, ast.Name):
            self._restrict(given)
        elif isinstance(given, ast.Name) and given.id in self._functions:
            self._restrict_one(given)
        self._read_objective()

    def _called(
        self, given: ast.expr | None, usual: tuple[str, ...], module: ast.Module
    ) -> str:
        """Return the variable that an argument of the tuner is, or that has the usual name."""
        given = given or self._words.get(usual[0])
        if isinstance(given, ast.Name):
            return given.id
        names = {node.id for node in ast.walk(module) if isinstance(node, ast.Name)}
        return next((name for name in usual if name in names), usual[0])

    def _begins_another(self, at: ast.stmt) -> bool:
        """Whether `at` assigns the parameters anew after they were tuned."""
        tuned = self._tuned is not None and self._tuned < at.lineno
        assigned = isinstance(at, ast.Assign | ast.AnnAssign) and any(
            is_name(target, self.parameters_name) for target in _targets(at)
        )
        return tuned and assigned and bool(self.script.parameters)

    def _statement(self, at: ast.stmt) -> None:
        if isinstance(at, ast.Assign | ast.AnnAssign | ast.AugAssign) and at.value is not None:
            for target in _targets(at):
                self._assign(target, at.value, isinstance(at, ast.AugAssign))
        elif isinstance(at, ast.Expr) and isinstance(at.value, ast.Call):
            self._method(at.value)
        elif isinstance(at, _BRANCHING) and self._touches(at):
            what = "an if" if isinstance(at, ast.If) else "a loop"
            sentence = f"what {what} does to the space cannot be read without running it."
            self.script.left.append((sentence, at.lineno))

    def _touches(self, at: ast.stmt) -> bool:
        watched = {self.parameters_name, self._restrictions_name}
        return any(isinstance(n, ast.Name) and n.id in watched for n in ast.walk(at)) and any(
            isinstance(n, ast.Assign | ast.AugAssign | ast.Call) for n in ast.walk(at)
        )

    def _assign(self, target: ast.expr, value: ast.expr, more: bool) -> None:
        if isinstance(target, ast.Subscript):
            if is_name(target.value, self.parameters_name):
                self._parameter(target.slice, value)
        elif is_name(target, self.parameters_name):
            if not more:
                self.script.parameters.clear()
            self._parameters(value)
        elif is_name(target, self._restrictions_name):
            if not more:
                self.script.restrictions.clear()
            self._restrict(value)
        elif isinstance(target, ast.Name):
            self._constant(target.id, value, more)

    def _constant(self, name: str, value: ast.expr, more: bool) -> None:
        self.script.constants.pop(name, None)
        if isinstance(value, ast.Lambda):
            return
        try:
            if not more:
                self.script.constants[name] = static(value, self.script.constants)
        except NotStaticError:
            return

    def _parameters(self, value: ast.expr) -> None:
        """Read a dictionary of values, whichever way it is written."""
        for key, values in pairs_of(value):
            if key is None:
                self._update(values)
            else:
                self._parameter(key, values)

    def _update(self, value: ast.expr) -> None:
        try:
            for name, values in dict(static(value, self.script.constants)).items():
                self._keep(name, values, value)
        except (NotStaticError, TypeError, ValueError):
            self._leave(value, "parameters are left out:")

    def _parameter(self, key: ast.expr, value: ast.expr) -> None:
        try:
            name = static(key, self.script.constants)
        except NotStaticError:
            self._leave(key, "a parameter is left out: its name")
            return
        try:
            self._keep(name, static(value, self.script.constants), value)
        except NotStaticError:
            self.script.parameters.pop(name, None)
            self._leave(value, f"{name} is left out: its values")

    def _keep(self, name: Any, values: Any, at: ast.expr) -> None:
        if not isinstance(name, str) or not isinstance(values, list | tuple):
            raise NotStaticError("no list")
        self.script.parameters[name] = (values, at.lineno)

    def _method(self, call: ast.Call) -> None:
        """Read `restrictions.append(...)` and the like."""
        if not isinstance(call.func, ast.Attribute) or not call.args:
            return
        name, method, given = call.func.value, call.func.attr, call.args[0]
        if is_name(name, self.parameters_name) and method == "update":
            self._parameters(given)
        elif is_name(name, self._restrictions_name) and method == "append":
            self._restrict_one(given)
        elif is_name(name, self._restrictions_name) and method == "extend":
            self._restrict(given)

    def _restrict(self, value: ast.expr) -> None:
        if isinstance(value, ast.List | ast.Tuple):
            for item in value.elts:
                self._restrict_one(item)
        elif isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
            self._restrict(value.left)
            self._restrict(value.right)
        elif not (isinstance(value, ast.Constant) and value.value is None):
            self._restrict_one(value)

    def _restrict_one(self, value: ast.expr) -> None:
        if isinstance(value, ast.Name) and value.id == self._restrictions_name:
            return
        if isinstance(value, ast.Name) and value.id in self._functions:
            tree = body_of(self._functions[value.id])
        elif isinstance(value, ast.Lambda):
            tree = freed(value.args, value.body)
        else:
            tree = self._parsed(value)
        if tree is None:
            self._leave(value, "a restriction is left out:")
            return
        shown = value.value if isinstance(value, ast.Constant) else unparsed(value)
        self.script.restrictions.append((tree, value.lineno, str(shown)))

    def _parsed(self, value: ast.expr) -> ast.expr | None:
        """Return the condition that a text has."""
        try:
            text = static(joined_text(value), self.script.constants)
            return ast.parse(text.strip(), mode="eval").body if isinstance(text, str) else None
        except (NotStaticError, SyntaxError, ValueError, RecursionError, MemoryError):
            return None

    def _read_objective(self) -> None:
        given = self._words.get("objective")
        if not isinstance(given, ast.Constant) or not isinstance(given.value, str):
            return
        self.script.objective = (given.value, given.lineno)
        more = self._words.get("objective_higher_is_better")
        self.script.maximise = isinstance(more, ast.Constant) and more.value is True

    def _leave(self, at: ast.expr, what: str) -> None:
        sentence = f"{what} {unparsed(at)} cannot be read without running it."
        self.script.left.append((sentence, at.lineno))


def _is_tuner(node: ast.Call) -> bool:
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in _TUNERS
