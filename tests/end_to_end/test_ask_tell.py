"""The ask-tell dialect over real pipes: what is said, how it ends."""

import json
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("ask-tell-*.txt"))
EXAMPLE = Path(__file__).parents[2] / "examples" / "ask-tell"


@pytest.fixture
def scenario(write_scenario):
    def write(**changes):
        return str(write_scenario(protocol="ask-tell", **changes))

    return write


# ---- what is said


def unescape(text: str) -> str:
    names = {"r": "\r", "\\": "\\"}
    pattern = r"\\(?:(r|\\)|u([0-9a-f]{4}))"
    return re.sub(pattern, lambda m: names[m[1]] if m[1] else chr(int(m[2], 16)), text)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_daemon_keeps_to_the_transcript(path, fork, tmp_path) -> None:
    first, *lines = path.read_text(encoding="utf-8").splitlines()
    document = {**json.loads(first), "application_name": "app", "seed": 1}
    (tmp_path / "app.json").write_text(json.dumps(document))
    sent = [unescape(line[2:]) for line in lines if line[0] == "<"]
    options = ("--config", "app.json", "--protocol", "ask-tell")
    with fork(*options, directory=tmp_path) as daemon:
        # All at once: who writes ahead is answered in order.
        daemon.say("".join(f"{line}\n" for line in sent))
        daemon.close()
        heard = re.sub(r'"seconds": [^,]+', '"seconds": 0.0', daemon.rest())
        assert daemon.wait() == 0
        assert daemon.stderr == ""
    assert heard.splitlines() == [line[2:] for line in lines if line[0] == ">"]


def test_numbers_of_every_kind_are_written_as_in_the_classic_dialect(fork, tmp_path) -> None:
    parameters = {
        "r": {"parameter_type": "real", "values": [0, 1e-9], "parameter_default": 1e-10},
        "i": {"parameter_type": "integer", "values": [0, 5], "parameter_default": 2},
        "o": {"parameter_type": "ordinal", "values": [1, 2.5], "parameter_default": 2.5},
        "c": {"parameter_type": "categorical", "values": ["a b"], "parameter_default": "a b"},
        "p": {"parameter_type": "permutation", "values": [3]},
    }
    document = {
        "application_name": "app",
        "optimization_objectives": ["Value"],
        "design_of_experiment": {"number_of_samples": 1},
        "input_parameters": parameters,
        "protocol": "ask-tell",
    }
    (tmp_path / "app.json").write_text(json.dumps(document))
    with fork("app.json", directory=tmp_path) as daemon:
        _, header, row = daemon.exchange("Ask")
        assert header == "trial,r,i,o,c,p"
        order = re.fullmatch(r"0,1e-10,2,2\.5,a b,(\(\d, \d, \d\))", row)[1]
        assert daemon.exchange("Tell 1", "trial,p,Value", f"0,{order},1.5") == ["Ok 1 0"]
        daemon.close()
        assert daemon.wait() == 0


def test_option_goes_before_the_scenario(fork, scenario, tmp_path, evaluate) -> None:
    with fork("--protocol", "classic", scenario(), directory=tmp_path) as daemon:
        assert len(daemon.converse(evaluate)) == 1
        assert daemon.wait() == 0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"optimization_objectives": ["trial"]}, "cannot name a parameter or an output"),
        (
            {
                "optimization_objectives": ["root"],
                "fidelity": {"name": "mesh", "min": 1, "max": 9, "resumable": True},
            },
            "'root' cannot name a parameter or an output, nor the fidelity",
        ),
        (
            {"fidelity": {"name": "trial", "min": 1, "max": 9}},
            "'trial' cannot name a parameter or an output, nor the fidelity",
        ),
        ({"number_of_repetitions": 3}, "number_of_repetitions has to be 1"),
        (
            {
                "hypermapper_mode": {
                    "mode": "exhaustive",
                    "exhaustive_search_file": "app.json",
                }
            },
            "there is no client",
        ),
    ],
)
def test_what_cannot_be_served_is_refused_before_anything_is_written(
    changes, reason, fork, scenario, tmp_path
) -> None:
    scenario(**changes)
    with fork("app.json", directory=tmp_path) as daemon:
        assert daemon.rest() == ""
        assert daemon.wait() == 2
    assert reason in daemon.stderr
    assert not list(tmp_path.glob("*.journal"))


def test_client_that_writes_ahead_and_reads_late_is_served(fork, scenario, tmp_path) -> None:
    changes = {"design_of_experiment": {"number_of_samples": 6000}}
    scenario(**changes)
    rows = "".join(f"{i},{i}\n" for i in range(6000))
    with fork("app.json", directory=tmp_path) as daemon:
        text = f"Ask 6000\nTell 6000\ntrial,Value\n{rows}" + "Status\n" * 300 + "Ask\n"
        writer = threading.Thread(target=daemon.say, args=(text,))
        writer.start()
        time.sleep(0.1)
        assert daemon.answer()[0] == "Request 6000"
        assert daemon.answer() == ["Ok 6000 0"]
        assert all(daemon.answer()[0].startswith("Status {") for _ in range(300))
        assert daemon.answer() == ["End of HyperMapper"]
        writer.join()
        daemon.close()
        assert daemon.wait() == 0


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_endless_line_takes_no_memory(fork, scenario, tmp_path) -> None:
    scenario()
    with fork("app.json", directory=tmp_path) as daemon:
        assert daemon.exchange("Ask")[0] == "Request 1"
        status = Path(f"/proc/{daemon.child.pid}/status")

        def peak() -> int:
            return int(re.search(r"VmHWM:\s*(\d+) kB", status.read_text())[1])

        before = peak()
        for _ in range(40):
            daemon.say(b"x" * 2**20)
        (error,) = daemon.answer()
        assert error == "Error 0 a line of more than 1 MiB"
        assert daemon.exchange("", "Ask")[0] == "Request 1"
        assert peak() - before < 10_000
        daemon.close()
        assert daemon.wait() == 0


