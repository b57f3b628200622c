"""The conformance program finds faulty clients; the files of clients/ are as they should be."""

import json
from pathlib import Path

import pytest

from hmserve.scenario import Scenario

CLIENTS = Path(__file__).parents[2] / "clients"
LANGUAGES = json.loads((CLIENTS / "languages.json").read_text())
FAULTS = {
    "a wrong value": ("value += sum(", "value += 2 * sum(", "permutation"),
    "a failure as a value": ("return None", "return [0.0] * len(outputs)", "failed"),
    "an infeasible point as feasible": ('!= "infeasible"', '!= "x"', "infeasible"),
    "the fidelity forgotten": ("if epochs:", "if False:", "fidelity"),
    "no word of a stop": ("epochs = 1\n", "pass\n", "ask_tell_report"),
    "a status of its own": ("hmserve.run_status()", "{}", "ask_tell_stop"),
    "no best point": ("return hmserve.best()", "return []", "best_block"),
    "an error swallowed": ('sys.exit(f"conformance: {error}")', 'print("end")', "dies_between"),
    "a refusal swallowed": ('print("refused", refusal)', "pass", "ask_tell_refused"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_conformance_program_finds_a_faulty_client(fault, judge, tmp_path) -> None:
    right, wrong, conversation = FAULTS[fault]
    driver = (CLIENTS / "python" / "conformance.py").read_text()
    assert right in driver
    client = CLIENTS / "python" / "hmserve_client.py"
    (tmp_path / client.name).write_text(client.read_text())
    path = tmp_path / "driver.py"
    path.write_text(driver.replace(right, wrong))
    judged = judge(["python3", str(path)], "--scripted", "--only", conversation)
    assert judged.returncode == 1
    assert f"FAILED  {conversation}" in judged.stdout


def test_a_driver_that_is_not_there_is_named(judge) -> None:
    judged = judge(["./no-such-driver"], "--scripted", "--only", "sync")
    assert judged.returncode == 1
    assert "no-such-driver" in judged.stdout


@pytest.mark.parametrize("language", [*LANGUAGES, "julia"])
def test_a_folder_has_what_it_says(language, readme) -> None:
    folder = CLIENTS / language
    client = LANGUAGES.get(language, {"client": "Hmserve.jl"})["client"]
    assert len((folder / "README.md").read_text().splitlines()) <= 45
    workers = [*folder.glob("[wW]orker*.*"), *folder.glob("worker/*")]
    assert [len(path.read_text().splitlines()) <= 30 for path in workers] == [True]
    (scenario,) = folder.glob("*.json")
    Scenario.load(scenario)
    table = (CLIENTS.parent / "docs" / "clients.md").read_text()
    assert readme(language).worker.rpartition("&& ")[2].replace("--workers 2 ", "") in table
    if client:
        assert (folder / client).exists()
        assert client in table


@pytest.mark.parametrize("path", sorted(CLIENTS.rglob("[hH]mserve*.*")), ids=lambda p: p.name)
def test_what_people_copy_is_short(path) -> None:
    assert len(path.read_text().splitlines()) <= 400


def test_a_package_is_known_for_every_toolchain() -> None:
    lines = (CLIENTS.parent / "tests" / "toolchains.txt").read_text().splitlines()
    packages = dict(line.split() for line in lines if not line.startswith("#"))
    needed = {tool for entry in LANGUAGES.values() for tool in entry["tools"]}
    # Every Debian has gzip; java comes with javac; the tests are in Python themselves.
    assert needed - set(packages) == {"gzip", "java", "python3"}
