"""An array seen as a series of frames."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.errors import ReductionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panosc_analysis.nexus import ArrayHandle

__all__ = ["Stack"]


@dataclass(frozen=True, slots=True)
class Stack:
    """Frames along the first axis; a two-dimensional array is one frame, a curve is a series of single numbers.

    Parameters
    ----------
    handle
        Where the numbers are.
    frames
        How many frames.
    frame_shape
        Shape of one; empty for single numbers.
    dtype
        As stored, byte order included.
    """

    handle: ArrayHandle
    frames: int
    frame_shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, handle: ArrayHandle) -> Stack:
        """Look at the shape of an array; reads no data.

        Raises
        ------
        ReductionError
            Not numbers, or none at all.
        """
        shape, dtype = handle.shape, handle.dtype
        if dtype.kind not in "biuf":
            raise ReductionError(
                f"{handle.path} in {handle.file} holds no real numbers (type {dtype})",
                hint="Choose an array of numbers",
                path=str(handle.file),
            )
        if math.prod(shape) == 0 or not shape:
            raise ReductionError(
                f"{handle.path} in {handle.file} has no frames (shape {shape})",
                hint="Choose an array with at least one dimension and one element",
                path=str(handle.file),
            )
        if len(shape) == 2:
            return cls(handle, 1, shape, dtype)
        return cls(handle, shape[0], shape[1:], dtype)

    @property
    def is_single(self) -> bool:
        """The array is one frame."""
        return self.frames == 1 and len(self.frame_shape) == len(self.handle.shape)

    @property
    def window(self) -> tuple[int | range, ...]:
        """What is selected of each dimension of a stored frame."""
        return self.handle.selection[1:] or tuple(range(length) for length in self.handle.stored_shape[1:])

    @property
    def pixels(self) -> int:
        """Numbers per frame."""
        return math.prod(self.frame_shape)

    @property
    def frame_bytes(self) -> int:
        """Bytes per frame, decoded."""
        return self.pixels * self.dtype.itemsize

    @property
    def native(self) -> np.dtype[Any]:
        """Type of the frames in this machine's byte order; half precision becomes single."""
        return np.dtype("f4") if self.dtype == np.float16 else self.dtype.newbyteorder("=")

    def read(self, first: int, last: int) -> NDArray[Any]:
        """Read frames `first` to `last` (exclusive) through HDF5, shape (frames, pixels), in `native`."""
        part = self.handle if self.is_single else self.handle[first:last]
        return part.read_hdf5().reshape(-1, self.pixels).astype(self.native, copy=False)
