"""Sums over bins of pixels, frame by frame, for pixels that are decoded: any type, with variance and normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["add_pixels"]


@njit(nogil=True, error_model="numpy", cache=True)
def add_pixels(
    frames: Any,
    valid: Any,
    marker: Any,
    has_marker: Any,
    indptr: Any,
    indices: Any,
    weights: Any,
    norm: Any,
    dark: Any,
    poisson: Any,
    signal: Any,
    variance: Any,
    total: Any,
) -> None:
    """Add the pixels of some frames to their bins, in float64, as pyFAI does.

    Parameters
    ----------
    frames
        Shape (frames, pixels).
    valid
        Pixels that count, bool.
    marker, has_marker
        The number that stands for "no value", in the type of the frames, and whether there is one.
    indptr, indices, weights
        The bins of each pixel and its share in them, a matrix by columns (CSC).
    norm, dark
        Normalisation and dark current of each pixel, float64.
    poisson
        Whether to keep the variance: that of a pixel is its value, 1 at least.
    signal, variance, total
        Take Σw(v - d), Σw²σ² and Σw n, shape (frames, bins) each, float64.
    """
    for frame in range(len(frames)):
        for pixel in range(frames.shape[1]):
            value = frames[frame, pixel]
            if not valid[pixel] or (has_marker and value == marker):
                continue
            number = np.float64(value)
            if not np.isfinite(number):
                continue
            for entry in range(indptr[pixel], indptr[pixel + 1]):
                place, weight = indices[entry], np.float64(weights[entry])
                signal[frame, place] += weight * (number - dark[pixel])
                total[frame, place] += weight * norm[pixel]
                if poisson:
                    variance[frame, place] += weight * weight * max(number, 1.0)
