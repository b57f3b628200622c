"""hmserve behind blackboxopt's interface. All need blackboxopt: the gate installs it."""

import contextlib
import io
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("blackboxopt", reason="needs pip install 'hmserve[blackboxopt]'")

import parameterspace as ps
from blackboxopt import Evaluation, Objective, OptimizationComplete, OptimizerNotReady
from blackboxopt.base import ConstraintsError, EvaluationsError, ObjectivesError
from blackboxopt.optimization_loops.sequential import run_optimization_loop
from blackboxopt.optimizers.testing import ALL_REFERENCE_TESTS

from hmserve.compat.blackboxopt import (
    ASHA,
    BOHB,
    HmserveMultiObjectiveOptimizer,
    HmserveOptimizer,
    Hyperband,
    MultiObjectiveHyperband,
)
from hmserve.errors import ScenarioError, UnknownTrialError, UsageError

pytestmark = pytest.mark.slow

LOSS = Objective("loss", greater_is_better=False)
SCORE = Objective("score", greater_is_better=True)
BRACKETS = {"min_fidelity": 1, "max_fidelity": 9, "num_iterations": 3}
DOCUMENT = Path(__file__).parents[2] / "docs" / "blackboxopt.md"

OPTIMIZERS: list[tuple[type, dict[str, Any]]] = [
    (HmserveOptimizer, {}),
    (HmserveOptimizer, {"scenario": {"models": {"model": "random_forest"}}}),
    (HmserveMultiObjectiveOptimizer, {}),
    (BOHB, BRACKETS),
    (BOHB, {**BRACKETS, "max_fidelity": 1, "min_samples_in_model": 2, "num_iterations": 25}),
    (Hyperband, BRACKETS),
    (Hyperband, {**BRACKETS, "sampler": "gp"}),
    (ASHA, {**BRACKETS, "num_iterations": 30}),
    (MultiObjectiveHyperband, BRACKETS),
]


def line() -> ps.ParameterSpace:
    space = ps.ParameterSpace()
    space.add(ps.ContinuousParameter("x", (0.0, 1.0)))
    return space


def loss(specification: Any, optimum: float = 0.3) -> float:
    return float((specification.configuration["x"] - optimum) ** 2)


def answered(specification: Any, **objectives: float | None) -> Evaluation:
    return specification.create_evaluation(
        objectives=objectives or {"loss": loss(specification)}
    )


def ask(optimizer: Any, n: int) -> list[Any]:
    return [optimizer.generate_evaluation_specification() for _ in range(n)]


def all_out(optimizer: Any) -> Iterator[Any]:
    """Yield what can be asked without a report."""
    with contextlib.suppress(OptimizerNotReady, OptimizationComplete):
        while True:
            yield optimizer.generate_evaluation_specification()


@pytest.mark.parametrize("seed", [None, 7])
@pytest.mark.parametrize("reference", ALL_REFERENCE_TESTS, ids=lambda test: test.__name__)
@pytest.mark.parametrize(("optimizer", "arguments"), OPTIMIZERS)
def test_passes_what_blackboxopt_wants_of_an_optimizer(
    optimizer: type, arguments: dict[str, Any], reference: Callable[..., None], seed: int | None
) -> None:
    reference(optimizer, arguments, seed=seed)


def test_brackets_are_blackboxopts_and_end_with_their_exceptions() -> None:
    optimizer = Hyperband(line(), LOSS, **BRACKETS, seed=0)
    first = list(all_out(optimizer))
    assert Counter(s.settings["fidelity"] for s in first) == {1: 9, 3: 5, 9: 3}
    with pytest.raises(OptimizerNotReady, match="17"):
        optimizer.generate_evaluation_specification()
    optimizer.report(map(answered, first))
    second = list(all_out(optimizer))
    optimizer.report([answered(specification) for specification in second])
    (last,) = all_out(optimizer)
    optimizer.report(answered(last))
    found = Counter(s.settings["fidelity"] for s in [*first, *second, last])
    assert found == {1: 9, 3: 8, 9: 5}
    with pytest.raises(OptimizationComplete):
        optimizer.generate_evaluation_specification()


def test_a_promoted_configuration_keeps_its_id_and_says_how_far_it_is() -> None:
    optimizer = BOHB(line(), LOSS, **BRACKETS, seed=0)
    first = ask(optimizer, 9)
    optimizer.report([answered(specification) for specification in first])
    best = min(first, key=loss)
    promoted = optimizer.generate_evaluation_specification()
    assert promoted.configuration == best.configuration
    for name in ("id", "configuration_key"):
        assert promoted.optimizer_info[name] == best.optimizer_info[name]
    assert promoted.optimizer_info["trial"] != best.optimizer_info["trial"]
    assert best.optimizer_info["previous_fidelity"] == 0
    assert promoted.optimizer_info["previous_fidelity"] == 1
    assert promoted.settings["fidelity"] == 3


