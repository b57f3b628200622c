"""`hmserve init` as its users run it: words, help, a terminal."""

import json
import os
import pty
import re
import select
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from hmserve.commands.init import init
from hmserve.document import parse_json
from hmserve.scenario import Scenario

PATIENCE = 60

KERNEL_TUNER = {
    "ConfigurationSpace": {
        "TuningParameters": [{"Name": "block", "Type": "int", "Values": "[16, 32, 64]"}]
    }
}


def test_parameters_and_options_may_come_in_any_order(run, tmp_path: Path) -> None:
    words = ["--seed", "1", "level=-O1,-O2", "--maximize", "fps", "n=1:8@3", "--objective", "f"]
    done = run("init", *words, "--evaluations", "12", "--language", "sh")
    assert (done.returncode, done.stderr) == (0, "")
    document, _ = parse_json((tmp_path / "app.json").read_text(), "app.json")
    assert list(document["input_parameters"]) == ["level", "n"]
    assert document["optimization_objectives"] == [{"name": "fps", "goal": "maximize"}, "f"]
    assert run("check", "app.json").returncode == 0
    again = run("init", *words)
    assert (again.returncode, again.stdout) == (2, "")
    assert "app.json is there already; nothing was written" in again.stderr
    assert run("init", "a=1:2", "--plain", "--force", "--language", "sh").returncode == 0
    assert "//" not in (tmp_path / "app.json").read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "expected parameters, for example:"),
        (["tile=8"], '"tile=8": expected low:high'),
        (["tile=8,16", "--evaluations", "many"], "--evaluations"),
        (["tile=8,16", "--langauge", "c"], "unrecognized arguments: --langauge"),
        (["--from", "none.txt"], "none.txt"),
    ],
)
def test_what_is_wrong_ends_with_status_2_and_nothing_is_written(
    run, tmp_path: Path, words: Sequence[str], told: str
) -> None:
    done = run("init", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert os.listdir(tmp_path) == []


def test_what_the_command_leaves_out_is_told(run) -> None:
    done = run("init", "a=1:8", "b=1:8", "--command", "./prog {a}")
    assert done.returncode == 0
    assert done.stderr == "hmserve: the command does not depend on {b}\n"


def test_the_examples_of_the_help_are_what_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        init(["--help"])
    text = capsys.readouterr().out
    joined = re.sub(r"\\\n\s*", "", text)
    examples = re.findall(r"^ +hmserve init (.*)$", joined, re.MULTILINE)
    assert len(examples) >= 5
    (tmp_path / "space.json").write_text(json.dumps(KERNEL_TUNER))
    for k, example in enumerate(examples):
        assert init([*shlex.split(example), "--directory", str(k)]) == 0
        [name] = [name for name in os.listdir(str(k)) if name.endswith(".json")]
        assert Scenario.load(f"{k}/{name}").warnings == ()
    build = re.search(r"^ +(cc .*) && hmserve run matmul\.json$", text, re.MULTILINE)
    assert build is not None
    assert build[1] in (tmp_path / "0" / "matmul_worker.c").read_text()


def test_the_file_that_parameters_come_from_is_never_replaced(run, tmp_path: Path) -> None:
    source = tmp_path / "kt.json"
    source.write_text('{"tune_params": {"block": [16, 32]}, "tune_params_keys": ["block"]}')
    text = source.read_text()
    done = run("init", "--from", "kt.json", "--name", "kt", "--force")
    assert done.returncode == 2
    assert "the file that --from reads" in done.stderr
    assert source.read_text() == text


def test_a_program_that_is_not_there_fails_before_the_next_one(run) -> None:
    command = "no-such-program {a} >o; wc -c <o"
    assert run("init", "a=1:9", "--command", command, "--evaluations", "3").returncode == 0
    done = run("run", "app.json")
    assert done.returncode == 5
    assert "no-such-program" in done.stderr


def test_a_command_with_a_pipe_is_tuned(run) -> None:
    words = ["n=1:9", "c=a,b", "--evaluations", "8", "--seed", "1"]
    command = "if [ {n} = 7 ]; then exit 3; fi; echo {n}{c} | tr -d ab"
    assert run("init", *words, "--command", command).returncode == 0
    done = run("run", "app.json")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "n,c,cost")


@pytest.fixture
def terminal(tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Return a function that types answers; it returns the status and what was to be seen."""

    def converse(*answers: str) -> tuple[int, str]:
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(tmp_path)
            os.execv(sys.executable, [sys.executable, "-m", "hmserve", "init"])
        seen = ""
        for answer in answers:
            seen += until(terminal, r": $")
            os.write(terminal, answer.encode())
        # A signal between the prompt and the wait for a key goes unnoticed until the next one.
        seen += until(terminal, None, key=answers[-1] if answers[-1] < " " else "")
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen

    return converse


def until(terminal: int, prompt: str | None, key: str = "") -> str:
    """Return what is shown up to a `prompt`, or up to the end; press `key` while nothing is."""
    seen, end = "", time.monotonic() + PATIENCE
    while time.monotonic() < end:
        ready, _, _ = select.select([terminal], [], [], 1)
        try:
            if not ready and key:
                os.write(terminal, key.encode())
            data = os.read(terminal, 4096) if ready else b"" if prompt is None else None
        except OSError:  # the other side has gone
            return seen
        seen += (data or b"").decode()
        last = seen.splitlines()[-1] if seen else ""
        if prompt is not None and not seen.endswith("\n") and re.search(prompt, last):
            return seen
    pytest.fail(f"nothing more came after {seen!r}")


def test_at_a_terminal_it_asks(terminal, run, tmp_path: Path) -> None:
    status, seen = terminal("mm\n", "tile\n", "tile=8,16\n", "\n", "\n", "sh\n", "9\n")
    assert status == 0
    assert '"tile": expected name=low:high' in seen
    assert "hmserve run mm.json" in seen
    assert sorted(os.listdir(tmp_path)) == ["mm.json", "mm_worker.sh"]
    assert run("check", "mm.json").returncode == 0


@pytest.mark.parametrize(("key", "status"), [("\x03", 130), ("\x04", 2)])
def test_who_leaves_in_the_middle_leaves_nothing(
    terminal, tmp_path: Path, key: str, status: int
) -> None:
    ended, seen = terminal("mm\n", "tile=8,16\n", key)
    assert ended == status
    assert "nothing was written" in seen
    assert "--resume" not in seen
    assert os.listdir(tmp_path) == []
