"""Commands that behave, and commands that do not: what is recorded, and who is left."""

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from hmserve.errors import EvaluatorError, UsageError
from hmserve.trial import Trial

LINUX = sys.platform.startswith("linux")
pytestmark = pytest.mark.skipif(not LINUX, reason="needs Linux's /proc")

# Each ends, or not, after it has done its worst; $1 is x, $2 is n.
HANGING = {
    "sleeps": "sleep 1000",
    "ignores SIGTERM": "trap '' TERM; while :; do sleep 1000; done",
    "stops itself": "kill -STOP $$",
    "closes its streams": "exec >&- 2>&-; sleep 1000",
    "floods its output": "yes 1,2,3",
    "floods its errors": "yes 1,2,3 >&2",
    "forks": "for i in 1 2 3; do (trap '' TERM; sleep 1000) & done; sleep 1000",
}
LEAVING = {
    "a background process": "sleep 1000 & echo $1",
    "one in a session of its own": "setsid sleep 1000 >/dev/null 2>&1 & echo $1",
    "a daemon that ignores SIGTERM": "(setsid sh -c 'trap \"\" TERM; sleep 1000' &); echo $1",
    "one that holds the output": "(setsid sleep 1000 &) ; echo $1",
    "many": "for i in 1 2 3 4 5 6 7 8 9; do (setsid sh -c 'sleep 1000; :' &); done; echo $1",
}


@pytest.fixture(params=HANGING)
def hanging(request) -> str:
    return HANGING[request.param]


@pytest.fixture(params=LEAVING)
def leaving(request) -> str:
    return LEAVING[request.param]


def failures(evaluations):
    return [evaluation.details.get("failure") for evaluation in evaluations]


def test_results_come_with_who_evaluated_them_and_when(crew) -> None:
    found = crew("echo $1", workers=3).evaluate(9)
    assert [e.objectives["f"] for e in found] == [i / 1000 for i in range(9)]
    assert {e.details["worker"] for e in found} <= {0, 1, 2}
    assert all(e.details["started"] <= e.details["finished"] for e in found)
    assert all(set(e.details) == {"worker", "started", "finished"} for e in found)


@pytest.fixture
def restless_environment():
    """A thread that sets and unsets variables, as libraries do while they are loaded."""
    ended = threading.Event()

    def change() -> None:
        names = [f"HMSERVE_TEST_{k}" for k in range(2000)]
        while not ended.is_set():
            for name in names:
                os.putenv(name, "1")
            for name in names:
                os.unsetenv(name)

    thread = threading.Thread(target=change)
    thread.start()
    yield
    ended.set()
    thread.join()


@pytest.mark.usefixtures("restless_environment")
def test_workers_start_while_variables_change(crew) -> None:
    found = crew("echo $1", workers=12).evaluate(12)
    assert [e.objectives["f"] for e in found] == [i / 1000 for i in range(12)]


def test_what_hangs_is_ended_with_all_that_it_has_started(crew, hanging) -> None:
    group = crew(hanging, workers=2, timeout=0.3)
    assert failures(group.evaluate(2)) == ["timeout", "timeout"]
    assert group.left() == []
    assert "no result within 0.3 s" in group.complaints[0]


def test_what_is_left_behind_is_ended_and_the_result_counts(crew, leaving) -> None:
    group = crew(leaving)
    assert [e.objectives["f"] for e in group.evaluate(2)] == [0.0, 0.001]
    assert group.left() == []


def test_closing_ends_everything_at_once(crew, hanging) -> None:
    group = crew(hanging, workers=2)
    group.workers.submit([Trial(0, {"x": 0.0, "n": 0}), Trial(1, {"x": 0.0, "n": 0})])
    group.wait_until(lambda: len(group.left()) >= 2)
    group.workers.close()
    assert group.left() == []


@pytest.mark.parametrize(
    ("script", "details"),
    [
        ("exit 3", {"failure": "exit", "exit": 3}),
        ("kill -SEGV $$", {"failure": "crash", "signal": "SIGSEGV"}),
        ("echo junk", {"failure": "unparsable", "exit": 0}),
        ("head -c 3000 /dev/urandom; echo; echo x", {"failure": "unparsable", "exit": 0}),
        ("head -c 300000 /dev/zero | tr '\\0' 1", {"failure": "unparsable", "exit": 0}),
        ("exit 0", {"failure": "unparsable", "exit": 0}),
        ("exec >&-", {"failure": "unparsable", "exit": 0}),
        ("echo nan", {"failure": "infeasible"}),
    ],
)
def test_every_failure_has_its_class(crew, script, details) -> None:
    (evaluation,) = crew(script).evaluate(1)
    assert not evaluation.feasible
    assert {**evaluation.details, **details} == evaluation.details


