"""From counts to attenuation: dark and flat fields, and the logarithm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panosc_analysis.reduction.rows import Pixels

__all__ = ["AttenuationRows"]


@dataclass(frozen=True, eq=False, slots=True)
class AttenuationRows:
    """Turns frames into line integrals of the attenuation; see `Tomography` for the formula.

    Parameters
    ----------
    pixels
        Which pixels count.
    shape
        Rows and columns.
    dark, gain
        Mean dark field; one over (flat − dark), 0 where a pixel cannot be used.
    is_projection
        Of each frame of the stack.
    least
        Smallest transmission; smaller ones are set to it.
    """

    pixels: Pixels
    shape: tuple[int, ...]
    dark: NDArray[np.float32]
    gain: NDArray[np.float32]
    is_projection: NDArray[np.bool_]
    least: float

    def __call__(self, frames: NDArray[Any], first: int) -> tuple[NDArray[Any], ...]:
        """Give the line integrals of each projection, and how many pixels were below the smallest transmission."""
        out = np.zeros((len(frames), *self.shape), np.float32)
        clipped = np.zeros(len(frames), np.int64)
        for number, frame in enumerate(frames):
            if self.is_projection[first + number]:
                clipped[number] = self._attenuation(frame, out[number])
        return out, clipped

    def _attenuation(self, frame: NDArray[Any], out: NDArray[np.float32]) -> int:
        transmission = out.reshape(-1)
        np.subtract(frame, self.dark, out=transmission, casting="unsafe")
        transmission *= self.gain
        bad = ~self.pixels.valid | (self.gain == 0)
        if self.pixels.masked_value is not None:
            bad |= frame == self.pixels.masked_value
        if frame.dtype.kind == "f":
            bad |= ~np.isfinite(frame)
        clipped = int(np.count_nonzero((transmission < self.least) & ~bad))
        np.maximum(transmission, np.float32(self.least), out=transmission, where=~bad)
        transmission[bad] = 1
        np.log(transmission, out=transmission)
        np.negative(transmission, out=transmission)
        if bad.any():
            _fill(out, bad.reshape(self.shape))
        return clipped


def _fill(image: NDArray[np.float32], bad: NDArray[np.bool_]) -> None:
    """Replace pixels without a value by the straight line between their neighbours in the row."""
    columns = np.arange(image.shape[1])
    for row in np.flatnonzero(bad.any(axis=1)):
        good = ~bad[row]
        image[row] = np.interp(columns, columns[good], image[row][good]) if good.any() else 0
