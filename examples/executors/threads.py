"""Threads: for functions that wait, for a program they start or for a board in a rack."""

from concurrent.futures import ThreadPoolExecutor

from problem import SCENARIO, cost, tell

import hmserve

if __name__ == "__main__":
    with ThreadPoolExecutor(3) as executor:
        tell(hmserve.optimize(SCENARIO, cost, executor=executor))
