"""One frame made ready for the eye: masked, pooled to the window, limits found, levels counted.

Pure functions on arrays; nothing here opens a file or knows a widget. A picture needs as many pixels as its window has,
so a frame is pooled first and everything after that is cheap. Pooling takes the **maximum** of the unmasked pixels of a
block: a Bragg peak of one pixel is still there in a thumbnail. The price is that a pooled background looks brighter
than its mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "MASKED_LEVEL",
    "Limits",
    "PooledFrame",
    "Scale",
    "find_limits",
    "levels",
    "masked_pixels",
    "plain_numbers",
    "pool",
    "pool_factor",
]

Scale = Literal["linear", "log", "sqrt"]
Limits = Literal["auto", "minmax", "fixed"]
SCALES: tuple[Scale, ...] = get_args(Scale)
LIMITS: tuple[Limits, ...] = get_args(Limits)

MASKED_LEVEL = 255
"""The level that stands for "masked"; colours use 0 to 254, so the top one of a 256-entry table is a level short."""

# On linear colours a few peaks must not darken the rest; the other scales are chosen in order to see those peaks too.
_PERCENTILES: dict[Scale, tuple[float, float]] = {"linear": (1.0, 99.5), "sqrt": (1.0, 99.9), "log": (1.0, 100.0)}
_SAMPLE = 1 << 16
_GAPS = 0.25  # a frame with more masked than this has no gaps, it has been measured here and there


@dataclass(frozen=True, slots=True)
class PooledFrame:
    """A frame at window size.

    Parameters
    ----------
    values
        Maximum of the unmasked pixels of each block, in the type of the data; meaningless where `masked`.
    masked
        True where the block is masked, see `pool`.
    factors
        Rows and columns of the full frame per pixel of this one; the last block may be smaller.
    masked_fraction
        Masked pixels of the full frame over all its pixels.
    """

    values: NDArray[Any]
    masked: NDArray[np.bool_]
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
    values: NDArray[Any], *, masked_value: int | None = None, mask: NDArray[Any] | None = None
) -> NDArray[np.bool_]:
    """Find the pixels that carry no measurement: not finite, equal to `masked_value`, or non-zero in `mask`.

    Does not look for outliers. `mask` must broadcast to the shape of `values`.
    """
    masked = ~np.isfinite(values) if values.dtype.kind == "f" else np.zeros(values.shape, dtype=np.bool_)
    if masked_value is not None:
        masked |= values == masked_value
    if mask is not None:
        masked |= np.asarray(mask) != 0
    return masked


def pool_factor(pixels: int, window: int) -> int:
    """Return how many pixels of the data share one of the window, so that none is left out when it is drawn."""
    return max(1, -(-pixels // max(1, window)))


def pool(values: NDArray[Any], masked: NDArray[np.bool_], factors: tuple[int, int]) -> PooledFrame:
    """Reduce a frame to blocks of `factors` pixels by the maximum of the unmasked ones.

    A block is masked if all of it is; where little is masked altogether (gaps between modules) also if more than half
    of it is, so that a gap narrower than two blocks can still be seen. Costs about one copy of the frame.
    """
    lowest = -np.inf if values.dtype.kind == "f" else np.iinfo(values.dtype).min
    any_masked = bool(masked.any())
    filled = np.where(masked, values.dtype.type(lowest), values) if any_masked else values
    fraction = float(masked.mean()) if any_masked else 0.0
    if factors == (1, 1):
        return PooledFrame(filled, masked, factors, fraction)
    small = _blocks(filled, factors, np.maximum)
    if not any_masked:
        return PooledFrame(small, np.zeros(small.shape, dtype=np.bool_), factors, fraction)
    part = 0.5 if fraction < _GAPS else 1.0
    count = _blocks(masked.astype(np.uint32), factors, np.add)
    size = _blocks(np.ones((masked.shape[0], 1), dtype=np.uint32), (factors[0], 1), np.add) * _blocks(
        np.ones((1, masked.shape[1]), dtype=np.uint32), (1, factors[1]), np.add
    )
    return PooledFrame(small, (count == size) | (count > part * size), factors, fraction)


def _blocks(values: NDArray[Any], factors: tuple[int, int], combine: np.ufunc) -> NDArray[Any]:
    """Combine blocks, rows first, by whole-array slices, which are vector instructions; the last block may be short."""
    rows, columns = factors
    lines = values[::rows].copy()
    for offset in range(1, rows):
        part = values[offset::rows]
        combine(lines[: len(part)], part, out=lines[: len(part)])
    result = lines[:, ::columns].copy()
    for offset in range(1, columns):
        part = lines[:, offset::columns]
        combine(result[:, : part.shape[1]], part, out=result[:, : part.shape[1]])
    return result


def find_limits(frame: PooledFrame, scale: Scale, limits: Limits) -> tuple[float, float]:
    """Choose the values of the first and the last colour from the unmasked pixels.

    ``"auto"`` takes percentiles of a strided sample, so that a few hot pixels do not darken all the others; where that
    shows nothing (a few peaks on zero) and for ``"minmax"`` it is the whole range. On a log scale only positive values
    count. The answer is always a range: low < high, and positive on a log scale.
    """
    kept = frame.values[~frame.masked]
    if scale == "log":
        kept = kept[kept > 0]
    kept = kept[np.isfinite(kept)] if kept.dtype.kind == "f" else kept
    if kept.size == 0:
        return (1.0, 10.0) if scale == "log" else (0.0, 1.0)
    low, high = float(kept.min()), float(kept.max())
    if limits == "auto":
        sample = kept[:: max(1, kept.size // _SAMPLE)]
        robust = np.percentile(sample, _PERCENTILES[scale])
        if robust[0] < robust[1]:
            low, high = float(robust[0]), float(robust[1])
    return usable_limits(low, high, scale)


def usable_limits(low: float, high: float, scale: Scale) -> tuple[float, float]:
    """Widen or reorder a range that a colour scale cannot use (equal ends, or not positive on a log scale)."""
    low, high = min(low, high), max(low, high)
    if scale == "log":
        high = high if high > 0 else 10.0
        low = low if low > 0 else high / 1e4
        return (low, high) if low < high else (high / 10, high)
    if scale == "sqrt" and low < 0:
        low, high = 0.0, max(high, 0.0)
    if low == high:
        width = abs(low) if low else 1.0
        return (low, low + width)
    return low, high


def levels(frame: PooledFrame, scale: Scale, low: float, high: float) -> NDArray[np.uint8]:
    """Return the number of the colour of each pixel, `MASKED_LEVEL` where masked; shape as ``frame.values``."""
    from silx.math.colormap import normalize  # 25 ms, and only pictures need it

    values = np.ascontiguousarray(frame.values)
    counted: NDArray[np.uint8] = normalize(values, norm=scale, vmin=low, vmax=high).data
    result = np.minimum(counted, MASKED_LEVEL - 1)
    result[frame.masked] = MASKED_LEVEL
    return result
