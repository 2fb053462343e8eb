"""Frames of one content, prepared for drawing: read once, masked, pooled, with limits; or curves, thinned.

Safe to call from several threads: in a notebook, messages of a widget are answered in a thread of their own while a
cell runs. Keeps the frame that was read last, so that a new colour scale or a question about one pixel reads nothing
again.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.errors import NothingToPlot
from panosc_analysis.widgets import frames
from panosc_analysis.widgets.quantities import quantity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panosc_analysis.widgets.content import Content
    from panosc_analysis.widgets.frames import Limits, PooledFrame, Scale

__all__ = ["Curve", "Picture", "Renderer"]

_MOST_POINTS = 4000  # of a curve; a window has fewer columns


@dataclass(frozen=True, slots=True)
class Picture:
    """An image at window size and the values of its first and last colour."""

    pooled: PooledFrame
    scale: Scale
    low: float
    high: float

    def levels(self) -> NDArray[np.uint8]:
        """Return the number of the colour of each pixel, 255 where masked."""
        return frames.levels(self.pooled, self.scale, self.low, self.high)


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of a curve in the order of the data; ``nan`` where masked. `errors` is ``None`` where there are none."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    errors: NDArray[np.float64] | None
    points: int


@dataclass(frozen=True, slots=True)
class _Held:
    frame: int
    values: NDArray[Any]
    masked: NDArray[np.bool_]


class Renderer:
    """Prepare the frames of `content`.

    Parameters
    ----------
    content
        What is shown. Must not be text.
    """

    def __init__(self, content: Content) -> None:
        self.content = content
        self._lock = threading.Lock()
        self._held: _Held | None = None
        self._mask: NDArray[Any] | None = None

    def picture(
        self,
        frame: int,
        window: tuple[int, int],
        *,
        scale: Scale = "linear",
        limits: Limits = "auto",
        fixed: tuple[float | None, float | None] = (None, None),
    ) -> Picture:
        """Prepare an image for a window of so many rows and columns of screen pixels.

        Points (a scatter plot) are one row of the picture; ask for a window that holds them all.

        Parameters
        ----------
        frame
            Its number.
        window
            Rows and columns available; the picture has at most as many.
        scale, limits
            How colours are spread, and how their ends are found.
        fixed
            First and last value for ``limits="fixed"``; ``None`` for an end that is found from the data.

        Raises
        ------
        OpenError
            The frame cannot be read.
        """
        with self._lock:
            held = self._frame(frame)
        values, masked = np.atleast_2d(held.values), np.atleast_2d(held.masked)
        rows, columns = values.shape
        factors = (frames.pool_factor(rows, window[0]), frames.pool_factor(columns, window[1]))
        pooled = frames.pool(values, masked, factors)
        low, high = frames.find_limits(pooled, scale, "auto" if limits == "fixed" else limits)
        if limits == "fixed":
            low, high = frames.usable_limits(
                low if fixed[0] is None else fixed[0], high if fixed[1] is None else fixed[1], scale
            )
        return Picture(pooled, scale, low, high)

    def curve(self, frame: int) -> Curve:
        """Prepare a curve; of many points only those that a window can show (each bin's lowest and highest).

        Raises
        ------
        OpenError
            The frame cannot be read.
        """
        with self._lock:
            held = self._frame(frame)
            errors = self.content.read_errors(frame)
        y = held.values.astype(np.float64)
        y[held.masked] = np.nan
        x = self.content.frame_axes[0].centres
        kept = _extremes(y, _MOST_POINTS)
        spread = None if errors is None else np.asarray(errors, dtype=np.float64)[kept]
        return Curve(x[kept], y[kept], spread, y.size)

    def value(self, frame: int, index: tuple[int, ...]) -> str:
        """Say the exact value of one pixel or point, with its unit, or that it is masked.

        Raises
        ------
        OpenError
            The frame cannot be read.
        """
        with self._lock:
            held = self._frame(frame)
        value = quantity(held.values[index], self.content.units)
        return f"masked ({value})" if held.masked[index] else value

    def _frame(self, frame: int) -> _Held:
        held = self._held
        if held is None or held.frame != frame:
            content = self.content
            values = frames.plain_numbers(content.read(frame))
            if self._mask is None or content.mask_changes:
                self._mask = content.read_mask(frame)
            if values.shape != content.frame_shape:
                raise NothingToPlot(
                    f"Frame {frame} has shape {values.shape}, not {content.frame_shape}",
                    hint="The file changed; show it again",
                )
            masked = frames.masked_pixels(values, masked_value=content.masked_value, mask=self._mask)
            held = self._held = _Held(frame, values, masked)
        return held


def _extremes(y: NDArray[np.float64], most: int) -> NDArray[np.intp]:
    """Return the indices of at most `most` points that look like all of them: first and last stay, peaks survive."""
    if y.size <= most:
        return np.arange(y.size)
    width = -(-y.size // (most // 2))
    padded = np.full(-(-y.size // width) * width, np.nan)
    padded[: y.size] = y
    bins = padded.reshape(-1, width)
    start = np.arange(len(bins)) * width
    lowest = np.where(np.isnan(bins), np.inf, bins).argmin(axis=1) + start
    highest = np.where(np.isnan(bins), -np.inf, bins).argmax(axis=1) + start
    return np.unique(np.concatenate(([0], lowest, highest, [y.size - 1])))
