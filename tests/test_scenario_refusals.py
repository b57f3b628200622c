import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hmserve.errors import ScenarioError
from hmserve.scenario import Scenario
from hmserve.schema import load_schema

BRANIN: dict[str, Any] = {
    "application_name": "branin",
    "optimization_objectives": ["Value"],
    "input_parameters": {
        "x1": {"parameter_type": "real", "values": [-5, 10], "parameter_default": 0},
        "x2": {"parameter_type": "real", "values": [0, 15]},
    },
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def parse(**changes: Any) -> Scenario:
    return Scenario.parse({**BRANIN, **changes})


def refused(**changes: Any) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        parse(**changes)
    first, *rows = str(caught.value).split("\n")
    assert first == f"<mapping>: {len(rows)} error{'s' * (len(rows) > 1)}"
    return [row.removeprefix("  ") for row in rows]


def test_a_grid_without_end_is_refused() -> None:
    grid = {"doe_type": "grid_search"}
    entry = {"parameter_type": "real", "values": [0, 1]}
    space = {f"x{i}": entry for i in range(6)}
    assert parse(design_of_experiment=grid, input_parameters=space).space.dimension == 6
    space["o"] = {"parameter_type": "ordinal", "values": [1, 2]}
    assert refused(design_of_experiment=grid, input_parameters=space) == [
        "$.design_of_experiment.doe_type: grid_search would ask more than 1,000,000 "
        "configurations"
    ]
    constant = {"parameter_type": "real", "values": [1, 1]}
    assert parse(design_of_experiment=grid, input_parameters={**space, "o": constant})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"optimization_objectives": ["x1"]},
            '$.optimization_objectives[0]: "x1" is already the name of an input parameter',
        ),
        (
            {"optimization_objectives": ["f", "f"]},
            '$.optimization_objectives[1]: "f" is already the name of an objective',
        ),
        (
            {"feasible_output": {"enable_feasible_predictor": True, "name": "Value"}},
            '$.feasible_output.name: "Value" is already the name of an objective',
        ),
        ({"timestamp": "x2"}, '$.timestamp: "x2" is already the name of an input parameter'),
        (
            {"optimization_objectives": ["f,g"]},
            '$.optimization_objectives[0]: the name "f,g" contains a comma, '
            "which would break a line of the protocol",
        ),
        ({"timestamp": ""}, '$.timestamp: the name "" is empty'),
        (
            {"input_parameters": {"x\n": {"parameter_type": "real", "values": [0, 1]}}},
            '$.input_parameters["x\\n"]: the name "x\\n" begins or ends with a blank, '
            "which readers of the protocol strip",
        ),
    ],
)
def test_names_of_columns_are_plain_and_differ(changes: dict[str, Any], message: str) -> None:
    assert refused(**changes) == [message]


def test_a_feasibility_column_that_is_off_takes_no_name() -> None:
    scenario = parse(feasible_output={"name": "Value", "true_value": "a,b"})
    assert scenario.feasibility is None
    assert scenario.warnings == (
        "$.feasible_output: no effect without enable_feasible_predictor: true",
    )


def test_feasibility_words_must_differ_and_fit_a_line() -> None:
    block = {"enable_feasible_predictor": True, "true_value": "Yes", "false_value": "yes"}
    assert refused(feasible_output=block) == [
        "$.feasible_output.false_value: expected another word than true_value, in any case, "
        'got "yes"'
    ]
    assert refused(feasible_output={**block, "true_value": " "}) == [
        '$.feasible_output.true_value: " " begins or ends with a blank, '
        "which readers of the protocol strip"
    ]


def test_exhaustive_mode_needs_its_file_and_no_other_mode_has_one(tmp_path: Path) -> None:
    assert refused(hypermapper_mode={"mode": "exhaustive"}) == [
        "$.hypermapper_mode: exhaustive_search_file is missing: "
        "the CSV that mode exhaustive reads"
    ]
    block = {"mode": "exhaustive", "exhaustive_search_file": "all.csv"}
    assert refused(hypermapper_mode=block) == [
        f"$.hypermapper_mode.exhaustive_search_file: no such file: {tmp_path}/here/all.csv"
    ]
    assert refused(hypermapper_mode={**block, "mode": "default"}) == [
        "$.hypermapper_mode.exhaustive_search_file: only mode exhaustive has one, "
        'got mode "default"'
    ]


