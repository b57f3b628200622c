import copy
import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hmserve.errors import ScenarioError
from hmserve.scenario import Design, Feasibility, Files, Model, Scenario
from hmserve.schema import conforms, load_schema
from hmserve.space.parameters import Categorical, Integer, Ordinal, Real

BRANIN: dict[str, Any] = {
    "application_name": "branin",
    "optimization_objectives": ["Value"],
    "input_parameters": {
        "x1": {"parameter_type": "real", "values": [-5, 10], "parameter_default": 0},
        "x2": {"parameter_type": "real", "values": [0, 15]},
    },
}

# What HyperMapper's client in C++ writes: keys in alphabetical order.
CLIENT = """{
    "application_name": "cpp_chakong_haimes",
    "design_of_experiment": {
        "doe_type": "standard latin hypercube",
        "number_of_samples": 10
    },
    "feasible_output": {
        "enable_feasible_predictor": true,
        "false_value": "0",
        "true_value": "1"
    },
    "hypermapper_mode": {
        "mode": "client-server"
    },
    "input_parameters": {
        "x0": {"parameter_type": "integer", "values": [-20, 20]},
        "x1": {"parameter_type": "integer", "values": [-20, 20]}
    },
    "log_file": "outdata/log_cpp_chakong_haimes.log",
    "models": {"model": "random_forest"},
    "optimization_iterations": 20,
    "optimization_objectives": ["f1_value", "f2_value"],
    "output_data_file": "outdata/cpp_chakong_haimes_output_data.csv",
    "output_image": {"output_image_pdf_file": "outdata_cpp_chakong_haimes_output_image.pdf"},
    "output_pareto_file": "outdata/cpp_chakong_haimes_output_pareto.csv",
    "run_directory": "%s"
}"""


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


def test_a_short_scenario_gets_the_defaults_of_hypermapper_and_the_model_auto() -> None:
    scenario = parse()
    here = os.getcwd()
    assert scenario.application_name == "branin"
    assert scenario.space.parameters == (Real("x1", -5.0, 10.0, 0.0), Real("x2", 0.0, 15.0))
    assert scenario.objectives == ("Value",)
    assert scenario.mode == "default"
    assert scenario.exhaustive_file is None
    assert scenario.feasibility is None
    assert scenario.design == Design("random sampling", 10)
    assert scenario.model == Model("auto", 10, 0.5, False, 5, True)
    assert scenario.acquisition == "EI"
    assert (scenario.iterations, scenario.batch_size) == (50, 1)
    assert scenario.time_budget is None
    assert scenario.seed is None
    assert scenario.resume_data is None
    assert scenario.timestamp == "Timestamp"
    assert scenario.print_best is None
    assert not scenario.verbose
    assert scenario.warnings == ()
    assert scenario.files == Files(
        run_directory=here,
        samples=f"{here}/branin_output_samples.csv",
        pareto=f"{here}/branin_output_pareto.csv",
        journal=f"{here}/branin_output_samples.journal",
        log=f"{here}/hypermapper_logfile.log",
    )


def test_every_key_arrives(tmp_path: Path) -> None:
    (tmp_path / "here" / "all.csv").touch()
    (tmp_path / "here" / "old.csv").touch()
    scenario = parse(
        input_parameters={
            "o": {"parameter_type": "ordinal", "values": [4, 1]},
            "c": {"parameter_type": "categorical", "values": ["b", "a"]},
            "i": {"parameter_type": "integer", "values": [0, 3]},
        },
        optimization_objectives=["f", "g"],
        hypermapper_mode={"mode": "exhaustive", "exhaustive_search_file": "all.csv"},
        feasible_output={"enable_feasible_predictor": True, "name": "ok", "true_value": "y"},
        design_of_experiment={"doe_type": "k latin hypercube", "number_of_samples": 7},
        models={
            "model": "random_forest",
            "number_of_trees": 20,
            "max_features": 1,
            "bootstrap": True,
            "min_samples_split": 2,
        },
        noise=False,
        acquisition_function="UCB",
        optimization_iterations=30,
        evaluations_per_optimization_iteration=4,
        time_budget=1.5,
        seed=12,
        timestamp="when",
        print_best=True,
        verbose_logging=True,
        run_directory="runs/one",
        output_data_file="samples.dat",
        output_pareto_file="/abs/front.csv",
        log_file="run.log",
        resume_optimization=True,
        resume_optimization_data="old.csv",
    )
    kinds = [type(parameter) for parameter in scenario.space.parameters]
    assert kinds == [Ordinal, Categorical, Integer]
    assert scenario.space.names == ("o", "c", "i")
    assert scenario.objectives == ("f", "g")
    assert scenario.mode == "exhaustive"
    assert scenario.exhaustive_file == str(tmp_path / "here" / "all.csv")
    assert scenario.feasibility == Feasibility("ok", "y", "false")
    assert scenario.design == Design("k latin hypercube", 7)
    assert scenario.model == Model("random_forest", 20, 1.0, True, 2, False)
    assert scenario.acquisition == "UCB"
    assert (scenario.iterations, scenario.batch_size) == (30, 4)
    assert scenario.time_budget == 90.0
    assert scenario.seed == 12
    assert scenario.timestamp == "when"
    assert scenario.print_best is True
    assert scenario.verbose
    assert scenario.resume_data == str(tmp_path / "here" / "old.csv")
    run = str(tmp_path / "here" / "runs" / "one")
    assert scenario.files == Files(
        run_directory=run,
        samples=f"{run}/samples.dat",
        pareto="/abs/front.csv",
        journal=f"{run}/samples.journal",
        log=f"{run}/run.log",
    )
    assert not Path(run).exists()


