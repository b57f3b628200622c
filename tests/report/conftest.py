"""Scenarios and samples files for the tools."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from hmserve.scenario import Scenario

PARAMETERS = {
    "x": {"parameter_type": "integer", "values": [1, 9]},
    "r": {"parameter_type": "real", "values": [0, 1]},
    "tile": {"parameter_type": "ordinal", "values": [1, 2, 4, 8]},
    "order": {"parameter_type": "categorical", "values": ["ij", "ji"]},
}


@pytest.fixture
def document(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Return a function that makes the JSON of a scenario."""

    def make(*objectives: Any, feasibility: bool = False, **changes: Any) -> dict[str, Any]:
        return {
            "application_name": "app",
            "optimization_objectives": list(objectives or ["f1"]),
            "run_directory": str(tmp_path),
            "design_of_experiment": {"number_of_samples": 2},
            "feasible_output": {"enable_feasible_predictor": feasibility},
            "input_parameters": PARAMETERS,
            **changes,
        }

    return make


@pytest.fixture
def scenario(document: Callable[..., dict[str, Any]]) -> Callable[..., Scenario]:
    """Return a function that makes a scenario."""
    return lambda *objectives, **changes: Scenario.parse(document(*objectives, **changes))


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Return a function that writes a samples file: outcomes, with inputs before them.

    Unless `header` says otherwise, each row is its objectives.
    """

    def make(name: str, rows: Iterable[Iterable[Any]], header: str = "f1,f2") -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"x,r,tile,order,{header}"]
        lines += [
            f"{k % 9 + 1},{k / 100},{2 ** (k % 4)},{'ij' if k % 2 else 'ji'},{_text(row)}"
            for k, row in enumerate(rows)
        ]
        path.write_text("".join(f"{line}\n" for line in lines))
        return str(path)

    return make


def _text(row: Iterable[Any]) -> str:
    return ",".join(map(str, row))


@pytest.fixture
def save_scenario(
    tmp_path: Path, document: Callable[..., dict[str, Any]]
) -> Callable[..., str]:
    """Return a function that writes a scenario file."""

    def save(*objectives: Any, name: str = "app.json", **changes: Any) -> str:
        path = tmp_path / name
        path.write_text(json.dumps(document(*objectives, **changes)))
        return str(path)

    return save
