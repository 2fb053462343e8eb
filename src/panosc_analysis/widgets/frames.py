"""One frame made ready for the eye: masked, and pooled to the window.

Pure functions on arrays; nothing here opens a file or knows a widget. A picture needs as many pixels as its window has,
so a frame is pooled first and everything after that is cheap. Pooling takes the **maximum** of the unmasked pixels of a
block: a Bragg peak of one pixel is still there in a thumbnail. The price is that a pooled background looks brighter
than its mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PooledFrame", "masked_pixels", "plain_numbers", "pool", "pool_factor"]

_STRIP = 1 << 19  # bytes
_GAPS = 0.25  # a frame with more masked than this has no gaps, it has been measured here and there


@dataclass(frozen=True, slots=True)
class PooledFrame:
    """A frame at window size.

    Parameters
    ----------
    values
        Maximum of the unmasked pixels of each block, in the type of the data; meaningless where `masked`.
    masked
        True where the block is masked, see `pool`; ``None`` for nowhere.
    factors
        Rows and columns of the full frame per pixel of this one; the last block may be smaller.
    masked_fraction
        Masked pixels of the full frame over all its pixels.
    """

    values: NDArray[Any]
    masked: NDArray[np.bool_] | None
    factors: tuple[int, int]
    masked_fraction: float


def plain_numbers(values: NDArray[Any]) -> NDArray[Any]:
    """Return the values as real numbers in the machine's byte order.

    Complex numbers become their magnitude, booleans 0 and 1, half precision single; other types are not copied.

    Raises
    ------
    TypeError
        For text, records and other things that are no numbers.
    """
    kind = values.dtype.kind
    if kind not in "biufc":
        raise TypeError(f"no numbers: {values.dtype}")
    if kind == "c":
        values = np.abs(values)
    if kind == "b":
        return values.astype(np.uint8)
    if values.dtype.itemsize == 2 and values.dtype.kind == "f":
        return values.astype(np.float32)
    return np.asarray(values, dtype=values.dtype.newbyteorder("="))


def masked_pixels(
    values: NDArray[Any],
    *,
    masked_value: int | None = None,
    mask: NDArray[Any] | None = None,
    valid: tuple[float | None, float | None] = (None, None),
) -> NDArray[np.bool_] | None:
    """Find the pixels that carry no measurement; ``None`` if there is none.

    Those that are not finite, equal `masked_value`, outside of `valid` or non-zero in `mask`, which must broadcast to
    the shape of `values`. Does not look for outliers.
    """
    parts = []
    if values.dtype.kind == "f":
        parts.append(~np.isfinite(values))
    if masked_value is not None:
        parts.append(values == masked_value)
    low, high = valid
    if low is not None:
        parts.append(values < low)
    if high is not None:
        parts.append(values > high)
    if mask is not None:
        parts.append(np.broadcast_to(np.asarray(mask) != 0, values.shape))
    if not parts:
        return None
    masked = parts[0] if len(parts) == 1 else np.logical_or.reduce(parts)
    return masked if masked.any() else None


def pool_factor(pixels: int, window: int) -> int:
    """Return how many pixels of the data share one of the window, so that none is left out when it is drawn."""
    return max(1, -(-pixels // max(1, window)))


def pool(values: NDArray[Any], masked: NDArray[np.bool_] | None, factors: tuple[int, int]) -> PooledFrame:
    """Reduce a frame to blocks of `factors` pixels by the maximum of the unmasked ones.

    A block is masked if all of it is; where little is masked altogether (gaps between modules) also if more than half
    of it is, so that a gap narrower than two blocks can still be seen. Reads the frame once, in strips that stay in the
    processor's cache.
    """
    if masked is None:
        small = values if factors == (1, 1) else _in_strips(values, None, factors)[0]
        return PooledFrame(small, None, factors, 0.0)
    fraction = float(np.count_nonzero(masked)) / masked.size
    if factors == (1, 1):
        return PooledFrame(values, masked, factors, fraction)
    small, count = _in_strips(values, masked, factors)
    part = 0.5 if fraction < _GAPS else 1.0
    size = np.outer(*(_block_lengths(n, f) for n, f in zip(masked.shape, factors, strict=True)))
    return PooledFrame(small, (count == size) | (count > part * size), factors, fraction)


def _in_strips(
    values: NDArray[Any], masked: NDArray[np.bool_] | None, factors: tuple[int, int]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the highest unmasked value of each block, and how many of its pixels are masked."""
    rows, columns = values.shape
    small = np.empty((-(-rows // factors[0]), -(-columns // factors[1])), values.dtype)
    count = np.zeros(small.shape, np.min_scalar_type(factors[0] * factors[1]))
    lowest = values.dtype.type(-np.inf if values.dtype.kind == "f" else np.iinfo(values.dtype).min)
    height = max(1, _STRIP // max(1, columns * values.itemsize * factors[0]))
    lowered = np.empty((min(rows, height * factors[0]), columns if masked is not None else 0), values.dtype)
    for first in range(0, len(small), height):
        lines = slice(first * factors[0], (first + height) * factors[0])
        strip = values[lines]
        if masked is not None:
            count[first : first + height] = _blocks(masked[lines].view(np.uint8), factors, np.add, count.dtype)
            np.copyto(lowered[: len(strip)], strip)
            np.copyto(lowered[: len(strip)], lowest, where=masked[lines])
            strip = lowered[: len(strip)]
        small[first : first + height] = _blocks(strip, factors, np.maximum)
    return small, count


def _block_lengths(length: int, factor: int) -> NDArray[np.int64]:
    lengths = np.full(-(-length // factor), factor, dtype=np.int64)
    lengths[-1] = length - factor * (len(lengths) - 1)
    return lengths


def _blocks(
    values: NDArray[Any], factors: tuple[int, int], combine: np.ufunc, kind: np.dtype[Any] | None = None
) -> NDArray[Any]:
    """Combine blocks, rows first, by whole-array slices, which are vector instructions; the last block may be short."""
    rows, columns = factors
    lines = values[::rows].astype(kind or values.dtype)
    for offset in range(1, rows):
        part = values[offset::rows]
        combine(lines[: len(part)], part, out=lines[: len(part)])
    result = lines[:, ::columns].copy()
    for offset in range(1, columns):
        part = lines[:, offset::columns]
        combine(result[:, : part.shape[1]], part, out=result[:, : part.shape[1]])
    return result
