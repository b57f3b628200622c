"""Converted conditions and constraints say what the source says, on spaces drawn at random."""

import json
import math
import sqlite3
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmserve.conversion import from_configspace, from_optuna, read
from hmserve.scenario import Scenario

DATA = Path(__file__).parent / "data"
VALUES = {
    "n": [1, 2, 4, 8],
    "m": [0, 3, 5],
    "f": [0.5, 1.5],
    "flag": [True, False],
    "mode": ["row", "column", "none"],
}


def scenario_of(space):
    return Scenario.parse(
        {
            "optimization_objectives": list(space.objectives) or ["value"],
            "input_parameters": dict(space.parameters),
            "constraints": list(space.constraints),
        }
    )


def _numbers(inner):
    signs = st.sampled_from(["+", "-", "*"])
    return st.one_of(
        st.builds("({} {} {})".format, inner, signs, inner),
        st.builds("{} % 3".format, st.sampled_from(["n", "m"])),
        st.builds("max({}, {})".format, inner, inner),
        st.builds("min([{}, {}])".format, inner, inner),
        st.builds("({} if flag else {})".format, inner, inner),
        st.builds("int({} / 2)".format, inner),
        st.builds("({} > 2) * 3".format, inner),
    )


BUILTINS = {f.__name__: f for f in (max, min, int, range, bool, any)}

numbers = st.recursive(
    st.sampled_from(["n", "m", "f", "flag", "2", "-1", "0.5"]), _numbers, max_leaves=5
)


def _conditions(inner):
    return st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or"]), inner),
        st.builds("(not {})".format, inner),
        st.builds("(({}) & ({}))".format, comparisons, comparisons),
        st.builds("({} if {} else {})".format, inner, inner, inner),
    )


comparisons = st.one_of(
    st.builds(
        "{} {} {}".format,
        numbers,
        st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
        numbers,
    ),
    st.builds("{} <= {} < {}".format, numbers, numbers, numbers),
    st.sampled_from(
        [
            "mode == 'row'",
            "'column' != mode",
            "mode in ('row', 'none', 3)",
            "mode not in ['row']",
            "mode == 'diagonal'",
            "n in range(2, 5)",
            "n in [m, 4]",
            "flag == True",
            "flag is False",
            "flag == 1",
            "n == 'row'",
            "bool(m)",
            "any([m == 0, flag])",
        ]
    ),
)
restrictions = st.recursive(
    st.one_of(comparisons, st.sampled_from(["flag", "m", "mode"])), _conditions, max_leaves=5
)


def _as_here(row):
    return {**row, "flag": str(row["flag"])}


@settings(max_examples=30, deadline=None)
@given(
    text=restrictions,
    row=st.fixed_dictionaries({k: st.sampled_from(v) for k, v in VALUES.items()}),
)
def test_a_restriction_holds_where_python_finds_it_true(text, row, tmp_path_factory):
    path = tmp_path_factory.mktemp("t1") / "t1.json"
    parameters = [{"Name": k, "Type": "int", "Values": repr(v)} for k, v in VALUES.items()]
    tree = {"TuningParameters": parameters, "Conditions": [{"Expression": text}]}
    path.write_text(json.dumps({"ConfigurationSpace": tree}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        wanted = bool(eval(text, {"__builtins__": BUILTINS}, row))  # noqa: S307
    space = read(path)
    left = [note for note in space.notes if "nothing here demands" in note]
    if left:
        assert "nothing satisfies it" in left[0]
        assert not wanted
        return
    assert holds(space, _as_here(row)) == wanted


def holds(space, row):
    from hmserve.constraints.expression import compile_expression
    from hmserve.constraints.symbols import symbol_of

    bare = Scenario.parse(
        {"optimization_objectives": ["v"], "input_parameters": dict(space.parameters)}
    )
    symbols = {p.name: symbol_of(p) for p in bare.space.parameters}
    return all(compile_expression(text, symbols).holds(row) for text in space.constraints)


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=6)
finite = st.floats(-1e6, 1e6, allow_nan=False)
scalars = st.one_of(st.booleans(), st.none(), st.integers(-9, 9), finite, st.text(max_size=5))


@st.composite
def hyperparameters(draw):
    kind = draw(
        st.sampled_from(["uniform_float", "uniform_int", "categorical", "ordinal", "constant"])
    )
    if kind == "constant":
        return {"type": kind, "value": draw(scalars)}
    if kind in {"categorical", "ordinal"}:
        values = draw(st.lists(scalars, min_size=1, max_size=4))
        key = "choices" if kind == "categorical" else "sequence"
        return {"type": kind, key: values, "default_value": draw(st.sampled_from(values))}
    number = st.integers(-50, 50) if kind == "uniform_int" else finite
    low, high = sorted([draw(number), draw(number)])
    log = draw(st.booleans())
    return {
        "type": kind,
        "lower": low,
        "upper": high,
        "log": log,
        "default_value": draw(number),
    }


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(names, hyperparameters()), min_size=1, max_size=4))
def test_a_space_that_is_taken_over_makes_a_scenario(drawn):
    from hmserve.errors import UsageError

    tree = {"hyperparameters": [{"name": name, **entry} for name, entry in drawn]}
    try:
        space = from_configspace(SimpleNamespace(name="s", to_serialized_dict=lambda: tree))
    except UsageError as error:
        assert "are both" in str(error)  # noqa: PT017 - two names or labels that are one here
        return
    parameters = scenario_of(space).space.parameters
    assert len(parameters) == len(drawn)


