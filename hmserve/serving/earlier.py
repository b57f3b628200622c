"""What a run finds of an earlier one, in words for whoever starts it."""

import os
from collections.abc import Callable

from hmserve.journal.store import last_aside
from hmserve.scenario import Files


class EarlierRun:
    """The files of a run as they are before it is opened.

    Args:
        files: Their names.
    """

    def __init__(self, files: Files) -> None:
        self._files = files
        self._there = os.path.lexists(files.journal)
        self._aside = self._kept()

    def tell(self, warn: Callable[[str], None], *, resumed: bool) -> None:
        """Warn of what was not expected, once the run is open.

        Args:
            warn: Takes a text.
            resumed: Whether the run was to go on.
        """
        if resumed and not self._there:
            warn(f"there is no {self._files.journal} to go on from: the run begins anew")
        journal, samples = self._kept()
        if journal != self._aside[0]:
            warn(
                f"the earlier run is kept in {journal}, hmserve best {journal} shows it; "
                "--resume would have gone on with it"
            )
        if samples != self._aside[1]:
            warn(f"the samples that were there are kept in {samples}")

    def _kept(self) -> tuple[str | None, str | None]:
        return last_aside(self._files.journal), last_aside(self._files.samples)
