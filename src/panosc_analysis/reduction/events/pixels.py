"""Pixel numbers of events, and which row of a histogram each has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from panosc_analysis.errors import ReductionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panosc_analysis.reduction.events.pieces import Pieces

__all__ = ["all_numbers", "pixel_rows"]

_MOST_NUMBERS = 200_000_000  # between the smallest and the largest pixel number


def all_numbers(numbers: Pieces, begin: int, known: NDArray[np.int64]) -> NDArray[np.int64]:
    """Add every pixel number that occurs from an event on to those that are known, where the file names no pixels."""
    found = known
    for first, last in numbers.borders():
        if last > begin:
            found = np.union1d(found, np.unique(numbers.read(first, last)).astype(np.int64))
    return found


def pixel_rows(numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], int, NDArray[np.int32]]:
    """Make the table from pixel numbers to rows: the numbers, the lowest one, the rows from there on.

    Raises
    ------
    ReductionError
        The numbers are too far apart.
    """
    lowest, span = int(numbers.min()), int(numbers.max()) - int(numbers.min()) + 1
    if span > _MOST_NUMBERS:
        raise ReductionError(
            f"Pixel numbers go from {lowest} to {int(numbers.max())}, too far for a table",
            hint='Use axis="tof" without by_pixel',
        )
    rows = np.full(span, -1, np.int32)
    rows[numbers - lowest] = np.arange(len(numbers), dtype=np.int32)
    return numbers, lowest, rows
