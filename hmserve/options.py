"""What a scenario sets besides its space and its files, in groups.

The fields have the names of their keys, which docs/scenario.md explains: whoever searches for
a key finds every place it matters. None stands for "absent: hmserve decides".
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from hmserve.commandline import arguments

T = TypeVar("T", bound=NamedTuple)


def pick(kind: type[T], document: Mapping[str, Any]) -> T:
    """Return the group `kind` with the values that the scenario `document` has."""
    return kind._make(document[name] for name in kind._fields)


class Feasibility(NamedTuple):
    """The feasibility column: its name and the words written into it."""

    name: str
    true_value: str
    false_value: str

    @classmethod
    def read(cls, block: Mapping[str, Any]) -> "Feasibility | None":
        """Return what the key ``feasible_output`` says; None if there is no such column."""
        if not block["enable_feasible_predictor"]:
            return None
        return cls(block["name"], str(block["true_value"]), str(block["false_value"]))


class Design(NamedTuple):
    """The design of experiments.

    Args:
        kind: HyperMapper's ``doe_type``.
        samples: How many configurations, the default one included; a grid ignores it.
        repeating: Whether the same one may come twice.
    """

    kind: str
    samples: int
    repeating: bool = False


class Model(NamedTuple):
    """What predicts the objectives.

    Args:
        kind: ``auto``, ``gaussian_process`` or ``random_forest``.
        trees: Forest: number of trees.
        max_features: Forest: share of the parameters tried in each split.
        bootstrap: Forest: whether trees see resampled data.
        min_samples_split: Forest: smallest node that is split.
        noise: Whether a second evaluation may differ from the first.
        means_from_all: Forest: whether leaf means are those of all data despite bootstrap.
        variances_from_all: Forest: the same for leaf variances.
    """

    kind: str
    trees: int
    max_features: float
    bootstrap: bool
    min_samples_split: int
    noise: bool
    means_from_all: bool = False
    variances_from_all: bool = False

    @classmethod
    def read(cls, block: Mapping[str, Any], noise: bool) -> "Model":
        """Return what the key ``models`` says."""
        return cls(
            kind=block["model"],
            trees=int(block["number_of_trees"]),
            max_features=float(block["max_features"]),
            bootstrap=block["bootstrap"],
            min_samples_split=int(block["min_samples_split"]),
            noise=noise,
            means_from_all=block["use_all_data_to_fit_mean"],
            variances_from_all=block["use_all_data_to_fit_variance"],
        )


class AcquisitionOptions(NamedTuple):
    """What is maximised to find the next configuration, and how."""

    acquisition_function: str
    acquisition_function_optimizer: str
    epsilon_greedy_threshold: float
    exploration_augmentation: float
    objective_value_target: float
    local_search_random_points: int | None
    local_search_starting_points: int | None
    local_search_from_best: bool
    local_search_improvement_threshold: float
    local_search_step_size: float | None
    cma_es_sigma: float
    cma_es_starting_points: int


class FittingOptions(NamedTuple):
    """How hyperparameters of Gaussian processes are fitted; priors are (name, two numbers)."""

    noise: bool
    log_transform_output: bool
    multistart_hyperparameter_optimization: bool
    hyperparameter_optimization_iterations: int | None
    reuse_gp_hyperparameters: bool
    reoptimise_hyperparameters_interval: int | None
    lengthscale_prior: Mapping[str, Any] | None
    noise_prior: Mapping[str, Any] | None
    outputscale_prior: Mapping[str, Any] | None


class ScalarizationOptions(NamedTuple):
    """How several objectives become one."""

    scalarization_method: str | None
    weight_sampling: str
    bounding_box_limits: Sequence[float]


class PriorOptions(NamedTuple):
    """How priors enter the search, and how they are estimated."""

    prior_method: str
    prior_beta: float
    prior_floor: float
    model_posterior_weight: float
    model_good_quantile: float
    posterior_computation_lower_limit: float
    prior_estimation_quantile: float
    estimate_multivariate_priors: bool
    bandwidth_parameter: int
    bandwidth_n_factor: int


class ModelFreeOptions(NamedTuple):
    """The methods `local_search` and `evolutionary_optimization`."""

    local_search_evaluation_limit: int
    local_search_scalarization_weights: Sequence[float]
    evolution_population_size: int
    evolution_generations: int
    mutation_rate: int
    evolution_crossover: bool
    regularize_evolution: bool
    batch_size: int


class ReportOptions(NamedTuple):
    """What the end of a run tells, and its log."""

    print_posterior_best: bool
    print_parameter_importance: bool
    profiling: bool
    append_profiles: bool


class Stops(NamedTuple):
    """What ends a run before its requests and its time are spent.

    Args:
        evaluations: The most evaluations that are asked; None for no limit.
        target: By objective, as minimised; empty for none.
        patience: Results in a row that may fail to improve; None for no limit.
    """

    evaluations: int | None
    target: Mapping[str, float]
    patience: int | None


class DistributedOptions(NamedTuple):
    """How ranks work on one run together: the key ``distributed`` and DeepHyper's own keys.

    Args:
        diversity: What keeps ranks apart: ``auto``, ``kappa``, ``thompson`` or ``pending``.
        kappa: Mean of the exploration of all ranks, in standard deviations.
        period: Trials of a rank after which its exploration begins anew.
        rate: By what exponent it falls from one trial to the next.
        interval: Seconds within which a rank sends what it has.
        memory: Results of other ranks that a rank keeps; beyond, a share of them.
        synchronous: Whether ranks wait for each other after so many evaluations each.
        every: How many that are.
        checkpoint_freq: Results after which the table of all ranks is written on.
    """

    diversity: str
    kappa: float
    period: int
    rate: float
    interval: float
    memory: int
    synchronous: bool
    every: int
    checkpoint_freq: int

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "DistributedOptions":
        """Return what a scenario says."""
        block = document["distributed"]
        return cls(
            diversity=block["diversity"],
            kappa=float(block["kappa"]),
            period=int(block["period"]),
            rate=float(block["rate"]),
            interval=float(block["interval"]),
            memory=int(block["memory"]),
            synchronous=document["sync_communication"],
            every=int(document["sync_communication_freq"]),
            checkpoint_freq=int(document["checkpoint_freq"]),
        )


class EvaluatorOptions(NamedTuple):
    """A command that hmserve starts for the evaluations: the key ``evaluator``.

    Args:
        command: The program and its arguments.
        kind: ``protocol`` or ``once``.
        workers: How many evaluate side by side.
        batch_size: How many have to be free before new trials are proposed.
        timeout: Seconds an evaluation may take; None for no limit.
        memory_limit: In MB of 2^20 bytes, of all its processes; None for no limit.
        retries: How often a failed trial is tried again.
        max_consecutive_failures: So many in a row end the run; None: they never do.
        directories: ``none``, ``keep``, ``keep_failed`` or ``remove``.
        output: A regular expression with one group by column; None: the last line.
    """

    command: tuple[str, ...]
    kind: str = "protocol"
    workers: int = 1
    batch_size: int = 1
    timeout: float | None = None
    memory_limit: float | None = None
    retries: int = 0
    max_consecutive_failures: int | None = 20
    directories: str = "none"
    output: Mapping[str, str] | None = None

    @classmethod
    def read(cls, block: Mapping[str, Any] | None) -> "EvaluatorOptions | None":
        """Return what the key says; None if it is absent."""
        if block is None:
            return None
        most = block["max_consecutive_failures"]
        return cls(
            command=arguments(block["command"]),
            kind=block["kind"],
            workers=int(block["workers"]),
            batch_size=int(block["batch_size"]),
            timeout=block["timeout"],
            memory_limit=block["memory_limit"],
            retries=int(block["retries"]),
            max_consecutive_failures=None if most is None else int(most),
            directories=block["directories"],
            output=block["output"],
        )
