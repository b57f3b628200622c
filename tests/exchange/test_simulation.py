"""The simulations of scale (tests/bench/ranks) agree with each other and with what is known."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from ranks import report, sampled
from ranks.exact import Simulation
from ranks.model import Costs, Load

COSTS = Costs.load(Path(report.__file__).parent / "costs.json")


@pytest.mark.parametrize("load", [Load(4, 0.2, 100), Load(12, 1.0, 1000)])
def test_samples_agree_with_every_record(load: Load) -> None:
    exact = Simulation(load, COSTS).run(30 * load.evaluation)
    drawn = sampled.simulate(load, COSTS, draws=4000)
    assert drawn.utilisation == pytest.approx(exact.utilisation, abs=0.02)
    assert drawn.p50 == pytest.approx(exact.p50, rel=0.4)
    assert drawn.p99 == pytest.approx(exact.p99, rel=0.4)
    assert drawn.messages == pytest.approx(exact.messages, rel=0.35)
    assert drawn.bytes == pytest.approx(exact.bytes, rel=0.1)
    assert drawn.thread == pytest.approx(exact.thread, rel=0.3)


def test_evaluators_wait_where_an_ask_takes_longer_than_an_evaluation() -> None:
    load = Load(4, 0.05, 1000)
    exact = Simulation(load, COSTS).run(10.0)
    drawn = sampled.simulate(load, COSTS, draws=1000)
    assert exact.utilisation == pytest.approx(0.05 / 0.108, rel=0.2)
    assert drawn.utilisation == pytest.approx(exact.utilisation, rel=0.2)


def test_where_threads_cannot_bear_it_all_evaluate_less() -> None:
    found = sampled.simulate(Load(10_000, 0.1, 1000), COSTS, draws=10)
    assert found.utilisation < 0.3
    assert 0.7 < found.thread < 1.0


def test_asks_cost_what_was_measured_and_something_between() -> None:
    costs = replace(COSTS, asks=((10, 1.0), (1000, 3.0)))
    assert [costs.ask(n) for n in (1, 10, 100, 1000, 10**6)] == [1.0, 1.0, 2.0, 3.0, 3.0]


def test_memory_grows_with_the_logarithm_of_the_results() -> None:
    load = Load(1000, 1.0, 1000)
    day, ten = (report.memory(load, COSTS, days * report.DAY) for days in (1, 10))
    assert ten - day == pytest.approx(1.1 * math.log(10) * COSTS.cap * COSTS.result, rel=0.01)


def test_the_table_has_a_row_for_each_load() -> None:
    lines = list(report.table(COSTS, draws=50))
    assert len(lines) == 2 + len(report.SIZES) * len(report.EVALUATIONS)
    assert len({line.count("|") for line in lines}) == 1


def test_the_figure_is_drawn(tmp_path: Path) -> None:
    report.figure(COSTS, tmp_path / "ranks.svg", draws=50)
    assert "<svg" in (tmp_path / "ranks.svg").read_text()
