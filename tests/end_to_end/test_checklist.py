"""What HyperMapper's users rely on, point by point: the checklist of compatibility.

docs/migration.md has it in words. Where another test proves a point already it is named, and
only what is left of the point is tested here. What is different on purpose is in
test_differences.py.
"""

import csv
import json
import re
import time
from pathlib import Path

import pytest

import hmserve
from hmserve.compat import utility_functions

FEASIBILITY = {"enable_feasible_predictor": True, "true_value": "True", "false_value": "False"}
FOREST = {"model": "random_forest"}


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_1_the_posterior_comes_before_the_best_block_and_both_before_the_end(
    fork, write_scenario, tmp_path
) -> None:
    """The rest: test_recorded.py, test_transcripts.py; stdout holds nothing else:
    test_serve.py."""
    write_scenario(
        optimization_iterations=2, models=FOREST, print_best=True, print_posterior_best=True
    )
    with fork("app.json", directory=tmp_path) as daemon:
        daemon.converse(lambda row: {"Value": repr((float(row["x"]) - 0.5) ** 2)})
        rest, status = daemon.rest(), daemon.wait()
    # The first line of what comes after the requests was read to see that it is none.
    row = r"[-.\de]+,\d+,[-.\de]+\n\n"
    said = daemon.heard.decode()
    ending = said[said.index("Minimum") :]
    assert ending.endswith(rest)
    assert status == 0
    assert re.fullmatch(
        rf"Minimum of the posterior mean:\nx,n,Value\n{row}"
        rf"Best point found:\nx,n,Value\n{row}End of HyperMapper\n",
        ending,
    )


@pytest.mark.parametrize("feasible", ["True", "False"])
def test_2_no_request_but_the_design_and_the_iterations_is_made(
    feasible, fork, write_scenario, tmp_path
) -> None:
    """Sizes: test_recorded.py. All feasible or all infeasible, HyperMapper spent iterations."""
    write_scenario(
        feasible_output=FEASIBILITY,
        design_of_experiment={"doe_type": "standard latin hypercube", "number_of_samples": 4},
        optimization_iterations=3,
        evaluations_per_optimization_iteration=2,
        input_parameters={
            "x": {"parameter_type": "real", "values": [0, 1], "parameter_default": 0.25},
            "n": {"parameter_type": "integer", "values": [0, 100]},
            "c": {"parameter_type": "categorical", "values": ["a", "b"]},
        },
    )
    with fork("app.json", directory=tmp_path) as daemon:
        requests = daemon.converse(lambda row: {"Value": row["n"], "Valid": feasible})
        assert daemon.wait() == 0
    assert [len(rows) for rows in requests] == [4, 2, 2, 2]
    # The default configuration is completed, and first.
    assert requests[0][0]["x"] == "0.25"


def test_3_the_defaults_are_written_as_in_the_scenario(fork, write_scenario, tmp_path) -> None:
    """Numbers: protocol/test_codec.py; the golden mixed_types."""
    defaults = {
        "r": ("real", [-5, 10], 0),
        "s": ("real", [0, 1e30], 1e20),
        "t": ("real", [0, 1], 0.30670453459849956),
        "u": ("real", [0, 1], 1e-05),
        "i": ("integer", [-5, 5], -5),
        "o": ("ordinal", [1, 2.5, 3], 3),
        "c": ("categorical", ["c d", "e"], "c d"),
    }
    write_scenario(
        design_of_experiment={"number_of_samples": 1},
        input_parameters={
            name: {"parameter_type": kind, "values": values, "parameter_default": default}
            for name, (kind, values, default) in defaults.items()
        },
    )
    with fork("app.json", directory=tmp_path) as daemon:
        assert daemon.line() == "Request 1\n"
        assert daemon.line() == "r,s,t,u,i,o,c\n"
        assert daemon.line() == "0,1e+20,0.30670453459849956,1e-05,-5,3,c d\n"


