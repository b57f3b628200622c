"""Frames between the ranks of an MPI job.

Nothing here waits in MPI: its libraries wait by looking without a pause, and would burn the
core that an evaluation needs. All calls come from one thread.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from hmserve.errors import UsageError

_TAG: Final = 1
_NAP, _LONG_NAP = 0.0005, 0.02
"""Seconds between two looks, at first and at most."""
_HEARD: Final = 0.2
"""Seconds for the launcher to pass on what this rank said last: it would lose it."""
_LAST: Final = 10.0
"""Seconds in which a launcher ends all ranks of a job that was aborted."""
_LOOKS: Final = 4
"""So many looks in a row have to find nothing: MPICH takes in one message a look or none, and
who gives up at the first look without one hears everything late."""
_DIGEST: Final = 8
"""Bytes by which two values are told apart."""
_SIZES: Final = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")
"""Variables by which launchers say how many ranks they have started."""


def world() -> Any:
    """Return the communicator of all ranks, after MPI was loaded and initialised.

    Raises:
        UsageError: There is no MPI.
    """
    try:
        import mpi4py

        if not mpi4py.rc.initialize:
            mpi4py.rc.initialize = True
        mpi4py.rc.thread_level = "funneled"
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        raise UsageError(
            f"there is no MPI to be used ({str(error).splitlines()[0]:.200}): "
            "pip install 'hmserve[mpich]' brings one; where the machine has its own, "
            "pip install 'hmserve[mpi]' and load that"
        ) from None
    return MPI.COMM_WORLD


def _refuse_strangers(library: str) -> None:
    """Refuse to be the only rank where the launcher says that it has started several.

    Each of them would do the whole work, in the same files.
    """
    if found := ranks_started():
        started, name = found
        raise UsageError(
            f"{started} ranks were started ({name}), but they do not know of each other: "
            f"the launcher is that of another MPI than the one mpi4py has loaded, "
            f"{' '.join(library.split())[:60]!r}: use the mpiexec that belongs to it"
        )


def ranks_started() -> tuple[int, str] | None:
    """Return how many ranks a launcher started, if several, and the variable that says so."""
    for name in _SIZES:
        started = os.environ.get(name, "")
        if started.isdecimal() and int(started) > 1:
            return int(started), name
    return None


class Network:
    """The way to the other ranks. All ranks make one at the same time.

    Args:
        comm: A communicator of mpi4py; it is duplicated, so that its user's messages and ours
            never meet.

    Raises:
        UsageError: Ranks were started that do not know of each other.
    """

    def __init__(self, comm: Any) -> None:
        from mpi4py import MPI

        if comm == MPI.COMM_WORLD and comm.Get_size() == 1:
            _refuse_strangers(MPI.Get_library_version())
        self._mpi = MPI
        self._user = comm
        self._comm = comm.Dup()
        self.rank: int = self._comm.Get_rank()
        self.size: int = self._comm.Get_size()
        self._out: dict[int, tuple[Any, bytes]] = {}
        self._coming: deque[tuple[int, Any, bytearray]] = deque()

    @property
    def idle(self) -> bool:
        """Whether all that was sent has left and all that came was taken."""
        return not self.busy(list(self._out)) and not self._coming

    def busy(self, neighbours: Iterable[int]) -> set[int]:
        """Return those of the `neighbours` to whom a frame is still on its way."""
        found = set()
        for neighbour in neighbours:
            if neighbour in self._out:
                if self._out[neighbour][0].Test():
                    del self._out[neighbour]
                else:
                    found.add(neighbour)
        return found

    def send(self, neighbour: int, frame: bytes) -> None:
        """Send `frame` to a neighbour that is not busy; the library may still hold it."""
        # The frame must live until it has left.
        request = self._comm.Isend([frame, self._mpi.BYTE], neighbour, _TAG)
        self._out[neighbour] = request, frame

    def receive(self) -> list[tuple[int, bytes]]:
        """Return what has come, with the rank it came from, in the order it was sent."""
        status, looks = self._mpi.Status(), 0
        while looks < _LOOKS:
            message = self._comm.Improbe(self._mpi.ANY_SOURCE, _TAG, status)
            if message is None:
                looks += 1
                continue
            buffer, looks = bytearray(status.Get_count(self._mpi.BYTE)), 0
            request = message.Irecv([buffer, self._mpi.BYTE])
            self._coming.append((status.Get_source(), request, buffer))
        found = []
        # What is behind waits: frames of one rank must not overtake each other.
        while self._coming and self._coming[0][1].Test():
            source, _, buffer = self._coming.popleft()
            found.append((source, bytes(buffer)))
        return found

    def gather(self, data: bytes) -> list[bytes]:
        """Return the `data` of every rank, by rank; it has the same length everywhere.

        Waits until every rank has come here.
        """
        everyone = bytearray(len(data) * self.size)
        request = self._comm.Iallgather([data, self._mpi.BYTE], [everyone, self._mpi.BYTE])
        _patiently(request.Test)
        n = len(data)
        return [bytes(everyone[i * n : (i + 1) * n]) for i in range(self.size)]

    def meet(self) -> None:
        """Wait until every rank has come here."""
        _patiently(self._comm.Ibarrier().Test)

    def close(self) -> None:
        """Let go of the communicator; every rank does so at the same time."""
        self._comm.Free()

    def abort(self, status: int) -> None:
        """End the job, all of its ranks, with the exit status `status`."""
        time.sleep(_HEARD)
        self._user.Abort(status)
        # Some libraries come back, and the launcher ends us a moment later.
        time.sleep(_LAST)


def _patiently(done: Callable[[], bool]) -> None:
    nap = _NAP
    while not done():
        time.sleep(nap)
        nap = min(2 * nap, _LONG_NAP)


def agree(network: Network, facts: Sequence[tuple[str, str]]) -> None:
    """Refuse to begin where the ranks would not work on the same run.

    Args:
        network: To all ranks; every one comes here.
        facts: What has to be the same everywhere, named; as many on each rank.

    Raises:
        UsageError: It is not, and in what; on every rank, or on none.
    """
    import hashlib

    digests = b"".join(hashlib.sha256(value.encode()).digest()[:_DIGEST] for _, value in facts)
    everyone = network.gather(digests)
    for i, (name, value) in enumerate(facts):
        part = slice(_DIGEST * i, _DIGEST * (i + 1))
        others = [r for r, found in enumerate(everyone) if found[part] != everyone[0][part]]
        if others:
            ranks = ", ".join(map(str, others[:10])) + (", ..." if len(others) > 10 else "")
            raise UsageError(
                f"the ranks do not agree on {name}: rank 0 differs from {ranks} "
                f"(here, on rank {network.rank}: {value:.200})"
            )
