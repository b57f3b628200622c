"""Priors estimated from the results of earlier runs: HyperMapper's prior ``estimate``."""

from dataclasses import replace

from hmserve.errors import ScenarioError
from hmserve.journal.samples import read_samples
from hmserve.scenario import Scenario
from hmserve.space.space import Space


def with_estimates(scenario: Scenario) -> Scenario:
    """Return `scenario` with the priors in its space that its data say.

    Raises:
        ScenarioError: The data cannot be read, or hold no feasible result.
    """
    if scenario.prior_data is None:
        return scenario
    from hmserve.space.estimation import estimate
    from hmserve.space.joint_prior import JointKde

    space = scenario.space
    entries = scenario.document["input_parameters"]
    joint = scenario.prior.estimate_multivariate_priors
    wanted = [p for p in space.parameters if joint or entries[p.name]["prior"] == "estimate"]
    good = [e for e in read_samples(scenario.prior_data, scenario, strict=False) if e.feasible]
    configurations = [evaluation.trial.configuration for evaluation in good]
    values = [evaluation.objectives[scenario.objectives[0]] for evaluation in good]
    try:
        found = estimate(wanted, configurations, values, scenario.prior)
    except ValueError as error:
        message = f"{scenario.prior_data}: no prior can be estimated: {error}"
        raise ScenarioError(message) from None
    estimated = Space(
        space.parameters,
        conditions=space.conditions.of,
        priors={} if isinstance(found, JointKde) else {**space.priors, **found},
        joint_prior=found if isinstance(found, JointKde) else None,
        known=space.known,
    )
    return replace(scenario, space=estimated)
