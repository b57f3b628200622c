"""Parameter spaces of other tools, as entries of a scenario.

`read` reads a file of another tool, `from_configspace` and `from_optuna` take its objects.
Nothing of those tools is imported, and no file is executed or changed.
"""

from hmserve.conversion.foreign import ForeignSpace
from hmserve.conversion.objects import from_configspace, from_optuna
from hmserve.conversion.reading import FORMS, read

__all__ = ["FORMS", "ForeignSpace", "from_configspace", "from_optuna", "read"]
