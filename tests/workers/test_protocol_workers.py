"""Clients that are started once and told one request after the other."""

import sys
from pathlib import Path

import pytest

from hmserve.errors import EvaluatorError, UsageError
from hmserve.trial import Trial

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")

# Behaves badly when it hears of trial 2.
CLIENT = """
import os, signal, sys, time
mode, lives = sys.argv[1], open(sys.argv[2], "a")
print("life", file=lives, flush=True)
for line in sys.stdin:
    if not line.startswith("Request"):
        print(line, end="", file=lives, flush=True)
        break
    assert line == "Request 1\\n"
    names, row = sys.stdin.readline().strip(), sys.stdin.readline().strip()
    value = row.split(",")[0]
    if row.endswith(",2") and mode == "hangs": time.sleep(1000)
    if row.endswith(",2") and mode == "says half": print(names, flush=True); time.sleep(1000)
    if row.endswith(",2") and mode == "dies": sys.exit(7)
    if row.endswith(",2") and mode == "is killed": os.kill(os.getpid(), 9)
    if row.endswith(",2") and mode == "leaves a daemon":
        if os.fork() == 0:
            os.setsid(); signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(1000)
        sys.exit(7)
    if row.endswith(",2") and mode == "closes": os.close(1); time.sleep(1000)
    if row.endswith(",2") and mode == "says junk": print("what?\\nwhat?", flush=True); continue
    if row.endswith(",2") and mode == "says bytes": os.write(1, b"\\xff\\x00\\n" * 9); continue
    if row.endswith(",2") and mode == "says too much":
        while True: os.write(1, b"x" * 65536)
    if row.endswith(",2") and mode == "fails": value = "nan"
    print(names + ",f\\n" + row + "," + value, end="" if mode == "ends" else "\\n", flush=True)
    if row.endswith(",2") and mode == "says more": print(row + ",1", flush=True)
    if mode == "ends": break
"""

FAILURES = {
    "hangs": "timeout",
    "says half": "timeout",
    "dies": "exit",
    "is killed": "crash",
    "leaves a daemon": "exit",
    "closes": "unparsable",
    "says junk": "unparsable",
    "says bytes": "unparsable",
    "says too much": "unparsable",
    "fails": "infeasible",
}


@pytest.fixture
def client(crew, tmp_path):
    script = tmp_path / "client.py"
    script.write_text(CLIENT)

    def start(mode, **options):
        command = (sys.executable, "-S", "-E", str(script), mode, str(tmp_path / "lives"))
        return crew(command, kind="protocol", **options)

    return start


def lives(directory: Path) -> list[str]:
    return (directory / "lives").read_text().splitlines()


def failures(evaluations):
    return [evaluation.details.get("failure") for evaluation in evaluations]


def test_a_client_answers_one_request_after_the_other_and_hears_the_end(
    client, tmp_path
) -> None:
    group = client("behaves", workers=2)
    found = group.evaluate(20)
    assert [e.objectives["f"] for e in found] == [i / 1000 for i in range(20)]
    group.workers.finish()
    assert sorted(lives(tmp_path)) == ["End of HyperMapper"] * 2 + ["life"] * 2
    assert group.left() == []


@pytest.mark.parametrize("mode", FAILURES)
def test_a_client_that_fails_costs_one_evaluation_and_is_started_again(client, mode) -> None:
    group = client(mode, timeout=1.0)
    found = group.evaluate(5)
    assert failures(found) == [None, None, FAILURES[mode], None, None]
    assert found[4].objectives == {"f": 0.004}
    group.workers.close()
    assert group.left() == []


def test_a_client_that_says_more_than_was_asked_is_started_again(client, tmp_path) -> None:
    group = client("says more")
    found = group.evaluate(6)
    assert failures(found).count(None) >= 5
    assert found[5].objectives == {"f": 0.005}
    assert len(lives(tmp_path)) >= 2


def test_a_client_that_ends_after_each_answer_is_started_for_each(client, tmp_path) -> None:
    assert failures(client("ends").evaluate(4)) == [None] * 4
    assert len(lives(tmp_path)) == 4


def test_a_trial_that_killed_its_client_is_tried_again(client) -> None:
    found = client("dies", retries=1).evaluate(3)
    assert found[2].details["attempts"] == 2
    assert failures(found) == [None, None, "exit"]


def test_a_client_that_always_dies_ends_the_run(crew) -> None:
    command = ("sh", "-c", "echo no licence >&2; exit 9")
    group = crew(command, kind="protocol", max_consecutive_failures=4)
    with pytest.raises(EvaluatorError, match=r"(?s)4 evaluations.*status 9.*no licence"):
        group.evaluate(5)


def test_an_answer_about_something_else_is_an_observation(crew) -> None:
    script = "read r; read names; read row; echo $names,f; echo 0.5,7,1; read r"
    group = crew(("sh", "-c", script), kind="protocol")
    trial = Trial(0, {"x": 0.25, "n": 1})
    group.workers.submit([trial])
    results = group.workers.collect()
    assert [dict(o.trial.configuration) for o in results.observations] == [{"x": 0.5, "n": 7}]
    assert list(results.abandoned) == [trial]


def test_a_placeholder_in_the_command_of_a_client_is_refused(crew) -> None:
    with pytest.raises(UsageError, match="--kind once"):
        crew(("client", "{n}"), kind="protocol")
