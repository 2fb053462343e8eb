"""What the steps share that give a series of numbers over the frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from panosc_analysis.errors import ReductionError
from panosc_analysis.reduction.result import ResultArray, ResultAxis
from panosc_analysis.reduction.steps.step import Parameter, WholeFrames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panosc_analysis.reduction.monitors import Monitor
    from panosc_analysis.reduction.stack import Stack

__all__ = [
    "MONITOR",
    "Monitored",
    "count_errors",
    "divided",
    "integer_maximum",
    "named_axis",
    "series_array",
    "whole_frames",
]

MONITOR = Parameter(
    "monitor", str, "", None, "Path in the file of one number per frame to divide by; nothing for no normalisation"
)
"""The parameter that names a monitor."""


@dataclass(frozen=True, eq=False, slots=True)
class Monitored(WholeFrames):
    """A prepared step whose results are divided by a monitor, where there is one.

    Parameters
    ----------
    monitor
        To normalise with; ``None`` for nothing.
    """

    monitor: Monitor | None

    @property
    def notes(self) -> tuple[str, ...]:
        """Say what was divided by."""
        return (self.monitor.note,) if self.monitor else ()

    def normalised(self, arrays: list[ResultArray]) -> list[ResultArray]:
        """Divide arrays by the monitor."""
        return arrays if self.monitor is None else [self.monitor.normalised(array) for array in arrays]


def whole_frames(stack: Stack, title: str, dimensions: int | None = None) -> None:
    """Refuse a stack whose frames are single numbers, or not images where these are needed.

    Raises
    ------
    ReductionError
        It is one.
    """
    has = len(stack.frame_shape)
    if has == 0 or (dimensions is not None and has != dimensions):
        wanted = f"frames of {dimensions} dimensions" if dimensions else "frames"
        raise ReductionError(
            f"{stack.handle.path} is of shape {stack.handle.shape}; {title.lower()} needs {wanted}",
            hint="Choose a stack of frames",
            path=str(stack.handle.file),
        )


def count_errors(counts: NDArray[Any]) -> NDArray[np.float64]:
    """Give the standard uncertainties of counts (Poisson)."""
    errors: NDArray[np.float64] = np.sqrt(np.maximum(counts, 0).astype(np.float64))
    return errors


def divided(
    total: NDArray[Any], count: NDArray[Any]
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64], NDArray[np.float64] | None]:
    """Give the uncertainty of sums, and means with theirs; only counts, which are integers, have uncertainties."""
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / count
        errors = None if total.dtype.kind == "f" else count_errors(total)
        return errors, mean, None if errors is None else errors / count


def integer_maximum(dtype: np.dtype[Any], *, low: bool) -> Any:
    """Give the smallest (`low`) or largest number of a type, to start a maximum or a minimum from."""
    if dtype.kind == "f":
        return dtype.type(-np.inf if low else np.inf)
    if dtype.kind == "b":
        return dtype.type(not low)
    return dtype.type(np.iinfo(dtype).min if low else np.iinfo(dtype).max)


def named_axis(name: str, entries: list[str]) -> ResultAxis:
    """Make an axis of things that have names: counted from 1, with the names in its label."""
    told = ", ".join(f"{number} {entry}" for number, entry in enumerate(entries, start=1))
    return ResultAxis(name, f"{name} ({told})", None, np.arange(1, len(entries) + 1))


def series_array(
    name: str,
    label: str,
    values: NDArray[Any],
    axes: tuple[ResultAxis, ...],
    units: str | None,
    masked: NDArray[np.bool_] | None,
    errors: NDArray[np.float64] | None = None,
    scale: Literal["linear", "log"] = "linear",
) -> ResultArray:
    """Make an array; where it is masked the values become NaN, or 0 for integers."""
    if masked is not None and masked.any():
        masked = np.broadcast_to(masked, values.shape)
        values = np.where(masked, np.nan if values.dtype.kind == "f" else 0, values).astype(values.dtype)
        errors = None if errors is None else np.where(masked, np.nan, errors)
        return ResultArray(name, label, values, axes, units, errors, scale, masked.copy())
    return ResultArray(name, label, values, axes, units, errors, scale)
