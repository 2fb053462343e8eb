"""Exact sums over the frames of integers of up to 32 bits, pixel by pixel: the plain loop, for pixels that are decoded.

All sums are integers modulo 2^64, so their bits do not depend on the order. Sums of squares come with the number of
times they went beyond 2^64.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from panosc_analysis.reduction.kernels.memory import borrow

__all__ = ["PixelSums", "add_frames", "add_values", "borrowed", "part"]

_TILE = 1024  # pixels whose sums stay in the cache


class PixelSums(NamedTuple):
    """What is kept of each pixel; shape (pixels,) each.

    Parameters
    ----------
    total, squares, wraps
        Σv and Σv² modulo 2^64, uint64, and how often the latter wrapped, uint32; no `wraps` for 16 bits and less.
    low, high
        Extremes, in the type of the data.
    gone, full
        How many frames had no value or a saturated one here, uint32.
    """

    total: Any
    squares: Any
    wraps: Any
    low: Any
    high: Any
    gone: Any
    full: Any


@njit(nogil=True, inline="always")
def part(sums: Any, begin: Any, end: Any) -> Any:
    """Take the sums of some pixels."""
    return PixelSums(
        sums.total[begin:end],
        sums.squares[begin:end],
        sums.wraps[begin:end],
        sums.low[begin:end],
        sums.high[begin:end],
        sums.gone[begin:end],
        sums.full[begin:end],
    )


@njit(nogil=True, inline="always")
def borrowed(sums: Any) -> Any:
    """Look at sums without counting references."""
    return PixelSums(
        borrow(sums.total),
        borrow(sums.squares),
        borrow(sums.wraps),
        borrow(sums.low),
        borrow(sums.high),
        borrow(sums.gone),
        borrow(sums.full),
    )


@njit(nogil=True, error_model="numpy")
def add_values(values: Any, valid: Any, marker: Any, limit: Any, sums: Any, kept: Any) -> Any:
    """Add neighbouring pixels of one frame, in short loops over few arrays each, which LLVM turns into vectors.

    Parameters
    ----------
    values
        What was measured, shape (pixels,).
    valid
        255 where a pixel counts, else 0, uint8.
    marker
        The number that stands for "no value", int64; one that no pixel can have if there is none.
    limit
        From where on a value counts as saturated, int64.
    sums
        `PixelSums` of these pixels.
    kept
        Scratch memory, int64.

    Returns
    -------
    :
        The sum over the pixels that count, int64.
    """
    pixels = len(values)
    frame, missing, largest = np.int64(0), np.int64(0), np.int64(values[0])
    for pixel in range(pixels):
        value = np.int64(values[pixel])
        missing += np.int64((valid[pixel] == 0) | (value == marker))
        largest = max(largest, value)
        kept[pixel] = value if (valid[pixel] != 0) & (value != marker) else np.int64(0)
        frame += kept[pixel]
    for pixel in range(pixels):
        sums.total[pixel] += np.uint64(kept[pixel])
    for pixel in range(pixels):
        sums.squares[pixel] += np.uint64(kept[pixel]) * np.uint64(kept[pixel])
    if len(sums.wraps) > 0:
        for pixel in range(pixels):
            square = np.uint64(kept[pixel]) * np.uint64(kept[pixel])
            sums.wraps[pixel] += np.uint32(sums.squares[pixel] < square)
    low, high = sums.low, sums.high
    if missing == 0:
        for pixel in range(pixels):
            low[pixel] = min(low[pixel], values[pixel])
            high[pixel] = max(high[pixel], values[pixel])
    else:
        for pixel in range(pixels):
            counts = (valid[pixel] != 0) & (np.int64(values[pixel]) != marker)
            low[pixel] = values[pixel] if counts & (values[pixel] < low[pixel]) else low[pixel]
            high[pixel] = values[pixel] if counts & (values[pixel] > high[pixel]) else high[pixel]
        for pixel in range(pixels):
            sums.gone[pixel] += np.uint32((valid[pixel] != 0) & (np.int64(values[pixel]) == marker))
    if largest >= limit:
        for pixel in range(pixels):
            value = np.int64(values[pixel])
            sums.full[pixel] += np.uint32((valid[pixel] != 0) & (value != marker) & (value >= limit))
    return frame


@njit(nogil=True, error_model="numpy", cache=True)
def add_frames(frames: Any, first: Any, last: Any, valid: Any, marker: Any, limit: Any, sums: Any, totals: Any) -> None:
    """Add pixels `first` to `last` of some frames, shape (frames, pixels); the rest as `add_values`.

    `totals` takes the sum of each frame over these pixels, shape (frames,), int64.
    """
    scratch = np.empty(_TILE, np.int64)
    pixels, inside, kept, every = borrow(frames), borrow(valid), borrow(scratch), borrowed(sums)
    for begin in range(first, last, _TILE):
        end = min(begin + _TILE, last)
        tile = part(every, begin, end)
        for frame in range(len(frames)):
            totals[frame] += add_values(pixels[frame, begin:end], inside[begin:end], marker, limit, tile, kept)
    scratch[0] = 0  # it must live until here
