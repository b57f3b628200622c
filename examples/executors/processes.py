"""Processes of this machine."""

from concurrent.futures import ProcessPoolExecutor

from problem import SCENARIO, cost, tell

import hmserve

if __name__ == "__main__":
    with ProcessPoolExecutor(3) as executor:
        tell(hmserve.optimize(SCENARIO, cost, executor=executor))
