"""How far an array is that somebody is writing, and whether somebody still is.

What counts are chunks from the first one on that are stored, without a gap: HDF5 enters a chunk into its index after
it has written it. Of chunks that hold several frames the last one is not sure as long as more may come, because its
writer may not have filled it yet.

A file of format version 3 (``libver="latest"`` or SWMR) says in its superblock whether somebody has it open for
writing, or died with it open; see "Disk Format: Level 0A" in the HDF5 file format specification. Older formats, h5py's
default among them, do not say.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np

from panosc_analysis.nexus.chunks import ChunkTable, read_chunk_table
from panosc_analysis.nexus.guard import missing_sources
from panosc_analysis.nexus.virtual import is_series, source_files

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from panosc_analysis.nexus.array import ArrayHandle

__all__ = ["Growth", "any_writer", "has_writer", "look_at_growth"]

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MARKED_FROM = 3  # version of the superblock
_OPEN_FOR_WRITING = 0b101  # writing, or writing in SWMR mode


@dataclass(frozen=True, eq=False, slots=True)
class Growth:
    """How far an array is.

    Parameters
    ----------
    length
        Of the first axis, written or not.
    written
        How many from its beginning are surely written; all if nobody writes.
    at_rest
        How many are written if its writer rests: what it has made room for in the last chunk it has filled.
    writer
        Somebody has one of the files open for writing; ``None`` if their format does not say.
    places
        Where the stored chunks lie, shape (rows, 3 per tile): file, offset and size. What moves was written again.
    per_row
        Entries of the first axis in each row of `places`; 0 where there are no chunks.
    """

    length: int
    written: int
    at_rest: int
    writer: bool | None
    places: NDArray[np.int64]
    per_row: int

    def moved(self, since: Growth, length: int) -> bool:
        """Whether any of the first `length` entries lies elsewhere than before, so that it was written again."""
        rows = length // self.per_row if self.per_row else 0
        return not np.array_equal(self.places[:rows], since.places[:rows])


def look_at_growth(handle: ArrayHandle) -> Growth:
    """Look how far an array is; opens its file and walks its index of chunks.

    Raises
    ------
    OpenError, LocateError
        The file is not there, not complete or cannot be read while it is written.
    """
    with handle.dataset() as dataset:
        files = {handle.file, Path(dataset.file.filename), *source_files(dataset)}
    # Asked before the array is read: whoever is gone by now has written all that is found then.
    writer = any_writer(has_writer(file) for file in files)
    with handle.dataset() as dataset:
        length = int(dataset.shape[0]) if dataset.shape else 0
        table = read_chunk_table(dataset, partial=True) if length else None
        resizable = isinstance(dataset, h5py.Dataset) and (dataset.maxshape or (0,))[0] is None
        series = is_series(dataset)
        if missing_sources(dataset):
            writer = any_writer((writer, None))
    places, per_row = _places(table)
    if writer is False:
        return Growth(length, length, length, writer, places, per_row)
    if table is None or not table.is_chunked:
        known = length if series or (table is None and resizable) else 0
        return Growth(length, known, known, writer, places, per_row)
    return Growth(length, *_written(table, resizable=resizable), writer, places, per_row)


def has_writer(path: Path) -> bool | None:
    """Whether an HDF5 file is marked as open for writing; ``None`` where its format has no mark.

    Reads twelve bytes. A file that is not there or has a user block in front counts as one without a mark.
    """
    head = b""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            head = os.pread(descriptor, 12, 0)
        finally:
            os.close(descriptor)
    if len(head) < 12 or not head.startswith(_SIGNATURE) or head[8] < _MARKED_FROM:
        return None
    return bool(head[11] & _OPEN_FOR_WRITING)


def any_writer(marks: Iterable[bool | None]) -> bool | None:
    """Join what `has_writer` says of several files: one that is written counts, then one that does not say."""
    known = set(marks)
    return True if True in known else None if None in known else False


def _written(table: ChunkTable, *, resizable: bool) -> tuple[int, int]:
    stored: NDArray[np.bool_] = np.asarray((table.offset >= 0).all(axis=1))
    rows = len(stored) if stored.all() else int(np.argmin(stored))
    ends = np.append(0, table.first_frame + table.frames)
    if table.chunk_shape[0] == 1:
        return int(ends[rows]), int(ends[rows])
    # Room that is made as frames come is filled when the writer rests; else nobody knows how far the last chunk is.
    return int(ends[max(0, rows - 1)]), int(ends[rows if resizable and rows == len(stored) else max(0, rows - 1)])


def _places(table: ChunkTable | None) -> tuple[NDArray[np.int64], int]:
    if table is None:
        return np.zeros((0, 0), np.int64), 0
    return np.concatenate([table.file_index, table.offset, table.size], axis=1), int(table.chunk_shape[0])