LEVELS = {"a": ["x", "y", "z"], "b": [1, 2, 3], "c": ["p", "q"]}


def _clause(parent):
    value = st.sampled_from(LEVELS[parent])
    base = {"child": "child", "parent": parent}
    return st.one_of(
        value.map(lambda v: {**base, "type": "EQ", "value": v}),
        value.map(lambda v: {**base, "type": "NEQ", "value": v}),
        st.lists(value, min_size=1).map(lambda v: {**base, "type": "IN", "values": v}),
        value.map(lambda v: {**base, "type": "LT", "value": v}),
        value.map(lambda v: {**base, "type": "GT", "value": v}),
    )


clauses = st.recursive(
    st.sampled_from("abc").flatmap(_clause),
    lambda inner: st.builds(
        lambda kind, parts: {"child": "child", "type": kind, "conditions": parts},
        st.sampled_from(["AND", "OR"]),
        st.lists(inner, min_size=2, max_size=3),
    ),
    max_leaves=5,
)


def _true(clause, row):
    if clause["type"] in {"AND", "OR"}:
        parts = [_true(part, row) for part in clause["conditions"]]
        return all(parts) if clause["type"] == "AND" else any(parts)
    levels = LEVELS[clause["parent"]]
    mine = row[clause["parent"]]
    if clause["type"] == "IN":
        return mine in clause["values"]
    at, other = levels.index(mine), levels.index(clause["value"])
    return {"EQ": at == other, "NEQ": at != other, "LT": at < other, "GT": at > other}[
        clause["type"]
    ]


@settings(max_examples=30, deadline=None)
@given(
    clause=clauses,
    row=st.fixed_dictionaries({k: st.sampled_from(v) for k, v in LEVELS.items()}),
)
def test_a_child_is_active_where_its_condition_holds_or_a_note_says_more_often(clause, row):
    space = from_configspace(_space(conditions=[clause]))
    wanted = _true(clause, row)
    settled = scenario_of(space).space.conditions.settle({**row, "child": 0.5})
    if any("more often" in note for note in space.notes):
        assert settled["child"] is not None or not wanted
    else:
        assert (settled["child"] is not None) == wanted


@settings(max_examples=30, deadline=None)
@given(
    clause=clauses,
    row=st.fixed_dictionaries({k: st.sampled_from(v) for k, v in LEVELS.items()}),
)
def test_a_forbidden_clause_is_broken_where_it_holds(clause, row):
    space = from_configspace(_space(forbiddens=[clause]))
    if any("nothing satisfies it" in note for note in space.notes):
        assert _true(clause, row)
        return
    assert holds(space, {**row, "child": 0.5}) != _true(clause, row)


def _space(**rest):
    listed = [{"name": k, "type": "ordinal", "sequence": v} for k, v in LEVELS.items()]
    child = {"name": "child", "type": "uniform_float", "lower": 0, "upper": 1}
    tree = {"hyperparameters": [*listed, child], **rest}
    return SimpleNamespace(name="s", to_serialized_dict=lambda: tree)


