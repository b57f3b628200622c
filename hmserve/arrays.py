"""Names for arrays. In every shape: n observations, m candidates, d parameters.

`X` has shape (n, d) and lives in the unit cube; `Y` has one column an objective.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
