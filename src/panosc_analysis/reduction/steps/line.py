"""Line cuts: the values along a straight line through each frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from panosc_analysis.errors import ReductionError
from panosc_analysis.reduction.monitors import read_monitor
from panosc_analysis.reduction.result import ResultAxis
from panosc_analysis.reduction.rows import Pixels, RowsKernel
from panosc_analysis.reduction.steps.series import MONITOR, Monitored, series_array, whole_frames
from panosc_analysis.reduction.steps.step import Parameter, check_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from panosc_analysis.provenance import Value
    from panosc_analysis.reduction.labels import Labels
    from panosc_analysis.reduction.moments import MomentsKernel
    from panosc_analysis.reduction.result import ResultArray
    from panosc_analysis.reduction.rows import Rows
    from panosc_analysis.reduction.stack import Stack

__all__ = ["Line"]

_COORDINATES = ("row1", "column1", "row2", "column2")


@dataclass(frozen=True, slots=True)
class Line:
    r"""Values along a straight line from (row1, column1) to (row2, column2), frame by frame.

    At points one pixel apart the frame is interpolated linearly between the four pixels around, and averaged over
    `width` such lines side by side. With the weights :math:`w_p` of the valid pixels *p* around a point

    .. math:: L = \frac{\sum_p w_p s_p}{\sum_p w_p}, \qquad σ_L = \frac{\sqrt{\sum_p w_p^2 s_p}}{\sum_p w_p}

    in the unit of the data; the uncertainty holds for counts (Poisson) and is left out for other types. A point
    without a valid pixel is masked. Interpolation is that of skimage's ``profile_line`` with ``order=1``; the axis is
    the distance from the first end in pixels. With a monitor :math:`m_f` values are divided by :math:`m_f / \bar m`.

    Parameters
    ----------
    row1, column1, row2, column2, width, monitor
        See `parameters`.
    """

    row1: float = 0.0
    column1: float = 0.0
    row2: float | None = None
    column2: float | None = None
    width: int = 1
    monitor: str | None = None

    name: ClassVar[str] = "line"
    title: ClassVar[str] = "Line cut"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("row1", float, "pixel", 0.0, "Row of the first end, counted from 0", least=0),
        Parameter("column1", float, "pixel", 0.0, "Column of the first end", least=0),
        Parameter("row2", float, "pixel", None, "Row of the second end; nothing for the last row", least=0),
        Parameter("column2", float, "pixel", None, "Column of the second end; nothing for the last column", least=0),
        Parameter("width", int, "pixel", 1, "How many lines side by side are averaged", least=1, most=10_000),
        MONITOR,
    )

    def __post_init__(self) -> None:
        check_parameters(self)

    def prepare(self, stack: Stack) -> _Prepared:
        """Find the pixels around the line.

        Raises
        ------
        ReductionError
            No images, a line of no length, or one that leaves them.
        """
        whole_frames(stack, self.title, 2)
        rows, columns = stack.frame_shape
        last = (rows - 1.0 if self.row2 is None else self.row2, columns - 1.0 if self.column2 is None else self.column2)
        ends = np.array([[self.row1, self.column1], last], np.float64)
        if (ends > [rows - 1, columns - 1]).any() or np.array_equal(ends[0], ends[1]):
            raise ReductionError(
                f"The line from {tuple(ends[0].tolist())} to {tuple(ends[1].tolist())} is no line in frames of "
                f"{rows} × {columns} pixels",
                hint=f"Give two different ends within rows 0 to {rows - 1} and columns 0 to {columns - 1}",
            )
        monitor = read_monitor(stack, self.monitor)
        return _Prepared(monitor, self, stack, ends)


@dataclass(frozen=True, eq=False, slots=True)
class _Prepared(Monitored):
    step: Line
    stack: Stack
    ends: NDArray[np.float64]

    def kernel(self, shared: MomentsKernel) -> RowsKernel:
        numbers, weights = _around(self.ends, self.step.width, self.stack.frame_shape)
        pixels = Pixels.of(shared).select(numbers.ravel())
        return RowsKernel(_LineRows(numbers, weights, pixels), self.stack.frames)

    def recorded(self) -> Mapping[str, Value]:
        (row1, column1), (row2, column2) = self.ends.tolist()
        ends = dict(zip(_COORDINATES, (row1, column1, row2, column2), strict=True))
        return {**ends, "width": self.step.width, "monitor": self.step.monitor}

    def arrays(self, found: Rows, labels: Labels) -> list[ResultArray]:
        total, squares, weight = found.arrays
        with np.errstate(invalid="ignore", divide="ignore"):
            values = total / weight
            errors = np.sqrt(np.maximum(squares, 0)) / weight if self.stack.dtype.kind in "ui" else None
        distance = np.linspace(0.0, float(np.hypot(*(self.ends[1] - self.ends[0]))), values.shape[1])
        axes = (labels.frames, ResultAxis("distance", "distance along the line", "pixel", distance))
        masked = found.missing[:, None] | (weight == 0)
        array = series_array("line", f"line cut of {labels.name}", values, axes, labels.units, masked, errors)
        return self.normalised([array])


@dataclass(frozen=True, eq=False, slots=True)
class _LineRows:
    numbers: NDArray[np.int64]
    weights: NDArray[np.float64]
    pixels: Pixels

    def __call__(self, frames: NDArray[Any], first: int) -> tuple[NDArray[Any], ...]:
        values, valid = self.pixels.split(frames[:, self.numbers.ravel()])
        shape = (len(frames), *self.numbers.shape)
        values, valid = values.reshape(shape), valid.reshape(shape)
        return (
            np.einsum("fpk,pk->fp", values, self.weights),
            np.einsum("fpk,pk->fp", values, self.weights**2),
            np.einsum("fpk,pk->fp", valid, self.weights),
        )


def _around(
    ends: NDArray[np.float64], width: int, shape: tuple[int, ...]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the pixels around each point of the line and weigh them; shape (points, 4 · width) each."""
    along = ends[1] - ends[0]
    length = float(np.hypot(*along))
    points = ends[0] + np.linspace(0.0, 1.0, round(length) + 1)[:, None] * along
    across = np.array([-along[1], along[0]]) / length
    offsets = np.arange(width) - (width - 1) / 2
    where = points[:, None, :] + offsets[None, :, None] * across
    low = np.floor(where).astype(np.int64)
    part = where - low
    numbers, weights = [], []
    for row in (0, 1):
        for column in (0, 1):
            at = low + np.array([row, column])
            weight = (part[..., 0] if row else 1 - part[..., 0]) * (part[..., 1] if column else 1 - part[..., 1])
            inside = ((at >= 0) & (at < np.array(shape))).all(axis=-1)
            at = np.clip(at, 0, np.array(shape) - 1)
            numbers.append(at[..., 0] * shape[1] + at[..., 1])
            weights.append(np.where(inside, weight, 0.0))
    return np.concatenate(numbers, axis=1), np.concatenate(weights, axis=1)
