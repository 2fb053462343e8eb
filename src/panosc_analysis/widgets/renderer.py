"""Frames of one content, prepared for drawing: read once, masked, pooled, coded; or curves, thinned.

Safe to call from several threads: in a notebook, messages of a widget are answered in a thread of their own while a
cell runs. A frame that somebody passes by is read into the memory of the one before, since new memory takes longer to
get than many a frame to decode; a frame that is asked about is kept, with the last ones that were.
Memory is bounded: at most 256 MB of frames are kept, and a frame larger than 33 million pixels is never held as a
whole but read in strips.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.errors import NothingToPlot
from panosc_analysis.widgets import frames
from panosc_analysis.widgets.limits import find_statistics, usable_limits
from panosc_analysis.widgets.quantities import quantity
from panosc_analysis.widgets.strips import pool_in_strips

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panosc_analysis.widgets.content import Content, Part
    from panosc_analysis.widgets.frames import PooledFrame
    from panosc_analysis.widgets.limits import Limits, Scale, Statistics

__all__ = ["LARGEST_HELD", "Frame", "Picture", "Renderer"]

LARGEST_HELD = 1 << 25  # pixels of a frame
_MOST_BYTES = 256_000_000


@dataclass(frozen=True, slots=True)
class Picture:
    """An image at window size, of the whole frame or a part of it.

    Parameters
    ----------
    pooled
        The pixels.
    part
        Rows and columns of the frame that they show.
    statistics
        Of the whole frame where it has been looked at as a whole, else of the part.
    """

    pooled: PooledFrame
    part: Part
    statistics: Statistics

    def limits(self, scale: Scale, how: Limits, fixed: tuple[float | None, float | None]) -> tuple[float, float]:
        """Choose the values of the first and the last colour; for ``"fixed"`` a missing one is found."""
        low, high = self.statistics.limits(scale, "auto" if how == "fixed" else how)
        if how == "fixed":
            low, high = (found if end is None else end for found, end in zip((low, high), fixed, strict=True))
        return usable_limits(low, high, scale)


@dataclass(slots=True)
class Frame:
    """Values of a frame and which of them are masked (``None``: none)."""

    values: NDArray[Any]
    masked: NDArray[np.bool_] | None
    statistics: Statistics | None = None

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return int(self.values.nbytes + (0 if self.masked is None else self.masked.nbytes))


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
        self._held: OrderedDict[int, Frame] = OrderedDict()
        self._mask: NDArray[Any] | None = None
        self._known: dict[int, Statistics] = {}
        self._memory: NDArray[Any] | None = None
        self._passed: tuple[int, Frame] | None = None

    @property
    def is_large(self) -> bool:
        """Whether a frame is too large to be held."""
        return int(np.prod(self.content.frame_shape)) > LARGEST_HELD

    def picture(
        self, frame: int, window: tuple[int, int], *, part: Part | None = None, use_mask: bool = True
    ) -> Picture:
        """Prepare an image for a window of so many rows and columns of screen pixels.

        Points (a scatter plot) are one row of the picture; ask for a window that holds them all.

        Parameters
        ----------
        frame
            Its number.
        window
            Rows and columns available; the picture has at most as many.
        part
            Rows and columns of the frame to show; all without it.
        use_mask
            Without it only what is no number is masked; statistics stay those of the unmasked pixels.

        Raises
        ------
        OpenError
            The frame cannot be read.
        """
        if self.is_large:
            return self._large_picture(frame, window, part)
        with self._lock:
            return _picture_of(self._held.get(frame) or self._pass_by(frame), window, part, use_mask=use_mask)

    def _large_picture(self, frame: int, window: tuple[int, int], part: Part | None) -> Picture:
        rows, columns = self.content.frame_shape
        whole = (slice(0, rows), slice(0, columns))
        part = whole if part is None else _within(part, (rows, columns))
        with self._lock:
            pooled, statistics = pool_in_strips(self._read, frame, part, _factors(part, window))
        if part == whole:
            self._known = {frame: statistics}
        return Picture(pooled, part, self._known.get(frame, statistics))

    def value(self, frame: int, index: tuple[int, ...]) -> str:
        """Say the exact value of one pixel or point, with its unit, or that it is masked.

        Raises
        ------
        OpenError
            The frame cannot be read.
        """
        if self.is_large or self.content.kind == "curve":
            one = self._read(frame, tuple(slice(i, i + 1) for i in index))
            index = (0,) * len(index)
        else:
            one = self.frame(frame)
        value = quantity(one.values[index], self.content.units)
        return f"masked ({value})" if one.masked is not None and one.masked[index] else value

    def frame(self, frame: int) -> Frame:
        """Return a whole frame; the last ones are kept.

        Raises
        ------
        OpenError
            The frame cannot be read.
        NothingToPlot
            It is too large to be held, or the file changed.
        """
        if self.is_large:
            shape = " × ".join(map(str, self.content.frame_shape))
            raise NothingToPlot(f"A frame of {shape} is too large to be read at once", hint="Choose a part of it")
        with self._lock:
            held = self._held.get(frame)
            if held is None:
                held = self._held[frame] = self._keep(frame)
            self._held.move_to_end(frame)
            while len(self._held) > 1 and sum(one.nbytes for one in self._held.values()) > _MOST_BYTES:
                self._held.popitem(last=False)
        return held

    def part(self, frame: int, part: Part) -> Frame:
        """Return a part of a frame; of a frame that is not held only this part is read.

        Raises
        ------
        OpenError
            It cannot be read.
        NothingToPlot
            It is too large to be held.
        """
        if (part[0].stop - part[0].start) * (part[1].stop - part[1].start) > LARGEST_HELD:
            raise NothingToPlot("This part is too large to be read at once", hint="Choose a smaller one")
        with self._lock:
            held = self._held.get(frame)
            if held is None:
                return self._read(frame, part)
        return Frame(held.values[part], None if held.masked is None else held.masked[part])

    def _pass_by(self, frame: int) -> Frame:
        """Read a frame into memory that the next one will have."""
        if self._passed is None or self._passed[0] != frame:
            if self._memory is None:
                self._memory = np.empty(self.content.frame_shape, self.content.signal.dtype)
            self._passed = None  # if reading fails, nothing is there
            self._passed = frame, self._read(frame, (), self._memory)
        return self._passed[1]

    def _keep(self, frame: int) -> Frame:
        """Read a frame into memory of its own, unless it has just been read."""
        if self._passed is None or self._passed[0] != frame:
            return self._read(frame, ())
        passed = self._passed[1]
        if self._memory is None or not np.may_share_memory(passed.values, self._memory):
            return passed  # it was in memory anyway
        return Frame(passed.values.copy(), passed.masked, passed.statistics)

    def _read(self, frame: int, part: tuple[slice, ...], out: NDArray[Any] | None = None) -> Frame:
        content = self.content
        values = frames.plain_numbers(content.read(frame, part, out=out))
        if not part and values.shape != content.frame_shape:
            raise NothingToPlot(
                f"Frame {frame} has shape {values.shape}, not {content.frame_shape}",
                hint="The file changed; show it again",
            )
        mask = self._read_mask(frame, part)
        return Frame(
            values,
            frames.masked_pixels(values, masked_value=content.masked_value, mask=mask, valid=content.valid),
        )

    def _read_mask(self, frame: int, part: tuple[slice, ...]) -> NDArray[Any] | None:
        content = self.content
        if content.mask is None or content.mask_changes or self.is_large:
            return content.read_mask(frame, part)
        if self._mask is None:
            self._mask = content.read_mask(frame)
        return self._mask[part] if part and self._mask is not None else self._mask


def _picture_of(frame: Frame, window: tuple[int, int], part: Part | None, *, use_mask: bool) -> Picture:
    """Make a picture that shares no memory with the frame's values."""
    values, masked = np.atleast_2d(frame.values), None if frame.masked is None else np.atleast_2d(frame.masked)
    whole = (slice(0, values.shape[0]), slice(0, values.shape[1]))
    part = whole if part is None else _within(part, values.shape)
    shown = masked if use_mask else frames.masked_pixels(values)
    pooled = frames.pool(values[part], None if shown is None else shown[part], _factors(part, window))
    if pooled.factors == (1, 1):
        pooled = replace(pooled, values=pooled.values.copy())
    if frame.statistics is None:
        # Where nothing is pooled, what is masked still has its value.
        is_usable = part == whole and use_mask and pooled.factors != (1, 1)
        frame.statistics = find_statistics(values, masked, pooled.values if is_usable else None)
    return Picture(pooled, part, frame.statistics)


def _within(part: Part, shape: tuple[int, ...]) -> Part:
    """Cut a part down to the frame; never empty."""
    rows, columns = (
        slice(min(max(0, p.start), length - 1), max(min(length, p.stop), min(max(0, p.start), length - 1) + 1))
        for p, length in zip(part, shape, strict=True)
    )
    return rows, columns


def _factors(part: Part, window: tuple[int, int]) -> tuple[int, int]:
    rows, columns = (frames.pool_factor(p.stop - p.start, size) for p, size in zip(part, window, strict=True))
    return rows, columns
