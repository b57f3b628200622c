"""Each client, built by its README, understands hmserve; its example and its worker work."""

import csv
import json
import shutil
from pathlib import Path

import pytest
from toolchains import require

CLIENTS = Path(__file__).parents[2] / "clients"
LANGUAGES = json.loads((CLIENTS / "languages.json").read_text())
CORE = ["sync", "batch", "failed", "permutation", "conditional", "dies_between", "garbage_row"]
CORE_ASK_TELL = ["ask_tell_refused", "ask_tell_values", "ask_tell_report", "ask_tell_stop"]
UNDER_VALGRIND = [
    "best_block",
    "no_program",
    "long_lines",
    "ask_tell_drop",
    "ask_tell_dies",
    "warning",
]
TRANSCRIPTS = sorted((CLIENTS / "conformance" / "transcripts").glob("*.txt"))
HEADS = [json.loads(path.read_text().partition("\n")[0]) for path in TRANSCRIPTS]

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
    judged = judge(client.driver, "--scripted", *names, folder=client.folder)
    assert judged.returncode == 0, judged.stdout + judged.stderr


@slow
@each_client
def test_a_client_alone_in_a_folder_understands_every_conversation_and_the_real_hmserve(
    language, build, judge
) -> None:
    client = build(language)
    scripted = judge(client.driver, "--scripted", folder=client.folder)
    assert scripted.returncode == 0, scripted.stdout + scripted.stderr
    assert scripted.stdout.count("ok  ") == sum(head.get("play", True) for head in HEADS)
    real = judge(client.driver, "--real", folder=client.folder)
    assert real.returncode == 0, real.stdout + real.stderr
    assert real.stdout.count("ok  ") == sum(bool(head.get("rows")) for head in HEADS)


@slow
@pytest.mark.parametrize("language", ["c", "cpp"])
def test_the_sanitizers_have_nothing_to_say(language, build, judge) -> None:
    client = build(language, "-g -fsanitize=address,undefined -fno-sanitize-recover=all")
    judged = judge(client.driver, "--scripted", folder=client.folder)
    assert judged.returncode == 0, judged.stdout + judged.stderr


@slow
@pytest.mark.parametrize("language", ["c", "cpp"])
def test_valgrind_finds_neither_errors_nor_leaks(language, build, judge) -> None:
    require("valgrind")
    # The conformance program takes a status of 128 and a signal, as 137 is, for a crash.
    check = ["valgrind", "-q", "--leak-check=full", "--error-exitcode=137"]
    client = build(language, "-g")
    words = ["--scripted", "--patience", "120", *only(*CORE, *CORE_ASK_TELL, *UNDER_VALGRIND)]
    judged = judge([*check, *client.driver], *words, folder=client.folder)
    assert judged.returncode == 0, judged.stdout + judged.stderr


def rows(samples: Path) -> list[dict[str, str]]:
    with samples.open(newline="") as lines:
        return [
            {k: v for k, v in row.items() if k != "Timestamp"} for row in csv.DictReader(lines)
        ]


def run_readme_line(line: str, language: str, place: Path, run_line) -> list[dict[str, str]]:
    folder = place / language
    shutil.copytree(CLIENTS / language, folder)
    done = run_line(line, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip(), f"{line} shows nothing"
    (samples,) = folder.glob("*_samples.csv")
    return rows(samples)


def check_gain(found: list[dict[str, str]], objectives: list[str]) -> None:
    usable = [row for row in found if row.get("Valid", "true").lower() in {"true", "1"}]
    for name in objectives:
        values = [float(row[name]) for row in usable if row[name]]
        assert min(values) < float(found[0][name])


@slow
@each_language
def test_the_example_and_the_worker_of_a_readme_gain_something_and_measure_the_same(
    language, readme, run_line, tmp_path
) -> None:
    require(*LANGUAGES[language]["tools"])
    lines = readme(language)
    (scenario,) = (CLIENTS / language).glob("*.json")
    document = json.loads(scenario.read_text())
    objectives, inputs = document["optimization_objectives"], document["input_parameters"]
    worked = run_readme_line(lines.worker, language, tmp_path / "worker", run_line)
    assert len([row for row in worked if row[objectives[0]]]) > len(worked) / 2
    if lines.example:
        found = run_readme_line(lines.example, language, tmp_path / "example", run_line)
        check_gain(found, objectives)
        # The default comes first in each run, but results may come in any order.
        (same,) = (row for row in found if all(row[k] == worked[0][k] for k in inputs))
        assert numbers(worked[0]) == pytest.approx(numbers(same), rel=1e-5)


def numbers(row: dict[str, str]) -> dict[str, float]:
    return {name: float(text) for name, text in row.items() if text.replace(".", "").isdigit()}
