"""The comparison of strategies for pending trials: what is run, and what the table says."""

import json

import pending
from comparison.results import append

from hmserve.schema import load_schema


def test_it_has_all_strategies_a_scenario_can_name_but_those_that_are_others():
    named = set(load_schema("scenario")["properties"]["pending_strategy"]["enum"])
    assert named - set(pending.STRATEGIES) == {"auto", "joint_ei"}
    assert set(pending.STRATEGIES) < named


def test_what_is_there_so_far_is_balanced():
    jobs = pending.jobs(["believer", "ignore"], [4, 16], range(3))
    assert len({(j.problem, j.name, j.seed, j.pending) for j in jobs}) == len(jobs)
    first = jobs[: len(jobs) // 3]
    assert {job.seed for job in first} == {0}
    assert {job.problem for job in first} == set(pending.PROBLEMS)


def test_the_best_strategy_leads_the_table(tmp_path):
    path = tmp_path / "lines.jsonl"
    for problem in pending.PROBLEMS[:2]:
        for strategy, regret in (("ignore", 3.0), ("fantasies", 1.0), ("believer", 2.0)):
            line = {
                "problem": problem,
                "class": "smooth",
                "peer": f"hmserve@{strategy}",
                "versions": {},
                "seed": 0,
                "pending": 4,
                "budget": pending.BUDGET,
                "regret": {str(pending.BUDGET): regret},
                "cpu": {"mean": 0.02},
                "error": None,
            }
            append(path, json.loads(json.dumps(line)))
    rows = [row for row in pending.section(path, 4) if row.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == ["fantasies", "believer", "ignore"]
    assert rows[0].split("|")[2].strip() == "1.0"
