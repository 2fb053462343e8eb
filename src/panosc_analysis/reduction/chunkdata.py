"""Stored chunks: read where they lie in their files and decoded outside HDF5."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.errors import FileCorrupt, FileTruncated, SourceMissing
from panosc_analysis.reduction.filters import BitshuffleDecoder, Decoder

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from panosc_analysis.nexus import ChunkTable
    from panosc_analysis.reduction.filters import Bytes

__all__ = ["ChunkReader"]


class ChunkReader:
    """Reads and decodes chunks one by one; for one thread. Keeps file descriptors open until it is closed.

    Parameters
    ----------
    table
        Where the chunks lie.
    decoders
        One per filter of the table, in its order.
    path
        Name of the dataset, for messages.
    """

    def __init__(self, table: ChunkTable, decoders: tuple[Decoder, ...], path: str) -> None:
        self.table, self.decoders, self.path = table, decoders, path
        self.chunk_bytes = int(np.prod(table.chunk_shape)) * table.dtype.itemsize
        self._descriptors: dict[int, int] = {}
        self._stored = np.empty(0, np.uint8)

    def close(self) -> None:
        """Close the files."""
        while self._descriptors:
            os.close(self._descriptors.popitem()[1])

    def read_into(self, row: int, skip: int, out: NDArray[Any]) -> None:
        """Write frames of a row, without its first `skip`, into an array of shape (frames, pixels).

        Raises
        ------
        FileCorrupt, FileTruncated, SourceMissing
            The chunk is damaged, or its file shorter than it was, or not there any more.
        """
        if self.table.offset[row] < 0:
            out[...] = self.table.fill_value
            return
        begin = skip + int(self.table.skip[row])
        steps = self._steps(row)
        if (
            out.nbytes == self.chunk_bytes
            and begin == 0
            and len(steps) == 1
            and isinstance(steps[0], BitshuffleDecoder)
        ):
            try:
                steps[0].decode_into(self._read(row), out.reshape(-1).view(np.uint8))
            except ValueError as error:
                raise self._damaged(row, error) from error
            return
        out[...] = self.frames(row)[begin : begin + len(out)]

    def frames(self, row: int) -> NDArray[Any]:
        """Decode the whole chunk of a row: shape (frames per chunk, pixels), to be read only.

        Raises
        ------
        FileCorrupt, FileTruncated, SourceMissing
            As `read_into`.
        """
        data = self._read(row)
        try:
            for step in self._steps(row):
                data = step(data, self.chunk_bytes)
            if data.size != self.chunk_bytes:
                raise ValueError(f"it has {data.size} bytes when decoded instead of {self.chunk_bytes}")
        except ValueError as error:
            raise self._damaged(row, error) from error
        return data.view(self.table.dtype).reshape(self.table.chunk_shape[0], -1)

    def _steps(self, row: int) -> list[Decoder]:
        """List what must be undone, last filter first."""
        mask = int(self.table.filter_mask[row])
        return [step for number, step in enumerate(self.decoders) if not mask >> number & 1][::-1]

    def _read(self, row: int) -> Bytes:
        """Read the bytes of a chunk into a buffer that the next call overwrites."""
        offset, size = int(self.table.offset[row]), int(self.table.size[row])
        if self._stored.size < size:
            self._stored = np.empty(size + size // 4, np.uint8)
        stored, done = self._stored[:size], 0
        descriptor = self._descriptor(int(self.table.file_index[row]))
        while done < size:
            count = os.preadv(descriptor, [stored[done:].data], offset + done)
            if count == 0:
                raise FileTruncated(
                    f"{self._name(row)} is not in the file any more: it would end at byte {offset + size}, the file is "
                    f"shorter",
                    hint="Fetch the file again from its source; a later selection of frames may still be read",
                    path=str(self._file(row)),
                )
            done += count
        return stored

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
        return self.table.files[int(self.table.file_index[row])]

    def _name(self, row: int) -> str:
        first = int(self.table.first_frame[row])
        last = first + int(self.table.frames[row]) - 1
        frames = f"frame {first}" if first == last else f"frames {first} to {last}"
        return f"Chunk {row} ({frames}) of {self.path} in {self._file(row)}"

    def _damaged(self, row: int, error: ValueError) -> FileCorrupt:
        return FileCorrupt(
            f"{self._name(row)} is damaged: {error}",
            hint='Fetch the file again from its source, or leave such chunks out with errors="skip"',
            path=str(self._file(row)),
            node=self.path,
            chunk=row,
        )
