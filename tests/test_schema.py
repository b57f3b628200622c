import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmserve.document import show_path
from hmserve.schema import (
    ANNOTATIONS,
    CHECKS,
    Schema,
    apply_defaults,
    conforms,
    explain,
    load_schema,
)

SCENARIO = load_schema("scenario")

COMPLETE: dict[str, Any] = {
    "$schema": "scenario.schema.json",
    "application_name": "app",
    "optimization_objectives": ["Value"],
    "hypermapper_mode": {"mode": "exhaustive", "exhaustive_search_file": "all.csv"},
    "design_of_experiment": {"doe_type": "grid_search", "number_of_samples": 5},
    "models": {"model": "random_forest", "max_features": 0.5, "number_of_trees": 20},
    "feasible_output": {"enable_feasible_predictor": True, "true_value": 1},
    "output_image": {"image_xlog": True, "objective_1_max": 5},
    "print_best": "auto",
    "seed": 3,
    "time_budget": 2.5,
    "input_parameters": {
        "x": {"parameter_type": "real", "values": [0, 1.5], "parameter_default": 1},
        "c": {"parameter_type": "categorical", "values": ["a", "b"]},
    },
}

HYPERMAPPER = """
application_name optimization_objectives input_parameters hypermapper_mode run_directory
log_file verbose_logging output_data_file output_pareto_file output_image timestamp
print_best print_posterior_best profiling profiling_file append_profiles number_of_cpus
number_of_repetitions max_number_of_predictions design_of_experiment
optimization_iterations evaluations_per_optimization_iteration time_budget
epsilon_greedy_threshold resume_optimization resume_optimization_data optimization_method
models noise normalize_inputs print_parameter_importance acquisition_function
acquisition_function_optimizer local_search_random_points local_search_starting_points
cma_es_sigma cma_es_starting_points cma_es_random_points scalarization_method
weight_sampling bounding_box_limits scalarization_key prior_method prior_beta prior_floor
model_posterior_weight model_good_quantile posterior_computation_lower_limit
prior_limit_estimation_points prior_estimation_file prior_estimation_quantile
estimate_multivariate_priors bandwidth_parameter bandwidth_n_factor
custom_gaussian_prior_means custom_gaussian_prior_stds feasible_output
local_search_evaluation_limit local_search_scalarization_weights
evolution_population_size evolution_generations mutation_rate evolution_crossover
regularize_evolution batch_size
"""

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "auto", "EI", "x y", "mode", "real", "True", "model"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["mode", "seed", "values", "a b", "zz"]), inner, max_size=3
        )
    ),
    max_leaves=5,
)


def containers(tree: Any) -> Iterator[Any]:
    if isinstance(tree, dict | list) and tree:
        yield tree
        for branch in tree.values() if isinstance(tree, dict) else tree:
            yield from containers(branch)


@st.composite
def mutants(draw: st.DrawFn) -> Any:
    tree = copy.deepcopy(COMPLETE)
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.sampled_from(list(containers(tree))))
        step = draw(
            st.sampled_from(list(place) if isinstance(place, dict) else range(len(place)))
        )
        if draw(st.booleans()):
            place[step] = draw(JSON)
        elif isinstance(place, dict) and draw(st.booleans()):
            place[draw(st.sampled_from(["seed", "models", "a b", "x\n", "values"]))] = draw(
                JSON
            )
        elif len(place) > 1:
            del place[step]
    return tree


def subschemas(schema: Schema) -> Iterator[Schema]:
    yield schema
    below = [*schema.get("properties", {}).values()]
    below += [
        schema[k] for k in ("items", "additionalProperties", "propertyNames") if k in schema
    ]
    for subschema in below:
        if isinstance(subschema, dict):
            yield from subschemas(subschema)


def problems(**changes: Any) -> dict[str, str]:
    found = explain(SCENARIO, {**COMPLETE, **changes})
    assert len({problem.path for problem in found}) == len(found)
    return {show_path(problem.path): problem.message for problem in found}


def test_the_schema_is_valid_and_uses_only_keywords_we_interpret() -> None:
    jsonschema.Draft202012Validator.check_schema(SCENARIO)
    for schema in subschemas(SCENARIO):
        assert set(schema) <= ANNOTATIONS | set(CHECKS)


def test_an_uninterpreted_keyword_is_not_passed_over() -> None:
    with pytest.raises(KeyError, match="multipleOf"):
        conforms({"multipleOf": 2}, 3)


def test_every_key_has_a_description_an_example_and_a_default_unless_it_is_needed() -> None:
    for schema in subschemas(SCENARIO):
        for name, key in schema.get("properties", {}).items():
            assert key["description"].endswith("."), name
            for example in key["examples"]:
                assert conforms(key, apply_defaults(key, example)), name
            if name not in [*schema.get("required", []), "$schema"]:
                assert conforms(key, apply_defaults(key, key["default"])), name


def test_every_top_level_key_of_hypermapper_is_known() -> None:
    known = {*SCENARIO["properties"]}
    keys = HYPERMAPPER.split()
    assert len(keys) == 65
    assert known.issuperset(keys)


def test_no_key_is_both_supported_and_refused() -> None:
    for schema in subschemas(SCENARIO):
        here = {*schema.get("properties", {}), *schema.get("enum", [])}
        assert here.isdisjoint(schema.get("x-later", {}))


@given(mutants())
@settings(deadline=None, max_examples=400)
def test_conforms_agrees_with_jsonschema_and_explain_with_both(tree: Any) -> None:
    valid = jsonschema.Draft202012Validator(SCENARIO).is_valid(tree)
    assert conforms(SCENARIO, tree) == valid
    assert (explain(SCENARIO, tree) == []) == valid


