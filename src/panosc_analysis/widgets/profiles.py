"""Profiles: values along a line with a width, and means across a box, of the unmasked pixels.

Points are (row, column) counted in pixels, as in `regions`.
"""

from __future__ import annotations

from math import ceil, hypot
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.errors import NothingToPlot
from panosc_analysis.widgets.regions import Region

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panosc_analysis.widgets.renderer import Renderer

__all__ = ["box_profiles", "line_profile"]

Point = tuple[float, float]

_LARGEST_WIDTH = 1000


def line_profile(
    renderer: Renderer, frame: int, start: Point, end: Point, width: int = 1
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return distances in pixels and the mean value there, over `width` parallel lines one pixel apart.

    Both ends belong to it; steps are at most one pixel. Values between pixels are interpolated linearly; masked pixels
    and those outside of the frame do not count, and where none counts the value is ``nan``.

    Raises
    ------
    NothingToPlot
        The line has no length.
    OpenError
        The frame cannot be read.
    """
    (r0, c0), (r1, c1) = start, end
    length = hypot(r1 - r0, c1 - c0)
    if not length > 0:
        raise NothingToPlot("A line needs two different ends", hint="Draw it longer")
    n_points, n_lines = ceil(length) + 1, min(max(1, int(width)), _LARGEST_WIDTH)
    along = np.linspace(0.0, 1.0, n_points)
    across = np.arange(n_lines) - (n_lines - 1) / 2
    rows = r0 + along * (r1 - r0) + across[:, None] * (c1 - c0) / length
    columns = c0 + along * (c1 - c0) - across[:, None] * (r1 - r0) / length
    return along * length, _interpolated(renderer, frame, rows, columns)


def _interpolated(
    renderer: Renderer, frame: int, rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Interpolate at lines of points, and take the mean over the lines, weighted by how much of each point counts."""
    height, width = renderer.content.frame_shape
    part = _bounds(rows, height), _bounds(columns, width)
    read = renderer.part(frame, part)
    counts = np.ones(read.values.shape) if read.masked is None else (~read.masked).astype(np.float64)
    values = np.where(counts > 0, read.values, 0).astype(np.float64)
    places = rows - part[0].start, columns - part[1].start
    inside = (rows >= -0.5) & (rows <= height - 0.5) & (columns >= -0.5) & (columns <= width - 0.5)
    weighted, weights = _bilinear(values, *places) * inside, _bilinear(counts, *places) * inside
    total = weights.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        profile: NDArray[np.float64] = np.where(total > 1e-6, weighted.sum(axis=0) / total, np.nan)
    return profile


def _bilinear(values: NDArray[np.float64], rows: NDArray[Any], columns: NDArray[Any]) -> NDArray[np.float64]:
    """Interpolate in double precision, which silx's `BilinearImage` does not; beyond the outer pixels these go on."""
    rows, columns = (np.clip(p, 0, n - 1) for p, n in zip((rows, columns), values.shape, strict=True))
    top, left = np.floor(rows).astype(np.intp), np.floor(columns).astype(np.intp)
    bottom, right = (np.minimum(p + 1, n - 1) for p, n in zip((top, left), values.shape, strict=True))
    down, across = rows - top, columns - left
    upper = values[top, left] * (1 - across) + values[top, right] * across
    lower = values[bottom, left] * (1 - across) + values[bottom, right] * across
    values_there: NDArray[np.float64] = upper * (1 - down) + lower * down
    return values_there


def _bounds(places: NDArray[np.float64], length: int) -> slice:
    start = min(max(0, int(np.floor(places.min()))), length - 1)
    return slice(start, max(start + 1, min(length, int(np.ceil(places.max())) + 2)))


def box_profiles(renderer: Renderer, frame: int, corner: Point, opposite: Point) -> dict[str, NDArray[Any]]:
    """Return the means of the unmasked pixels of a box, along its columns and along its rows.

    Returns
    -------
    :
        ``x`` and ``x_mean``, one for each column; ``y`` and ``y_mean``, one for each row; ``nan`` where all is masked.

    Raises
    ------
    NothingToPlot
        There is no pixel in the box.
    OpenError
        The frame cannot be read.
    """
    part = Region("rectangle", (corner, opposite)).part(renderer.content.frame_shape)
    read = renderer.part(frame, part)
    kept = np.ones(read.values.shape, dtype=np.bool_) if read.masked is None else ~read.masked
    values = np.where(kept, read.values, 0).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        x_mean, y_mean = (values.sum(axis=axis) / kept.sum(axis=axis) for axis in (0, 1))
    y, x = (np.arange(one.start, one.stop, dtype=np.float64) for one in part)
    return {"x": x, "x_mean": x_mean, "y": y, "y_mean": y_mean}