def test_memory_of_all_processes_together_is_limited(crew) -> None:
    script = "a = b'x' * 60_000_000\nimport os, time\nos.fork()\ntime.sleep(1000)"
    group = crew((sys.executable, "-S", "-c", script), memory_limit=100, timeout=60)
    (evaluation,) = group.evaluate(1)
    assert evaluation.details["failure"] == "memory"
    assert group.left() == []


def test_who_kills_its_guardian_gets_nowhere(crew) -> None:
    group = crew("(setsid sleep 1000 &); test $2 = 1 && kill -9 $PPID; echo $1", workers=2)
    found = group.evaluate(6)
    assert failures(found) == [None, "crash", None, None, None, None]
    assert group.left() == []


def test_the_last_match_in_a_long_output_counts(crew) -> None:
    script = "echo f: 5 s; yes | head -c 1000000; echo f: $1 s; yes | head -c 1000000"
    (evaluation,) = crew(script, output={"f": r"^f: (\S+) s$"}).evaluate(1, first=7)
    assert evaluation.objectives == {"f": 0.007}


def test_the_environment_says_which_trial_and_worker(crew) -> None:
    script = 'echo $HMSERVE_TRIAL.$HMSERVE_WORKER$HMSERVE_RANK; test -z "$OMP_TEST"'
    found = crew(script, workers=2).evaluate(4)
    told = [f"{e.objectives['f']:.2f}" for e in found]
    assert told == [f"{e.trial.id}.{e.details['worker']}0" for e in found]


def test_a_trial_is_tried_again_as_often_as_wanted(crew, tmp_path) -> None:
    script = f"echo . >> {tmp_path}/$2; test $(wc -l < {tmp_path}/$2) -gt $2 && echo $1"
    found = crew(script, retries=2).evaluate(4)
    assert failures(found) == [None, None, None, "exit"]
    assert [e.details.get("attempts") for e in found] == [None, 2, 3, 3]


def test_infeasible_trials_are_not_tried_again(crew, tmp_path) -> None:
    crew(f"echo . >> {tmp_path}/count; echo nan", retries=3).evaluate(1)
    assert (tmp_path / "count").read_text() == ".\n"


def test_too_many_failures_in_a_row_end_it_after_their_results(crew) -> None:
    group = crew("echo bad luck >&2; echo 1; exit $2", max_consecutive_failures=3)
    assert failures(group.evaluate(4)) == [None, "exit", "exit", "exit"]
    with pytest.raises(EvaluatorError, match=r"(?s)3 .*in a row.*trial 3.*status 3.*bad luck"):
        _ = group.workers.free
    with pytest.raises(EvaluatorError):
        group.workers.collect()


def test_success_and_infeasibility_break_a_row_of_failures(crew) -> None:
    script = "case $2 in *2) echo nan;; *5) echo 1;; *) exit 1;; esac"
    found = crew(script, max_consecutive_failures=7).evaluate(30)
    assert failures(found).count("exit") == 24


@pytest.mark.parametrize("program", ["no-such-program", "/etc/passwd", "./nowhere/sim", "/"])
@pytest.mark.parametrize("kind", ["once", "protocol"])
def test_a_command_that_cannot_be_started_ends_it_at_once(crew, program, kind) -> None:
    group = crew((program,), kind=kind)
    group.workers.submit([Trial(0, {"x": 0.0, "n": 0})])
    with pytest.raises(EvaluatorError, match=f"cannot start the command.*{program}"):
        group.workers.collect()


def test_a_program_that_one_trial_lacks_costs_that_trial(crew, tmp_path) -> None:
    (tmp_path / "sim1").write_text("#!/bin/sh\necho 5\n")
    (tmp_path / "sim1").chmod(0o700)
    assert failures(crew((f"{tmp_path}/sim{{n}}",)).evaluate(2)) == ["start", None]


def test_placeholders_are_checked_before_anything_runs(crew) -> None:
    with pytest.raises(UsageError, match="'y'"):
        crew(("sim", "{y}"))


# ---- directories


def names(home: Path) -> list[str]:
    return sorted(path.name for path in home.iterdir()) if home.exists() else []


@pytest.mark.parametrize(
    ("directories", "kept"), [("keep", ["0", "1"]), ("keep_failed", ["1"]), ("remove", [])]
)
def test_directories_stay_as_wanted(crew, directories, kept) -> None:
    group = crew("echo $1 | tee file; echo words >&2; exit $2", directories=directories)
    found = group.evaluate(2)
    group.workers.close()
    assert names(group.home) == kept
    recorded = [e.details["directory"] for e in found if "directory" in e.details]
    assert recorded == [str(group.home / name) for name in kept]
    for name in kept:
        assert names(group.home / name) == ["file", "stderr.txt"]
        assert (group.home / name / "stderr.txt").read_text() == "words\n"


