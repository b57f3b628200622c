"""A schedule of full evaluations alone."""

import pytest

from hmserve.engine.build import build
from hmserve.fidelity.full import Full
from hmserve.fidelity.ranking import Outcome
from hmserve.fidelity.rungs import Ladder
from hmserve.fidelity.schedule import races, scheduler
from hmserve.fidelity.scheduling import Place
from hmserve.report.schedule import schedule_text
from hmserve.scenario import Scenario
from hmserve.trial import WHOLE, Evaluation

LADDER = Ladder.of(1, 9, 3)


def scenario(fidelity=None, **changes):
    return Scenario.parse(
        {
            "optimization_objectives": ["f"],
            "design_of_experiment": {"number_of_samples": 3},
            "input_parameters": {"x": {"parameter_type": "real", "values": [0, 1]}},
            "fidelity": {
                "name": "epochs",
                "min": 1,
                "max": 9,
                "scheduler": "full",
                "sampler": "random",
                **(fidelity or {}),
            },
            **changes,
        }
    )


def test_it_wants_so_many_configurations_and_promotes_none() -> None:
    full = Full(LADDER, 3)
    for trial in range(3):
        place = full.next()
        assert place == Place(LADDER.rung(0, 2), room=3 - trial)
        full.enter(trial, place)
        full.settle(trial, Outcome((float(trial),)))
    assert full.next() is None
    full.release(1)
    assert full.next() == Place(LADDER.rung(0, 2), room=1)
    full.starve()
    assert full.next() is None
    full.feed()
    assert full.next() is not None


def test_without_an_end_there_is_always_room() -> None:
    full = Full(LADDER, None)
    assert full.most is None
    full.enter(0, full.next())
    assert full.next().room == WHOLE - 1


def test_nothing_is_promoted_into_it_or_begins_below() -> None:
    for place in (Place(LADDER.rung(0, 2), root=0), Place(LADDER.rung(0, 1))):
        with pytest.raises(ValueError, match="full evaluations"):
            Full(LADDER, 3).enter(1, place)


def test_an_optimizer_asks_full_evaluations_and_takes_results_of_less() -> None:
    optimizer = build(scenario({"num_iterations": 5}), 1)
    asked = []
    while not optimizer.finished:
        trials = optimizer.ask(WHOLE)
        asked.append([trial.fidelity for trial in trials])
        optimizer.tell([Evaluation(trial, {"f": trial.configuration["x"]}) for trial in trials])
    assert asked == [[9.0] * 3, [9.0], [9.0]]


def test_without_a_number_it_costs_as_much_as_hyperband() -> None:
    options = scenario().fidelity
    assert scheduler(options, limited=False).most == 9
    (race,) = races(options, limited=False)
    assert race.cost(9.0) == 9.0
    assert scheduler(options, limited=True).most is None
    assert races(options, limited=True)[0].times is None
    assert "epochs 9" in schedule_text(scenario())


def test_what_has_no_effect_or_no_sense_is_said() -> None:
    assert any("rounding" in text for text in scenario({"rounding": "table"}).warnings)
    with pytest.raises(Exception, match="a report has one value"):
        scenario({"stopping": "asha"}, optimization_objectives=["f", "g"])
