"""The ask-tell dialect: whatever instant SIGKILL picks, `--resume` goes on as before."""

import contextlib
import itertools
import json
from pathlib import Path

import pytest


class Client:
    """Keeps three trials out, tells them out of order; forgets everything when it is killed.

    Args:
        directory: Of the run.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.acknowledged: set[str] = set()

    def serve(self, daemon, messages: float = float("inf")) -> bool:
        """Converse until the run is over, or for so many messages; return whether it is."""
        out: dict[str, str] = {}
        while messages > 0:
            messages -= 1
            if len(out) < 3 and (said := daemon.exchange("Ask")) and said[0] == "Request 1":
                trial, _, values = said[2].partition(",")
                assert trial not in self.acknowledged, "what was acknowledged is asked again"
                out[trial] = values
            elif len(out) < 3 and said and said[0] == "End of HyperMapper":
                daemon.close()
                return bool(daemon.wait() == 0)
            elif not out or not self.tell(daemon, out):
                return False
        return False

    def tell(self, daemon, out: dict[str, str]) -> bool:
        """Answer one of the trials that are out; which one is a matter of what they are."""
        trial = max(out, key=lambda number: (int(number) * 7 % 5, number))
        x, n = map(float, out[trial].split(","))
        value = "nan" if int(trial) % 6 == 5 else repr((x - 0.3) ** 2 + n / 100)
        said = daemon.exchange("Tell 1", "value,trial,Value", f"{x},{trial},{value}")
        if said == ["Ok 1 0"]:
            self.acknowledged.add(trial)
            del out[trial]
        return said == ["Ok 1 0"]


def outcome(directory: Path):
    """Return what a finished run asked and was told, in order, and its samples."""
    journal = (directory / "app_output_samples.journal").read_text().splitlines()
    records = [json.loads(line) for line in journal]
    asks = [record for record in records if record["type"] == "ask"]
    told = [e["id"] for r in records if r["type"] == "tell" for e in r["evaluations"]]
    samples = (directory / "app_output_samples.csv").read_bytes().splitlines()
    return (
        [(trial, ask["state"]) for ask in asks for trial in ask["trials"]],
        told,
        [line.rpartition(b",")[0] for line in samples],
    )


@pytest.fixture
def begin(tmp_path, write_scenario):
    def make(name, **changes) -> Client:
        directory = tmp_path / str(name)
        directory.mkdir()
        write_scenario(directory, protocol="ask-tell", **changes)
        return Client(directory)

    return make


SHORT = {"design_of_experiment": {"number_of_samples": 3}}
DESIGN = {"design_of_experiment": {"number_of_samples": 6}}
MODEL = {"design_of_experiment": {"number_of_samples": 4}, "optimization_iterations": 3}


@pytest.mark.parametrize(
    ("changes", "power"),
    [
        pytest.param(SHORT, False, id="short, process dies"),
        pytest.param(DESIGN, True, id="design, power fails", marks=pytest.mark.slow),
        pytest.param(MODEL, False, id="model, process dies", marks=pytest.mark.slow),
        pytest.param(MODEL, True, id="model, power fails", marks=pytest.mark.slow),
    ],
)
def test_death_at_any_call_of_the_system_changes_nothing(changes, power, fork, begin) -> None:
    undisturbed = begin("undisturbed", **changes)
    with fork("app.json", directory=undisturbed.directory) as daemon:
        assert undisturbed.serve(daemon)
    expected = outcome(undisturbed.directory)
    for point in itertools.count(1):
        client = begin(point, **changes)
        options = {"directory": client.directory, "at": point, "power": power}
        with fork("app.json", **options) as daemon:
            if client.serve(daemon):
                break
        with fork("app.json", "--resume", directory=client.directory) as daemon:
            assert client.serve(daemon), daemon.stderr
        assert outcome(client.directory) == expected, f"point {point}"
    assert point > 50


def test_run_killed_again_and_again_asks_what_an_undisturbed_one_asks(
    fork, spawn, begin
) -> None:
    undisturbed, client = begin("undisturbed", **MODEL), begin("killed", **MODEL)
    with fork("app.json", directory=undisturbed.directory) as daemon:
        assert undisturbed.serve(daemon)
    with fork("app.json", directory=client.directory) as daemon:
        assert not client.serve(daemon, messages=4)
    with contextlib.ExitStack() as stack:
        daemon = spawn("app.json", "--resume", directory=client.directory)
        stack.callback(daemon.kill)
        assert not client.serve(daemon, messages=6)
    with fork("app.json", "--resume", directory=client.directory) as daemon:
        assert not client.serve(daemon, messages=7)
    with fork("app.json", "--resume", directory=client.directory) as daemon:
        assert client.serve(daemon)
    assert outcome(client.directory) == outcome(undisturbed.directory)


def test_worker_that_outlives_a_kill_tells_without_asking_again(fork, begin) -> None:
    client = begin("killed", **DESIGN)
    with fork("app.json", directory=client.directory) as daemon:
        daemon.exchange("Ask 3")
    with fork("app.json", "--resume", directory=client.directory) as daemon:
        assert daemon.exchange("Tell 2", "trial,Value", "2,1.5", "0,2.5") == ["Ok 2 0"]
        assert [row[:2] for row in daemon.exchange("Ask 3")[2:]] == ["1,"]
        assert [row[:2] for row in daemon.exchange("Ask 9")[2:]] == ["3,", "4,", "5,"]
