"""hmserve against its peers: problems, adapters, runs, statistics, table and figure.

Needs numpy alone; each peer runs in an environment of its own, which need not hold hmserve.
"""
