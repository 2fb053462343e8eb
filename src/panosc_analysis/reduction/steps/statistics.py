"""Statistics of a stack, pixel by pixel over the frames and frame by frame over the pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from panosc_analysis.reduction.result import ResultArray
from panosc_analysis.reduction.steps.series import series_array
from panosc_analysis.reduction.steps.step import WholeFrames

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from panosc_analysis.provenance import Value
    from panosc_analysis.reduction.labels import Labels
    from panosc_analysis.reduction.moments import Moments, MomentsKernel
    from panosc_analysis.reduction.stack import Stack
    from panosc_analysis.reduction.steps.step import Parameter

__all__ = ["Statistics"]

_AT_ONCE = 1 << 15  # pixels


@dataclass(frozen=True, slots=True)
class Statistics:
    r"""Mean, sum, standard deviation, smallest and largest value, and count per pixel; the total per frame.

    For a pixel with valid values :math:`v_1 … v_n` in *n* frames

    ============  =========================================================  ==================
    array         formula                                                    unit
    ============  =========================================================  ==================
    ``mean``      :math:`\bar v = \frac1n \sum v_i`                          that of the data
    ``sum``       :math:`\sum v_i`                                           that of the data
    ``std``       :math:`\sqrt{\frac1n \sum (v_i - \bar v)^2}`               that of the data
    ``min``       :math:`\min v_i`                                           that of the data
    ``max``       :math:`\max v_i`                                           that of the data
    ``count``     *n*                                                        frames
    ``totals``    sum over the valid pixels, one per frame                   that of the data
    ============  =========================================================  ==================

    The standard deviation is that of the population, as `numpy.std` gives it. The error of the mean is
    ``std / sqrt(count)``. Sums of integers of up to 32 bits are exact.

    Not done: no correction for dark current, flat field or monitor. Memory: about 30 bytes per pixel and task.
    """

    name: ClassVar[str] = "statistics"
    title: ClassVar[str] = "Statistics of the stack"
    parameters: ClassVar[tuple[Parameter, ...]] = ()

    def prepare(self, stack: Stack) -> _Prepared:
        """Prepare for a stack; any stack will do."""
        return _Prepared(has_totals=not stack.is_single and len(stack.frame_shape) > 0)


@dataclass(frozen=True, slots=True)
class _Prepared(WholeFrames):
    has_totals: bool

    def kernel(self, shared: MomentsKernel) -> MomentsKernel:
        return replace(shared, variance=True, extremes=True, totals=shared.totals or self.has_totals)

    def recorded(self) -> Mapping[str, Value]:
        return {}

    def arrays(self, found: Moments, labels: Labels) -> list[ResultArray]:
        shape = tuple(len(axis.values) for axis in labels.pixels)
        masked = found.count == 0
        mean, deviation, error = _derived(found, masked)
        images = {
            "mean": ("mean", mean, error),
            "sum": ("sum", _without(found.sum, masked), None),
            "std": ("standard deviation", deviation, None),
            "min": ("minimum", _without(_present(found.min), masked), None),
            "max": ("maximum", _without(_present(found.max), masked), None),
        }
        some = masked.reshape(shape) if masked.any() else None
        arrays = [
            ResultArray(
                name,
                f"{title} of {labels.name}",
                values.reshape(shape),
                labels.pixels,
                labels.units,
                None if errors is None else errors.reshape(shape),
                labels.scale,
                None if some is None else some.copy(),
            )
            for name, (title, values, errors) in images.items()
        ]
        title = f"frames that count in {labels.name}"
        arrays.append(ResultArray("count", title, found.count.reshape(shape), labels.pixels, "frames"))
        if found.totals is not None:
            title = f"total of each frame of {labels.name}"
            arrays.append(ResultArray("totals", title, found.totals, (labels.frames,), labels.units))
        return arrays


def _derived(found: Moments, masked: NDArray[np.bool_]) -> tuple[NDArray[np.float64], ...]:
    """Mean, standard deviation and error of the mean, in pieces that stay in the cache; NaN where there is no value."""
    variance = _present(found.variance)
    mean, deviation, error = (np.empty(len(masked)) for _ in range(3))
    for begin in range(0, len(masked), _AT_ONCE):
        part = slice(begin, begin + _AT_ONCE)
        number = np.maximum(found.count[part], 1)
        np.divide(found.sum[part], number, out=mean[part])
        np.sqrt(variance[part], out=deviation[part])
        np.divide(deviation[part], np.sqrt(number), out=error[part])
        for values in (mean, deviation, error):
            values[part][masked[part]] = np.nan
    return mean, deviation, error


def _without(values: NDArray[Any], masked: NDArray[np.bool_]) -> NDArray[Any]:
    """Give sums or extremes as they are shown: integers are 0 already where there is no value, others become NaN."""
    return np.where(masked, np.nan, values).astype(values.dtype) if values.dtype.kind == "f" else values


def image_array(
    name: str,
    label: str,
    values: NDArray[Any],
    masked: NDArray[np.bool_],
    labels: Labels,
    errors: NDArray[np.float64] | None,
) -> ResultArray:
    """Make an array over the pixels; where it is masked the values become NaN, or 0 for integers."""
    return series_array(name, label, values, labels.pixels, labels.units, masked, errors, labels.scale)


def _present(values: NDArray[Any] | None) -> NDArray[Any]:
    if values is None:
        raise AssertionError("the kernel was asked to keep it")
    return values
