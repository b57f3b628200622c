"""Peers and scenario files that mean harm, or know no better.

Whatever they do: no traceback, nothing of them on stdout, no status that says all is well.
"""

import itertools
import json
import os
import random
import sys
import time
from pathlib import Path

import pytest


def check_end(daemon, *statuses: int) -> None:
    status = daemon.wait()
    assert status in statuses, daemon.stderr
    assert "Traceback" not in daemon.stderr
    assert len(daemon.stderr.encode()) < 2**15
    if status:
        assert daemon.stderr.startswith("hmserve: ")


# ---- peers


@pytest.fixture
def serve(fork, write_scenario, tmp_path):
    def start(*arguments, **changes):
        write_scenario(**changes)
        return fork("app.json", *arguments, directory=tmp_path)

    return start


def random_bytes(seed: int) -> bytes:
    return random.Random(seed).randbytes(5000)


GARBAGE = {
    "noise": random_bytes(1),
    "more noise": random_bytes(2),
    "zeros": b"\0" * 5000 + b"\n",
    "UTF-16": "x,n,Value\n0.5,5,1\n".encode("utf-16"),
    "a line of 2 MiB": b"x" * 2**21 + b"\n",
    "2 MiB without a line": b"x" * 2**21,
    "a header of 100,000 columns": ",".join(f"c{i}" for i in range(100_000)).encode() + b"\n",
    "a row of 100,000 fields": b"x,n,Value\n" + b"1," * 100_000 + b"\n",
    "a number of 100,000 digits": b"x,n,Value\n0.5,5," + b"1" * 100_000 + b"x\n",
    "an integer of 100,000 digits": b"x,n,Value\n0.5," + b"1" * 100_000 + b",2\n",
    "quotes that do not end": b'x,n,Value\n"0.5,5,1\n' * 3,
    "escapes for the terminal": b"\x1b[2J\x1b]0;owned\x07,\r\n\x1b[31m\n",
    "a request": b"Request 3\nx,n\n0.5,5\n",
    "JSON": b'{"x": 0.5, "n": 5, "Value": 1}\n',
    "a shell": b"$(rm -rf x); `reboot`\n",
    "surrogates": b"x,n,Value\n\xed\xa0\x80,5,1\n",
    "half a row": b"x,n,Value\n0.5,",
    "the end line": b"End of HyperMapper\n",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_ends_it_with_status_3(name, serve) -> None:
    with serve() as daemon:
        daemon.request()
        daemon.say(GARBAGE[name])
        daemon.close()
        assert daemon.rest() == ""
        check_end(daemon, 3)
        assert not set(daemon.stderr) & set("\0\x1b\x07")


def test_garbage_before_the_first_request_ends_it_with_status_3(serve) -> None:
    with serve() as daemon:
        daemon.say("x,n,Values\n0.5,5,1\n")
        daemon.rest()
        check_end(daemon, 3)


def test_surplus_of_rows_ends_it_with_status_3(serve) -> None:
    with serve(optimization_iterations=3) as daemon:
        rows = daemon.request()
        answer = "".join(f"{row['x']},{row['n']},1\n" for row in rows)
        daemon.say("x,n,Value\n" + answer * 100)
        daemon.rest()
        check_end(daemon, 3)
        assert "one row too many" in daemon.stderr


def test_flood_of_blank_lines_is_passed_over(serve, evaluate) -> None:
    with serve() as daemon:
        daemon.say("\n" * 200_000)
        daemon.converse(evaluate)
        assert daemon.heard.endswith(b"End of HyperMapper\n")
        check_end(daemon, 0)


def test_peer_that_never_reads_is_waited_for_and_its_end_is_noticed(serve) -> None:
    # More than a pipe holds, so hmserve cannot finish its request.
    with serve(design_of_experiment={"number_of_samples": 20_000}) as daemon:
        time.sleep(0.2)
        daemon.stdout.close()
        daemon.close()
        check_end(daemon, 0)


def test_peer_that_closes_everything_at_once_is_no_error(serve, tmp_path) -> None:
    with serve() as daemon:
        daemon.stdout.close()
        daemon.close()
        check_end(daemon, 0)
    assert (tmp_path / "app_output_samples.csv").exists()


def test_peer_that_closes_its_ears_in_mid_reply_ends_it_with_status_3(serve) -> None:
    with serve() as daemon:
        daemon.request()
        daemon.say("x,n,Value\n0.5,5,1\n")
        daemon.stdout.close()
        daemon.close()
        check_end(daemon, 3)


def test_peer_that_writes_byte_by_byte_is_understood(serve) -> None:
    with serve() as daemon:
        rows = daemon.request()
        answer = "x,n,Value\r\n" + "".join(f"{row['x']},{row['n']},1\r\n" for row in rows)
        for byte in answer.encode():
            daemon.say(bytes([byte]))
            time.sleep(0.0005)
        assert daemon.line() == "End of HyperMapper\n"
        check_end(daemon, 0)


def test_peer_that_answers_while_it_is_asked_is_understood(serve) -> None:
    samples = {"doe_type": "random sampling", "number_of_samples": 5000}
    with serve(design_of_experiment=samples) as daemon:
        assert daemon.line() == "Request 5000\n"
        daemon.say(daemon.line().rstrip("\n") + ",Value\n")
        for _ in range(5000):
            daemon.say(daemon.line().rstrip("\n") + ",1\n")
        assert daemon.line() == "End of HyperMapper\n"
        check_end(daemon, 0)


VALUES = {
    "all the same": ["3"],
    "all failed": ["nan"],
    "all zero": ["0", "-0.0"],
    "one measured": ["nan", "nan", "nan", "1", "nan"],
    "the largest": ["1.7e308", "-1.7e308", "1e308"],
    "too large": ["1e309", "-1e400", "5"],
    "the smallest": ["5e-324", "0", "1e-320", "-5e-324"],
    "far apart": ["1e300", "1e-300", "1", "-1e-300", "-1e300"],
    "nearly the same": ["1", "1.0000000000000002", "0.9999999999999999"],
    "an outlier": ["1", "2", "3", "1e250", "1.5"],
}


@pytest.mark.parametrize(
    ("model", "objectives"),
    [
        ("gaussian_process", 1),
        ("gaussian_process", 2),
        ("gaussian_process", 3),
        ("random_forest", 1),
    ],
)
@pytest.mark.parametrize("name", VALUES)
def test_strange_values_never_end_a_run(name, model, objectives, serve) -> None:
    names = [f"v{number}" for number in range(objectives)]
    values = itertools.cycle(VALUES[name])
    changes = {
        "optimization_objectives": names,
        "optimization_iterations": 4,
        "models": {"model": model},
        "feasible_output": {"enable_feasible_predictor": objectives == 2},
    }
    with serve(**changes) as daemon:
        daemon.converse(lambda _: {**{n: next(values) for n in names}, "Valid": "True"})
        assert daemon.heard.endswith(b"End of HyperMapper\n")
        check_end(daemon, 0)
        assert daemon.stderr == ""


@pytest.mark.parametrize("closed", ["0", "1", "2", "012"])
def test_streams_closed_from_the_beginning_do_no_harm(
    closed, run, write_scenario, tmp_path
) -> None:
    write_scenario()
    shut = " ".join(f"{number}>&-" for number in closed)
    shell = ["/bin/sh", "-c", f'exec "$0" -m hmserve "$@" {shut}', sys.executable]
    done = run("app.json", command=shell)
    assert done.returncode == 0
    for path in tmp_path.iterdir():
        assert b"Request" not in path.read_bytes()
        assert b"Traceback" not in path.read_bytes()
    assert "Traceback" not in done.stderr
    assert "hmserve" not in done.stdout


# ---- scenario files


GOOD = {
    "application_name": "app",
    "optimization_objectives": ["Value"],
    "design_of_experiment": {"number_of_samples": 3},
    "optimization_iterations": 2,
    "input_parameters": {"x": {"parameter_type": "real", "values": [0, 1]}},
}


def altered(**changes: object) -> str:
    return json.dumps({**GOOD, **changes})


def parameter(**entry: object) -> str:
    return altered(input_parameters={"x": entry})


def reals(count: int) -> dict[str, object]:
    return {f"p{i}": {"parameter_type": "real", "values": [0, 1]} for i in range(count)}


BAD = {
    "nothing": b"",
    "blanks": b" \n\t",
    "null": b"null",
    "a list": b"[]",
    "an empty object": b"{}",
    "a number": b"1e999",
    "noise": random_bytes(3),
    "zeros": b"\0" * 1000,
    "UTF-16": altered().encode("utf-16"),
    "Latin-1": altered().encode().replace(b"app", b"\xe4pp"),
    "cut off": altered().encode()[:-10],
    "trailing text": altered().encode() + b" x",
    "a comment that does not end": altered().encode() + b"/* hello",
    "deep lists": b"[" * 100_000,
    "deep balanced lists": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a deep value": altered(time_budget=0).replace("0", "[" * 900 + "]" * 900, 1).encode(),
    "deep values": parameter(parameter_type="real", values=0)
    .replace("0}", "[" * 400 + "]" * 400 + "}")
    .encode(),
    "a repeated key": altered().encode()[:-1] + b', "application_name": "other"}',
    "a repeated parameter": altered()
    .replace('"x": {', '"x": {"parameter_type": "real", "values": [0, 2]}, "x": {')
    .encode(),
    "NaN": parameter(parameter_type="real", values=[0, float("nan")]).encode(),
    "infinity": parameter(parameter_type="real", values=[0, float("inf")]).encode(),
    "a huge number": parameter(parameter_type="real", values=[0, 1])
    .replace("1]", "1e400]")
    .encode(),
    "an integer of 5,000 digits": altered(seed=0).replace(": 0}", f": {'9' * 5000}}}").encode(),
    "a huge integer": parameter(parameter_type="integer", values=[0, 10**400]).encode(),
    "no values": parameter(parameter_type="ordinal", values=[]).encode(),
    "repeated labels": parameter(parameter_type="categorical", values=["a", "a"]).encode(),
    "a label with a newline": parameter(
        parameter_type="categorical", values=["a", "b\nEnd of HyperMapper"]
    ).encode(),
    "a name with a comma": altered(
        input_parameters={"a,b": {"parameter_type": "real", "values": [0, 1]}}
    ).encode(),
    "a surrogate": altered(application_name="\ud800").encode(),
    "a zero byte in a file name": altered(output_data_file="a\0b.csv").encode(),
    "the scenario for its samples": altered(output_data_file="app.json").encode(),
    "the scenario for its log": altered(log_file="./app.json").encode(),
    "2,000 unknown keys": altered(**{f"key{i}": i for i in range(2000)}).encode(),
    "10,000 bad parameters": altered(
        input_parameters={f"p{i}": {"parameter_type": "reel"} for i in range(10_000)}
    ).encode(),
    "minus one sample": altered(design_of_experiment={"number_of_samples": -1}).encode(),
    "minus one iteration": altered(optimization_iterations=-1).encode(),
    "true as a number": altered(optimization_iterations=True).encode(),
    "an unknown mode": altered(hypermapper_mode={"mode": "x"}).encode(),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_scenario_is_refused_in_words(name, fork, tmp_path) -> None:
    (tmp_path / "app.json").write_bytes(BAD[name])
    for arguments in (["app.json"], ["check", "app.json"]):
        with fork(*arguments, directory=tmp_path) as daemon:
            daemon.close()
            assert daemon.rest() == ""
            check_end(daemon, 2)
            assert "app.json" in daemon.stderr
    assert sorted(os.listdir(tmp_path)) == ["app.json", "stderr.txt"]


GOOD_BUT_ODD = {
    "a byte order mark": b"\xef\xbb\xbf" + altered().encode(),
    "CRLF": json.dumps(GOOD, indent=2).replace("\n", "\r\n").encode(),
    "10,000 parameters": altered(
        input_parameters=reals(10_000), optimization_iterations=0
    ).encode(),
    "500 parameters": altered(input_parameters=reals(500)).encode(),
    "an ordinal of 100,000 levels": parameter(
        parameter_type="ordinal", values=list(range(100_000))
    ).encode(),
    "a constant": parameter(parameter_type="real", values=[1, 1]).encode(),
    "the widest reals": parameter(parameter_type="real", values=[-1.7e308, 1.7e308]).encode(),
    "wide integers": parameter(parameter_type="integer", values=[-(2**50), 2**50]).encode(),
    "reversed bounds": parameter(parameter_type="real", values=[1, 0]).encode(),
    "no iterations": altered(optimization_iterations=0).encode(),
}


@pytest.mark.parametrize("name", GOOD_BUT_ODD)
def test_odd_scenario_is_served(name, fork, tmp_path) -> None:
    (tmp_path / "app.json").write_bytes(GOOD_BUT_ODD[name])
    with fork("app.json", directory=tmp_path) as daemon:
        daemon.converse(lambda row: {"Value": next(iter(row.values()))})
        assert daemon.heard.endswith(b"End of HyperMapper\n")
        check_end(daemon, 0)
        assert daemon.stderr == ""


def test_file_name_that_is_too_long_has_status_4(run, tmp_path: Path) -> None:
    (tmp_path / "app.json").write_text(altered(output_data_file="a" * 10_000 + ".csv"))
    done = run("app.json")
    assert (done.returncode, done.stdout) == (4, "")
    assert "Traceback" not in done.stderr
    assert os.listdir(tmp_path) == ["app.json"]


@pytest.mark.parametrize("path", [".", "missing.json", "/dev/null", "app.json/x", "a\nb", ""])
def test_what_is_no_file_is_refused(path, run, tmp_path: Path) -> None:
    (tmp_path / "app.json").write_text(altered())
    done = run(path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("hmserve: ")
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_file_without_permission_is_refused(run, tmp_path: Path) -> None:
    (tmp_path / "app.json").write_text(altered())
    (tmp_path / "app.json").chmod(0)
    done = run("app.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "ermission" in done.stderr
