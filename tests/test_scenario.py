import copy
import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pytest

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
    assert scenario.warnings == ()
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


def test_there_are_no_more_threads_than_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 3}, raising=False)
    assert [parse(number_of_cpus=n).threads for n in (0, 1, 2, 64)] == [1, 1, 2, 2]


@pytest.mark.parametrize(
    "prior",
    [
        {"name": "gamma"},
        {"name": "gamma", "parameters": [1.3, -1]},
        {"name": "lognormal", "parameters": [0, 0]},
        {"name": "uniform", "parameters": [2, 1]},
    ],
)
def test_priors_of_hyperparameters_need_numbers_that_mean_something(prior) -> None:
    with pytest.raises(ScenarioError, match=r"\$.noise_prior.parameters: expected \["):
        parse(noise_prior=prior)


def test_a_prior_of_hyperparameters_may_be_none() -> None:
    assert parse(noise_prior={"name": "none"}).fitting.noise_prior is not None


def test_weights_may_be_so_large_that_their_sum_is_infinite() -> None:
    entry = {"parameter_type": "ordinal", "values": [1, 2], "prior": [1e308, 1e308]}
    scenario = parse(input_parameters={"o": entry})
    assert scenario.warnings == (
        "$.input_parameters.o.prior: the weights sum to inf; scaled to 1",
    )
    assert scenario.space.priors["o"].cdf(0.5) == 0.5
