"""Several kernels over the same frames: what was read and decoded once serves all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from panosc_analysis.reduction.kernel import add_batch, settle

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panosc_analysis.reduction.batch import Batch
    from panosc_analysis.reduction.kernel import Kernel, Sums
    from panosc_analysis.reduction.team import Team

__all__ = ["JointKernel", "JointSums"]


@dataclass(frozen=True, slots=True)
class JointKernel:
    """Runs kernels side by side."""

    kernels: tuple[Kernel, ...]

    def start(self, first: int, frames: int) -> JointSums:
        """Begin each of them with nothing."""
        return JointSums([kernel.start(first, frames) for kernel in self.kernels])


class JointSums:
    """The sums of each kernel, in their order."""

    whole_batches = True

    def __init__(self, each: list[Sums]) -> None:
        self.each = each

    def add(self, frames: NDArray[Any], first: int) -> None:
        """Add frames to each."""
        for sums in self.each:
            sums.add(frames, first)

    def add_batch(self, batch: Batch, team: Team) -> None:
        """Add a batch to each, in the way that it knows; once the first has it, the others get it."""
        for sums in self.each[:1]:
            add_batch(sums, batch, team)
        with team.undisturbed():
            for sums in self.each[1:]:
                add_batch(sums, batch, team)

    def settle(self) -> None:
        """End a task."""
        for sums in self.each:
            settle(sums)

    def merge(self, other: JointSums) -> None:
        """Add what another task has seen."""
        for sums, theirs in zip(self.each, other.each, strict=True):
            sums.merge(theirs)

    def finish(self) -> tuple[Any, ...]:
        """Turn each into numbers."""
        return tuple(sums.finish() for sums in self.each)
