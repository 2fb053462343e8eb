"""The seam between the engine and what it computes: a kernel goes to a worker, its sums come back and are merged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Kernel", "Sums"]


class Sums(Protocol):
    """What has been seen so far of the frames of one task, or of several tasks after `merge`."""

    def add(self, frames: NDArray[Any], first: int) -> None:
        """Add frames of shape (n, pixels), the first of which is frame `first` of the stack."""

    def merge(self, other: Any) -> None:
        """Add what another task has seen."""

    def finish(self) -> Any:
        """Turn the sums into numbers."""


class Kernel(Protocol):
    """What to do with each frame; small and picklable."""

    def start(self, first: int, frames: int) -> Sums:
        """Begin with nothing, for `frames` frames from frame `first` on."""