@given(JSON, st.sampled_from(list(subschemas(SCENARIO))))
@settings(deadline=None, max_examples=300)
def test_conforms_agrees_with_jsonschema_on_every_part(tree: Any, schema: Schema) -> None:
    assert conforms(schema, tree) == jsonschema.Draft202012Validator(schema).is_valid(tree)


@given(mutants())
def test_defaults_are_filled_in_a_new_tree_once_and_for_all(tree: Any) -> None:
    before = json.dumps(tree)
    filled = apply_defaults(SCENARIO, tree)
    assert json.dumps(tree) == before
    assert apply_defaults(SCENARIO, filled) == filled
    if conforms(SCENARIO, tree):
        assert conforms(SCENARIO, filled)


def test_defaults_are_filled_in_below_keys_that_were_given() -> None:
    filled = apply_defaults(SCENARIO, {"models": {"number_of_trees": 7}, "feasible_output": {}})
    assert filled["models"] == {
        "model": "auto",
        "number_of_trees": 7,
        "max_features": 0.5,
        "bootstrap": False,
        "min_samples_split": 5,
        "use_all_data_to_fit_mean": False,
        "use_all_data_to_fit_variance": False,
    }
    assert filled["feasible_output"]["true_value"] == "true"
    assert apply_defaults(SCENARIO, {})["feasible_output"]["true_value"] == "True"
    assert filled["design_of_experiment"] == {
        "doe_type": "random sampling",
        "number_of_samples": 10,
        "allow_repetitions": False,
    }


def test_filled_in_defaults_are_nobody_elses() -> None:
    one, two = apply_defaults(SCENARIO, {}), apply_defaults(SCENARIO, {})
    one["models"]["model"] = one["hypermapper_mode"]["mode"] = "changed"
    one["output_image"]["optimization_objectives_labels_image_pdf"].append("changed")
    assert two == apply_defaults(load_schema("scenario"), {})
    assert "changed" not in json.dumps(two)


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        ({"seed": "3"}, "$.seed", 'expected an integer, got "3"'),
        ({"seed": True}, "$.seed", "expected an integer, got true"),
        ({"noise": None}, "$.noise", "expected true or false, got null"),
        ({"print_best": 1}, "$.print_best", 'expected true, false or "auto", got 1'),
        (
            {"acquisition_function": "ei"},
            "$.acquisition_function",
            'expected "EI", "UCB", "TS", "EI_PIBO" or "EI_BOPRO", got "ei"; did you mean "EI"?',
        ),
        (
            {"models": {"model": "random_forrest"}},
            "$.models.model",
            'expected "auto", "gaussian_process" or "random_forest", got "random_forrest"; '
            'did you mean "random_forest"?',
        ),
        (
            {"models": {"max_features": 0}},
            "$.models.max_features",
            "expected more than 0, got 0",
        ),
        ({"time_budget": -2}, "$.time_budget", "expected at least -1, got -2"),
        ({"log_file": ""}, "$.log_file", 'expected some text, got ""'),
        (
            {"optimization_objectives": []},
            "$.optimization_objectives",
            "expected at least 1 entry, got []",
        ),
        (
            {"optimization_iteration": 3},
            "$.optimization_iteration",
            'unknown key; did you mean "optimization_iterations"?',
        ),
        ({"colour": 3}, "$.colour", "unknown key"),
        ({"fidelity": 3}, "$.fidelity", "expected an object, got 3"),
        ({"fidelity": {}}, "$.fidelity", 'name is missing, for example "epochs"'),
        (
            {"optimization_objectives": [{"goal": "maximize"}]},
            "$.optimization_objectives[0]",
            'name is missing, for example "fps"',
        ),
        (
            {"input_parameters": {"a b": {"parameter_type": "real", "values": [0, 1]}}},
            '$.input_parameters["a b"]',
            "expected a name of letters, digits, _ and - only",
        ),
        (
            {"input_parameters": {"x": {"parameter_type": "real"}}},
            "$.input_parameters.x",
            "values is missing, for example [-5, 10]",
        ),
    ],
)
def test_an_explanation_says_what_was_expected_and_what_came(
    changes: dict[str, Any], path: str, message: str
) -> None:
    assert problems(**changes) == {path: message}


def test_everything_is_explained_at_once() -> None:
    found = problems(seed="3", noise=0, models={"modell": 1, "number_of_trees": 0}, x=1)
    assert set(found) == {
        "$.x",
        "$.models.modell",
        "$.models.number_of_trees",
        "$.noise",
        "$.seed",
    }


def test_what_came_is_cut() -> None:
    assert len(problems(seed="y" * 1000)["$.seed"]) < 250


def test_a_scenario_that_conforms_is_read_without_jsonschema() -> None:
    code = f"""
import sys
from hmserve.schema import conforms, load_schema
assert conforms(load_schema("scenario"), {COMPLETE!r})
slow = set(sys.modules) & {{"jsonschema", "difflib", "numpy", "importlib.resources"}}
assert not slow, slow
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_checkout_runs_as_it_lies(tmp_path: Path) -> None:
    checkout = Path(__file__).parent.parent
    for directory in ("hmserve", "schemas"):
        (tmp_path / directory).symlink_to(checkout / directory)
    # -S hides the installed package, -E the PYTHONPATH that might show it.
    code = "from hmserve.schema import load_schema; load_schema('scenario')['title']"
    subprocess.run([sys.executable, "-S", "-E", "-c", code], cwd=tmp_path, check=True)