def test_the_scenario_of_hypermappers_own_client_is_read(tmp_path: Path) -> None:
    file = tmp_path / "cpp_scenario.json"
    file.write_text(CLIENT % tmp_path)
    scenario = Scenario.load(file)
    assert scenario.space.names == ("x0", "x1")
    assert scenario.mode == "client-server"
    assert scenario.feasibility == Feasibility("Valid", "1", "0")
    assert scenario.files.log == str(tmp_path / "outdata" / "log_cpp_chakong_haimes.log")
    assert scenario.warnings == (
        "$.output_image: accepted; no effect in this version of hmserve",
    )
    assert [entry.name for entry in tmp_path.iterdir() if entry != file] == ["here"]


def test_the_document_has_every_default_and_reads_as_the_same_scenario() -> None:
    given = copy.deepcopy(BRANIN)
    scenario = Scenario.parse(given)
    assert given == BRANIN
    assert scenario.document["models"]["number_of_trees"] == 10
    assert scenario.document["design_of_experiment"]["doe_type"] == "random sampling"
    assert conforms(load_schema("scenario"), scenario.document)
    json.dumps(scenario.document, allow_nan=False)
    again = Scenario.parse(scenario.document)
    assert again.document == scenario.document
    assert again.files == scenario.files
    assert again.warnings == ()


def test_only_the_default_names_get_the_name_of_the_application_in_front() -> None:
    files = parse(output_data_file="output_pareto.csv", output_pareto_file="p.csv").files
    assert os.path.basename(files.samples) == "output_pareto.csv"
    assert os.path.basename(files.pareto) == "p.csv"


def test_a_scenario_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        parse().seed = 1  # type: ignore[misc]


def test_a_mapping_may_have_tuples() -> None:
    entry = {"parameter_type": "real", "values": (0, 1)}
    scenario = parse(input_parameters={"x": entry}, optimization_objectives=("a", "b"))
    assert scenario.objectives == ("a", "b")
    assert scenario.document["input_parameters"]["x"]["values"] == [0, 1]


def test_the_old_name_of_client_server_mode_is_accepted() -> None:
    assert parse(hypermapper_mode={"mode": "interactive"}).mode == "client-server"


@pytest.mark.parametrize(
    ("given", "seconds"), [(-1, None), (-0.5, None), (0, 0.0), (0.5, 30.0), (10, 600.0)]
)
def test_the_time_budget_comes_in_minutes(given: float, seconds: float | None) -> None:
    assert parse(time_budget=given).time_budget == seconds


@pytest.mark.parametrize(("given", "meant"), [("auto", None), (True, True), (False, False)])
def test_print_best_is_yes_no_or_auto(given: object, meant: bool | None) -> None:
    assert parse(print_best=given).print_best is meant


@pytest.mark.parametrize(
    ("given", "written"), [("Yes", "Yes"), (True, "True"), (1, "1"), (0.5, "0.5")]
)
def test_feasibility_words_may_be_other_json_values(given: object, written: str) -> None:
    block = {"enable_feasible_predictor": True, "true_value": given, "false_value": "no"}
    assert parse(feasible_output=block).feasibility == Feasibility("Valid", written, "no")


def test_integers_may_be_written_as_floats() -> None:
    scenario = parse(seed=3.0, optimization_iterations=5.0)
    assert repr((scenario.seed, scenario.iterations)) == "(3, 5)"


def test_a_grid_ends_with_the_design() -> None:
    grid = {"doe_type": "grid_search"}
    assert parse(design_of_experiment=grid).iterations == 0
    assert parse(design_of_experiment=grid).warnings == ()
    assert parse(design_of_experiment=grid, optimization_iterations=5).warnings == (
        "$.optimization_iterations: taken as 0: grid_search asks every combination and ends",
    )


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
        b'  "prior_beta": 1,\r\n'
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
    later = "is not supported by this version of hmserve yet"
    kinds = '"real", "integer", "ordinal" or "categorical"'
    assert str(caught.value).split("\n") == [
        f"{file}: 5 errors",
        f"{at}:3: $.optimization_iteration: unknown key; "
        'did you mean "optimization_iterations"?',
        f"{at}:4: $.prior_beta: this key {later} (HyperMapper: weight of the prior in piBO); "
        "remove it",
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
