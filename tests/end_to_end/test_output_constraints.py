"""Measured constraints over a real pipe: asked, answered, resumed."""

import csv
from collections.abc import Mapping
from typing import Any

LIMITS = {"load": [2, None], "heat": [None, 50]}


def machine(row: Mapping[str, str]) -> dict[str, Any]:
    """The cheapest that bears a load of 2 and stays cool: x = 0.2, n = 50."""
    x, n = float(row["x"]), int(row["n"])
    return {"Value": x + n / 100, "heat": n, "load": n / 100 + 7.5 * x}


def answer(daemon, rows) -> None:
    full = [{**row, **machine(row)} for row in rows]
    lines = [",".join(full[0]), *(",".join(map(str, row.values())) for row in full)]
    daemon.say("".join(f"{line}\n" for line in lines))


def samples(tmp_path) -> list[dict[str, str]]:
    with (tmp_path / "app_output_samples.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def good(row: Mapping[str, str]) -> bool:
    return float(row["load"]) >= 2 and float(row["heat"]) <= 50


def test_a_client_answers_with_constraints_and_gets_the_best_within_them(
    fork, write_scenario, tmp_path
) -> None:
    write_scenario(output_constraints=LIMITS, optimization_iterations=15, print_best=True)
    with fork("app.json", directory=tmp_path) as daemon:
        while rows := daemon.request():
            answer(daemon, rows)
        daemon.rest()
        assert daemon.wait() == 0
    table = samples(tmp_path)
    assert list(table[0]) == ["x", "n", "Value", "load", "heat", "Timestamp"]
    assert len(table) == 18
    feasible = [row for row in table if good(row)]
    assert len(table) > len(feasible) >= 5
    best = min(float(row["Value"]) for row in feasible)
    # The least on the edge, where heat is 50 or n is 0.
    assert best < 0.28
    told = daemon.heard.decode().split("Best point found:\n")[1].splitlines()[1]
    assert float(told.split(",")[2]) == best


def test_a_killed_run_goes_on_with_the_constraints_it_knows(
    fork, write_scenario, tmp_path
) -> None:
    write_scenario(output_constraints=LIMITS, optimization_iterations=4)
    with fork("app.json", directory=tmp_path) as daemon:
        for _ in range(3):
            answer(daemon, daemon.request())
        daemon.request()
        daemon.kill()
    before = samples(tmp_path)
    with fork("--resume", "app.json", directory=tmp_path) as daemon:
        while rows := daemon.request():
            answer(daemon, rows)
        daemon.rest()
        assert daemon.wait() == 0
    after = samples(tmp_path)
    assert after[: len(before)] == before
    assert len(after) == 7


def test_a_reply_without_the_column_is_refused_by_name(fork, write_scenario, tmp_path) -> None:
    write_scenario(output_constraints=LIMITS)
    with fork("app.json", directory=tmp_path) as daemon:
        rows = daemon.request()
        daemon.say("x,n,Value,load\n" + "".join(f"{r['x']},{r['n']},1,1\n" for r in rows))
        daemon.rest()
        assert daemon.wait() != 0
    assert "'heat' is missing" in daemon.stderr
