"""How a run begins, and what ends it: method, design, requests, other limits, threads."""

import os
from collections.abc import Mapping
from typing import Any

from hmserve.options import Design, Stops


def method_of(document: Mapping[str, Any]) -> tuple[str, Design]:
    """Return the method, and the design of experiments it begins with."""
    method, block = document["optimization_method"], document["design_of_experiment"]
    kind, samples = block["doe_type"], int(block["number_of_samples"])
    if kind == "embedding random sampling":
        kind = "random sampling"
    if method == "exhaustive":
        kind = "grid_search"
    elif method == "evolutionary_optimization":
        samples = int(document["evolution_population_size"])
    elif method == "local_search" and document["local_search_random_points"] is not None:
        samples = int(document["local_search_random_points"])
    names = {"prior_guided_optimization": "bayesian_optimization"}
    return names.get(method, method), Design(kind, samples, block["allow_repetitions"])


def iterations_of(
    document: Mapping[str, Any], given: Mapping[str, Any], method: str, design: Design
) -> int:
    """Return how many requests follow the design."""
    if design.kind == "grid_search":
        return 0
    if method == "evolutionary_optimization":
        return int(document["evolution_generations"])
    limit = document["max_evaluations"]
    if method == "local_search" and document["local_search_evaluation_limit"] >= 0:
        limit = document["local_search_evaluation_limit"]
    elif "optimization_iterations" in given or limit is None:
        return int(document["optimization_iterations"])
    batch = int(document["evaluations_per_optimization_iteration"])
    return max(-(-(int(limit) - design.samples) // batch), 0)


def threads_of(wanted: int) -> int:
    """Return how many threads linear algebra may use: no more than there are cores.

    Threads that wait for a core wait for each other: a request would take minutes.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(min(wanted, cores), 1)


def limited(stops: Stops, time_budget: float | None) -> bool:
    """Return whether a number of evaluations, or the time, ends a run."""
    return stops.evaluations is not None or time_budget is not None


def stops_of(document: Mapping[str, Any], target: Mapping[str, float]) -> Stops:
    """Return what ends a run before its requests are spent."""
    limit, patience = (
        document["max_evaluations"],
        document["max_evaluations_without_improvement"],
    )
    if document["optimization_method"] == "local_search":
        own = int(document["local_search_evaluation_limit"])
        limit = min(own, limit or own) if own >= 0 else limit
    return Stops(limit, target, patience)
