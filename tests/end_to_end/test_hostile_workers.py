"""A thousand evaluations, most of them hostile: no stray, no lost result, flat memory."""

import json
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's /proc"),
]

# What trial $1 does follows from its number; $2 is its value.
HOSTILE = r"""
import os, signal, sys, time
number, value = int(sys.argv[1]), sys.argv[2]
kind = number % 20
def apart(ignore):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            if ignore: signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(1000)
        os._exit(0)
if kind == 0: time.sleep(1000)
if kind == 1: signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(1000)
if kind == 2: apart(False)
if kind == 3: apart(True)
if kind == 4:
    for _ in range(5):
        if os.fork() == 0: time.sleep(1000)
if kind == 5:
    for _ in range(3): os.fork()
    time.sleep(1000)
if kind == 6: os.write(1, os.urandom(10000)); sys.exit()
if kind == 7: print("junk"); sys.exit()
if kind == 8:
    for _ in range(1000): os.write(1, b"1,2,3\n" * 10000)
if kind == 9:
    for _ in range(500): os.write(2, b"words\n" * 10000)
if kind == 10: os.close(1); time.sleep(1000)
if kind == 11: sys.exit(1)
if kind == 12: os.kill(os.getpid(), signal.SIGSEGV)
if kind == 13: hoard = [bytearray(b"x" * 10**7) for _ in range(30)]; time.sleep(1000)
if kind == 14: apart(True); os.kill(os.getppid(), signal.SIGKILL); time.sleep(1000)
if kind == 15: os.kill(0, signal.SIGTERM)
if kind == 16:
    for _ in range(500): os.write(1, b"1" * 100000)
    sys.exit()
print(value)
"""
CLASS = {
    **{0: "timeout", 1: "timeout", 5: "timeout", 6: "unparsable", 7: "unparsable"},
    **{10: "timeout", 11: "exit", 12: "crash", 13: "memory", 14: "crash", 15: "crash"},
    16: "unparsable",
}


def marked(mark: str) -> list[int]:
    def environment(entry: Path) -> str:
        try:
            return (entry / "environ").read_text(errors="replace")
        except OSError:
            return ""

    found = [int(e.name) for e in Path("/proc").glob("[0-9]*") if mark in environment(e)]
    return [pid for pid in found if pid != os.getpid()]


def memory_of(pid: int) -> int:
    """Return the resident memory of hmserve and its guardians, in bytes."""
    pages = 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue
        if entry.name == str(pid) or fields[1] == str(pid).encode():
            pages += int(fields[21])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_a_thousand_hostile_evaluations_leave_nothing_and_lose_nothing(
    write_scenario, tmp_path, monkeypatch
) -> None:
    mark = uuid.uuid4().hex
    monkeypatch.setenv("HMSERVE_TEST_MARK", mark)
    (tmp_path / "hostile.py").write_text(HOSTILE)
    scenario = write_scenario(
        design_of_experiment={"doe_type": "random sampling", "number_of_samples": 1000}
    )
    command = [sys.executable, "-S", "-E", "hostile.py", "{trial}", "{x}"]
    limits = ["--timeout", "2", "--memory-limit", "150", "--max-consecutive-failures", "100"]
    ours = [sys.executable, "-m", "hmserve", "run", str(scenario), "--workers", "6"]
    journal = tmp_path / "app_output_samples.journal"
    peaks, seen = [], 0
    with subprocess.Popen(
        [*ours, *limits, "--kind", "once", "--", *command], cwd=tmp_path
    ) as run:
        while run.poll() is None:
            time.sleep(0.5)
            told = journal.read_text().count('"type":"tell"') if journal.exists() else 0
            if told >= seen + 100:
                seen = told
                peaks.append(memory_of(run.pid))
    assert run.returncode == 0
    assert marked(mark) == []
    records = [json.loads(line) for line in journal.read_text().splitlines()]
    told = [e for r in records if r["type"] == "tell" for e in r["evaluations"]]
    assert sorted(e["id"] for e in told) == list(range(1000))
    wrong = {
        e["id"]: e["details"]
        for e in told
        if e["details"].get("failure") != CLASS.get(e["id"] % 20)
    }
    assert wrong == {}
    assert max(peaks) < 1.2 * peaks[0]


def test_workers_are_busy_almost_all_the_time(run, write_scenario, tmp_path) -> None:
    sleeper = (
        "import sys, time; time.sleep(0.3 + 0.4 * (float(sys.argv[1]) * 977 % 1)); print(1)"
    )
    scenario = write_scenario(optimization_method="random_search", optimization_iterations=200)
    command = [sys.executable, "-S", "-E", "-c", sleeper, "{x}"]
    done = run("run", str(scenario), "--workers", "8", "--", *command)
    assert done.returncode == 0
    lines = (tmp_path / "app_output_samples.journal").read_text().splitlines()
    told = [e for line in lines for e in json.loads(line).get("evaluations", [])]
    spans = sorted((e["details"]["started"], e["details"]["finished"]) for e in told)
    # Without the beginning, when models are loaded, and the end, when nothing is left to do.
    since, until = spans[40][0], spans[-20][0]
    busy = sum(max(min(b, until) - max(a, since), 0.0) for a, b in spans)
    assert busy / (8 * (until - since)) > 0.97