def test_input_files_are_sought_here_and_then_beside_the_scenario(tmp_path: Path) -> None:
    block = {"mode": "exhaustive", "exhaustive_search_file": "all.csv"}
    file = tmp_path / "app.json"
    file.write_text(json.dumps({**BRANIN, "hypermapper_mode": block}))
    with pytest.raises(ScenarioError) as caught:
        Scenario.load(file)
    assert f"no such file: {tmp_path}/here/all.csv or {tmp_path}/all.csv" in str(caught.value)
    (tmp_path / "all.csv").touch()
    assert Scenario.load(file).exhaustive_file == str(tmp_path / "all.csv")
    (tmp_path / "here" / "all.csv").touch()
    assert Scenario.load("../app.json").exhaustive_file == str(tmp_path / "here" / "all.csv")


def test_resuming_takes_the_prefixed_default_name_and_looks_in_the_run_directory_too(
    tmp_path: Path,
) -> None:
    [message] = refused(resume_optimization=True)
    assert message.startswith("$.resume_optimization_data: no such file: ")
    assert message.endswith("here/branin_output_samples.csv")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "branin_output_samples.csv").touch()
    scenario = parse(resume_optimization=True, run_directory="../runs")
    assert scenario.resume_data == str(tmp_path / "runs" / "branin_output_samples.csv")
    assert parse(resume_optimization_data="none.csv").warnings == (
        "$.resume_optimization_data: no effect without resume_optimization: true",
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"output_pareto_file": "same", "output_data_file": "same"}, "$.output_pareto_file: "),
        ({"log_file": "./branin_output_samples.csv"}, "$.log_file: "),
        ({"output_data_file": "a.journal"}, "$.output_data_file: "),
        ({"log_file": "branin_output_samples.journal"}, "$.log_file: "),
    ],
)
def test_two_outputs_in_one_file_are_refused(changes: dict[str, Any], message: str) -> None:
    [found] = refused(**changes)
    assert found.startswith(message)
    assert " is already " in found


def test_the_table_of_exhaustive_mode_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "here" / "all.csv").touch()
    block = {"mode": "exhaustive", "exhaustive_search_file": "all.csv"}
    [message] = refused(hypermapper_mode=block, output_data_file="all.csv")
    assert message.startswith("$.output_data_file: ")
    assert message.endswith("is already exhaustive_search_file")


@pytest.mark.parametrize(
    "changes",
    [{"output_data_file": "../app.json"}, {"log_file": "../app.json"}],
)
def test_the_scenario_itself_is_not_overwritten(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "app.json").write_text(json.dumps({**BRANIN, **changes}))
    for path in (tmp_path / "app.json", Path("../app.json")):
        with pytest.raises(ScenarioError, match=r'app\.json" is already the scenario'):
            Scenario.load(path)


def test_a_journal_does_not_take_the_place_of_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "app.journal").write_text(
        json.dumps({**BRANIN, "output_data_file": "../app.csv"})
    )
    with pytest.raises(ScenarioError, match=r"its journal .* is already the scenario"):
        Scenario.load(tmp_path / "app.journal")


def test_the_run_directory_needs_the_name_of_a_directory() -> None:
    assert refused(run_directory="a\x00b") == [
        '$.run_directory: expected the name of a directory, got "a\\u0000b"'
    ]


@pytest.mark.parametrize("name", ["out/", "a\x00b", "a\nb"])
def test_an_output_needs_the_name_of_a_file(name: str) -> None:
    [message] = refused(output_data_file=name)
    assert message.startswith("$.output_data_file: expected the name of a file, got ")


def test_the_application_name_is_part_of_a_file_name() -> None:
    [message] = refused(application_name="a/b")
    assert message.startswith("$.application_name: expected text without /")


def test_options_of_the_other_model_are_named() -> None:
    models = {"model": "gaussian_process", "number_of_trees": 5}
    assert parse(models=models).warnings == (
        "$.models.number_of_trees: no effect with a gaussian_process",
    )


def test_lines_that_do_not_fit_the_buffer_of_a_c_client_are_named() -> None:
    labels = {"parameter_type": "categorical", "values": ["x" * 99, "y"]}
    nine = {f"p{i}": labels for i in range(9)}
    assert parse(input_parameters=nine).warnings == ()
    [warning] = parse(input_parameters={**nine, "p9": labels}).warnings
    assert warning.startswith("$.input_parameters: the lines of a request reach 1,000 bytes")
    names = {f"{'n' * 98}{i}": {**labels, "values": ["y"]} for i in range(10)}
    [warning] = parse(input_parameters=names).warnings
    assert "reach 1,000 bytes" in warning


