"""Runs with fidelities at the other end of real pipes: killed, resumed, stopped early."""

import csv
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from toolchains import require

FIDELITY = {
    "name": "epochs",
    "type": "integer",
    "min": 1,
    "max": 9,
    "resumable": True,
    "min_samples_in_model": 3,
    "sampler": "kde",
}
DESIGN = {"number_of_samples": 4}


def epochs(row):
    """Return what a client measures: cheap evaluations flatter, some fail, some end early."""
    x, n, asked, root = (float(row[name]) for name in ("x", "n", "epochs", "trial"))
    failed = asked == 1 and root % 7 == 5
    reached = asked - 1 if asked == 3 and root % 3 == 1 else asked
    loss = (x - 0.3) ** 2 + n / 1000 + 0.1 / reached
    return {"epochs": f"{reached:g}", "Value": "nan" if failed else repr(loss)}


def asks(directory: Path):
    journal = (directory / "app_output_samples.journal").read_text().splitlines()
    records = [json.loads(line) for line in journal]
    return [
        trial for record in records if record["type"] == "ask" for trial in record["trials"]
    ]


def samples(directory: Path):
    with (directory / "app_output_samples.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def begin(tmp_path, write_scenario):
    def make(name, **changes) -> Path:
        directory = tmp_path / name
        directory.mkdir()
        fidelity = {**FIDELITY, **changes.pop("fidelity", {})}
        changes = {"design_of_experiment": DESIGN, "print_best": True, **changes}
        write_scenario(directory, fidelity=fidelity, **changes)
        return directory

    return make


def test_a_client_that_copies_what_it_was_asked_needs_to_know_nothing_more(fork, begin) -> None:
    directory = begin("run")
    with fork("app.json", directory=directory) as daemon:
        requests = daemon.converse(epochs)
        assert daemon.rest().startswith("x,n,epochs,trial,previous,Value\n")
        assert daemon.wait() == 0
    rows = [row for request in requests for row in request]
    assert [len({row["epochs"] for row in request}) for request in requests] == [1] * len(
        requests
    )
    assert len(requests[0]) == 4
    assert list(rows[0]) == ["x", "n", "epochs", "trial", "previous"]
    assert [row["epochs"] for row in rows[:9]] == ["1"] * 9
    early = {
        row["trial"] for row in rows if row["epochs"] == "3" and int(row["trial"]) % 3 == 1
    }
    assert early
    assert not early & {row["trial"] for row in rows if row["epochs"] == "9"}
    assert len(samples(directory)) == len(rows)


@pytest.mark.parametrize("requests", [1, 4, 9])
def test_a_run_that_was_killed_asks_what_an_undisturbed_one_asks(requests, fork, begin) -> None:
    undisturbed, killed = begin("undisturbed"), begin("killed")
    with fork("app.json", directory=undisturbed) as daemon:
        daemon.converse(epochs)
        assert daemon.wait() == 0
    with fork("app.json", directory=killed) as daemon:
        for _ in range(requests):
            rows = daemon.request()
            told = [{**row, **epochs(row)} for row in rows]
            daemon.say(",".join(told[0]) + "\n")
            for row in told:
                daemon.say(",".join(row.values()) + "\n")
        daemon.request()
        daemon.kill()
        daemon.wait()
    with fork("app.json", "--resume", directory=killed) as daemon:
        daemon.converse(epochs)
        assert daemon.wait() == 0
    assert asks(killed) == asks(undisturbed)


def test_a_client_that_forgets_how_far_it_went_is_told_so(fork, begin) -> None:
    with fork("app.json", directory=begin("run")) as daemon:
        rows = daemon.request()
        daemon.say("x,n,Value\n" + "".join(f"{row['x']},{row['n']},1\n" for row in rows))
        assert daemon.wait() == 3
        assert "column 'epochs' is missing" in daemon.stderr
        assert '"assume_requested": true' in daemon.stderr
    directory = begin("assumed", fidelity={"assume_requested": True})
    with fork("app.json", directory=directory) as daemon:
        for _ in range(4):
            lines = [f"{row['x']},{row['n']},1\n" for row in daemon.request()]
            daemon.say("".join(["x,n,Value\n", *lines]))
        assert len(daemon.request()) == 1


def test_an_ask_tell_client_ends_what_it_is_told_to(fork, begin) -> None:
    fidelity = {"scheduler": "full", "stopping": "asha", "num_iterations": 12}
    directory = begin("run", protocol="ask-tell", fidelity=fidelity)
    with fork("app.json", directory=directory) as daemon:
        while (said := daemon.exchange("Ask"))[0] != "End of HyperMapper":
            trial, x, *_ = said[2].split(",")
            reached = 1
            while reached < 9:
                if daemon.exchange(f"Report {trial},{reached},{x}") == ["Stop"]:
                    break
                reached += 1
            row = f"{trial},{reached},{x}"
            assert daemon.exchange("Tell 1", "trial,epochs,Value", row) == ["Ok 1 0"]
        header, best = daemon.exchange("Best")[1:]
        assert header == "trial,x,n,epochs,root,previous,Value"
        daemon.close()
        assert daemon.wait() == 0
    rows = samples(directory)
    assert len(rows) == 12
    assert {row["epochs"] for row in rows} >= {"1", "9"}
    full = [float(row["x"]) for row in rows if row["epochs"] == "9"]
    assert float(best.split(",")[1]) == min(full)
    early = [float(row["x"]) for row in rows if row["epochs"] != "9"]
    assert sum(early) / len(early) > sum(full) / len(full)


TRAINER = """
set -e
cd "$HMSERVE_CHECKPOINT"
[ "$2" = 0 ] || read reached < reached
# One that was killed may have come farther than anybody knows.
[ "$2" -le "${reached:-0}" ]
echo $1 > reached
echo "$3"
"""


@pytest.mark.slow
def test_workers_go_on_from_checkpoints_after_a_kill(spawn, run, begin) -> None:
    script = TRAINER.replace("{", "{{").replace("}", "}}")
    command = ["sh", "-c", script, "sh", "{epochs}", "{previous}", "{x}"]
    evaluator = {"kind": "once", "command": command, "max_consecutive_failures": None}
    fidelity = {"num_iterations": 2}
    undisturbed = begin("undisturbed", evaluator=evaluator, fidelity=fidelity)
    assert run("app.json", directory=undisturbed).returncode == 0
    killed = begin("killed", evaluator=evaluator, fidelity=fidelity)
    daemon = spawn("app.json", directory=killed)
    journal = killed / "app_output_samples.journal"
    until = time.monotonic() + 60
    while not journal.exists() or journal.read_text().count('"tell"') < 11:
        assert time.monotonic() < until
        time.sleep(0.002)
    daemon.kill(signal.SIGKILL)
    daemon.wait()
    assert run("app.json", "--resume", directory=killed).returncode == 0
    assert asks(killed) == asks(undisturbed)
    rows = samples(killed)
    assert [row["Value"] for row in rows] == [row["Value"] for row in samples(undisturbed)]
    assert all(row["Value"] for row in rows)
    assert not (killed / "app_checkpoints").exists()


C_CLIENT = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(void) {
  char line[1000];
  while (fgets(line, sizeof line, stdin) && !strncmp(line, "Request ", 8)) {
    int rows = atoi(line + 8);
    fgets(line, sizeof line, stdin);
    printf("x,n,epochs,Value\n");
    for (int i = 0; i < rows; i++) {
      double x, n, epochs;
      fgets(line, sizeof line, stdin);
      if (sscanf(line, "%lf,%lf,%lf", &x, &n, &epochs) != 3) return 1;
      printf("%g,%g,%g,%g\n", x, n, epochs, (x - 0.3) * (x - 0.3) + n / 1000 + 0.1 / epochs);
    }
    fflush(stdout);
  }
  return 0;
}
"""


def test_a_client_in_c_that_prints_six_digits_is_understood(run, begin) -> None:
    require("cc")
    fidelity = {"type": "real", "min": 1, "max": 10, "resumable": False}
    directory = begin("run", fidelity=fidelity)
    source, program = directory / "client.c", directory / "client"
    source.write_text(C_CLIENT)
    subprocess.run(["cc", "-o", program, source], check=True)
    finished = run("run", "app.json", "--", os.path.join(".", "client"), directory=directory)
    assert finished.returncode == 0, finished.stderr
    assert {row["epochs"] for row in samples(directory)} == {
        repr(10 / 9),
        repr(10 / 3),
        "10.0",
    }
    assert len(samples(directory)) == 22
