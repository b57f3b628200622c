"""What a rank makes of an MPI library with habits; the library is played."""

import sys
from collections import deque
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from hmserve.errors import UsageError
from hmserve.ranks.network import Network


class Request:
    def Test(self) -> bool:  # noqa: N802 - the names are mpi4py's
        return True


class Message:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def Irecv(self, where: list[Any]) -> Request:  # noqa: N802
        where[0][:] = self._data
        return Request()


class Comm:
    """A communicator whose library takes in a message at every second look at most."""

    def __init__(self, size: int = 2) -> None:
        self.size = size
        self.waiting: deque[bytes] = deque()
        self.looks = 0

    def Dup(self) -> "Comm":  # noqa: N802
        return self

    def Get_rank(self) -> int:  # noqa: N802
        return 0

    def Get_size(self) -> int:  # noqa: N802
        return self.size

    def Improbe(self, source: int, tag: int, status: Any) -> Message | None:  # noqa: N802
        del source, tag
        self.looks += 1
        if self.looks % 2 or not self.waiting:
            return None
        data = self.waiting.popleft()
        status.count = len(data)
        return Message(data)


class Status:
    count = 0

    def Get_count(self, kind: Any) -> int:  # noqa: N802
        del kind
        return self.count

    def Get_source(self) -> int:  # noqa: N802
        return 1


@pytest.fixture
def comm(monkeypatch: pytest.MonkeyPatch) -> Comm:
    found, package = Comm(), ModuleType("mpi4py")
    library = SimpleNamespace(
        COMM_WORLD=found,
        ANY_SOURCE=-1,
        BYTE="byte",
        Status=Status,
        Get_library_version=lambda: "Some MPI 1.0",
    )
    monkeypatch.setattr(package, "MPI", library, raising=False)
    monkeypatch.setitem(sys.modules, "mpi4py", package)
    for name in ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"):
        monkeypatch.delenv(name, raising=False)
    return found


def test_all_that_waits_is_taken_though_the_library_now_and_then_shows_nothing(
    comm: Comm,
) -> None:
    network = Network(comm)
    comm.waiting.extend([b"one", b"two", b"three"])
    assert network.receive() == [(1, b"one"), (1, b"two"), (1, b"three")]
    assert network.receive() == []


@pytest.mark.parametrize("name", ["PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"])
def test_ranks_that_do_not_know_of_each_other_are_refused(
    name: str, comm: Comm, monkeypatch: pytest.MonkeyPatch
) -> None:
    comm.size = 1
    Network(comm)
    monkeypatch.setenv(name, "4")
    with pytest.raises(UsageError, match=rf"4 ranks were started \({name}\).*Some MPI 1.0"):
        Network(comm)


def test_one_rank_of_several_may_work_alone(comm: Comm, monkeypatch) -> None:
    monkeypatch.setenv("PMI_SIZE", "4")
    assert Network(Comm(1)).size == 1
    assert Network(comm).size == 2
