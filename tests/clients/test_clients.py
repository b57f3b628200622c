"""Each client understands hmserve, its example gains something, its worker works."""

import csv
import json
import shutil
from pathlib import Path

import pytest

CLIENTS = Path(__file__).parents[2] / "clients"
LANGUAGES = json.loads((CLIENTS / "languages.json").read_text())
CORE = ["sync", "batch", "failed", "permutation", "conditional", "dies_between", "garbage_row"]
CORE_ASK_TELL = ["ask_tell_refused", "ask_tell_values"]

slow = pytest.mark.slow
each_language = pytest.mark.parametrize("language", LANGUAGES)
clients = [name for name, entry in LANGUAGES.items() if entry["client"]]
each_client = pytest.mark.parametrize("language", clients)


def only(*names: str) -> list[str]:
    return [word for name in names for word in ("--only", name)]


@pytest.mark.parametrize("language", [name for name in clients if LANGUAGES[name].get("fast")])
def test_a_client_understands_the_main_conversations(language, build, judge) -> None:
    client = build(language)
    names = only(*CORE, *CORE_ASK_TELL)
    judged = judge(client.command("driver"), "--scripted", *names)
    assert judged.returncode == 0, judged.stdout + judged.stderr


@slow
@each_client
def test_a_client_understands_every_conversation_also_with_the_real_hmserve(
    language, build, judge
) -> None:
    judged = judge(build(language).command("driver"))
    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert judged.stdout.count("ok  ") >= 45


@slow
@pytest.mark.parametrize("language", ["c", "cpp"])
def test_the_sanitizers_have_nothing_to_say(language, build, judge) -> None:
    flags = "-g -fsanitize=address,undefined -fno-sanitize-recover=all"
    client = build(language, flags)
    judged = judge(client.command("driver"), "--scripted")
    assert judged.returncode == 0, judged.stdout + judged.stderr


@slow
@pytest.mark.parametrize("language", ["c", "cpp"])
def test_valgrind_finds_neither_errors_nor_leaks(language, build, judge, require_tools) -> None:
    require_tools(["valgrind"])
    # The conformance program takes a status of 128 and a signal, as 137 is, for a crash.
    check = ["valgrind", "-q", "--leak-check=full", "--error-exitcode=137"]
    client = build(language, "-g")
    judged = judge([*check, *client.command("driver")], "--scripted", "--patience", "120")
    assert judged.returncode == 0, judged.stdout + judged.stderr


def rows(samples: Path) -> list[dict[str, str]]:
    with samples.open(newline="") as lines:
        return [
            {k: v for k, v in row.items() if k != "Timestamp"} for row in csv.DictReader(lines)
        ]


def run_example(client, place: Path, run, hmserve: str) -> list[dict[str, str]]:
    shutil.copy(client.scenario, place)
    done = run(client.command("example"), place, HMSERVE=hmserve)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip(), "the example shows nothing"
    (samples,) = place.glob("*_samples.csv")
    return rows(samples)


@slow
@each_client
def test_an_example_finds_something_better_than_the_default(
    language, build, run_command, hmserve, tmp_path
) -> None:
    client = build(language)
    found = run_example(client, tmp_path, run_command, hmserve)
    objectives = json.loads(client.scenario.read_text())["optimization_objectives"]
    usable = [row for row in found if row.get("Valid", "true").lower() in {"true", "1"}]
    for name in objectives:
        values = [float(row[name]) for row in usable if row[name]]
        assert min(values) < float(found[0][name])


@slow
@each_language
def test_a_worker_measures_what_the_example_measures(
    language, build, run_command, hmserve, tmp_path
) -> None:
    client = build(language)
    here, there = tmp_path / "run", tmp_path / "example"
    here.mkdir()
    there.mkdir()
    shutil.copy(client.scenario, here)
    words = [hmserve, "run", client.scenario.name, "--", *client.command("worker")]
    done = run_command(words, here)
    assert done.returncode == 0, done.stdout + done.stderr
    (samples,) = here.glob("*_samples.csv")
    worked = rows(samples)
    scenario = json.loads(client.scenario.read_text())
    usable = [row for row in worked if row[scenario["optimization_objectives"][0]]]
    assert len(usable) > len(worked) / 2
    if client.entry["client"]:
        found = run_example(client, there, run_command, hmserve)
        # The default comes first in each run, but results may come in any order.
        inputs = scenario["input_parameters"]
        (same,) = (row for row in found if all(row[k] == worked[0][k] for k in inputs))
        assert numbers(worked[0]) == pytest.approx(numbers(same), rel=1e-5)


def numbers(row: dict[str, str]) -> dict[str, float]:
    return {name: float(text) for name, text in row.items() if text.replace(".", "").isdigit()}
