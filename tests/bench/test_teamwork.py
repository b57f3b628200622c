"""The comparison of ranks with one optimizer: what is run, and what the table says."""

import json

import pytest
import teamwork


@pytest.mark.parametrize("diversity", ["auto", "kappa"])
def test_ranks_make_as_many_evaluations_in_all_as_are_wanted_and_more_again_change_nothing(
    diversity,
):
    line = teamwork.run_one("branin", 4, 2, 30, diversity)
    again = teamwork.run_one("branin", 4, 2, 30, diversity)
    assert line == again
    assert line["ranks"] == 4
    assert list(line["regret"]) == ["25"]
    assert 0.0 <= line["regret"]["25"] < 50.0


def test_what_is_there_is_not_run_again_and_the_table_has_medians(tmp_path, capsys):
    path = tmp_path / "lines.jsonl"
    for seed, regret in enumerate((3.0, 1.0, 2.0)):
        line = {
            "problem": "branin",
            "ranks": 4,
            "seed": seed,
            "diversity": "auto",
            "regret": {"50": 10 * regret, "100": regret},
        }
        with path.open("a") as file:
            file.write(json.dumps(line) + "\n")
    arguments = ["--results", str(path), "--problems", "branin", "--ranks", "4"]
    before = path.read_text()
    assert teamwork.main(["run", *arguments, "--seeds", "3", "--budget", "100"]) == 0
    assert path.read_text() == before
    assert teamwork.main(["table", "--results", str(path)]) == 0
    assert "| branin | 4 | auto | 3 | 20 | 2 |  | 3 |" in capsys.readouterr().out
