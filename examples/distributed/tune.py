"""DeepHyper's tutorial of distributed search with hmserve: mpiexec -n 10 python3 tune.py"""

import os

from ackley import BOUNDS, DIMENSION, run
from mpi4py import MPI

import hmserve

comm = MPI.COMM_WORLD
scenario = {
    "application_name": "ackley",
    "optimization_objectives": ["objective"],
    "run_directory": "results",
    "design_of_experiment": {"number_of_samples": 10},
    "max_evaluations": int(os.environ.get("EVALUATIONS", "200")),
    "seed": 42,
    "input_parameters": {
        f"x{i}": {"parameter_type": "real", "values": list(BOUNDS)} for i in range(DIMENSION)
    },
}
result = hmserve.optimize(scenario, run, comm=comm)
if comm.rank == 0:
    busy = sum(
        row.evaluation.details["finished"] - row.evaluation.details["started"]
        for row in result.rows
    )
    starts = [row.evaluation.details["started"] for row in result.rows]
    ends = [row.evaluation.details["finished"] for row in result.rows]
    print(f"{len(result.rows)} evaluations on {comm.size} ranks")
    print(f"best {result.best.objectives['objective']:.3f}")
    print(f"utilisation {busy / comm.size / (max(ends) - min(starts)):.3f}")
