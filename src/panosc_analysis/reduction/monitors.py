"""Monitors: what the beam did while each frame was taken, to divide results by."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.errors import ReductionError
from panosc_analysis.nexus import ArrayHandle

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panosc_analysis.reduction.result import ResultArray
    from panosc_analysis.reduction.stack import Stack

__all__ = ["Monitor", "monitor_length", "read_monitor"]


@dataclass(frozen=True, eq=False, slots=True)
class Monitor:
    """A number for each frame, or for each point of each frame.

    Parameters
    ----------
    path
        Where it stands in the file.
    relative
        Its values divided by the mean of those that can be used, NaN where one cannot (zero, negative, not finite).
    """

    path: str
    relative: NDArray[np.float64]

    @property
    def note(self) -> str:
        """What a reader of the result should know."""
        unusable = int(np.count_nonzero(np.isnan(self.relative)))
        left_out = (
            f"; {unusable} of its {self.relative.size} values are not positive and were left out" if unusable else ""
        )
        return f"normalised to the monitor {self.path}, relative to its mean{left_out}"

    def normalised(self, array: ResultArray) -> ResultArray:
        """Divide an array whose first dimensions are the monitor's; its unit stays, since the monitor is relative."""
        shape = self.relative.shape + (1,) * (array.values.ndim - self.relative.ndim)
        relative = self.relative.reshape(shape)
        masked = np.broadcast_to(np.isnan(relative), array.values.shape)
        if array.masked is not None:
            masked = masked | array.masked
        return dataclasses.replace(
            array,
            values=np.where(masked, np.nan, array.values / relative),
            errors=None if array.errors is None else np.where(masked, np.nan, array.errors / relative),
            masked=masked if masked.any() else None,
        )


def read_monitor(stack: Stack, path: str | None, points: tuple[int, ...] = ()) -> Monitor | None:
    """Read a monitor of the file that a stack lies in.

    Parameters
    ----------
    stack
        The frames; where a part of them is selected, the same part of the monitor is taken.
    path
        Of the monitor's values inside the file, or in ``FILE::PATH`` of another one; ``None`` for no monitor.
    points
        Shape of what has a value of its own within a frame.

    Raises
    ------
    ReductionError
        It has not one value for each frame, or none that can be used.
    """
    if path is None:
        return None
    file, _, inside = path.rpartition("::")
    handle = ArrayHandle(stack.handle.file if not file else _beside(stack, file), inside)
    if handle.dtype.kind not in "biuf":
        raise ReductionError(
            f"The monitor {path} holds no numbers", hint="Name an array of numbers", path=str(handle.file)
        )
    values = np.asarray(handle.numpy(), np.float64).ravel()
    wanted = (stack.frames, *points)
    if values.size != math.prod(wanted):
        values = _selected(stack, values, points, path)
    return Monitor(path, _relative(values.reshape(wanted), path))


def monitor_length(handle: ArrayHandle, path: str) -> int:
    """Count the values of a monitor along its first axis, as far as it is written."""
    file, _, inside = path.rpartition("::")
    shape = ArrayHandle(handle.file if not file else handle.file.parent / file, inside).shape
    return shape[0] if shape else 0


def _beside(stack: Stack, file: str) -> Any:
    return stack.handle.file.parent / file


def _selected(stack: Stack, values: NDArray[np.float64], points: tuple[int, ...], path: str) -> NDArray[np.float64]:
    stored, selection = stack.handle.stored_shape, stack.handle.selection
    lead = stored[: 1 + len(points)]
    frames = range(0) if not selection or isinstance(selection[0], int) else selection[0]
    if frames and values.size // math.prod(lead[1:]) > max(frames):  # it may be longer or shorter while it is written
        lead = (max(frames) + 1, *lead[1:])
        values = values[: math.prod(lead)]
    if not selection or stack.is_single or values.size != math.prod(lead):
        raise ReductionError(
            f"The monitor {path} has {values.size} values for {math.prod((stack.frames, *points))}",
            hint="Name an array with one value for each frame",
            path=str(stack.handle.file),
        )
    kept = tuple(part if isinstance(part, int) else np.asarray(part) for part in selection[: len(lead)])
    if any(isinstance(part, int) for part in kept):
        raise ReductionError(
            "The selection drops a dimension that the monitor has", hint="Select a range instead of a single index"
        )
    return values.reshape(lead)[np.ix_(*kept)]


def _relative(values: NDArray[np.float64], path: str) -> NDArray[np.float64]:
    usable = np.isfinite(values) & (values > 0)
    if not usable.any():
        raise ReductionError(
            f"The monitor {path} has no positive value", hint="Name another monitor, or none to leave it out"
        )
    return np.where(usable, values / values[usable].mean(), np.nan)