def test_4_a_reply_may_be_in_any_order_and_have_more(fork, write_scenario, tmp_path) -> None:
    """Each liberty alone: tests/golden. Here they come together, in batches."""
    write_scenario(optimization_iterations=2, evaluations_per_optimization_iteration=3)
    told = []
    with fork("app.json", directory=tmp_path) as daemon:
        while rows := daemon.request():
            lines = [f" {len(told)} , {row['n']},7, {row['x']} \r\n" for row in rows]
            told += [row["n"] for row in rows]
            daemon.say("Timestamp,n,Value,x\r\n\r\n" + "".join(reversed(lines)))
        assert daemon.wait() == 0
    assert sorted(row["n"] for row in table(tmp_path / "app_output_samples.csv")) == sorted(
        told
    )


def test_5_the_samples_file_is_there_before_the_first_request_and_grows_by_replies(
    fork, write_scenario, tmp_path
) -> None:
    """Its format: journal/test_table.py; names of files: test_scenario.py."""
    write_scenario(
        feasible_output={**FEASIBILITY, "name": "ok"},
        optimization_iterations=1,
        timestamp="when",
        log_file="my.log",
    )
    samples = tmp_path / "app_output_samples.csv"
    began = time.time() * 1000
    with fork("app.json", directory=tmp_path) as daemon:
        first = daemon.request()
        assert samples.read_bytes() == b"x,n,Value,ok,when\r\n"
        row = "".join(f"{r['x']},{r['n']},{k}.5,{k != 1}\n" for k, r in enumerate(first))
        daemon.say("x,n,Value,ok\n" + row)
        second = daemon.request()
        assert len(samples.read_bytes().splitlines()) == 4
        daemon.say(f"x,n,Value,ok\n{second[0]['x']},{second[0]['n']},9,True\n")
        daemon.rest()
        assert daemon.wait() == 0
    rows = table(samples)
    assert [row["ok"] for row in rows] == ["True", "False", "True", "True"]
    assert [row["Value"] for row in rows] == ["0.5", "1.5", "2.5", "9.0"]
    assert all(began - 1 <= int(row["when"]) <= time.time() * 1000 for row in rows)
    best = f"Best point found:\nx,n,Value\n{rows[0]['x']},{rows[0]['n']},0.5\n\n"
    assert best in (tmp_path / "my.log").read_text()


DEFAULTS = json.loads("""{
"application_name": "application", "log_file": "hypermapper_logfile.log", "noise": true,
"verbose_logging": false, "profiling": false, "profiling_file": "profiles/profile.csv",
"append_profiles": false, "number_of_cpus": 0, "max_number_of_predictions": 1000000,
"optimization_iterations": 50, "time_budget": -1, "number_of_repetitions": 1,
"timestamp": "Timestamp", "evaluations_per_optimization_iteration": 1, "run_directory": ".",
"output_data_file": "output_samples.csv", "output_pareto_file": "output_pareto.csv",
"acquisition_function": "EI", "weight_sampling": "flat", "bounding_box_limits": [0, 1],
"optimization_method": "bayesian_optimization", "local_search_evaluation_limit": -1,
"scalarization_key": "scalarization", "local_search_scalarization_weights": [1],
"print_parameter_importance": false, "normalize_inputs": false, "prior_method": "pibo",
"prior_beta": -1, "prior_floor": 1e-6, "model_posterior_weight": 10,
"model_good_quantile": 0.05, "prior_estimation_file": "samples.csv",
"prior_estimation_quantile": 0.1, "estimate_multivariate_priors": false,
"resume_optimization": false, "resume_optimization_data": "output_samples.csv",
"bandwidth_parameter": 0, "bandwidth_n_factor": 100, "prior_limit_estimation_points": 10000,
"posterior_computation_lower_limit": 1e-8, "custom_gaussian_prior_means": [0],
"custom_gaussian_prior_stds": [-1], "acquisition_function_optimizer": "local_search",
"evolution_population_size": 50, "evolution_generations": 150, "mutation_rate": 1,
"evolution_crossover": false, "regularize_evolution": false, "batch_size": 2,
"print_best": "auto", "print_posterior_best": false, "cma_es_sigma": 0.2,
"cma_es_starting_points": 1, "cma_es_random_points": 10000,
"design_of_experiment": {"doe_type": "random sampling", "number_of_samples": 10}
}""")
"""HyperMapper 2.2's, but for those that docs/migration.md says are others."""

