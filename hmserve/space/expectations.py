"""Where a space expects good configurations, as one prior over points."""

from hmserve.arrays import Floats, Mask
from hmserve.space.encoding import Encoding
from hmserve.space.joint_model import JointPrior
from hmserve.space.prior_model import IndependentPriors, PriorModel


def prior_of(encoding: Encoding) -> PriorModel | None:
    """Return the prior of a space; None if all of it is equally likely."""
    space = encoding.space

    def active(X: Floats) -> Mask:
        return encoding.active(X).T

    chosen = active if space.conditions.of else None
    if space.joint_prior is not None:
        return JointPrior(encoding, space.joint_prior, chosen)
    return IndependentPriors(encoding, space.priors, chosen) if space.priors else None
