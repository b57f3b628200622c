"""MPI ranks: rank 0 runs hmserve, the others evaluate.

mpiexec -n 4 python -m mpi4py.futures mpi.py
"""

from mpi4py.futures import MPIPoolExecutor
from problem import SCENARIO, cost, tell

import hmserve

if __name__ == "__main__":
    with MPIPoolExecutor() as executor:
        tell(hmserve.optimize(SCENARIO, cost, executor=executor))
