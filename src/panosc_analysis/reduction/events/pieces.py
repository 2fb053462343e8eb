"""One-dimensional data in pieces, decoded outside HDF5 where that is possible: gzip by libdeflate, in any thread."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.errors import FileCorrupt, FileTruncated
from panosc_analysis.reduction.filters import Decoder, decoder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panosc_analysis.nexus import ArrayHandle, ChunkTable

__all__ = ["Pieces"]

_PIECE = 1 << 20  # values that are read at a time through HDF5


@dataclass(frozen=True, eq=False, slots=True)
class Pieces:
    """A one-dimensional array by ranges.

    Parameters
    ----------
    handle
        The array.
    length
        How many values of it are meant.
    table, decoders
        Its stored chunks and what undoes their filters; ``None`` to read through HDF5.
    """

    handle: ArrayHandle
    length: int
    table: ChunkTable | None
    decoders: tuple[Decoder, ...]

    @classmethod
    def of(cls, handle: ArrayHandle, length: int) -> Pieces:
        """Find the fastest way to read an array; its first chunk is compared with what HDF5 reads."""
        table = handle.chunk_table() if handle.ndim == 1 else None
        through_hdf5 = cls(handle, length, None, ())
        if table is None or not length:
            return through_hdf5
        decoders = tuple(found for found in map(decoder, table.filters) if found is not None)
        if len(decoders) < len(table.filters):
            return through_hdf5
        found = cls(handle, length, table, decoders)
        first, last = next(iter(found.borders()))
        theirs = handle[first:last].read_hdf5()
        return found if found.read(first, last).tobytes() == theirs.tobytes() else through_hdf5

    def borders(self) -> list[tuple[int, int]]:
        """Divide the array into pieces (first, end) that are cheap to read: whole chunks."""
        step = _PIECE
        if self.table is not None:
            step = int(self.table.chunk_shape[0])
            step *= max(1, (_PIECE // 4) // step)
        return [(first, min(first + step, self.length)) for first in range(0, self.length, step)]

    def read(self, first: int, last: int) -> NDArray[Any]:
        """Read values `first` to `last` (exclusive).

        Raises
        ------
        OpenError
            They cannot be read.
        """
        if self.table is None:
            return self.handle[first:last].read_hdf5()
        out = np.empty(last - first, self.table.dtype)
        begin, end = (int(row) for row in np.searchsorted(self.table.first_frame, [first, last - 1], side="right"))
        for row in range(begin - 1, end):
            start = int(self.table.first_frame[row])
            low, high = max(first, start), min(last, start + int(self.table.frames[row]))
            out[low - first : high - first] = self._chunk(row)[low - start : high - start]
        return out.astype(out.dtype.newbyteorder("="), copy=False)

    def _chunk(self, row: int) -> NDArray[Any]:
        table = self.table
        if table is None:
            raise AssertionError("read through HDF5")
        offset, size = int(table.offset.reshape(len(table.frames), -1)[row, 0]), int(np.ravel(table.size)[row])
        width = int(table.chunk_shape[0])
        if offset < 0:
            return np.full(width, table.fill_value, table.dtype)
        file = table.files[int(np.ravel(table.file_index)[row])]
        with open(file, "rb", buffering=0) as opened:
            data = np.frombuffer(os.pread(opened.fileno(), size, offset), np.uint8)
        if data.size < size:
            raise FileTruncated(
                f"{file} ends before chunk {row} of {self.handle.path}", hint="Copy the file again", path=str(file)
            )
        mask, nbytes = int(np.ravel(table.filter_mask)[row]), width * table.dtype.itemsize
        try:
            for number, step in reversed(list(enumerate(self.decoders))):
                data = data if mask >> number & 1 else step(data, nbytes)
            if data.size != nbytes and table.filters:
                raise ValueError(f"it has {data.size} bytes when decoded instead of {nbytes}")
        except ValueError as error:
            raise FileCorrupt(
                f"Chunk {row} of {self.handle.path} in {file} does not decode: {error}",
                hint="Copy the file again; if it stays so, the data were damaged when they were written",
                path=str(file),
            ) from error
        return data.view(table.dtype)[int(np.ravel(table.skip)[row]) :]