def test_every_error_is_reported_at_once_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "app.json"
    file.write_bytes(
        b"\xef\xbb\xbf{\r\n"
        b'  "optimization_objectives": ["f"],\r\n'
        b'  "optimization_iteration": 5,\r\n'
        b'  "optimization_method": "ytopt",\r\n'
        b'  "input_parameters": {\r\n'
        b'    "x": {"parameter_type": "real",\r\n'
        b'          "values": [0, 1],\r\n'
        b'          "parameter_default": 3},\r\n'
        b'    "y": {"parameter_type": "rael", "values": [0, 1]},\r\n'
        b'    "z": {"parameter_type": "real", "values": [0, NaN]},\r\n'
        b'    "x": {"parameter_type": "ordinal", "values": [2, 2]}\r\n'
        b"  }\r\n"
        b"}\r\n"
    )
    with pytest.raises(ScenarioError) as caught:
        Scenario.load(str(file))
    at = f"  {file}"
    methods = '"bayesian_optimization", "random_scalarizations", "prior_guided_optimization", '
    methods += '"local_search", "evolutionary_optimization", "exhaustive" or "random_search"'
    later = '"ytopt" is not supported by this version of hmserve yet'
    kinds = '"real", "integer", "ordinal", "categorical" or "permutation"'
    assert str(caught.value).split("\n") == [
        f"{file}: 5 errors",
        f"{at}:3: $.optimization_iteration: unknown key; "
        'did you mean "optimization_iterations"?',
        f"{at}:4: $.optimization_method: expected {methods}; {later} "
        "(BaCO: hand over to ytopt; hmserve does not)",
        f"{at}:9: $.input_parameters.y.parameter_type: expected {kinds}, "
        'got "rael"; did you mean "real"?',
        f"{at}:10: $.input_parameters.z.values[1]: expected a finite number, got NaN",
        f"{at}:11: $.input_parameters.x: the same key is in line 6 already",
    ]


def test_parameters_are_checked_even_if_other_keys_are_wrong() -> None:
    space = {
        "x": {"parameter_type": "real", "values": [0]},
        "y": {"parameter_type": "real", "values": []},
        "z": {"parameter_type": "ordinal", "values": [1, 1]},
    }
    assert sorted(refused(input_parameters=space, seed="one")) == [
        "$.input_parameters.x.values: expected [low, high], two numbers, got [0]",
        "$.input_parameters.y.values: expected at least 1 entry, got []",
        "$.input_parameters.z.values[1]: 1 is there already",
        '$.seed: expected an integer, got "one"',
    ]


@pytest.mark.parametrize("tree", [[], "x", None, 3, {"input_parameters": []}])
def test_what_is_no_scenario_at_all_is_a_scenario_error(tree: Any) -> None:
    with pytest.raises(ScenarioError, match="expected an object"):
        Scenario.parse(tree)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.text(max_size=3)
    | st.sampled_from(["a,b", " ", "x1", "\x00", "client-server", "exhaustive", "grid_search"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
ENTRIES = st.fixed_dictionaries(
    {
        "parameter_type": st.sampled_from(["real", "integer", "ordinal", "categorical"]),
        "values": st.lists(VALUES, max_size=4) | VALUES,
    },
    optional={"parameter_default": VALUES},
)
KEYS = sorted(load_schema("scenario")["properties"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3), st.lists(ENTRIES, max_size=3)
)
def test_whatever_is_given_becomes_a_scenario_or_a_scenario_error(
    changes: dict[str, Any], entries: list[Any]
) -> None:
    more = {f"p{i}": entry for i, entry in enumerate(entries)}
    tree = {**BRANIN, "input_parameters": {**BRANIN["input_parameters"], **more}, **changes}
    message = ""
    try:
        space = Scenario.parse(tree).space
        middle = space.draw([0.5] * space.dimension)
        assert space.contains(middle)
        assert space.contains(space.decode(space.encode(middle)))
    except ScenarioError as error:
        message = str(error)
    assert all(line.isprintable() for line in message.split("\n"))
