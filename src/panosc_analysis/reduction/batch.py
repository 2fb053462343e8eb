"""Some frames of a stack, ready to be worked on: compressed blocks for those who can use them, pixels for everybody."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from panosc_analysis.reduction.layout import Layout
    from panosc_analysis.reduction.team import Team

__all__ = ["Batch", "Blocks"]


@dataclass(frozen=True, eq=False, slots=True)
class Blocks:
    """Frames as compressed blocks in memory: what a kernel of `kernels` works on.

    Parameters
    ----------
    buffer
        The compressed bytes, which must live as long as a kernel runs.
    starts
        Where the blocks of each frame begin, tile after tile, as `find_blocks` gives them. Shape (frames, tiles ·
        (blocks + 1)).
    per_block
        Elements per block.
    layout
        How elements become pixels.
    dtype
        Of the elements.
    damaged
        Makes the error for a frame, counted within the batch, that a kernel could not decode.
    """

    buffer: NDArray[np.uint8]
    starts: NDArray[np.int64]
    per_block: int
    layout: Layout
    dtype: np.dtype[Any]
    damaged: Callable[[int], Exception]

    @property
    def base(self) -> np.uintp:
        """Address of the buffer."""
        return np.uintp(self.buffer.ctypes.data)

    def decode(self, team: Team) -> NDArray[Any]:
        """Decode into new memory, in stored order: shape (frames, tiles · elements)."""
        from panosc_analysis.reduction.kernels.bitshuffle import decode_chunks

        count, layout = len(self.starts), self.layout
        out = np.empty((count, layout.tiles, layout.elements), f"u{self.dtype.itemsize}")
        starts = self.starts.reshape(count, layout.tiles, -1)
        wanted = layout.wanted()

        def work(frames: tuple[int, int]) -> None:
            part = slice(*frames)
            for tile in wanted:
                columns = np.ascontiguousarray(starts[part, tile])
                values = np.empty((len(columns), layout.elements), out.dtype)
                found = decode_chunks(self.base, columns, self.per_block, values)
                if found >= 0:
                    raise self.damaged(frames[0] + int(found))
                out[part, tile] = values

        team.map(work, team.shares(count))
        return out.reshape(count, -1).view(self.dtype)


@dataclass(eq=False, slots=True)
class Batch:
    """Frames to work on, or frames that could not be read.

    Parameters
    ----------
    first, count
        Which frames of the stack.
    blocks
        Their compressed blocks; ``None`` where there are none to work on.
    pixels
        The frames if they are decoded already, shape (count, pixels), in the machine's byte order.
    reason
        Why they are left out; else empty. Then there is nothing to read.
    """

    first: int
    count: int
    blocks: Blocks | None = None
    pixels: NDArray[Any] | None = field(default=None, repr=False)
    reason: str = ""

    def frames(self, team: Team) -> NDArray[Any]:
        """Give the pixels of the selection: shape (count, pixels), to be read only; the next batch overwrites them."""
        if self.pixels is None:
            if self.blocks is None:
                raise AssertionError("frames that were left out have no pixels")
            stored, layout = self.blocks.decode(team), self.blocks.layout
            if layout.is_plain:
                self.pixels = stored
            else:
                self.pixels = np.ascontiguousarray(stored[:, layout.positions()])
        return self.pixels
