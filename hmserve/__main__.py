"""python -m hmserve."""

import sys

from hmserve.cli import main

sys.exit(main())
