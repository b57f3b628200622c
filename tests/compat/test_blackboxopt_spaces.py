"""Search spaces of parameterspace, there and back."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("blackboxopt", reason="needs pip install 'hmserve[blackboxopt]'")

import parameterspace as ps
from blackboxopt import Evaluation, Objective
from blackboxopt.base import EvaluationsError
from parameterspace.priors import Beta, TruncatedNormal
from parameterspace.transformations.base import BaseTransformation

from hmserve.compat.blackboxopt import HmserveOptimizer, Hyperband
from hmserve.compat.blackboxopt.spaces import Translation

pytestmark = pytest.mark.slow

LOSS = Objective("loss", greater_is_better=False)
DRAWN = {"optimization_method": "random_search"}


class Root(BaseTransformation):
    """A transformation of nobody else's, onto an interval of its own."""

    def __init__(self) -> None:
        super().__init__((0.0, 16.0), (0, 1))

    def __call__(self, value: Any) -> float:
        return float(np.sqrt(value) / 4.0)

    def inverse(self, numerical_value: float) -> float:
        return float(min(16.0 * numerical_value**2, 16.0))


def everything() -> ps.ParameterSpace:
    """A space with each kind of parameter, and each kind of condition."""
    space = ps.ParameterSpace()
    space.add(ps.CategoricalParameter("kind", ["plain", None, ("a", 1), True]))
    space.add(ps.OrdinalParameter("size", ["small", "medium", "large"]))
    space.add(ps.IntegerParameter("layers", (1, 4)))
    space.add(ps.IntegerParameter("units", (1, 100_000), transformation="log"))
    space.add(ps.ContinuousParameter("x", (-2.0, 3.0)))
    space.add(ps.ContinuousParameter("rate", (1e-6, 1.0), transformation="log"))
    space.add(ps.ContinuousParameter("root", (0.0, 16.0), transformation=Root()))
    space.add(ps.ContinuousParameter("fixed", (0.0, 1.0)))
    space.add(ps.IntegerParameter("second", (1, 9)), lambda layers: layers > 1)
    space.add(ps.ContinuousParameter("third", (0, 1)), lambda second: second > 4)
    space.add(
        ps.ContinuousParameter("both", (0, 1)),
        lambda size, layers: size == "large" or layers == 4,
    )
    space.add(ps.ContinuousParameter("far", (0, 1)), lambda x: x > 1.0)
    space.add(ps.ContinuousParameter("wide", (0, 1)), lambda units: units > 50)
    space.add(ps.ContinuousParameter("never", (0, 1)), lambda size: size == "huge")
    space.add(
        ps.ContinuousParameter("after", (0, 1)),
        lambda fixed, size: fixed < 0.5 and size != "small",
    )
    space.fix(fixed=0.25)
    return space


def test_any_configuration_comes_back_as_it_was() -> None:
    space = everything()
    translation = Translation(space)
    space.seed(1)
    drawn = [c for c in (space.sample() for _ in range(200)) if c["kind"] is not None]
    assert len(drawn) > 100
    for configuration in drawn:
        found = translation.outward(translation.inward(dict(configuration)))
        assert found.keys() == configuration.keys()
        for name, value in configuration.items():
            if isinstance(value, float) and not isinstance(value, bool):
                assert found[name] == pytest.approx(value, rel=1e-9)
            else:
                assert found[name] == value
                assert type(found[name]) is type(value)


def test_proposals_are_valid_and_have_what_is_active() -> None:
    space = everything()
    optimizer = HmserveOptimizer(space, LOSS, seed=1)
    seen = set()
    for i in range(30):
        specification = optimizer.generate_evaluation_specification()
        configuration = specification.configuration
        assert configuration["fixed"] == 0.25
        assert ("third" in configuration) == (configuration.get("second", 0) > 4)
        assert ("far" in configuration) == (configuration["x"] > 1.0)
        assert ("after" in configuration) == (configuration["size"] != "small")
        if configuration["kind"] is not None:
            assert space.check_validity(configuration)
        seen |= configuration.keys()
        optimizer.report(specification.create_evaluation(objectives={"loss": float(i % 7)}))
    assert seen == {*space.get_parameter_names(), "fixed"} - {"never"}