# ---- how it ends


@pytest.mark.parametrize("text", ["", "Ask\n", "Ask 2\nTell 1\ntrial,Value\n0,1.5\n", "Ask"])
def test_client_that_leaves_between_messages_is_no_error(
    text, fork, scenario, tmp_path
) -> None:
    scenario()
    with fork("app.json", directory=tmp_path) as daemon:
        daemon.say(text)
        daemon.close()
        daemon.rest()
        assert daemon.wait() == 0
    journal = (tmp_path / "app_output_samples.journal").read_text().splitlines()
    assert json.loads(journal[-1])["type"] == "end"


@pytest.mark.parametrize(
    "text", ["Tell 2\n", "Tell 2\ntrial,Value\n0,1.5\n", "Drop 1\ntrial\n", "Sta"]
)
def test_client_that_leaves_in_mid_message_ends_with_status_3(
    text, fork, scenario, tmp_path
) -> None:
    scenario()
    with fork("app.json", directory=tmp_path) as daemon:
        assert len(daemon.exchange("Ask 2")) == 4
        daemon.say(text)
        daemon.close()
        assert daemon.rest() == ""
        assert daemon.wait() == 3
    assert "in mid-message" in daemon.stderr
    assert "app_output_samples.csv" in daemon.stderr
    with fork("app.json", "--resume", directory=tmp_path) as daemon:
        assert [row[:2] for row in daemon.exchange("Ask 9")[2:]] == ["0,", "1,"]


def test_daemon_outlives_its_end_line_while_it_is_spoken_to(fork, scenario, tmp_path) -> None:
    scenario()
    with fork("app.json", directory=tmp_path) as daemon:
        daemon.exchange("Ask 3")
        assert daemon.exchange("Tell 3", "trial,Value", "0,1", "2,3", "1,2") == ["Ok 3 0"]
        assert daemon.exchange("Ask") == ["End of HyperMapper"]
        assert daemon.exchange("Ask 4") == ["End of HyperMapper"]
        assert daemon.exchange("Best")[2].startswith("0,")
        daemon.close()
        assert daemon.wait() == 0


def test_daemon_leaves_after_the_end_when_nobody_speaks(tmp_path, scenario) -> None:
    scenario()
    script = (
        "import hmserve.transports.conversation as c, sys; c.converse.__defaults__ = (0.2,);"
        "from hmserve.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", script, "app.json"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=tmp_path, stdin=pipe, stdout=pipe, text=True) as child:
        assert child.stdin is not None
        child.stdin.write("Ask 3\nTell 3\ntrial,Value\n0,1\n1,1\n2,1\nAsk\n")
        child.stdin.flush()
        assert child.wait(timeout=60) == 0
        assert child.stdout is not None
        assert child.stdout.read().endswith("End of HyperMapper\n")


def test_client_that_stops_reading_is_no_error(fork, scenario, tmp_path) -> None:
    scenario()
    with fork("app.json", directory=tmp_path) as daemon:
        daemon.exchange("Ask 2")
        daemon.stdout.close()
        daemon.say("Tell 1\ntrial,Value\n1,1.5\nStatus\n")
        daemon.close()
        assert daemon.wait() == 0
    samples = (tmp_path / "app_output_samples.csv").read_text().splitlines()
    assert len(samples) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_with_its_status_and_keeps_what_was_told(
    number, fork, scenario, tmp_path
) -> None:
    scenario()
    with fork("app.json", directory=tmp_path) as daemon:
        daemon.exchange("Ask 2")
        assert daemon.exchange("Tell 1", "trial,Value", "1,1.5") == ["Ok 1 0"]
        daemon.kill(number)
        assert daemon.wait() == 128 + number
    with fork("app.json", "--resume", directory=tmp_path) as daemon:
        assert daemon.exchange("Ask 9")[2].startswith("0,")


# ---- the example


def test_four_workers_of_the_example_share_one_conversation(run, tmp_path) -> None:
    for file in EXAMPLE.iterdir():
        (tmp_path / file.name).write_text(file.read_text())
    document = json.loads((tmp_path / "branin.json").read_text())
    document |= {"seed": 1, "optimization_iterations": 6}
    (tmp_path / "branin.json").write_text(json.dumps(document))
    hmserve = [sys.executable, "-m", "hmserve", "--config", "branin.json"]
    done = run("client.py", *hmserve, command=[sys.executable], directory=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("trial,x1,x2,Value\n")
    rows = (tmp_path / "results" / "branin_output_samples.csv").read_text().splitlines()
    assert len(rows) == 1 + 16
    told = re.search(r"(\d+) times the oldest trial was still out", done.stdout)
    assert told is not None
    assert int(told[1]) > 0
