"""Sums, squares, extremes and counts per pixel over the frames of a stack, and totals per frame.

Integers of up to 32 bits are summed as integers, so a result has the same bits for any number of tasks, threads and
workers and any order in which they end. Floating-point numbers and 64-bit integers are summed in float64 by the
pairwise update of Chan, Golub and LeVeque (The American Statistician 37 (1983) 242); there the last digits depend on
how the work was divided.

A pixel is left out of a frame where it is masked, where it is not finite, and where it holds the number that stands for
"no value": detectors mark gaps and dead pixels with the maximum of an unsigned type.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.reduction.integers import IntegerSums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panosc_analysis.reduction.batch import Batch
    from panosc_analysis.reduction.kernel import Sums
    from panosc_analysis.reduction.team import Team

__all__ = ["FloatSums", "Moments", "MomentsKernel"]

_TILE = 1 << 20  # bytes of float64 at a time: they stay in the second-level cache


@dataclass(frozen=True, eq=False, slots=True)
class Moments:
    """What is known of each pixel after all frames; arrays of shape (pixels,), meaningless where `count` is 0.

    Parameters
    ----------
    count
        Frames in which the pixel was valid.
    sum
        In int64 or uint64 for integers, else float64.
    variance
        Of the frames, divided by their number; ``None`` if not asked for.
    min, max
        In the type of the data; ``None`` if not asked for.
    totals
        Sum of the valid pixels of each frame, shape (frames,); ``None`` if not asked for.
    saturated
        Frames in which the value was at the detector's limit or above; ``None`` if no limit is known.
    """

    count: NDArray[np.uint32]
    sum: NDArray[Any]
    variance: NDArray[np.float64] | None
    min: NDArray[Any] | None
    max: NDArray[Any] | None
    totals: NDArray[Any] | None
    saturated: NDArray[np.uint32] | None = None


@dataclass(frozen=True, slots=True)
class MomentsKernel:
    """Which sums to keep, for which pixels; what is sent to a worker.

    Parameters
    ----------
    dtype
        Of the frames, in the byte order of the machine.
    pixels
        Per frame.
    mask
        Masked pixels as packed bits (`numpy.packbits`); ``None`` for none.
    masked_value
        The number that stands for "no value"; ``None`` if there is none.
    variance, extremes, totals
        What to keep besides sum and count.
    saturation
        From where on an integer counts as saturated; ``None`` if there is no limit.
    """

    dtype: np.dtype[Any]
    pixels: int
    mask: bytes | None = None
    masked_value: int | None = None
    variance: bool = False
    extremes: bool = False
    totals: bool = False
    saturation: int | None = None

    def start(self, first: int, frames: int) -> Sums:
        """Begin with nothing, for `frames` frames from frame `first` on."""
        if self.dtype.kind in "bui" and self.dtype.itemsize <= 4:
            return IntegerSums(self, first, frames)
        return FloatSums(self, first, frames)

    def valid(self) -> NDArray[np.bool_]:
        """Pixels that are not masked, shape (pixels,)."""
        if self.mask is None:
            return np.ones(self.pixels, dtype=np.bool_)
        masked: NDArray[np.bool_] = np.unpackbits(np.frombuffer(self.mask, np.uint8), count=self.pixels).view(np.bool_)
        return ~masked


class FloatSums:
    """Sums of floating-point numbers and 64-bit integers."""

    def __init__(self, kernel: MomentsKernel, first: int, frames: int) -> None:
        self.kernel, self.end = kernel, first + frames
        self.valid = kernel.valid()
        shape = kernel.pixels
        self.count = np.zeros(shape, dtype=np.uint32)
        self.mean = np.zeros(shape)
        self.sum = np.zeros(shape)
        self.squares = np.zeros(shape)  # of the distances from the mean
        self.min = np.full(shape, np.inf)
        self.max = np.full(shape, -np.inf)
        self.totals: dict[int, NDArray[Any]] = {}

    def add(self, frames: NDArray[Any], first: int) -> None:
        """Add frames of shape (n, pixels), the first of which is frame `first` of the stack."""
        from panosc_analysis.reduction.team import Team

        self._add(frames, first, Team())

    def add_batch(self, batch: Batch, team: Team) -> None:
        """Add a batch; its pixels are divided among the threads."""
        self._add(batch.frames(team), batch.first, team)

    def _add(self, frames: NDArray[Any], first: int, team: Team) -> None:
        # The same pieces for any number of threads, so that they do not change the last digits of the totals.
        length = max(1024, _TILE // (8 * len(frames)))
        pieces = [slice(begin, begin + length) for begin in range(0, self.kernel.pixels, length)]
        totals = team.map(lambda part: self._add_part(frames[:, part], part), pieces)
        if self.kernel.totals:
            self.totals[first] = np.sum(totals, axis=0)

    def _add_part(self, frames: NDArray[Any], part: slice) -> NDArray[Any]:
        values = frames.astype(np.float64)
        valid = np.isfinite(values) & self.valid[part]
        if self.kernel.masked_value is not None:
            valid &= frames != self.kernel.masked_value
        np.copyto(values, 0.0, where=~valid)
        count = np.count_nonzero(valid, axis=0).astype(np.uint32)
        total, totals = values.sum(axis=0), values.sum(axis=1)
        if self.kernel.extremes:
            np.minimum(self.min[part], np.where(valid, values, np.inf).min(axis=0), out=self.min[part])
            np.maximum(self.max[part], np.where(valid, values, -np.inf).max(axis=0), out=self.max[part])
        mean = total / np.maximum(count, 1)
        squares = np.where(valid, values - mean, 0.0)
        distances = np.einsum("fp,fp->p", squares, squares) if self.kernel.variance else 0.0
        self._merge(count, total, mean, distances, part)
        return np.asarray(totals)

    def merge(self, other: FloatSums) -> None:
        """Add the sums of other frames of the same stack."""
        self.end = max(self.end, other.end)
        np.minimum(self.min, other.min, out=self.min)
        np.maximum(self.max, other.max, out=self.max)
        self.totals |= other.totals
        self._merge(other.count, other.sum, other.mean, other.squares, slice(None))

    def _merge(
        self,
        count: NDArray[np.uint32],
        total: NDArray[np.float64],
        mean: NDArray[np.float64],
        squares: NDArray[np.float64] | float,
        part: slice,
    ) -> None:
        here = self.count[part]
        all_of_them = np.maximum(here + count, 1)
        shift = mean - self.mean[part]
        self.squares[part] += squares + shift * shift * (here * (count / all_of_them))
        self.mean[part] += shift * (count / all_of_them)
        self.sum[part] += total
        self.count[part] += count

    def finish(self) -> Moments:
        """Turn the sums into moments."""
        kernel = self.kernel
        number = np.maximum(self.count, 1)
        # Back to the type of the data, where pixels without a value have nothing to say.
        some = self.count > 0
        low, high = (np.where(some, values, 0).astype(kernel.dtype) for values in (self.min, self.max))
        return Moments(
            count=self.count,
            sum=self.sum,
            variance=self.squares / number if kernel.variance else None,
            min=low if kernel.extremes else None,
            max=high if kernel.extremes else None,
            totals=joined_totals(self.totals, self.end) if kernel.totals else None,
        )


def joined_totals(parts: dict[int, NDArray[Any]], frames: int) -> NDArray[Any]:
    """Put the totals of all batches in the order of the frames; what was not read is 0."""
    kind = next(iter(parts.values())).dtype if parts else np.float64
    result = np.zeros(frames, dtype=kind)
    for first, values in parts.items():
        result[first : first + len(values)] = values
    return result
