"""The benchmark against other optimizers; see README.md."""

import sys

from comparison.cli import main

sys.exit(main())