def test_conditions_on_few_values_are_known_to_the_model() -> None:
    entries = Translation(everything()).parameters
    by_name = {f"p{i}": n for i, n in enumerate(everything().get_parameter_names())}
    conditions = {
        by_name[p]: entry["condition"] for p, entry in entries.items() if "condition" in entry
    }
    assert conditions == {
        "second": {"p2": [2, 3, 4]},
        "third": {"p2": [2, 3, 4], "p7": [5, 6, 7, 8, 9]},
        "after": {"p1": [1, 2]},
    }
    assert "never" not in {by_name[p] for p in entries}


def test_a_space_in_which_nothing_varies_is_refused() -> None:
    space = ps.ParameterSpace()
    space.add(ps.ContinuousParameter("x", (0.0, 1.0)))
    space.fix(x=0.5)
    with pytest.raises(ValueError, match="can vary"):
        HmserveOptimizer(space, LOSS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": 4.0}, "x = 4.0"),
        ({"size": "huge"}, "size = huge"),
        ({"speed": 1}, "'speed' is no parameter"),
        ({"fixed": 0.75}, "fixed"),
        ({"layers": 1}, "second"),
        ({"x": None}, "x"),
    ],
)
def test_a_configuration_that_is_not_in_the_space_is_faulty(
    change: dict[str, Any], message: str
) -> None:
    space = everything()
    valid = space.sample({"layers": 3, "kind": "plain", "x": 0.5, "size": "large"})
    optimizer = HmserveOptimizer(space, LOSS, seed=0)
    optimizer.report(Evaluation(configuration=valid, objectives={"loss": 1.0}))
    wrong = Evaluation(configuration={**valid, **change}, objectives={"loss": 1.0})
    with pytest.raises(EvaluationsError) as caught:
        optimizer.report(wrong)
    assert message in str(caught.value.evaluations_with_errors[0][1])


def medians(parameter: Any, n: int = 60) -> float:
    space = ps.ParameterSpace()
    space.add(parameter)
    optimizer = HmserveOptimizer(space, LOSS, seed=2, scenario=DRAWN)
    asked = [optimizer.generate_evaluation_specification() for _ in range(n)]
    return float(np.median([s.configuration["p"] for s in asked]))


def test_draws_follow_transformations() -> None:
    assert 1e-4 < medians(ps.ContinuousParameter("p", (1e-6, 1.0), transformation="log")) < 1e-2
    assert 2.0 < medians(ps.ContinuousParameter("p", (0.0, 16.0), transformation=Root())) < 7.0
    assert 10 < medians(ps.IntegerParameter("p", (1, 10_000), transformation="log")) < 1000


def test_draws_follow_priors() -> None:
    near = TruncatedNormal(mean=0.2, std=0.05)
    assert 0.15 < medians(ps.ContinuousParameter("p", (0.0, 1.0), prior=near)) < 0.3
    assert 150 < medians(ps.IntegerParameter("p", (0, 999), prior=near)) < 300
    assert 1500 < medians(ps.IntegerParameter("p", (0, 9999), prior=near)) < 3000
    assert medians(ps.ContinuousParameter("p", (0.0, 1.0), prior=Beta(0.5, 3.0))) < 0.25


def test_weights_of_levels_are_kept() -> None:
    space = ps.ParameterSpace()
    space.add(ps.CategoricalParameter("c", ["a", "b", "c"], prior=[8, 1, 1]))
    space.add(ps.ContinuousParameter("x", (0.0, 1.0)))
    optimizer = Hyperband(space, LOSS, 1, 1, num_iterations=60, seed=1)
    asked = [optimizer.generate_evaluation_specification() for _ in range(60)]
    assert sum(s.configuration["c"] == "a" for s in asked) > 30


def test_the_search_space_draws_as_if_there_were_no_optimizer() -> None:
    space, alone = everything(), everything()
    space.seed(3)
    alone.seed(3)
    Translation(space)
    assert space.sample() == alone.sample()