BACO = json.loads("""{
"GP_model": "botorch", "acquisition_function": "EI", "log_acq_value": false, "noise": true,
"acquisition_function_optimizer": "local_search", "allow_duplicate_samples": true,
"design_of_experiment": {"doe_type": "random sampling", "allow_repetitions": false},
"epsilon_greedy_threshold": 0, "exploration_augmentation": 1e-4, "normalize_inputs": true,
"baco_mode": {"mode": "default"}, "hyperparameter_optimization_iterations": 5,
"local_search_from_best": true, "local_search_improvement_threshold": 0,
"local_search_random_points": 30000, "local_search_step_size": 0.03, "model_weight": 10,
"log_file": "baco_logfile.log", "log_transform_output": false, "time_budget": -1,
"models": {"model": "random_forest", "use_all_data_to_fit_mean": false},
"multistart_hyperparameter_optimization": false, "naive_cot_rs": false,
"objective_value_target": -9999, "use_STGP": true, "predict_noiseless": true,
"reoptimise_hyperparameters_interval": 1, "reuse_gp_hyperparameters": false,
"standardize_objectives": true, "resume_optimization_file": "output_samples.csv",
"lengthscale_prior": {"name": "none"}, "noise_prior": {"name": "none"},
"outputscale_prior": {"name": "none"},
"feasible_output": {"enable_feasible_predictor": false, "feasibility_threshold": 0.1}
}""")
"""What BaCO's schema has beside HyperMapper's, with its defaults spelt out."""


def test_6_every_key_is_known_with_hypermappers_default(run, write_scenario) -> None:
    """Names: test_schema.py. Unknown keys are named on stderr, and stdout is silent."""
    path = write_scenario(
        optimization_iterations=None, application_name=None, hypermapper_mode=None
    )
    path.write_text(json.dumps({**json.loads(path.read_text()), "design_of_experiment": {}}))
    document = utility_functions.validate_json(str(path))
    document["design_of_experiment"].pop("allow_repetitions")
    assert {key: document[key] for key in DEFAULTS} == DEFAULTS
    assert document["output_image"]["output_image_pdf_file"] == "output_pareto.pdf"
    inner = document["feasible_output"]
    assert (inner["true_value"], inner["false_value"]) == ("True", "False")
    path.write_text(json.dumps({**json.loads(path.read_text()), **BACO}))
    utility_functions.validate_json(str(path))
    done = run(str(write_scenario(optimisation_iterations=3)))
    assert (done.returncode, done.stdout) == (2, "")
    assert "optimisation_iterations" in done.stderr
    assert "optimization_iterations" in done.stderr


@pytest.mark.parametrize("name", ["app.py", "missing.json"])
def test_7_what_is_no_scenario_is_refused_by_the_command(name, run, tmp_path) -> None:
    """The commands and what they write: test_cli.py, commands/test_tools.py, test_home.py;
    from Python: compat/test_compat.py."""
    (tmp_path / "app.py").write_text("print('hello')\n")
    done = run(name)
    assert (done.returncode, done.stdout) == (2, "")
    assert name in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("samples", "iterations", "batch"), [(5, 0, 3), (1, 4, 1), (7, 3, 4)])
def test_8_so_many_evaluations_are_made(
    samples, iterations, batch, fork, write_scenario, tmp_path
) -> None:
    path = write_scenario(
        design_of_experiment={"number_of_samples": samples},
        optimization_iterations=iterations,
        evaluations_per_optimization_iteration=batch,
        models=FOREST,
    )
    expected = samples + iterations * batch
    with fork("app.json", directory=tmp_path) as daemon:
        requests = daemon.converse(lambda row: {"Value": row["x"]})
        assert daemon.wait() == 0
    assert sum(map(len, requests)) == expected
    document = {**json.loads(path.read_text()), "run_directory": str(tmp_path)}
    assert len(hmserve.optimize(document, lambda point: point["x"]).rows) == expected
