"""Regions, windows and lines as people write them: ``spot=10:20, 30:40; ring=50:60, 0:100``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from panosc_analysis.errors import ReductionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Window", "parse_regions", "parse_windows", "region_pixels"]


@dataclass(frozen=True, slots=True)
class Window:
    """A named range of an axis, both ends included."""

    name: str
    low: float
    high: float


def parse_regions(text: str, shape: tuple[int, ...]) -> dict[str, tuple[slice, ...]]:
    """Read regions of a frame of `shape`: ``NAME=BEGIN:END, BEGIN:END``, one range per dimension, split by ``;``.

    Ends are excluded, as in Python; an end that is left out is that of the frame. Names may be left out.

    Raises
    ------
    ReductionError
        Something else, or a region that is empty or leaves the frame.
    """
    found: dict[str, tuple[slice, ...]] = {}
    parts = [part for part in text.split(";") if part.strip()]
    for number, part in enumerate(parts, start=1):
        name, _, ranges = part.rpartition("=")
        name = name.strip() or ("roi" if len(parts) == 1 else f"roi{number}")
        pieces = ranges.split(",")
        if len(pieces) != len(shape) or name in found or not _is_name(name):
            raise _not_regions(text, shape)
        found[name] = tuple(_slice(piece, length, text, shape) for piece, length in zip(pieces, shape, strict=True))
    if not found:
        raise _not_regions(text, shape)
    return found


def parse_windows(text: str) -> list[Window]:
    """Read ranges of an axis: ``NAME=LOW:HIGH``, split by ``;``; both ends belong to them.

    Raises
    ------
    ReductionError
        Something else.
    """
    found = []
    parts = [part for part in text.split(";") if part.strip()]
    for number, part in enumerate(parts, start=1):
        name, _, both = part.rpartition("=")
        low, _, high = both.partition(":")
        name = name.strip() or f"window{number}"
        try:
            window = Window(name, float(low), float(high))
        except ValueError:
            raise _not_windows(text) from None
        if not (math.isfinite(window.low) and math.isfinite(window.high) and window.low <= window.high):
            raise _not_windows(text)
        found.append(window)
    names = [window.name for window in found]
    if not found or len(set(names)) < len(names) or not all(map(_is_name, names)):
        raise _not_windows(text)
    return found


def region_pixels(region: tuple[slice, ...], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Find the numbers of the pixels of a region in a frame of `shape`, row by row."""
    numbers: NDArray[np.int64] = np.arange(math.prod(shape), dtype=np.int64).reshape(shape)[region].ravel()
    return numbers


def _slice(text: str, length: int, whole: str, shape: tuple[int, ...]) -> slice:
    begin, colon, end = text.partition(":")
    try:
        low = int(begin) if begin.strip() else 0
        high = (int(end) if end.strip() else length) if colon else low + 1
    except ValueError:
        raise _not_regions(whole, shape) from None
    if not 0 <= low < high <= length:
        raise _not_regions(whole, shape)
    return slice(low, high)


def _is_name(name: str) -> bool:
    return name.replace(" ", "_").isidentifier()


def _not_regions(text: str, shape: tuple[int, ...]) -> ReductionError:
    ranges = ", ".join(f"0:{length}" for length in shape)
    return ReductionError(
        f"{text!r} is not a list of regions of a frame of {' × '.join(map(str, shape))}",
        hint=f"Write NAME={ranges} or smaller, one range per dimension, several split by a semicolon",
    )


def _not_windows(text: str) -> ReductionError:
    return ReductionError(
        f"{text!r} is not a list of windows", hint="Write for example Fe=6.25:6.55; Cu=7.9:8.2, in the axis's units"
    )
