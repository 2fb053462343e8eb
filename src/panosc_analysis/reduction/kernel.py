"""The seam between the engine and what it computes: a kernel goes to a worker, its sums come back and are merged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panosc_analysis.reduction.batch import Batch
    from panosc_analysis.reduction.team import Team

__all__ = ["BatchSums", "Kernel", "Sums", "add_batch", "settle"]


class Sums(Protocol):
    """What has been seen so far of the frames of one task, or of several tasks after `merge`."""

    def add(self, frames: NDArray[Any], first: int) -> None:
        """Add frames of shape (n, pixels), the first of which is frame `first` of the stack."""

    def merge(self, other: Any) -> None:
        """Add what another task has seen."""

    def finish(self) -> Any:
        """Turn the sums into numbers."""


@runtime_checkable
class BatchSums(Protocol):
    """Sums that take a batch as it comes and divide the work on it themselves, such as those of compiled kernels.

    Those with an attribute `whole_batches` that is true add a batch when all work on it is done, and may be interrupted
    until then.
    """

    def add_batch(self, batch: Batch, team: Team) -> None:
        """Add the frames of a batch, with the threads of a team."""


def add_batch(sums: Sums, batch: Batch, team: Team) -> None:
    """Add a batch in the way that the sums know; where these change as it goes, it is not interrupted."""
    if isinstance(sums, BatchSums) and getattr(sums, "whole_batches", False):
        sums.add_batch(batch, team)
    elif isinstance(sums, BatchSums):
        with team.undisturbed():
            sums.add_batch(batch, team)
    else:
        sums.add(batch.frames(team), batch.first)


def settle(sums: Sums) -> None:
    """End a task: sums that keep more than they need to while they work give it up with their method `settle`."""
    if (method := getattr(sums, "settle", None)) is not None:
        method()


class Kernel(Protocol):
    """What to do with each frame; small and picklable."""

    def start(self, first: int, frames: int) -> Sums:
        """Begin with nothing, for `frames` frames from frame `first` on."""