@pytest.mark.parametrize("how", ["failed", "early"])
def test_what_failed_or_ended_early_is_not_promoted(how: str) -> None:
    optimizer = ASHA(line(), LOSS, 1, 9, num_iterations=9, seed=0)
    first = ask(optimizer, 9)
    worst = max(first, key=loss)
    for specification in first:
        evaluation = answered(specification)
        if specification is not worst:
            evaluation.settings["fidelity"] = 1 if how == "failed" else 0.5
            evaluation.objectives["loss"] = None if how == "failed" else 0.0
        optimizer.report(evaluation)
    assert optimizer.generate_evaluation_specification().configuration == worst.configuration


def test_faulty_evaluations_are_listed_and_the_others_taken() -> None:
    optimizer = HmserveOptimizer(line(), LOSS, max_steps=6, seed=0)
    specifications = ask(optimizer, 5)
    good, wrong, twice, stale, outside = map(answered, specifications)
    optimizer.report(stale)
    wrong.objectives["speed"] = 1.0
    outside.optimizer_info.clear()
    outside.configuration["x"] = 2.0
    unknown = Evaluation(configuration={"y": 1.0}, objectives={"loss": 1.0})
    again = answered(specifications[2])
    with pytest.raises(EvaluationsError) as caught:
        optimizer.report([unknown, wrong, good, twice, again, stale, outside])
    faulty = [(id(e), type(error)) for e, error in caught.value.evaluations_with_errors]
    assert faulty == [
        (id(unknown), ValueError),
        (id(wrong), ObjectivesError),
        (id(again), UnknownTrialError),
        (id(stale), UnknownTrialError),
        (id(outside), ValueError),
    ]
    # Those whose reports were faulty are still out.
    optimizer.report([answered(specifications[1]), answered(specifications[4])])
    optimizer.report(answered(*ask(optimizer, 1)))
    with pytest.raises(OptimizationComplete):
        optimizer.generate_evaluation_specification()


def proposals_after(evaluations: list[Evaluation], **arguments: Any) -> list[float]:
    optimizer = HmserveOptimizer(line(), LOSS, seed=0, **arguments)
    optimizer.report(evaluations)
    found = []
    for _ in range(3):
        specification = optimizer.generate_evaluation_specification()
        optimizer.report(answered(specification))
        found.append(specification.configuration["x"])
    return found


def foreign(n: int) -> list[Evaluation]:
    configurations = [{"x": (i + 0.5) / n} for i in range(n)]
    return [
        Evaluation(configuration=c, objectives={"loss": (c["x"] - 0.3) ** 2})
        for c in configurations
    ]


def test_what_it_did_not_propose_is_learnt_from_in_any_order() -> None:
    found = proposals_after(foreign(12))
    assert found == proposals_after(foreign(12)[::-1])
    assert min(abs(x - 0.3) for x in found) < 0.01
    assert max(abs(x - 0.3) for x in found) < 0.3


def test_the_evaluations_of_another_optimizer_are_not_its_own() -> None:
    earlier = HmserveOptimizer(line(), LOSS, seed=0)
    evaluations = [answered(specification) for specification in ask(earlier, 4)]
    optimizer = HmserveOptimizer(line(), LOSS, max_steps=4, seed=0)
    own = ask(optimizer, 4)
    optimizer.report(evaluations)
    with pytest.raises(OptimizerNotReady):
        optimizer.generate_evaluation_specification()
    optimizer.report([answered(specification) for specification in own])


def test_a_saved_study_is_gone_on_with_at_its_fidelities() -> None:
    earlier = BOHB(line(), LOSS, **BRACKETS, seed=1)
    saved = [answered(s).to_json() for s in all_out(earlier)]
    study = [Evaluation(**json.loads(text)) for text in saved]
    optimizer = BOHB(line(), LOSS, **BRACKETS, random_fraction=0, seed=2)
    optimizer.report(study)
    first = ask(optimizer, 9)
    drawn = ask(BOHB(line(), LOSS, **BRACKETS, random_fraction=0, seed=2), 9)
    assert sum(map(loss, first)) < 0.5 * sum(map(loss, drawn))


def test_an_evaluation_of_no_possible_fidelity_is_faulty() -> None:
    optimizer = BOHB(line(), LOSS, **BRACKETS, seed=1)
    evaluation = answered(*ask(optimizer, 1))
    evaluation.settings["fidelity"] = 10
    with pytest.raises(EvaluationsError) as caught:
        optimizer.report(evaluation)
    assert "at most 9, got 10" in str(caught.value.evaluations_with_errors[0][1])


@pytest.mark.parametrize(("optimizer", "arguments"), OPTIMIZERS)
def test_seed_0_is_a_seed(optimizer: type, arguments: dict[str, Any]) -> None:
    objective = [LOSS, SCORE] if "Multi" in optimizer.__name__ else LOSS

    def first(seed: int | None) -> list[Any]:
        made = optimizer(line(), objective, seed=seed, **arguments)
        return [specification.configuration for specification in ask(made, 3)]

    assert first(0) == first(0)
    assert first(None) != first(None)


def test_greater_is_better_where_the_objective_says_so() -> None:
    optimizer = HmserveOptimizer(line(), SCORE, max_steps=18, seed=3)
    evaluations = run_optimization_loop(optimizer, lambda s: answered(s, score=-loss(s)))
    assert len(evaluations) == 18
    assert max(e.objectives["score"] for e in evaluations) > -1e-5


