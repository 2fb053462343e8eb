"""What a cluster is doing at one moment: its workers, their memory, its tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["ClusterState", "WorkerState", "state_of"]


@dataclass(frozen=True, slots=True)
class WorkerState:
    """One worker as the scheduler saw it last; memory in bytes, ``None`` where it has no limit."""

    name: str
    threads: int
    memory: int
    memory_limit: int | None
    running: int


@dataclass(frozen=True, slots=True)
class ClusterState:
    """A cluster at one moment: its workers, and how many tasks are done of how many known."""

    workers: tuple[WorkerState, ...]
    done: int
    total: int

    @property
    def threads(self) -> int:
        """Of all workers together."""
        return sum(worker.threads for worker in self.workers)

    @property
    def memory(self) -> int:
        """Bytes in use by all workers."""
        return sum(worker.memory for worker in self.workers)

    @property
    def memory_limit(self) -> int | None:
        """Bytes that all workers may use together; ``None`` if one of them has no limit."""
        limits = [worker.memory_limit for worker in self.workers]
        return sum(one for one in limits if one) if all(limits) else None


def state_of(client: Client) -> ClusterState:
    """Ask the scheduler, once."""
    seen = client.run_on_scheduler(_look)
    return ClusterState(tuple(WorkerState(*row) for row in seen["workers"]), seen["done"], seen["total"])


def _look(dask_scheduler: Any) -> dict[str, Any]:
    """Return what `ClusterState` needs; runs in the scheduler."""
    workers = [
        (str(w.name), w.nthreads, int(w.metrics.get("memory", 0)), w.memory_limit or None, len(w.processing))
        for w in dask_scheduler.workers.values()
    ]
    ended = ("memory", "released", "erred", "forgotten")
    groups = list(dask_scheduler.task_groups.values())
    counts = [(sum(g.states[s] for s in ended), sum(g.states.values())) for g in groups]
    return {"workers": workers, "done": sum(done for done, _ in counts), "total": sum(total for _, total in counts)}
