"""Exact sums of integers of up to 32 bits.

Every value is mapped to an unsigned number *w* of its own width. Where the maximum of an unsigned type stands for "no
value", *w* = value + 1, which wraps to 0 for exactly these: they then add nothing to any sum, and no comparison is
needed. Signed values are shifted by half their range. The squares are kept modulo 2^64 together with the number of
wraps, so that the variance is exact before its last division.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panosc_analysis.reduction.moments import Moments, MomentsKernel

__all__ = ["IntegerSums"]

_TILE = 1 << 20  # bytes of widened values at a time: they stay in the second-level cache
_AT_ONCE = 1 << 15  # pixels
_U32, _U64 = 1 << 32, 1 << 64
_FLOAT_FROM = 2.0**63  # sums of squared distances beyond which float64 is used; below they are exact


class IntegerSums:
    """Sums of integers of up to 32 bits, signed or not."""

    def __init__(self, kernel: MomentsKernel, first: int, frames: int) -> None:
        self.kernel = kernel
        pixels, kind = kernel.pixels, kernel.dtype.kind
        self.unsigned = np.dtype(f"u{kernel.dtype.itemsize}")
        self.has_marks = kernel.masked_value is not None
        self.shift = int(self.has_marks) if kind != "i" else 1 << (8 * kernel.dtype.itemsize - 1)
        self.valid = kernel.valid().astype(self.unsigned) if kernel.mask is not None else None
        self.frames = 0
        self.sum = np.zeros(pixels, dtype=np.uint64)
        self.missing = np.zeros(pixels if self.has_marks else 0, dtype=np.uint32)  # frames without a value
        self.largest = 0
        self.squares = np.zeros(pixels if kernel.variance else 0, dtype=np.uint64)
        self.wraps = np.zeros(pixels if kernel.variance else 0, dtype=np.uint32)
        self.low = np.full(pixels if kernel.extremes else 0, np.iinfo(self.unsigned).max, dtype=self.unsigned)
        self.high = np.zeros(pixels if kernel.extremes else 0, dtype=self.unsigned)
        self.totals = {first: np.zeros(frames, dtype=np.int64)} if kernel.totals else {}
        self._scratch: dict[Any, NDArray[Any]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_scratch": {}}

    def add(self, frames: NDArray[Any], first: int) -> None:
        """Add frames of shape (n, pixels), the first of which is frame `first` of the stack."""
        values = frames.view(self.unsigned)
        self.frames += len(frames)
        length = max(1024, _TILE // (4 * len(frames)))
        totals = np.zeros(len(frames), dtype=np.int64)
        for begin in range(0, self.kernel.pixels, length):
            self._add_tile(values[:, begin : begin + length], slice(begin, begin + length), totals)
        if self.kernel.totals:
            start = next(iter(self.totals))
            self.totals[start][first - start : first - start + len(frames)] = totals

    def merge(self, other: IntegerSums) -> None:
        """Add the sums of other frames of the same stack."""
        self.frames += other.frames
        self.sum += other.sum
        self.missing += other.missing
        self.largest = max(self.largest, other.largest)
        self.squares += other.squares
        self.wraps += other.wraps + (self.squares < other.squares)
        np.minimum(self.low, other.low, out=self.low)
        np.maximum(self.high, other.high, out=self.high)
        self.totals |= other.totals

    def finish(self) -> Moments:
        """Turn the sums into moments."""
        from panosc_analysis.reduction.moments import Moments, joined_totals

        kernel = self.kernel
        every = np.uint32(self.frames)
        count = every - self.missing if self.has_marks else np.where(kernel.valid(), every, np.uint32(0))
        offset = count.astype(np.uint64) * np.uint64(self.shift)
        total = self.sum - offset
        # The smallest value is kept without the shift where marks are, see _add_tile.
        low = self.low if self.has_marks else self.low - self.unsigned.type(self.shift)
        high = self.high - self.unsigned.type(self.shift)
        return Moments(
            count=count,
            sum=total.view(np.int64) if kernel.dtype.kind == "i" else total,
            variance=self._variance(count.astype(np.uint64)) if kernel.variance else None,
            min=low.view(kernel.dtype) if kernel.extremes else None,
            max=high.view(kernel.dtype) if kernel.extremes else None,
            totals=joined_totals(self.totals) if kernel.totals else None,
        )

    def _shifted(self, values: NDArray[Any], pixels: slice) -> NDArray[Any]:
        shifted = self._buffer(values.shape, self.unsigned)
        np.add(values, self.unsigned.type(self.shift), out=shifted)  # wraps
        if self.valid is not None:
            shifted *= self.valid[pixels]
        return shifted

    def _buffer(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Memory to write over: fresh memory costs more than the sums made in it."""
        length = shape[0] * shape[1]
        if dtype not in self._scratch or self._scratch[dtype].size < length:
            self._scratch[dtype] = np.empty(length, dtype)
        return self._scratch[dtype][:length].reshape(shape)

    def _add_tile(self, values: NDArray[Any], pixels: slice, totals: NDArray[np.int64]) -> None:
        shifted = self._shifted(values, pixels)
        high = np.maximum.reduce(shifted, axis=0)
        low = np.minimum.reduce(shifted, axis=0)
        largest, (frames, length) = int(high.max()), shifted.shape
        # For 32-bit data this is the same memory, which is why the squares, made in place, come last.
        wide = self._buffer(shifted.shape, np.dtype(np.uint32 if largest * frames < _U32 else np.uint64))
        np.copyto(wide, shifted)
        np.add(self.sum[pixels], np.add.reduce(wide, axis=0, dtype=wide.dtype), out=self.sum[pixels])
        gaps = low == 0 if self.has_marks and not low.all() else None
        comes_and_goes = gaps is not None and bool(np.any(high[gaps]))
        if gaps is not None:
            seldom = frames - np.count_nonzero(shifted, axis=0) if comes_and_goes else gaps * np.uint32(frames)
            self.missing[pixels] += seldom.astype(np.uint32)
        if self.kernel.totals:
            narrow = np.uint32 if largest * length < _U32 else np.uint64
            totals += np.add.reduce(wide, axis=1, dtype=narrow).astype(np.int64)
            totals -= self.shift * self._valid_pixels(shifted, high, pixels, comes_and_goes)
        if self.kernel.extremes:
            one = self.unsigned.type(1 if self.has_marks else 0)
            low = np.minimum.reduce(shifted - one, axis=0) if comes_and_goes else np.subtract(low, one, out=low)
            np.minimum(self.low[pixels], low, out=self.low[pixels])
            np.maximum(self.high[pixels], high, out=self.high[pixels])
        if self.kernel.variance:
            self._add_squares(wide, largest, pixels)

    def _valid_pixels(
        self, shifted: NDArray[Any], high: NDArray[Any], pixels: slice, comes_and_goes: bool
    ) -> NDArray[np.int64] | int:
        if comes_and_goes:
            per_frame: NDArray[np.int64] = np.count_nonzero(shifted, axis=1)
            return per_frame
        if self.has_marks:
            return int(np.count_nonzero(high))
        return len(high) if self.valid is None else int(np.count_nonzero(self.valid[pixels]))

    def _add_squares(self, wide: NDArray[Any], largest: int, pixels: slice) -> None:
        """Add the squares of a tile; `wide` is overwritten."""
        bound = largest * largest * len(wide)
        if bound < _U32 and wide.dtype == np.uint32:
            np.multiply(wide, wide, out=wide)
            sums = [np.add.reduce(wide, axis=0, dtype=np.uint32)]
        else:
            squares = wide.astype(np.uint64)
            np.multiply(squares, squares, out=squares)
            sums = [np.add.reduce(squares, axis=0)] if bound < _U64 else list(squares)
        self.largest = max(self.largest, largest)
        may_wrap = self.largest * self.largest * self.frames >= _U64
        for added in sums:
            np.add(self.squares[pixels], added, out=self.squares[pixels])
            if may_wrap:
                self.wraps[pixels] += self.squares[pixels] < added

    def _variance(self, count: NDArray[np.uint64]) -> NDArray[np.float64]:
        result = np.empty(self.kernel.pixels)
        for begin in range(0, self.kernel.pixels, _AT_ONCE):  # in pieces that stay in the cache
            part = slice(begin, begin + _AT_ONCE)
            result[part] = _exact_variance(count[part], self.sum[part], self.squares[part], self.wraps[part])
        return result


def _exact_variance(
    count: NDArray[np.uint64], total: NDArray[np.uint64], squares: NDArray[np.uint64], wraps: NDArray[np.uint32]
) -> NDArray[np.float64]:
    """Σ(w − m)² = Σw² − m (Σw + r) with Σw = m n + r, all modulo 2^64; then to the mean itself, Σ/n − (r/n)²."""
    number = np.maximum(count, 1)
    whole, rest = np.divmod(total, number)
    distances = (squares - whole * (total + rest)).astype(np.float64)
    if wraps.any():
        estimate = squares.astype(np.float64) + wraps * float(_U64)
        estimate -= whole.astype(np.float64) * (total + rest).astype(np.float64)
        distances = np.where(estimate < _FLOAT_FROM, distances, estimate)
    variance: NDArray[np.float64] = np.maximum(distances / number - (rest / number) ** 2, 0.0)
    return variance
