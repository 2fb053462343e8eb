"""Projections: sum, mean and largest value along any axis of the stack."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from panosc_analysis.errors import ReductionError
from panosc_analysis.reduction.monitors import read_monitor
from panosc_analysis.reduction.rows import Pixels, Rows, RowsKernel
from panosc_analysis.reduction.steps.series import (
    MONITOR,
    Monitored,
    divided,
    integer_maximum,
    series_array,
    whole_frames,
)
from panosc_analysis.reduction.steps.step import Parameter, check_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from panosc_analysis.provenance import Value
    from panosc_analysis.reduction.kernel import Kernel
    from panosc_analysis.reduction.labels import Labels
    from panosc_analysis.reduction.moments import Moments, MomentsKernel
    from panosc_analysis.reduction.result import ResultArray, ResultAxis
    from panosc_analysis.reduction.stack import Stack

__all__ = ["Project"]


@dataclass(frozen=True, slots=True)
class Project:
    r"""Sum, mean and largest value of the stack along one of its axes.

    Over the :math:`n` valid values :math:`v_i` along the axis

    ==================  ==========================================  ==================
    array               formula                                     unit
    ==================  ==========================================  ==================
    ``projection_sum``   :math:`S = \sum v_i`                        that of the data
    ``projection_mean``  :math:`S / n`                               that of the data
    ``projection_max``   :math:`\max v_i`                            that of the data
    ``projection_count`` *n*                                         values
    ==================  ==========================================  ==================

    Axis 0 counts frames; the others lie in the frame. Sums of integers are exact, their uncertainty is
    :math:`\sqrt S`, which holds for counts (Poisson). With a monitor, which needs another axis than 0, all but the
    count are divided by :math:`m_f / \bar m`. Memory: that of the result.

    Parameters
    ----------
    axis, monitor
        See `parameters`.
    """

    axis: int = 0
    monitor: str | None = None

    name: ClassVar[str] = "project"
    title: ClassVar[str] = "Projection"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("axis", int, "", 0, "Axis to project along; 0 counts frames, -1 is the last one"),
        MONITOR,
    )

    def __post_init__(self) -> None:
        check_parameters(self)

    def prepare(self, stack: Stack) -> _Prepared:
        """Find the axis.

        Raises
        ------
        ReductionError
            There is no such axis, or a monitor that does not fit.
        """
        whole_frames(stack, self.title)
        dimensions = 1 + len(stack.frame_shape)
        axis = self.axis + dimensions if self.axis < 0 else self.axis
        if not 0 <= axis < dimensions:
            raise ReductionError(
                f"There is no axis {self.axis} in a stack of {dimensions} dimensions",
                hint=f"Use an axis from 0 to {dimensions - 1}",
            )
        if axis == 0 and self.monitor is not None:
            raise ReductionError(
                "A projection along the frames cannot be normalised frame by frame", hint="Leave the monitor out"
            )
        monitor = read_monitor(stack, self.monitor)
        return _Prepared(monitor, self, stack, axis)


@dataclass(frozen=True, eq=False, slots=True)
class _Prepared(Monitored):
    step: Project
    stack: Stack
    axis: int

    def kernel(self, shared: MomentsKernel) -> Kernel:
        if self.axis == 0:
            return replace(shared, extremes=True)
        function = _AxisRows(Pixels.of(shared), self.stack.frame_shape, self.axis - 1)
        return RowsKernel(function, self.stack.frames)

    def recorded(self) -> Mapping[str, Value]:
        return {"axis": self.axis, "monitor": self.step.monitor}

    def arrays(self, found: Moments | Rows, labels: Labels) -> list[ResultArray]:
        total, count, largest, axes, missing = self._parts(found, labels)
        masked = missing | (count == 0)
        errors, mean, mean_errors = divided(total, count)
        name, units = labels.name, labels.units
        arrays = [
            series_array("projection_sum", f"sum of {name} along axis {self.axis}", total, axes, units, masked, errors),
            series_array(
                "projection_mean", f"mean of {name} along axis {self.axis}", mean, axes, units, masked, mean_errors
            ),
            series_array("projection_max", f"largest {name} along axis {self.axis}", largest, axes, units, masked),
        ]
        return [
            *self.normalised(arrays),
            series_array("projection_count", "values that count", count, axes, "values", None),
        ]

    def _parts(
        self, found: Moments | Rows, labels: Labels
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], tuple[ResultAxis, ...], NDArray[np.bool_]]:
        if isinstance(found, Rows):
            total, count, largest = found.arrays
            axes = (labels.frames, *(axis for i, axis in enumerate(labels.pixels, start=1) if i != self.axis))
            return total, count, largest, axes, found.missing.reshape(-1, *[1] * (total.ndim - 1))
        shape = self.stack.frame_shape
        if found.max is None:
            raise AssertionError("the kernel was asked to keep it")
        nothing = np.zeros((1,) * len(shape), np.bool_)
        total, count, largest = (values.reshape(shape) for values in (found.sum, found.count, found.max))
        return total, count, largest, labels.pixels, nothing


@dataclass(frozen=True, eq=False, slots=True)
class _AxisRows:
    pixels: Pixels
    shape: tuple[int, ...]
    axis: int

    def __call__(self, frames: NDArray[Any], first: int) -> tuple[NDArray[Any], ...]:
        rows = [self._row(frame) for frame in frames]  # one by one: the wide copy stays in the cache
        return tuple(np.stack(column) for column in zip(*rows, strict=True))

    def _row(self, frame: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        values, valid = self.pixels.split(frame)
        kept = np.where(valid, frame, integer_maximum(frame.dtype, low=True))
        return (
            values.reshape(self.shape).sum(axis=self.axis),
            np.count_nonzero(valid.reshape(self.shape), axis=self.axis),
            kept.reshape(self.shape).max(axis=self.axis),
        )
