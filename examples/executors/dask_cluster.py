"""A Dask cluster: here of this machine, elsewhere `Client("tcp://scheduler:8786")`.

Without `retries=0` Dask tries a trial again that has killed its worker, three times by default.
"""

from distributed import Client, LocalCluster
from problem import SCENARIO, cost, tell

import hmserve

if __name__ == "__main__":
    cluster = LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=None)
    with cluster, Client(cluster) as client, client.get_executor(retries=0) as executor:
        tell(hmserve.optimize(SCENARIO, cost, executor=executor))