def test_directories_of_earlier_attempts_and_runs_are_kept(crew) -> None:
    for _ in range(2):
        crew("exit 1", directories="keep", retries=1).evaluate(1)
    assert names(Path(crew("exit 1").home)) == ["0", "0.1", "0.2", "0.3"]


def test_removal_follows_no_link_and_minds_no_permissions(crew, tmp_path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("kept")
    script = f"ln -s {precious} link; mkdir -p a/b; touch a/b/c; chmod 0 a/b a; echo 1"
    group = crew(script, directories="remove")
    group.evaluate(2)
    group.workers.close()
    assert names(group.home) == []
    assert (precious / "file").read_text() == "kept"


def test_a_directory_that_is_replaced_by_a_link_is_not_followed(crew, tmp_path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    script = f"d=$PWD; cd /; rmdir $d; ln -s {precious} $d; touch {precious}/file; echo 1"
    group = crew(script, directories="remove")
    group.evaluate(1)
    group.workers.close()
    assert names(group.home) == []
    assert names(precious) == ["file"]


def test_a_command_may_remove_its_own_directory(crew) -> None:
    group = crew('rm -r "$PWD"; echo lost words >&2; echo $1', directories="keep")
    assert [e.objectives["f"] for e in group.evaluate(2)] == [0.0, 0.001]


def test_without_directories_errors_are_kept_by_worker(crew) -> None:
    group = crew("echo words of $2 >&2; echo 1")
    group.evaluate(2)
    text = (group.home / "worker-0.stderr").read_text()
    assert text == "---- trial 0\nwords of 0\n---- trial 1\nwords of 1\n"


# ---- how many at once


def test_nobody_waits_for_another(crew, tmp_path) -> None:
    script = f"test $2 = 0 && while ! test -e {tmp_path}/go; do sleep 0.01; done; echo $1"
    group = crew(script, workers=2)
    group.workers.submit([Trial(i, {"x": 0.0, "n": i}) for i in range(2)])
    for i in range(2, 6):
        found = group.workers.collect().evaluations
        assert 0 not in [evaluation.trial.id for evaluation in found]
        group.workers.submit([Trial(i, {"x": 0.0, "n": i})])
    (tmp_path / "go").touch()


def test_a_batch_is_offered_when_so_many_are_free(crew, tmp_path) -> None:
    script = f"while ! test -e {tmp_path}/$2; do sleep 0.01; done; echo $1"
    group = crew(script, workers=3, batch_size=2)
    workers = group.workers
    assert workers.free == 3
    workers.submit([Trial(i, {"x": 0.0, "n": i}) for i in range(3)])
    assert workers.free == 0
    (tmp_path / "0").touch()
    assert len(workers.collect().evaluations) == 1
    assert workers.free == 0
    (tmp_path / "1").touch()
    assert len(workers.collect().evaluations) == 1
    assert workers.free == 2
    workers.submit([Trial(3, {"x": 0.0, "n": 3})])
    assert workers.free == 1
    workers.submit([Trial(4, {"x": 0.0, "n": 4})])
    assert workers.free == 0


def test_more_trials_than_workers_wait_for_their_turn(crew) -> None:
    group = crew("echo $1", workers=2)
    assert len(group.evaluate(20)) == 20
    assert group.workers.free >= 2


def test_results_are_collected_before_more_is_offered(crew) -> None:
    group = crew("echo $1", workers=2)
    group.workers.submit([Trial(0, {"x": 0.0, "n": 0})])
    group.wait_until(lambda: group.workers.free == 0)
    assert len(group.workers.collect().evaluations) == 1


def test_a_run_with_a_deadline_gets_to_look_at_its_clock(crew) -> None:
    group = crew("sleep 1000", changes={"trial_deadline": 1.0})
    group.workers.submit([Trial(0, {"x": 0.0, "n": 0})])
    assert group.workers.collect().evaluations == []


# ---- the signals of others


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_guardian_does_not_heed_signals(crew, number) -> None:
    group = crew(f"kill -{number.value} $PPID; sleep 0.05; echo $1")
    assert failures(group.evaluate(2)) == [None, None]


def test_a_command_that_kills_its_group_hits_only_itself(crew) -> None:
    assert failures(crew("kill 0; sleep 1000").evaluate(2)) == ["crash", "crash"]


def test_memory_stays_flat_over_floods(crew) -> None:
    flood = "head -c 20000000 /dev/zero; head -c 20000000 /dev/zero >&2; echo; echo $1"
    group = crew(flood)
    group.evaluate(1)
    before = resident()
    assert failures(group.evaluate(3, first=1)) == [None] * 3
    assert resident() - before < 10_000_000


def resident() -> int:
    """Return the memory of this process and of its children, in bytes."""
    pages = 0
    own = str(os.getpid()).encode()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue
        if entry.name.encode() == own or fields[1] == own:
            pages += int(fields[21])
    return pages * os.sysconf("SC_PAGE_SIZE")