@pytest.fixture
def storage(tmp_path):
    path = tmp_path / "optuna.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    connection.executescript(f"BEGIN;{(DATA / 'optuna.sql').read_text()}COMMIT;")
    connection.close()
    return path


def test_a_database_is_read_like_a_journal_and_left_as_it_is(storage):
    before = storage.read_bytes()
    space = read(storage)
    assert storage.read_bytes() == before
    assert [path.name for path in storage.parent.iterdir()] == ["optuna.db"]
    journal = read(DATA / "optuna.journal")
    assert (space.parameters, space.objectives) == (journal.parameters, journal.objectives)


def test_of_several_studies_the_last_is_taken_unless_one_is_named(storage):
    connection = sqlite3.connect(storage)
    connection.execute("INSERT INTO studies VALUES (2, 'later')")
    connection.execute("INSERT INTO trials VALUES (99, 0, 2, 'COMPLETE', NULL, NULL)")
    text = '{"name": "IntDistribution", "attributes": {"low": 1, "high": 9}}'
    connection.execute("INSERT INTO trial_params VALUES (999, 99, 'k', 3.0, ?)", (text,))
    connection.commit()
    connection.close()
    assert list(read(storage).parameters) == ["k"]
    assert (
        "it is the last study of the storage, which has others: net." in read(storage).notes[0]
    )
    assert "lr" in read(storage, study="net").parameters


def test_a_study_and_its_distributions_are_taken_over_as_objects():
    def drawn(cls, **attributes):
        return type(cls, (), attributes)()

    wide = {
        "rate": drawn("FloatDistribution", low=1e-4, high=1.0, log=True, step=None),
        "width": drawn("IntDistribution", low=8, high=40, log=False, step=16),
        "kind": drawn("CategoricalDistribution", choices=("a", "b")),
    }
    space = from_optuna(wide)
    assert space.parameters["width"]["values"] == [8, 24, 40]
    assert space.parameters["rate"]["transform"] == "log"
    state = SimpleNamespace(is_finished=lambda: True)
    narrow = {"rate": drawn("FloatDistribution", low=1e-2, high=2.0, log=True, step=None)}
    study = SimpleNamespace(
        study_name="s",
        directions=[SimpleNamespace(name="MAXIMIZE")],
        metric_names=None,
        trials=[SimpleNamespace(state=state, distributions=d) for d in (wide, narrow)],
    )
    space = from_optuna(study)
    assert space.parameters["rate"]["values"] == [1e-4, 2.0]
    assert list(space.objectives) == [{"name": "value", "goal": "maximize"}]
    assert sum("missing in 1 of 2 trials" in note for note in space.notes) == 2
    with pytest.raises(TypeError, match="expected a study"):
        from_optuna(3)
    with pytest.raises(TypeError, match="expected a ConfigurationSpace"):
        from_configspace(3)


def test_distributions_other_than_uniform_become_priors():
    beta = {"name": "b", "type": "beta_int", "lower": 0, "upper": 4, "alpha": 2, "beta": 2}
    normal = {"name": "n", "type": "normal_float", "mu": 1, "sigma": 0.5}
    weighed = {"name": "w", "type": "categorical", "choices": [4, 2], "weights": [3, 1]}
    stepped = {"name": "q", "type": "uniform_float", "lower": 0, "upper": 1, "q": 0.25}
    tree = {"hyperparameters": [beta, normal, weighed, stepped]}
    space = from_configspace(SimpleNamespace(name="s", to_serialized_dict=lambda: tree))
    weights = space.parameters["b"]["prior"]
    assert weights == sorted(weights[:3]) + sorted(weights[3:], reverse=True)
    assert math.isclose(sum(weights), 1.0)
    assert space.parameters["n"]["prior_parameters"] == [1.0, 0.5]
    assert space.parameters["n"]["values"] == [-1.0, 3.0]
    assert space.parameters["w"] == {
        "parameter_type": "ordinal",
        "values": [2, 4],
        "prior": [0.25, 0.75],
    }
    assert space.parameters["q"]["values"] == [0, 0.25, 0.5, 0.75, 1]
    assert scenario_of(space).space.parameters
