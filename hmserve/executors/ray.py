"""Ray as an executor of `concurrent.futures`. Needs ray when an executor is made."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from typing import Any

from hmserve.errors import UsageError


class RayExecutor(Executor):
    """Runs each call as a Ray task, on the cluster that `ray.init` has connected to.

    A future that is cancelled ends its task, also one that runs.

    Args:
        workers: How many calls run side by side; None: as many as the cluster can take.
        options: Those of Ray's tasks, such as `num_cpus=4` or `resources={"board": 1}`.

    Raises:
        UsageError: Ray is not installed or not connected, or the cluster can take no such task.
    """

    def __init__(self, workers: int | None = None, **options: Any) -> None:
        try:
            import ray
        except ImportError as error:
            raise UsageError("RayExecutor needs ray: pip install ray") from error
        if not ray.is_initialized():
            raise UsageError("RayExecutor needs a cluster: call ray.init() first")
        # A task that dies is a failed evaluation; the next is another.
        self._task = ray.remote(_call).options(**{"max_retries": 0, **options})
        self.num_workers = _fitting(ray.nodes(), options) if workers is None else workers
        if self.num_workers < 1:
            raise UsageError(
                f"no node of the Ray cluster has what a task needs: {options!r:.200}"
            )

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Return the future of a call of `fn`."""
        return _RayFuture(self._task.remote(fn, args, kwargs))


class _RayFuture(Future[Any]):
    """The future of a Ray task, which ends if that is cancelled."""

    def __init__(self, reference: Any) -> None:
        super().__init__()
        self._reference = reference
        reference.future().add_done_callback(self._take)

    def cancel(self) -> bool:
        """Cancel the task, also if it runs already."""
        import ray

        ray.cancel(self._reference, force=True)
        return super().cancel()

    def _take(self, task: "Future[Any]") -> None:
        if not self.set_running_or_notify_cancel():
            return
        error = task.exception()
        if error is None:
            self.set_result(task.result())
        else:
            self.set_exception(error)


def _call(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return function(*args, **kwargs)


def _fitting(nodes: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> int:
    """Return how many tasks with `options` the `nodes` can take side by side."""
    needs = {"CPU": options.get("num_cpus", 1), "GPU": options.get("num_gpus") or 0}
    needs |= options.get("resources") or {}
    wanted = {name: amount for name, amount in needs.items() if amount}
    found = [node["Resources"] for node in nodes if node["Alive"]]
    shares = [[n.get(name, 0) // amount for name, amount in wanted.items()] for n in found]
    return int(sum(min(share, default=0) for share in shares))
