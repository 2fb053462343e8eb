"""Exact sums of integers of up to 32 bits.

They are kept as integers modulo 2^64, the squares together with how often they went beyond it, so that the variance is
exact before its last division. While a task runs, pixels are in the order in which the file stores them, if that is how
they are read; `settle` brings them into their own.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panosc_analysis.reduction.batch import Batch, Blocks
    from panosc_analysis.reduction.layout import Layout
    from panosc_analysis.reduction.moments import Moments, MomentsKernel
    from panosc_analysis.reduction.team import Team

__all__ = ["IntegerSums"]

_AT_ONCE = 1 << 15  # pixels
_U64 = 1 << 64
_FLOAT_FROM = 2.0**63  # sums of squared distances beyond which float64 is used; below they are exact
_NOTHING = 1 << 40  # a number that no pixel has


class IntegerSums:
    """Sums of integers of up to 32 bits, signed or not."""

    def __init__(self, kernel: MomentsKernel, first: int, frames: int) -> None:
        self.kernel = kernel
        self.frames, self.end = 0, first + frames
        self.totals: dict[int, NDArray[np.int64]] = {}
        self.pixels: Any = None  # PixelSums, made with the first batch
        self._layout: Layout | None = None  # of the pixels; None in their own order
        self._valid = np.empty(0, np.uint8)
        self._spaces: deque[Any] = deque()

    def __getstate__(self) -> dict[str, Any]:
        self.settle()
        return self.__dict__ | {"_valid": np.empty(0, np.uint8), "_spaces": deque()}

    def add(self, frames: NDArray[Any], first: int) -> None:
        """Add frames of shape (n, pixels), the first of which is frame `first` of the stack."""
        from panosc_analysis.reduction.team import Team

        self._add_pixels(frames, first, Team())

    def add_batch(self, batch: Batch, team: Team) -> None:
        """Add a batch, from its compressed blocks if they will do."""
        if batch.blocks is not None and self._takes(batch.blocks):
            if self._layout != batch.blocks.layout:
                self._begin(batch.blocks.layout)
            self._add_blocks(batch, batch.blocks, team)
        else:
            self._add_pixels(batch.frames(team), batch.first, team)

    def settle(self) -> None:
        """Bring the pixels into their own order."""
        if self._layout is not None and not self._layout.is_plain:
            at = self._layout.positions()
            self.pixels = type(self.pixels)(*(values[at] if len(values) else values for values in self.pixels))
        self._layout = None
        self._valid = np.empty(0, np.uint8)

    def merge(self, other: IntegerSums) -> None:
        """Add the sums of other frames of the same stack."""
        self.settle()
        other.settle()
        self.end = max(self.end, other.end)
        self.totals |= other.totals
        self.frames += other.frames
        if other.pixels is None:
            return
        if self.pixels is None:
            self.pixels = type(other.pixels)(*(values.copy() for values in other.pixels))
            return
        mine, theirs = self.pixels, other.pixels
        for name in ("total", "squares", "gone", "full"):
            np.add(getattr(mine, name), getattr(theirs, name), out=getattr(mine, name))
        if len(mine.wraps):
            mine.wraps[...] += theirs.wraps + (mine.squares < theirs.squares)
        np.minimum(mine.low, theirs.low, out=mine.low)
        np.maximum(mine.high, theirs.high, out=mine.high)

    def finish(self) -> Moments:
        """Turn the sums into moments, in pieces that stay in the cache."""
        from panosc_analysis.reduction.moments import Moments, joined_totals

        kernel = self.kernel
        self.settle()
        pixels = self.pixels if self.pixels is not None else self._empty(kernel.pixels)
        total = pixels.total.view(np.int64) if kernel.dtype.kind == "i" else pixels.total
        valid, count = kernel.valid(), np.empty(kernel.pixels, np.uint32)
        variance = np.empty(kernel.pixels) if kernel.variance else None
        for begin in range(0, kernel.pixels, _AT_ONCE):
            part = slice(begin, begin + _AT_ONCE)
            count[part] = np.where(valid[part], np.uint32(self.frames), np.uint32(0)) - pixels.gone[part]
            if variance is not None:
                wraps = pixels.wraps[part] if len(pixels.wraps) else 0
                variance[part] = _exact_variance(count[part], total[part], pixels.squares[part], wraps)
        return Moments(
            count=count,
            sum=total,
            variance=variance,
            min=_known(pixels.low, count).view(kernel.dtype) if kernel.extremes else None,
            max=_known(pixels.high, count).view(kernel.dtype) if kernel.extremes else None,
            totals=joined_totals(self.totals, self.end) if kernel.totals else None,
            saturated=pixels.full if kernel.saturation is not None else None,
        )

    @property
    def _marker(self) -> np.int64:
        return np.int64(_NOTHING if self.kernel.masked_value is None else self.kernel.masked_value)

    @property
    def _limit(self) -> np.int64:
        return np.int64(_NOTHING if self.kernel.saturation is None else self.kernel.saturation)

    def _takes(self, blocks: Blocks) -> bool:
        """Whether compressed blocks will do: the kernel finds marks whose bits are all set, and limits from 256 on."""
        kind, marker = blocks.dtype, self.kernel.masked_value
        usual = marker is None or marker == (-1 if kind.kind == "i" else np.iinfo(kind).max)
        here = self.pixels is None or self._layout is not None or blocks.layout.is_plain
        limited = self.kernel.saturation is not None and self.kernel.saturation < 256
        return kind.kind in "ui" and kind.itemsize <= 4 and kind != np.int8 and usual and here and not limited

    def _empty(self, size: int) -> Any:
        from panosc_analysis.reduction.kernels.accumulate import PixelSums

        kind = np.dtype(np.uint8) if self.kernel.dtype.kind == "b" else self.kernel.dtype
        limits = np.iinfo(kind)
        return PixelSums(
            total=np.zeros(size, np.uint64),
            squares=np.zeros(size, np.uint64),
            wraps=np.zeros(size if kind.itemsize > 2 else 0, np.uint32),
            low=np.full(size, limits.max, kind),
            high=np.full(size, limits.min, kind),
            gone=np.zeros(size, np.uint32),
            full=np.zeros(size, np.uint32),
        )

    def _begin(self, layout: Layout | None) -> None:
        """Go on in an order; what there is of sums is in the order of the pixels, or there is nothing."""
        self._layout = layout
        valid = np.where(self.kernel.valid(), np.uint8(255), np.uint8(0))
        if layout is None or layout.is_plain:
            self._valid = valid
        else:
            self._valid = np.zeros(layout.tiles * layout.elements, np.uint8)
            self._valid[layout.positions()] = valid
        if self.pixels is None:
            self.pixels = self._empty(len(self._valid))

    def _add_blocks(self, batch: Batch, blocks: Blocks, team: Team) -> None:
        from panosc_analysis.reduction.kernels.statistics import add_blocks, workspace

        def work(columns: tuple[int, int]) -> NDArray[np.int64]:
            totals = np.zeros(batch.count, np.int64)
            try:
                space = self._spaces.pop()
            except IndexError:
                space = workspace(blocks.per_block, blocks.dtype)
            damaged = add_blocks(
                blocks.base,
                blocks.starts,
                *columns,
                blocks.per_block,
                blocks.layout.elements,
                self._valid,
                self._marker,
                self._limit,
                self.pixels,
                totals,
                space,
            )
            self._spaces.append(space)
            if damaged >= 0:
                raise blocks.damaged(int(damaged))
            return totals

        self._count(batch.first, batch.count, team.map(work, team.shares(blocks.starts.shape[1])))

    def _add_pixels(self, frames: NDArray[Any], first: int, team: Team) -> None:
        from panosc_analysis.reduction.kernels.accumulate import add_frames

        if self._layout is not None and not self._layout.is_plain:
            self.settle()
        if not len(self._valid):
            self._begin(None)
        values = frames.view(np.uint8) if frames.dtype.kind == "b" else frames

        def work(pixels: tuple[int, int]) -> NDArray[np.int64]:
            totals = np.zeros(len(frames), np.int64)
            add_frames(values, *pixels, self._valid, self._marker, self._limit, self.pixels, totals)
            return totals

        self._count(first, len(frames), team.map(work, team.shares(self.kernel.pixels)))

    def _count(self, first: int, frames: int, totals: list[NDArray[np.int64]]) -> None:
        self.frames += frames
        if self.kernel.totals:
            self.totals[first] = np.sum(totals, axis=0)


def _known(values: NDArray[Any], count: NDArray[np.uint32]) -> NDArray[Any]:
    """Give extremes, 0 where there were no values."""
    found = values.copy()
    found[count == 0] = 0
    return found


def _exact_variance(
    count: NDArray[np.uint32], total: NDArray[Any], squares: NDArray[np.uint64], wraps: NDArray[np.uint32] | int
) -> NDArray[np.float64]:
    """Σ(v − m)² = Σv² − m (Σv + r) with Σv = m n + r, all modulo 2^64; then to the mean itself, Σ/n − (r/n)²."""
    number: Any = np.maximum(count, 1).astype(total.dtype)
    most = number.max()
    if ((count == most) | (count == 0)).all():
        number = most  # one divisor is much faster; where there were no values all is 0 in any case
    whole = total // number
    rest = total - whole * number
    distances = (squares - (whole * (total + rest)).view(np.uint64)).astype(np.float64)
    estimate = squares.astype(np.float64) + wraps * float(_U64)
    estimate -= whole.astype(np.float64) * (total.astype(np.float64) + rest)
    distances = np.where(estimate < _FLOAT_FROM, distances, estimate)
    variance: NDArray[np.float64] = np.maximum(distances / number - (rest / number) ** 2, 0.0)
    return variance
