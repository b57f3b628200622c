"""The results of the benchmark: the file of lines, what is left to run, table and figure."""

import math

import pytest
from comparison import figure, results
from comparison.results import Results, append, load
from comparison.runner import Grid, Plan, remaining
from comparison.table import table


def made(peer, name, seed, regret, **more):
    cpu = {"start": 1.0, "total": 2.0, "mean": 0.025, "last": 0.03, "worst": 0.04}
    line = {
        "problem": name,
        "class": "smooth",
        "peer": peer,
        "versions": {peer: "1.0"},
        "seed": seed,
        "pending": 1,
        "budget": 10,
        "evaluations": 10,
        "regret": regret,
        "cpu": cpu,
        "rss": 50.0,
        "seconds": 1.0,
        "error": None,
    }
    return {**line, **more}


def test_a_torn_line_is_no_line_and_does_not_spoil_the_next(tmp_path):
    path = tmp_path / "lines.jsonl"
    line = made("a", "p", 0, {"10": 1.0})
    append(path, line)
    with path.open("a") as file:
        file.write('{"problem": "p", "se')
    append(path, line)
    assert list(results.read(path)) == [line, line]
    assert list(results.read(tmp_path / "none.jsonl")) == []


def test_of_several_lines_of_a_job_the_longest_run_counts_and_then_the_last(tmp_path):
    path = tmp_path / "lines.jsonl"
    for regret, budget, pending in ((1, 10, 1), (2, 20, 1), (3, 20, 1), (4, 10, 1), (5, 90, 4)):
        append(path, made("a", "p", 0, {"10": regret}, budget=budget, pending=pending))
    assert load([path], 1).regrets(10) == {"p": {"a": {0: 3}}}
    assert load([path], 4).regrets(10) == {"p": {"a": {0: 5}}}


def test_what_has_a_line_of_the_same_version_is_not_run_again(tmp_path):
    plan = Plan(tmp_path / "lines.jsonl", tmp_path)
    jobs = Grid(["p"], ["hebo"], [0, 1, 2], budget=10).jobs()
    append(plan.results, made("hebo", "p", 0, {}, versions={"HEBO": "2"}))
    append(plan.results, made("hebo", "p", 1, {}, versions={"HEBO": "1"}))
    append(plan.results, made("hebo", "p", 2, {}, versions={"HEBO": "2"}, error="died"))
    versions = {"hebo": {"HEBO": "2"}}
    assert [job.seed for job in remaining(jobs, versions, plan)] == [1]
    again = Plan(plan.results, tmp_path, retry=True)
    assert [job.seed for job in remaining(jobs, versions, again)] == [1, 2]


def some_results():
    lines = [made("hmserve", "p", s, {"10": 0.1 + s, "20": 0.001 * (s + 1)}) for s in range(8)]
    lines += [made("other", "p", s, {"10": 0.05, "20": 0.5 + s}) for s in range(8)]
    lines += [made("hmserve", "q", s, {"10": None, "20": 4.0}) for s in range(8)]
    lines += [made("third", "q", s, {"10": 2.0, "20": 4.0}, error="died") for s in range(1)]
    return Results(tuple(lines))


TABLE = """\
## Mean rank over 2 problems

| peer | 10 evaluations | 20 evaluations |
| --- | --- | --- |
| third | 1.00 of 1 | 1.50 of 1 |
| other | 1.00 of 1 | 2.00 of 1 |
| hmserve | 2.00 | 1.25 |

Regret: median [quartiles] over the seeds, smaller is better, best in bold. Rank: the mean over
the class's problems of the rank of the medians (in brackets of single runs); a peer that did
not run all has the mean over those it ran, with their number. Last column: how hmserve does
against the peer, by Wilcoxon's signed-rank test over problems and seeds, Holm-corrected in the
class. ▲ significantly better than hmserve on the problem, ▼ significantly worse.

## After 10 evaluations

### smooth

| peer | p | q | rank | hmserve against it |
| --- | --- | --- | --- | --- |
| other | **0.05** [0.05, 0.05] ▲ | - | 1.00 of 1 (1.00 of 1) | worse (p 0.016, 8 pairs) |
| third | - | **2** [2, 2] | 1.00 of 1 (1.00 of 1) | undecided (p 1, 1 pairs) |
| hmserve | 3.6 [1.9, 5.3] | inf [inf, inf] | 2.00 (2.00) | - |

## After 20 evaluations

### smooth

| peer | p | q | rank | hmserve against it |
| --- | --- | --- | --- | --- |
| hmserve | **0.0045** [0.0027, 0.0063] | **4** [4, 4] | 1.25 (1.25) | - |
| third | - | **4** [4, 4] | 1.50 of 1 (1.50 of 1) | undecided (p 1, 1 pairs) |
| other | 4 [2.2, 5.8] ▼ | - | 2.00 of 1 (2.00 of 1) | better (p 0.016, 8 pairs) |

## Cost

| peer | start | mean | last | dearest | MB | runs | versions |
| --- | --- | --- | --- | --- | --- | --- | --- |
| hmserve | 1 | 0.025 | 0.03 | 0.04 | 50 | 16 | hmserve 1.0 |
| other | 1 | 0.025 | 0.03 | 0.04 | 50 | 8 | other 1.0 |
| third | 1 | 0.025 | 0.03 | 0.04 | 50 | 1 | third 1.0 |

CPU seconds, children included, medians over the runs: to make the optimizer; ask and tell of an
evaluation after the initial design, of the last one of a run, of the dearest. Peak memory.

## Runs that ended early

| peer | problem | seed | evaluations | error |
| --- | --- | --- | --- | --- |
| third | q | 0 | 10 | died |
"""


def test_the_table_shows_ranks_medians_marks_cost_and_deaths():
    assert table(some_results(), [10, 20, 50], "hmserve") == TABLE


def test_the_curves_are_mean_ranks_and_relative_regrets():
    found = some_results()
    ranked = figure.mean_rank_curves(found, ["p", "q"])
    assert ranked == {"hmserve": [2.0, 1.25], "other": [1.0, 2.0], "third": [1.0, 1.5]}
    curves = figure.regret_curves(found, ["p"])
    assert curves["other"] == pytest.approx([0.05 / 3.6, 4.0 / 3.6])
    assert curves["hmserve"] == pytest.approx([1.0, 0.0045 / 3.6])
    assert all(map(math.isnan, curves["third"]))
    assert math.isnan(figure.regret_curves(found, ["p", "q"])["hmserve"][0])


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_the_figure_is_written(tmp_path, suffix):
    path = tmp_path / f"ranks.{suffix}"
    figure.figure(some_results(), path)
    assert path.stat().st_size > 1000
