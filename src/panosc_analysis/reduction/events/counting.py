"""Counters of one thread; each keeps a histogram of its own, which are added up at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.reduction.kernels.events import (
    count_exact,
    count_pixels,
    count_scaled,
    count_values,
    is_exact,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PixelCounter", "ScaledCounter", "TimeCounter"]


class TimeCounter:
    """Counts times, whatever the pixel.

    Parameters
    ----------
    edges
        Of the bins, in the unit of the times.
    even
        Whether they are evenly spaced.
    """

    unknown = 0

    def __init__(self, edges: NDArray[np.float64], *, even: bool) -> None:
        self.edges, self.inverse = edges, _inverse(edges, even=even)
        self.is_exact = even and bool(is_exact(edges, self.inverse))
        self._counts = np.zeros((4, len(edges)), np.int64)

    def add(self, times: NDArray[Any], numbers: NDArray[Any] | None) -> None:
        """Count some events."""
        small = times.dtype.kind in "iu" and times.dtype.itemsize <= 4
        (count_exact if small and self.is_exact else count_values)(times, self.edges, self.inverse, self._counts)

    def counts(self) -> NDArray[np.int64]:
        """Give the histogram, shape (1, bins)."""
        total: NDArray[np.int64] = self._counts[:, :-1].sum(axis=0)[None]
        return total


class ScaledCounter:
    """Counts times that are multiplied with a factor of their pixel; `height` rows, one per pixel or one for all."""

    def __init__(
        self,
        lowest: int,
        rows: NDArray[np.int32],
        factors: NDArray[np.float64],
        edges: NDArray[np.float64],
        height: int,
        *,
        even: bool,
    ) -> None:
        self.lowest, self.rows, self.factors = lowest, rows, factors
        self.edges, self.inverse = edges, _inverse(edges, even=even)
        self.unknown = 0
        self._counts = np.zeros((height, len(edges) - 1), np.int64)

    def add(self, times: NDArray[Any], numbers: NDArray[Any]) -> None:
        """Count some events."""
        self.unknown += int(
            count_scaled(times, numbers, self.lowest, self.rows, self.factors, self.edges, self.inverse, self._counts)
        )

    def counts(self) -> NDArray[np.int64]:
        """Give the histogram, shape (height, bins)."""
        return self._counts


class PixelCounter:
    """Counts the events of each pixel."""

    def __init__(self, lowest: int, rows: NDArray[np.int32]) -> None:
        self.lowest, self.rows, self.unknown = lowest, rows, 0
        self._counts = np.zeros(int(rows.max(initial=-1)) + 1, np.int64)

    def add(self, times: NDArray[Any] | None, numbers: NDArray[Any]) -> None:
        """Count some events."""
        self.unknown += int(count_pixels(numbers, self.lowest, self.rows, self._counts))

    def counts(self) -> NDArray[np.int64]:
        """Give the histogram, shape (pixels,)."""
        return self._counts


def _inverse(edges: NDArray[np.float64], *, even: bool) -> float:
    return float((len(edges) - 1) / (edges[-1] - edges[0])) if even else 0.0
