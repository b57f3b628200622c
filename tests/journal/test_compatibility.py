import pytest

from hmserve.journal.compatibility import differences
from hmserve.journal.store import start


@pytest.fixture
def first(scenario):
    return start(scenario.document, 7)


def test_the_same_scenario_fits(first, scenario):
    assert differences(first, scenario.document) == []


@pytest.mark.parametrize(
    "change",
    [
        {"optimization_iterations": 1000},
        {"time_budget": 5},
        {"application_name": "other"},
        {"run_directory": "elsewhere"},
        {"output_data_file": "a.csv"},
        {"output_pareto_file": "b.csv"},
        {"log_file": "c.log"},
        {"verbose_logging": True},
        {"print_best": True},
        {"timestamp": "When"},
        {"seed": 7},
        {"seed": None},
        {"$schema": "scenario.schema.json"},
    ],
)
def test_budgets_and_names_of_files_may_change(first, make_scenario, change):
    assert differences(first, make_scenario(**change).document) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 8}, "seed: the run has 7, the scenario 8"),
        (
            {"evaluations_per_optimization_iteration": 3},
            "evaluations_per_optimization_iteration: the run has 1, the scenario 3",
        ),
        (
            {"hypermapper_mode": {"mode": "default"}},
            'hypermapper_mode.mode: the run has "client-server", the scenario "default"',
        ),
        (
            {"design_of_experiment": {"number_of_samples": 20}},
            "design_of_experiment.number_of_samples: the run has 10, the scenario 20",
        ),
        ({"noise": False}, "noise: the run has true, the scenario false"),
        (
            {"optimization_objectives": ["energy", "time"]},
            'optimization_objectives: the run has ["time", "energy"], '
            'the scenario ["energy", "time"]',
        ),
    ],
)
def test_what_the_search_depends_on_may_not_change(first, make_scenario, change, message):
    assert differences(first, make_scenario(**change).document) == [message]


def test_a_changed_space_is_told_parameter_by_parameter(first, scenario, make_scenario):
    parameters = scenario.document["input_parameters"]
    changed = {
        "r": {**parameters["r"], "values": [-5, 11]},
        "i": parameters["i"],
        "o": parameters["o"],
        "new": {"parameter_type": "integer", "values": [0, 1]},
    }
    found = differences(first, make_scenario(input_parameters=changed).document)
    assert len(found) == 3
    assert found[0] == (
        "input_parameters.r.values: the run has [-5, 10], the scenario [-5, 11]"
    )
    assert found[1].startswith('input_parameters.c: the run has {"parameter_type"')
    assert found[1].endswith("the scenario none")
    assert found[2].startswith("input_parameters.new: the run has none, the scenario {")


def test_the_order_of_the_parameters_may_not_change(first, scenario, make_scenario):
    turned = dict(reversed(scenario.document["input_parameters"].items()))
    found = differences(first, make_scenario(input_parameters=turned).document)
    assert found == [
        'input_parameters: their order was ["r", "i", "o", "c"], now ["c", "o", "i", "r"]'
    ]


def test_a_key_that_came_after_the_run_had_its_default(first, scenario):
    older = {key: value for key, value in first.scenario.items() if key != "noise"}
    assert differences(start(older, 7), scenario.document) == []
    found = differences(start(older, 7), {**scenario.document, "noise": False})
    assert found == ["noise: the run has true, the scenario false"]


def test_a_long_value_is_cut(first, make_scenario):
    labels = {"parameter_type": "categorical", "values": [f"label {i}" for i in range(99)]}
    (*_, last) = differences(first, make_scenario(input_parameters={"c": labels}).document)
    assert len(last) < 500
