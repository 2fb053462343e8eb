"""What the file says about a stack: its axes, its units, and which pixels mean nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from panosc_analysis.errors import PanoscError, ReductionError
from panosc_analysis.nexus import ArrayHandle, default_plot
from panosc_analysis.reduction.result import ResultAxis

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panosc_analysis.nexus import Axis, Plot
    from panosc_analysis.reduction.stack import Stack

__all__ = ["Labels", "mask_of", "read_labels"]


@dataclass(frozen=True, eq=False, slots=True)
class Labels:
    """Names and units for the results, and the pixels to leave out.

    Parameters
    ----------
    frames
        Axis along the frames.
    pixels
        Axes within a frame.
    name, units
        Of the values; units are ``None`` if the file does not tell.
    scale
        How the values are best shown.
    masked_value
        The number that stands for "no value".
    mask
        Where the file keeps its pixel mask, of the shape of a frame.
    """

    frames: ResultAxis
    pixels: tuple[ResultAxis, ...]
    name: str
    units: str | None
    scale: Literal["linear", "log"]
    masked_value: int | None
    mask: ArrayHandle | None


def read_labels(stack: Stack) -> Labels:
    """Ask the file's default plot of this array; where it says nothing, frames and pixels are counted.

    Reads the axes and at most one frame.
    """
    handle = stack.handle
    whole = ArrayHandle(handle.file, handle.path)
    try:
        plot = default_plot(handle.file, handle.path)
    except PanoscError:
        plot = None  # plain numbers without a meaning for NeXus can be reduced all the same
    selection = handle.selection or tuple(range(length) for length in whole.shape)
    described = plot is not None and plot.signal.shape == whole.shape
    axes = plot.axes if plot is not None and described else (None,) * len(selection)
    kept = [_axis(axis, part) for axis, part in zip(axes, selection, strict=True) if isinstance(part, range)]
    names = ["frame", *_pixel_names(len(handle.shape) - 1)] if not stack.is_single else _pixel_names(2)
    found = tuple(axis or _counted(name, part) for axis, name, part in zip(kept, names, _kept(selection), strict=True))
    frames = _counted("frame", range(1)) if stack.is_single else found[0]
    return Labels(
        frames=frames,
        pixels=found if stack.is_single else found[1:],
        name=plot.signal.path.rpartition("/")[2] if plot is not None else handle.path.rpartition("/")[2],
        units=(plot.units or None) if plot is not None else None,
        scale=plot.scale if plot is not None else "linear",
        masked_value=plot.masked_value if plot is not None else None,
        mask=_mask(plot, selection, stack),
    )


def mask_of(stack: Stack, labels: Labels, given: NDArray[Any] | None) -> NDArray[np.bool_] | None:
    """Join the file's pixel mask and a given one: True where a pixel is left out, shape of a frame; ``None`` for none.

    Raises
    ------
    ReductionError
        The given mask does not have the shape of a frame.
    """
    mask = np.zeros(stack.frame_shape, np.bool_)
    if labels.mask is not None:
        mask |= labels.mask.numpy() != 0
    if given is not None:
        given = np.asarray(given)
        if given.shape != stack.frame_shape:
            raise ReductionError(
                f"The mask has the shape {given.shape}, a frame has {stack.frame_shape}",
                hint="Give one value per pixel, not zero where the pixel is to be left out",
            )
        mask |= given != 0
    return mask if mask.any() else None


def _mask(plot: Plot | None, selection: tuple[int | range, ...], stack: Stack) -> ArrayHandle | None:
    if plot is None or plot.mask is None or len(selection) < 2:
        return None
    mask = ArrayHandle(plot.mask.file, plot.mask.path, selection[-2:]) if stack.handle.selection else plot.mask
    return mask if mask.shape == stack.frame_shape else None


def _kept(selection: tuple[int | range, ...]) -> list[range]:
    return [part for part in selection if isinstance(part, range)]


def _pixel_names(count: int) -> list[str]:
    return ["y", "x"] if count == 2 else ["x"] if count == 1 else [f"dim_{i}" for i in range(1, count + 1)]


def _counted(name: str, part: range) -> ResultAxis:
    units = None if name == "frame" else "pixel"
    return ResultAxis(name, name, units, np.asarray(part, dtype=np.int64))


def _axis(axis: Axis | None, part: int | range) -> ResultAxis | None:
    if axis is None or isinstance(part, int):
        return None
    values = np.asarray(axis.values)
    if values.dtype.kind not in "biuf":
        return None
    centres = (values[:-1] + values[1:]) / 2 if axis.edges else values
    if centres.ndim != 1 or len(part) > len(centres) or max(part, default=0) >= len(centres):
        return None
    return ResultAxis(axis.name, axis.label, axis.units or None, centres[np.asarray(part)])
