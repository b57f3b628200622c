"""Where evaluations keep what those of their configuration go on from."""

import os
from typing import Final

from hmserve.fidelity.options import FidelityOptions
from hmserve.fidelity.rungs import reaches
from hmserve.journal.files import explained, make_directory
from hmserve.trial import Evaluation, Trial
from hmserve.workers.removal import remove

_FAILED: Final = ".failed"


class Checkpoints:
    """A directory for each configuration, named by the trial with which it began.

    One that is new finds it empty; one that goes on, as it was left.

    Args:
        home: Where they are; made when there is one.
        fidelity: How far evaluations go.
        directories: What is kept, as for trials: ``keep``, ``keep_failed``, else nothing.
    """

    def __init__(self, home: str, fidelity: FidelityOptions, directories: str) -> None:
        self._home = home
        self._fidelity = fidelity
        self._kept = directories == "keep"
        self._failures_kept = directories in ("keep", "keep_failed")

    def make(self, trial: Trial) -> str:
        """Return the directory for an evaluation of `trial`.

        Raises:
            JournalError: It cannot be created.
        """
        path, going_on = self._path(trial), trial.stage is not None and trial.stage.previous > 0
        if not going_on and os.path.lexists(path):
            self._clear(path)
        make_directory(path)
        return path

    def settled(self, asked: Trial, evaluation: Evaluation) -> str | None:
        """Return the directory that nobody needs after this result; None if it is to stay.

        Args:
            asked: What was evaluated.
            evaluation: What came of it.
        """
        failed, wanted = not evaluation.objectives, self._fidelity.of(asked)
        ended = not reaches(self._fidelity.of(evaluation.trial), wanted)
        if self._kept or not (failed or ended or reaches(wanted, self._fidelity.max)):
            return None
        path = self._path(asked)
        if failed and self._failures_kept:
            # So it has another name than those that are removed at the end.
            if os.path.isdir(path):
                os.rename(path, _free(path + _FAILED))
            return None
        return path

    def clear(self) -> None:
        """Remove what is left: no configuration will go on."""
        if self._kept or not os.path.isdir(self._home):
            return
        for name in os.listdir(self._home):
            if name.isdecimal():
                remove(os.path.join(self._home, name))

    def close(self) -> None:
        """Remove the directory for all of them if nothing is in it."""
        try:
            os.rmdir(self._home)
        except OSError:
            return

    def _path(self, trial: Trial) -> str:
        return os.path.join(self._home, str(trial.stage.root if trial.stage else trial.id))

    def _clear(self, path: str) -> None:
        """Put away what an earlier run or attempt has left at `path`."""
        if not self._failures_kept:
            remove(path)
            return
        with explained("rename", path):
            os.rename(path, _free(path))


def _free(path: str) -> str:
    """Return the first of the names `path`.1, `path`.2, ... that is free."""
    number = 1
    while os.path.lexists(f"{path}.{number}"):
        number += 1
    return f"{path}.{number}"
