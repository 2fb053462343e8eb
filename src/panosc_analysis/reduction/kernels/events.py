"""Histograms of events as `numpy.histogram` counts: bin *i* holds edge *i* ≤ x < edge *i+1*, the last one is closed.

Positions are computed in float64. The first guess of a bin is one multiplication. It is corrected against the edges,
unless the events are integers and the guess was shown to be right at every edge (`is_exact`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["count_exact", "count_pixels", "count_scaled", "count_values", "is_exact"]


@njit(nogil=True, inline="always")
def _guess(value: Any, low: Any, inverse: Any) -> Any:
    return np.int64((value - low) * inverse)


@njit(nogil=True, inline="always")
def _bin(value: Any, edges: Any, inverse: Any) -> Any:
    """Find the bin of a value; -1 for none. `inverse` is 0 for edges that are not evenly spaced."""
    last = len(edges) - 1
    if not edges[0] <= value <= edges[last]:
        return np.int64(-1)
    if inverse == 0.0:
        low, high = np.int64(0), np.int64(last)
        while high - low > 1:
            middle = (low + high) // 2
            if value < edges[middle]:
                high = middle
            else:
                low = middle
        return low
    found = min(_guess(value, edges[0], inverse), np.int64(last - 1))
    while value < edges[found]:
        found -= 1
    while found < last - 1 and value >= edges[found + 1]:
        found += 1
    return found


@njit(nogil=True, error_model="numpy", cache=True)
def is_exact(edges: Any, inverse: Any) -> Any:
    """Say whether the guess is right for every integer inside the edges.

    The guess never falls as the value grows, so it is enough to try the integers on both sides of each edge.
    """
    last = len(edges) - 1
    for edge in range(last + 1):
        above = np.int64(np.ceil(edges[edge]))
        for value in (above - 1, above):
            inside = edges[0] <= value < edges[last]
            if inside and _guess(np.float64(value), edges[0], inverse) != _bin(np.float64(value), edges, inverse):
                return False
    return True


@njit(nogil=True, error_model="numpy", cache=True)
def count_exact(times: Any, edges: Any, inverse: Any, counts: Any) -> None:
    """Count integers whose guess `is_exact`.

    Parameters
    ----------
    times
        The events, shape (events,), integers of up to 32 bits.
    edges, inverse
        Evenly spaced edges and one over their spacing.
    counts
        Shape (4, bins + 1), int64; four histograms that are summed afterwards, since neighbours in time often fall into
        the same bin and would wait for each other. The last column takes what is outside.
    """
    bins = counts.shape[1] - 1
    low, high = edges[0], edges[len(edges) - 1]
    whole = len(times) - len(times) % 4
    for first in range(0, whole, 4):
        for part in range(4):
            value = np.float64(times[first + part])
            place = _guess(value, low, inverse)
            place = min(place, bins - 1) if (value >= low) & (value <= high) else bins
            counts[part, place] += 1
    for event in range(whole, len(times)):
        value = np.float64(times[event])
        place = _guess(value, low, inverse)
        counts[0, min(place, bins - 1) if (value >= low) & (value <= high) else bins] += 1


@njit(nogil=True, error_model="numpy", cache=True)
def count_values(times: Any, edges: Any, inverse: Any, counts: Any) -> None:
    """Count events of any type; the rest as `count_exact`."""
    bins = counts.shape[1] - 1
    for event in range(len(times)):
        place = _bin(np.float64(times[event]), edges, inverse)
        counts[event % 4, place if place >= 0 else bins] += 1


@njit(nogil=True, error_model="numpy", cache=True)
def count_scaled(
    times: Any, numbers: Any, lowest: Any, rows: Any, factors: Any, edges: Any, inverse: Any, counts: Any
) -> Any:
    """Count what times become when they are multiplied with a factor of their pixel: wavelengths, d-spacings.

    Parameters
    ----------
    times, numbers
        Time and pixel number of each event, shape (events,).
    lowest, rows
        Row of each pixel number from `lowest` on; -1 for numbers that no pixel has.
    factors
        Of each row, float64; one that is not finite for pixels without such a value.
    edges, inverse
        As in `_bin`.
    counts
        Shape (1 or rows, bins), int64; with one row all pixels are counted together.

    Returns
    -------
    :
        How many events are of no known pixel.
    """
    unknown = np.int64(0)
    together = counts.shape[0] == 1
    for event in range(len(times)):
        place = np.int64(numbers[event]) - lowest
        row = np.int64(rows[place]) if 0 <= place < len(rows) else np.int64(-1)
        if row < 0:
            unknown += 1
            continue
        found = _bin(np.float64(times[event]) * factors[row], edges, inverse)
        if found >= 0:
            counts[0 if together else row, found] += 1
    return unknown


@njit(nogil=True, error_model="numpy", cache=True)
def count_pixels(numbers: Any, lowest: Any, rows: Any, counts: Any) -> Any:
    """Count the events of each pixel, shape (rows,); returns how many are of no known pixel."""
    unknown = np.int64(0)
    for event in range(len(numbers)):
        place = np.int64(numbers[event]) - lowest
        row = np.int64(rows[place]) if 0 <= place < len(rows) else np.int64(-1)
        if row < 0:
            unknown += 1
        else:
            counts[row] += 1
    return unknown
