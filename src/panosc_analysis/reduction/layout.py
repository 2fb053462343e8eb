"""How the pixels of a frame lie in its chunks, and which of them are meant.

In *stored order* a frame is its tiles one after the other, each as its chunk holds it, edges that reach beyond the
frame included. Where a chunk is a frame and all of it is meant, stored order is the order of the pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Layout"]


@dataclass(frozen=True, slots=True)
class Layout:
    """The tiles of a frame and the window that is meant.

    Parameters
    ----------
    frame_shape
        Of a whole frame.
    tile_shape
        Of a tile.
    window
        For each dimension of a frame the index or the indices that are meant.
    """

    frame_shape: tuple[int, ...]
    tile_shape: tuple[int, ...]
    window: tuple[int | range, ...]

    @property
    def grid(self) -> tuple[int, ...]:
        """How many tiles lie along each dimension."""
        return tuple(-(-length // tile) for length, tile in zip(self.frame_shape, self.tile_shape, strict=True))

    @property
    def tiles(self) -> int:
        """Tiles of a frame."""
        return math.prod(self.grid)

    @property
    def elements(self) -> int:
        """Elements of a tile."""
        return math.prod(self.tile_shape)

    @property
    def is_whole(self) -> bool:
        """The window is the whole frame."""
        return all(part == range(length) for part, length in zip(self.window, self.frame_shape, strict=True))

    @property
    def is_plain(self) -> bool:
        """Stored order is the order of the pixels."""
        return self.is_whole and self.tile_shape == self.frame_shape

    def wanted(self) -> list[int]:
        """List the tiles that have a part in the window."""
        along = []
        for part, tile in zip(self.window, self.tile_shape, strict=True):
            numbers = np.unique(np.asarray(part, dtype=np.int64) // tile)
            along.append(np.atleast_1d(numbers))
        if not along:
            return [0]
        return [int(number) for number in np.ravel_multi_index(np.ix_(*along), self.grid).ravel()]

    def positions(self) -> NDArray[np.int64]:
        """Find where the pixels of the window are in stored order, shape (pixels,)."""
        position = np.zeros((), dtype=np.int64)
        numbers = np.zeros((), dtype=np.int64)
        for part, tile, count in zip(self.window, self.tile_shape, self.grid, strict=True):
            indices = np.atleast_1d(np.asarray(part, dtype=np.int64))
            numbers = numbers[..., None] * count + indices // tile
            position = position[..., None] * tile + indices % tile
        return (numbers * self.elements + position).ravel()

    def place(self, frames: NDArray[Any], tile: int, values: NDArray[Any]) -> None:
        """Write the elements of a tile, shape (n, elements), into whole frames of shape (n, pixels of a frame)."""
        if self.tile_shape == self.frame_shape:
            frames[...] = values
            return
        outer, inner = [slice(None)], [slice(None)]
        for number, length, end in zip(
            np.unravel_index(tile, self.grid), self.tile_shape, self.frame_shape, strict=True
        ):
            begin = int(number) * length
            outer.append(slice(begin, min(begin + length, end)))
            inner.append(slice(0, min(length, end - begin)))
        whole = frames.reshape(-1, *self.frame_shape)
        whole[tuple(outer)] = values.reshape(-1, *self.tile_shape)[tuple(inner)]

    def cut(self, frames: NDArray[Any]) -> NDArray[Any]:
        """Take the window out of whole frames, shape (n, pixels of a frame) → (n, pixels of the window)."""
        if self.is_whole:
            return frames
        parts: list[Any] = [slice(None)]
        for part in self.window:
            if isinstance(part, range) and len(part) and part.step > 0:
                parts.append(slice(part[0], part[-1] + 1, part.step))
            else:
                parts.append(part if isinstance(part, int) else np.asarray(part))
        cut = frames.reshape(-1, *self.frame_shape)
        for axis, part in enumerate(parts[1:], start=1):  # one by one: NumPy joins index arrays of several dimensions
            before = axis - sum(isinstance(other, int) for other in parts[1:axis])
            cut = cut[(slice(None),) * before + (part,)]
        return cut.reshape(len(frames), -1)