def test_a_front_is_found_of_objectives_that_go_different_ways() -> None:
    optimizer = HmserveMultiObjectiveOptimizer(line(), [LOSS, SCORE], max_steps=25, seed=1)
    evaluations = run_optimization_loop(
        optimizer, lambda s: answered(s, loss=loss(s, 0.2), score=-loss(s, 0.4))
    )
    inside = [e for e in evaluations[10:] if 0.2 <= e.configuration["x"] <= 0.4]
    assert len(inside) >= 10


def test_one_missing_objective_of_several_is_a_failure() -> None:
    optimizer = MultiObjectiveHyperband(line(), [LOSS, SCORE], 1, 3, 1, seed=0)
    first = ask(optimizer, 3)
    whole = max(first, key=loss)
    for s in first:
        optimizer.report(answered(s, loss=loss(s), score=1.0 if s is whole else None))
    assert optimizer.generate_evaluation_specification().configuration == whole.configuration


def test_constraints_it_knows_are_kept_and_have_to_be_reported() -> None:
    optimizer = HmserveOptimizer(line(), LOSS, max_steps=25, constraints=["room"], seed=0)
    first = optimizer.generate_evaluation_specification()
    with pytest.raises(EvaluationsError) as caught:
        optimizer.report(answered(first))
    assert isinstance(caught.value.evaluations_with_errors[0][1], ConstraintsError)
    optimizer.report(answered(first, loss=None))

    def evaluate(s: Any) -> Evaluation:
        room = s.configuration["x"] - 0.6
        return s.create_evaluation({"loss": loss(s)}, constraints={"room": room, "other": 1})

    found = run_optimization_loop(optimizer, evaluate)
    assert min(abs(e.configuration["x"] - 0.6) for e in found) < 0.01
    assert sum(0.59 < e.configuration["x"] < 0.75 for e in found[9:]) >= 8


def test_a_finite_space_is_complete_when_all_of_it_is_known() -> None:
    space = ps.ParameterSpace()
    space.add(ps.CategoricalParameter("c", [(64, 64), None, 3.5]))
    space.add(ps.IntegerParameter("n", (1, 2)))
    optimizer = HmserveOptimizer(space, LOSS, seed=0)
    found = list(all_out(optimizer))
    assert {(s.configuration["c"], s.configuration["n"]) for s in found} == {
        (c, n) for c in [(64, 64), None, 3.5] for n in [1, 2]
    }
    with pytest.raises(OptimizerNotReady):
        optimizer.generate_evaluation_specification()
    optimizer.report([answered(specification, loss=1.0) for specification in found])
    with pytest.raises(OptimizationComplete):
        optimizer.generate_evaluation_specification()


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    optimizer = Hyperband(line(), LOSS, **BRACKETS, sampler="auto", seed=0)
    assert len(run_optimization_loop(optimizer, answered)) == 22
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"min_fidelity": 0}, "min_fidelity"),
        ({"min_fidelity": 10}, "min"),
        ({"eta": 1}, "eta"),
        ({"num_iterations": 0}, "num_iterations"),
        ({"top_n_percent": 0}, "top_n_percent"),
        ({"scenario": {"model": "gp"}}, "model"),
    ],
)
def test_arguments_that_cannot_be_used_are_named(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(ScenarioError, match=rf"\b{named}\b"):
        BOHB(line(), LOSS, **{**BRACKETS, **arguments})


@pytest.mark.parametrize("key", ["seed", "input_parameters", "run_directory", "fidelity"])
def test_keys_that_do_not_say_how_to_search_are_refused(key: str) -> None:
    with pytest.raises(UsageError, match=key):
        HmserveOptimizer(line(), LOSS, scenario={key: 1})


def test_the_page_about_it_is_true() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    ((program, expected),) = re.findall(
        r"^```python\n(.*?)^```\n\n```text\n(.*?)^```$", text, re.DOTALL | re.MULTILINE
    )
    # parameterspace reads the source of conditions.
    names: dict[str, Any] = {"__name__": "page"}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile_with_source(program), names)  # noqa: S102 - our own page
    assert printed.getvalue() == expected


def compile_with_source(program: str) -> Any:
    import linecache

    lines = program.splitlines(keepends=True)
    linecache.cache["<page>"] = (len(program), None, lines, "<page>")
    return compile(program, "<page>", "exec")


def test_model_based_search_beats_draws() -> None:
    def regret(optimizer: Any) -> float:
        found = run_optimization_loop(optimizer, answered)
        return min(e.objectives["loss"] for e in found)

    models = [regret(HmserveOptimizer(line(), LOSS, max_steps=15, seed=s)) for s in range(3)]
    random = {"optimization_method": "random_search"}
    draws = [
        regret(HmserveOptimizer(line(), LOSS, max_steps=15, seed=s, scenario=random))
        for s in range(3)
    ]
    assert max(models) < 0.1 * min(draws)
    assert math.isfinite(max(draws))
