"""Regions of interest: which pixels lie in a shape, and what their values say.

Points are (row, column) counted in pixels: the centre of the first pixel is (0, 0), its corners are at ±0.5. A pixel
belongs to a region if its centre does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from panosc_analysis.errors import NothingToPlot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from panosc_analysis.widgets.content import Part

__all__ = ["Region", "RegionStatistics", "find_region_statistics"]

RegionKind = Literal["rectangle", "ellipse", "polygon", "annulus"]

_POINTS: dict[str, tuple[int, int]] = {"rectangle": (2, 2), "ellipse": (2, 2), "polygon": (3, 200), "annulus": (3, 3)}


@dataclass(frozen=True, slots=True)
class Region:
    """A shape on a frame.

    Parameters
    ----------
    kind
        ``rectangle`` and ``ellipse`` lie in the box of two opposite corners; ``polygon`` has its corners; ``annulus``
        has its centre, a point on the outer and one on the inner circle.
    points
        (row, column) of each.

    Raises
    ------
    ValueError
        Another kind, or another number of points than it needs.
    """

    kind: RegionKind
    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if self.kind not in get_args(RegionKind):
            raise ValueError(f"a region is one of {', '.join(get_args(RegionKind))}, not {self.kind!r}")
        points = tuple((float(row), float(column)) for row, column in self.points)
        object.__setattr__(self, "points", points)
        least, most = _POINTS[self.kind]
        if not least <= len(points) <= most or not np.isfinite(points).all():
            raise ValueError(f"a region of kind {self.kind} has {least} to {most} points, not {points}")

    @classmethod
    def from_dict(cls, said: dict[str, Any]) -> Region:
        """Make a region of ``{"kind": …, "points": [[row, column], …]}``."""
        return cls(said["kind"], tuple(tuple(point) for point in said["points"]))

    def to_dict(self) -> dict[str, Any]:
        """Return what `from_dict` takes."""
        return {"kind": self.kind, "points": [list(point) for point in self.points]}

    def part(self, shape: Sequence[int]) -> Part:
        """Return the rows and columns of a frame of this shape that the region touches.

        Raises
        ------
        NothingToPlot
            It lies outside of the frame, or between its pixels.
        """
        (top, left), (bottom, right) = self._box()
        rows = slice(max(0, _up(top)), min(shape[0], _down(bottom) + 1))
        columns = slice(max(0, _up(left)), min(shape[1], _down(right) + 1))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            raise NothingToPlot("There is no pixel in this region", hint="Draw it larger, on the image")
        return rows, columns

    def mask(self, part: Part) -> NDArray[np.bool_]:
        """Return True for each pixel of a part of the frame that lies in the region."""
        rows = np.arange(part[0].start, part[0].stop, dtype=np.float64)[:, None]
        columns = np.arange(part[1].start, part[1].stop, dtype=np.float64)[None, :]
        inside = {"rectangle": self._rectangle, "ellipse": self._ellipse, "polygon": self._polygon}
        return inside.get(self.kind, self._annulus)(rows, columns)

    def _box(self) -> tuple[tuple[float, float], tuple[float, float]]:
        points = np.array(self.points)
        if self.kind == "annulus":
            radius = np.hypot(*(points[1:] - points[0]).T).max()
            points = np.array([points[0] - radius, points[0] + radius])
        return tuple(points.min(axis=0)), tuple(points.max(axis=0))

    def _rectangle(self, rows: NDArray[Any], columns: NDArray[Any]) -> NDArray[np.bool_]:
        (top, left), (bottom, right) = self._box()
        return (rows >= top) & (rows <= bottom) & (columns >= left) & (columns <= right)

    def _ellipse(self, rows: NDArray[Any], columns: NDArray[Any]) -> NDArray[np.bool_]:
        (top, left), (bottom, right) = self._box()
        height, width = max(bottom - top, 1e-9) / 2, max(right - left, 1e-9) / 2
        far = ((rows - (top + bottom) / 2) / height) ** 2 + ((columns - (left + right) / 2) / width) ** 2
        inside: NDArray[np.bool_] = far <= 1
        return inside

    def _polygon(self, rows: NDArray[Any], columns: NDArray[Any]) -> NDArray[np.bool_]:
        """Count for each centre how many sides a ray to the left crosses."""
        inside = np.zeros((rows.size, columns.size), dtype=np.bool_)
        for (row, column), (next_row, next_column) in zip(self.points, (*self.points[1:], self.points[0]), strict=True):
            if row != next_row:
                crosses = (rows >= min(row, next_row)) & (rows < max(row, next_row))
                at = column + (rows - row) * (next_column - column) / (next_row - row)
                inside ^= crosses & (columns >= at)
        return inside

    def _annulus(self, rows: NDArray[Any], columns: NDArray[Any]) -> NDArray[np.bool_]:
        centre, *edges = np.array(self.points)
        radii = np.hypot(*(np.array(edges) - centre).T)
        far = np.hypot(rows - centre[0], columns - centre[1])
        inside: NDArray[np.bool_] = (far <= radii.max()) & (far >= radii.min())
        return inside


@dataclass(frozen=True, slots=True)
class RegionStatistics:
    """What the unmasked pixels of a region say; ``nan`` where there is none of them.

    Parameters
    ----------
    pixels, masked
        Unmasked and masked pixels.
    sum, mean, std, min, max, median
        Of the unmasked ones, in double precision; `std` with N in the denominator, as NumPy's.
    centroid
        (row, column) of the centre of mass; ``nan`` where the sum is not positive.
    highest
        (row, column) of the highest pixel.
    """

    pixels: int
    masked: int
    sum: float
    mean: float
    std: float
    min: float
    max: float
    median: float
    centroid: tuple[float, float]
    highest: tuple[int, int]


def find_region_statistics(
    values: NDArray[Any], masked: NDArray[np.bool_] | None, region: Region, part: Part
) -> RegionStatistics:
    """Look at a region; `values` and `masked` are those of `part`, which `Region.part` gives."""
    inside = region.mask(part)
    kept = inside if masked is None else inside & ~masked
    chosen = values[kept].astype(np.float64)
    n_masked = int(np.count_nonzero(inside) - chosen.size)
    if chosen.size == 0:
        nan = float("nan")
        return RegionStatistics(0, n_masked, nan, nan, nan, nan, nan, nan, (nan, nan), (-1, -1))
    where = np.argwhere(kept) + np.array([part[0].start, part[1].start])
    total = float(chosen.sum())
    centroid = (where * chosen[:, None]).sum(axis=0) / total if total > 0 else np.full(2, np.nan)
    highest = where[int(chosen.argmax())]
    return RegionStatistics(
        pixels=chosen.size,
        masked=n_masked,
        sum=total,
        mean=float(chosen.mean()),
        std=float(chosen.std()),
        min=float(chosen.min()),
        max=float(chosen.max()),
        median=float(np.median(chosen)),
        centroid=(float(centroid[0]), float(centroid[1])),
        highest=(int(highest[0]), int(highest[1])),
    )


def _up(value: float) -> int:
    return int(np.ceil(np.clip(value, -1e9, 1e9)))


def _down(value: float) -> int:
    return int(np.floor(np.clip(value, -1e9, 1e9)))
