"""Stored chunks: read where they lie in their files, many with one call, and decoded outside HDF5."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.errors import FileCorrupt, FileTruncated, SourceMissing
from panosc_analysis.reduction.filters import BitshuffleDecoder, Decoder
from panosc_analysis.reduction.kernels import SLACK

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from panosc_analysis.nexus import ChunkTable
    from panosc_analysis.reduction.filters import Bytes

__all__ = ["ChunkReader", "Stored"]

_GAP = 1 << 16  # bytes between chunks that are read along rather than jumped over


@dataclass(frozen=True, eq=False, slots=True)
class Stored:
    """Some rows of a table as they are stored.

    Parameters
    ----------
    first_row
        The first of the rows.
    buffer
        Their bytes, with `SLACK` behind the last.
    offset
        Where each chunk begins in it; -1 where it is not stored or not wanted. Shape (rows, tiles).
    """

    first_row: int
    buffer: Bytes
    offset: NDArray[np.int64]


class ChunkReader:
    """Reads chunks and decodes them. One thread reads, any number decode; keeps files open until it is closed.

    Parameters
    ----------
    table
        Where the chunks lie.
    decoders
        One per filter of the table, in its order.
    path
        Name of the dataset, for messages.
    wanted
        The tiles that are read; all without.
    """

    def __init__(
        self, table: ChunkTable, decoders: tuple[Decoder, ...], path: str, wanted: list[int] | None = None
    ) -> None:
        self.table, self.decoders, self.path = table, decoders, path
        self.elements = int(np.prod(table.chunk_shape[1:], dtype=np.int64))
        self._frame_bytes = self.elements * table.dtype.itemsize
        self.chunk_bytes = table.chunk_shape[0] * self._frame_bytes
        tiles = table.offset.shape[1]
        self.wanted = np.arange(tiles) if wanted is None else np.asarray(wanted)
        self._all = len(self.wanted) == tiles
        self._descriptors: dict[int, int] = {}
        self._buffers = [np.empty(0, np.uint8), np.empty(0, np.uint8)]
        self._turn = 0

    def close(self) -> None:
        """Close the files."""
        while self._descriptors:
            os.close(self._descriptors.popitem()[1])

    def stored_bytes(self, first_row: int, last_row: int) -> NDArray[np.int64]:
        """Count the bytes that are read for each row, shape (rows,)."""
        size = self.table.size[first_row:last_row]
        size = size if self._all else size[:, self.wanted]
        return np.asarray(np.maximum(size, 0).sum(axis=1))

    def load(self, first_row: int, last_row: int) -> Stored:
        """Read the chunks of some rows into a buffer that is used again by the second call after this one.

        Raises
        ------
        FileTruncated, SourceMissing
            A file is shorter than it was, or not there any more.
        """
        rows = slice(first_row, last_row)
        offset, size, file = (getattr(self.table, name)[rows] for name in ("offset", "size", "file_index"))
        where = np.full(offset.shape, -1, dtype=np.int64)
        wanted = offset >= 0
        if not self._all:
            needed = np.zeros(offset.shape[1], np.bool_)
            needed[self.wanted] = True
            wanted &= needed
        at = np.flatnonzero(wanted)
        at = at[np.lexsort((offset.ravel()[at], file.ravel()[at]))]
        begin, length, source = offset.ravel()[at], size.ravel()[at], file.ravel()[at]
        pieces = _pieces(begin, begin + length, source)
        self._turn ^= 1
        buffer, used = self._buffer(sum(int(end - start) for start, end, _, _ in pieces)), 0
        for start, end, first, last in pieces:
            self._read(int(source[first]), start, buffer[used : used + end - start], first_row)
            where.ravel()[at[first:last]] = used + begin[first:last] - start
            used += end - start
        return Stored(first_row, buffer[:used], where)

    def expect(self, size: int) -> None:
        """Make buffers for so many bytes at a time. What of them is not used costs no memory."""
        self._buffers = [np.empty(size + size // 64 + SLACK, np.uint8) for _ in self._buffers]

    def _buffer(self, size: int) -> Bytes:
        buffer = self._buffers[self._turn]
        if buffer.size < size + SLACK:
            # Its old contents go first: two of them would be twice the memory.
            self._buffers[self._turn] = buffer = np.empty(0, np.uint8)
            self._buffers[self._turn] = buffer = np.empty(size + size // 8 + SLACK, np.uint8)
        return buffer

    def _read(self, file: int, begin: int, out: Bytes, row: int) -> None:
        descriptor, done, size = self._descriptor(file), 0, out.size
        while done < size:
            count = os.preadv(descriptor, [out[done:].data], begin + done)
            if count == 0:
                first = int(self.table.first_frame[row])
                missing = np.flatnonzero(
                    (self.table.file_index == file) & (self.table.offset + self.table.size > begin + done)
                )
                if len(missing):
                    first = int(self.table.first_frame[missing[0] // self.table.offset.shape[1]])
                raise FileTruncated(
                    f"{self.table.files[file]} is shorter than it was when {self.path} was looked up: frame {first} "
                    "is not there any more",
                    hint="Fetch the file again from its source; a selection of the frames before may still be read",
                    path=str(self.table.files[file]),
                    frame=first,
                )
            done += count

    def decode_into(self, stored: Stored, row: int, tile: int, out: NDArray[Any]) -> None:
        """Decode a chunk: `out` has the shape (frames of the row, elements), in the type of the table.

        Raises
        ------
        FileCorrupt
            It is damaged.
        """
        offset = int(stored.offset[row - stored.first_row, tile])
        if offset < 0:
            out[...] = self.table.fill_value
            return
        data = stored.buffer[offset : offset + int(self.table.size[row, tile])]
        mask, begin = int(self.table.filter_mask[row, tile]), int(self.table.skip[row])
        steps = [step for number, step in enumerate(self.decoders) if not mask >> number & 1][::-1]
        try:
            if out.nbytes == self.chunk_bytes and len(steps) == 1 and isinstance(steps[0], BitshuffleDecoder):
                steps[0].decode_into(data, out.reshape(-1).view(np.uint8))
                return
            for step in steps:
                data = step(data, self.chunk_bytes)
            needed = self.chunk_bytes if self.table.filters else (begin + len(out)) * self._frame_bytes
            if data.size < needed or (self.table.filters and data.size != needed):
                raise ValueError(f"it has {data.size} bytes when decoded instead of {needed}")
        except ValueError as error:
            raise self.damaged(row, error) from error
        part = data[begin * self._frame_bytes : (begin + len(out)) * self._frame_bytes]
        out[...] = part.view(self.table.dtype).reshape(out.shape)

    def _descriptor(self, index: int) -> int:
        if index not in self._descriptors:
            file = self.table.files[index]
            try:
                self._descriptors[index] = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            except OSError as error:
                raise SourceMissing(
                    f"{file}, which holds chunks of {self.path}, cannot be opened ({error.strerror})",
                    hint="Check that the file is still there and readable",
                    path=str(file),
                ) from error
        return self._descriptors[index]

    def _file(self, row: int) -> Path:
        index = int(self.table.file_index[row].max())
        return self.table.files[max(0, index)]

    def damaged(self, row: int, error: object) -> FileCorrupt:
        """Say which chunk is damaged, and how."""
        first = int(self.table.first_frame[row])
        last = first + int(self.table.frames[row]) - 1
        frames = f"frame {first}" if first == last else f"frames {first} to {last}"
        return FileCorrupt(
            f"Chunk {row} ({frames}) of {self.path} in {self._file(row)} is damaged: {error}",
            hint='Fetch the file again from its source, or leave such chunks out with errors="skip"',
            path=str(self._file(row)),
            node=self.path,
            chunk=row,
        )


def _pieces(
    begin: NDArray[np.int64], end: NDArray[np.int64], file: NDArray[np.int64]
) -> list[tuple[int, int, int, int]]:
    """Join chunks that lie close together: (first byte, end, first chunk, end)."""
    if not len(begin):
        return []
    apart = file * (int(end.max()) + _GAP)  # what lies in another file is far away
    reached = np.maximum.accumulate(apart + end)
    breaks = np.flatnonzero(((apart + begin)[1:] > reached[:-1] + _GAP) | (np.diff(file) != 0)) + 1
    edges = [0, *map(int, breaks), len(begin)]
    return [(int(begin[a]), int(end[a:b].max()), a, b) for a, b in itertools.pairwise(edges)]
