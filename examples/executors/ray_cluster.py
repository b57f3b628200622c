"""A Ray cluster: here of this machine, elsewhere `ray.init("auto")`."""

import ray
from problem import SCENARIO, cost, tell

import hmserve
from hmserve.executors.ray import RayExecutor

if __name__ == "__main__":
    ray.init(num_cpus=3, include_dashboard=False)
    # `timeout`: with Ray a trial that is past it really ends.
    workers = hmserve.Workers(timeout=60)
    with RayExecutor(num_cpus=1) as executor:
        tell(hmserve.optimize(SCENARIO, cost, executor=executor, workers=workers))
    ray.shutdown()
