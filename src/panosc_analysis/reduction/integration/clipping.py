"""Sigma-clipping by pyFAI: what lies too far from the others of its bin is left out, again and again."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panosc_analysis.reduction.geometry import Geometry
    from panosc_analysis.reduction.rows import Pixels

__all__ = ["ClipRows", "clip"]

_lock = threading.Lock()  # pyFAI keeps buffers in its engine, and uses all cores itself


@dataclass(frozen=True, eq=False, slots=True)
class ClipRows:
    """Clips frame by frame.

    Parameters
    ----------
    geometry
        Of the detector.
    shape, window
        Of the detector, and which rows and columns of it the frames have.
    pixels
        Which pixels count.
    options
        Of pyFAI's ``sigma_clip``.
    """

    geometry: Geometry
    shape: tuple[int, ...]
    window: tuple[NDArray[np.int64], ...]
    pixels: Pixels
    options: dict[str, Any]
    _integrator: list[Any] = field(default_factory=list)

    def __call__(self, frames: NDArray[Any], first: int) -> tuple[NDArray[Any], ...]:
        """Give intensity, uncertainty and normalisation of each frame, shape (frames, bins)."""
        if not self._integrator:
            self._integrator.append(self.geometry.integrator())
        rows = []
        for frame in frames:
            values, valid = self.pixels.split(frame)
            image = np.full(self.shape, np.nan, np.float32)
            size = tuple(map(len, self.window))
            image[np.ix_(*self.window)] = np.where(valid, values, np.nan).reshape(size)
            _, intensity, errors, norm = clip(self._integrator[0], image, self.options)
            rows.append((intensity, errors, norm))
        return tuple(np.stack(column) for column in zip(*rows, strict=True))

    def __getstate__(self) -> tuple[Any, ...]:
        return self.geometry, self.shape, self.window, self.pixels, self.options

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        for name, value in zip(
            ("geometry", "shape", "window", "pixels", "options", "_integrator"), (*state, []), strict=True
        ):
            object.__setattr__(self, name, value)


def clip(
    integrator: Any, image: NDArray[Any], options: dict[str, Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Clip an image in which what has no value is NaN: positions, intensity, uncertainty, normalisation."""
    with _lock:
        result = integrator.sigma_clip_ng(image, **options)
    found = (result.radial, result.intensity, result.sem, result.sum_normalization)
    positions, intensity, errors, norm = (np.asarray(values, np.float64) for values in found)
    return positions, intensity, errors, norm
