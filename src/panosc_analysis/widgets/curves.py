"""Curves of one frame, thinned to what a window can show; a billion points are read in blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.widgets import frames
from panosc_analysis.widgets.content import read_array

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from panosc_analysis.widgets.content import Content, Readable
    from panosc_analysis.widgets.coordinates import Coordinate

__all__ = ["Curve", "read_curve", "read_curves"]

_MOST_POINTS = 4000  # of a curve; a window has fewer columns
_BLOCK = 1 << 22


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of a curve in the order of the data; ``nan`` where masked.

    `errors` (of y) and `x_errors` are ``None`` where there are none.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    errors: NDArray[np.float64] | None
    points: int
    label: str = ""
    units: str = ""
    x_errors: NDArray[np.float64] | None = None


def read_curve(content: Content, frame: int) -> Curve:
    """Prepare the first curve; of many points only those that a window can show (each bin's lowest and highest).

    Raises
    ------
    OpenError
        The frame cannot be read.
    """
    axis = content.frame_axes[0]
    return _curve(content, content.signal, frame, axis, content.errors, (content.label, content.units))


def read_curves(content: Content, frame: int) -> list[Curve]:
    """Prepare all curves of a frame, the first one first."""
    curves = [read_curve(content, frame)]
    for other in content.others:
        axis = other.x or content.frame_axes[0]
        curves.append(_curve(content, other.source, frame, axis, other.errors, (other.label, other.units)))
    return curves


def _curve(
    content: Content,
    source: Readable,
    frame: int,
    axis: Coordinate,
    errors: Readable | None,
    said: tuple[str, str],
) -> Curve:
    length = int(source.shape[-1])
    place = content.place(frame) if len(source.shape) > 1 else ()
    width = max(1, -(-length // (_MOST_POINTS // 2))) if length > _MOST_POINTS else 1
    indices, values = [], []
    for start, block in _blocks(content, source, frame, place, length, width):
        kept = _extremes(block, width)
        indices.append(kept + start)
        values.append(block[kept])
    kept = np.concatenate(indices)
    spread = None
    if errors is not None and length <= _BLOCK:
        spread = np.asarray(read_array(errors, (*place, Ellipsis)), dtype=np.float64)[kept]
    x_spread = None if axis.errors is None else axis.errors[kept]
    return Curve(axis.at(kept), np.concatenate(values), spread, length, *said, x_spread)


def _blocks(
    content: Content, source: Readable, frame: int, place: tuple[int, ...], length: int, width: int
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    step = max(width, _BLOCK // width * width)
    is_first = source is content.source
    for start in range(0, length, step):
        part = slice(start, min(length, start + step))
        read = frames.plain_numbers(read_array(source, (*place, part)))
        mask = content.read_mask(frame, (part,)) if is_first else None
        masked = frames.masked_pixels(
            read, masked_value=content.masked_value if is_first else None, mask=mask, valid=content.valid
        )
        block: NDArray[Any] = read.astype(np.float64)
        if masked is not None:
            block[masked] = np.nan
        yield start, block


def _extremes(y: NDArray[np.float64], width: int) -> NDArray[np.intp]:
    """Return the indices of the lowest and the highest value of each bin, and the first and last point."""
    if width == 1:
        return np.arange(y.size)
    padded = np.full(-(-y.size // width) * width, np.nan)
    padded[: y.size] = y
    bins = padded.reshape(-1, width)
    start = np.arange(len(bins)) * width
    lowest = np.where(np.isnan(bins), np.inf, bins).argmin(axis=1) + start
    highest = np.where(np.isnan(bins), -np.inf, bins).argmax(axis=1) + start
    found: NDArray[np.intp] = np.unique(np.concatenate(([0], lowest, highest, [y.size - 1])))
    return found[found < y.size]
