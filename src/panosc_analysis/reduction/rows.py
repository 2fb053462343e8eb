"""One row of numbers for each frame: the frame of all reductions that keep the frames apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from panosc_analysis.errors import ReductionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panosc_analysis.reduction.batch import Batch
    from panosc_analysis.reduction.moments import MomentsKernel
    from panosc_analysis.reduction.team import Team

__all__ = ["Pixels", "RowFunction", "Rows", "RowsKernel"]


_AT_ONCE = 16  # frames


class RowFunction(Protocol):
    """Makes a row of each frame; small and picklable."""

    def __call__(self, frames: NDArray[Any], first: int) -> tuple[NDArray[Any], ...]:
        """Turn frames of shape (n, pixels), the first of which is frame `first`, into arrays of shape (n, …)."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What was made of the frames, in their order.

    Parameters
    ----------
    arrays
        Shape (frames, …) each, zeros where a frame could not be read; those that are summed without the first axis.
    missing
        True for frames that could not be read, shape (frames,).
    """

    arrays: tuple[NDArray[Any], ...]
    missing: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RowsKernel:
    """Keeps a row for each frame. Memory: that of the rows.

    Parameters
    ----------
    function
        What makes the rows of a batch.
    frames
        Of the stack.
    summed
        How many of its arrays, the last ones, are to be summed over the frames instead of kept.
    shared
        Whether several threads may each take a part of a batch.
    """

    function: RowFunction
    frames: int
    summed: int = 0
    shared: bool = True

    def start(self, first: int, frames: int) -> _RowSums:
        """Begin with no rows."""
        return _RowSums(self)


class _RowSums:
    """Rows of some frames: (first frame, number of frames, arrays) for each batch."""

    whole_batches = True

    def __init__(self, kernel: RowsKernel) -> None:
        self.kernel = kernel
        self.pieces: list[tuple[int, int, tuple[NDArray[Any], ...]]] = []
        self.sums: tuple[NDArray[Any], ...] = ()

    def add_batch(self, batch: Batch, team: Team) -> None:
        frames = batch.frames(team)
        shares = team.shares(len(frames)) if self.kernel.shared else _in_turn(len(frames))

        def work(share: tuple[int, int]) -> tuple[NDArray[Any], ...]:
            begin, end = share
            return self.kernel.function(frames[begin:end], batch.first + begin)

        done = team.map(work, shares) if self.kernel.shared else team.in_turn(work, shares)
        for (begin, end), arrays in zip(shares, done, strict=True):
            self._keep(arrays, batch.first + begin, end - begin)

    def add(self, frames: NDArray[Any], first: int) -> None:
        self._keep(self.kernel.function(frames, first), first, len(frames))

    def _keep(self, arrays: tuple[NDArray[Any], ...], first: int, count: int) -> None:
        kept = len(arrays) - self.kernel.summed
        self.pieces.append((first, count, arrays[:kept]))
        self._add(tuple(array.sum(axis=0) for array in arrays[kept:]))

    def merge(self, other: _RowSums) -> None:
        self.pieces = self.pieces + other.pieces
        self._add(other.sums)

    def _add(self, sums: tuple[NDArray[Any], ...]) -> None:
        if self.sums and sums:
            sums = tuple(mine + theirs for mine, theirs in zip(self.sums, sums, strict=True))
        self.sums = sums or self.sums

    def finish(self) -> Rows:
        missing = np.ones(self.kernel.frames, np.bool_)
        if not self.pieces:
            raise ReductionError("No frame could be read", hint="Look at the file; reduce another one")
        found = tuple(np.zeros((len(missing), *like.shape[1:]), like.dtype) for like in self.pieces[0][2])
        for first, count, arrays in self.pieces:
            missing[first : first + count] = False
            for whole, part in zip(found, arrays, strict=True):
                whole[first : first + count] = part
        return Rows((*found, *self.sums), missing)


def _in_turn(frames: int) -> list[tuple[int, int]]:
    """Divide frames that one thread works on, so that it can be asked to stop in between."""
    return [(begin, min(begin + _AT_ONCE, frames)) for begin in range(0, frames, _AT_ONCE)]


@dataclass(frozen=True, slots=True)
class Pixels:
    """Which numbers of a frame count.

    Parameters
    ----------
    valid
        Pixels that are not masked, shape (pixels,).
    masked_value
        The number that stands for "no value"; ``None`` if there is none.
    """

    valid: NDArray[np.bool_]
    masked_value: int | None

    @classmethod
    def of(cls, kernel: MomentsKernel) -> Pixels:
        """Take those that the sums of a stack leave out."""
        return cls(kernel.valid(), kernel.masked_value)

    def select(self, pixels: NDArray[np.int64]) -> Pixels:
        """Take some pixels, by their numbers."""
        return Pixels(self.valid[pixels], self.masked_value)

    def split(self, frames: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Widen frames, shape (…, pixels), to 64 bits, zero where there is no value, and tell where one is."""
        valid = np.broadcast_to(self.valid, frames.shape)
        if self.masked_value is not None:
            valid = valid & (frames != self.masked_value)
        if frames.dtype.kind == "f":
            valid = valid & np.isfinite(frames)
            return np.where(valid, frames, 0.0).astype(np.float64), valid
        wide = np.uint64 if frames.dtype == np.uint64 else np.int64
        values = frames.astype(wide)
        values *= valid
        return values, valid
