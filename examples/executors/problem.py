"""What the examples minimise: a function of two parameters that takes a while, and may fail."""

import time
from typing import Any

SCENARIO: dict[str, Any] = {
    "application_name": "bowl",
    "optimization_objectives": ["cost"],
    "run_directory": "results",
    "design_of_experiment": {"number_of_samples": 8},
    "optimization_iterations": 16,
    "noise": False,
    "seed": 1,
    "input_parameters": {
        "x": {"parameter_type": "real", "values": [0, 1]},
        "n": {"parameter_type": "integer", "values": [1, 16]},
    },
}


def cost(configuration: dict[str, Any]) -> float:
    x, n = configuration["x"], configuration["n"]
    time.sleep(0.02 * n)
    if x > 0.95 and n > 12:
        raise ValueError("out of memory")
    return float((x - 0.3) ** 2 + (n - 5) ** 2 / 100)


def tell(result: Any) -> None:
    """Print what was found, and how many workers found it."""
    best = result.best
    details = [row.evaluation.details for row in result.rows]
    workers = {each["worker"] for each in details if "worker" in each}
    print(
        f"{len(result.rows)} evaluations by {len(workers)} workers, "
        f"best {best.objectives['cost']:.6f} at {dict(best.trial.configuration)}"
    )
