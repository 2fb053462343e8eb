"""The frames of a stack in batches, read from the stored chunks where that is possible and through HDF5 elsewhere."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from panosc_analysis.errors import FilterPluginMissing, OpenError, SourceMissing
from panosc_analysis.reduction.chunkdata import ChunkReader
from panosc_analysis.reduction.filters import Decoder, decoder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from panosc_analysis.nexus import ChunkTable
    from panosc_analysis.reduction.stack import Stack

__all__ = ["Batch", "Errors", "Route", "find_route", "read_batches"]

Errors = Literal["raise", "skip"]
"""What to do with a chunk that does not decode: stop, or leave its frames out and say so."""

_COMPARED = 3  # chunks that are tried until one can be compared with HDF5
_REMEMBERED = 64


@dataclass(frozen=True, eq=False, slots=True)
class Batch:
    """Frames to work on, or frames that could not be read.

    Parameters
    ----------
    first, count
        Which frames of the stack.
    frames
        Shape (count, pixels), in the machine's byte order; the next batch overwrites it. ``None`` for frames left out.
    reason
        Why they are left out.
    """

    first: int
    count: int
    frames: NDArray[Any] | None
    reason: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class Route:
    """How the frames of a stack are read.

    Parameters
    ----------
    table
        The stored chunks; ``None`` to read through HDF5.
    decoders
        One per filter of the table.
    note
        What a reader of the result should know; usually empty.
    """

    table: ChunkTable | None
    decoders: tuple[Decoder, ...] = ()
    note: str = ""


_agreed: dict[tuple[Any, ...], bool] = {}
_lock = threading.Lock()


def find_route(stack: Stack) -> Route:
    """Decide how to read a stack; its first stored chunk is compared with what HDF5 reads.

    Costs the reading of one chunk in each process, as long as the files do not change.
    """
    table = None if stack.is_single else stack.handle.chunk_table()
    if table is None:
        return Route(None)
    decoders = tuple(found for found in map(decoder, table.filters) if found is not None)
    if len(decoders) < len(table.filters):
        return Route(None)
    key = (stack.handle.file, stack.handle.path, table.fingerprint)
    with _lock:
        agreed = _agreed.get(key)
    if agreed is None:
        agreed = _decodes_like_hdf5(stack, table, decoders)
        with _lock:
            while len(_agreed) >= _REMEMBERED:
                del _agreed[next(iter(_agreed))]
            _agreed[key] = agreed
    if not agreed:
        return Route(None, note="the chunks decode differently outside HDF5, so everything was read through HDF5")
    return Route(table, decoders)


def _decodes_like_hdf5(stack: Stack, table: ChunkTable, decoders: tuple[Decoder, ...]) -> bool:
    stored = np.flatnonzero(table.offset >= 0)
    with closing(ChunkReader(table, decoders, stack.handle.path)) as reader:
        for row in map(int, stored[:_COMPARED]):
            if (agrees := _agrees(stack, reader, row)) is not None:
                break
        else:
            agrees = True
        # A file may keep the chunks at its edge without filters, and does not mark them.
        if agrees and len(stored) and table.frames[stored[-1]] < table.chunk_shape[0]:
            agrees = _agrees(stack, reader, int(stored[-1])) is not False
    return bool(agrees)


def _agrees(stack: Stack, reader: ChunkReader, row: int) -> bool | None:
    """Compare a row with what HDF5 reads; ``None`` if it is damaged, which proves nothing."""
    first, count = int(reader.table.first_frame[row]), int(reader.table.frames[row])
    try:
        theirs = stack.handle[first : first + count].numpy()
    except OpenError:
        return None
    ours = np.empty((count, stack.pixels), reader.table.dtype)
    try:
        reader.read_into(row, 0, ours)
    except OpenError:
        return False if int(reader.table.size[row]) == reader.chunk_bytes else None
    return ours.tobytes() == theirs.tobytes()


def read_batches(stack: Stack, route: Route, first: int, last: int, *, nbytes: int, errors: Errors) -> Iterator[Batch]:
    """Read frames `first` to `last` (exclusive), at most about `nbytes` of them at a time, in order.

    Decodes in the calling thread. One chunk or one frame that is larger than `nbytes` is read whole.

    Raises
    ------
    OpenError
        A chunk that cannot be read, unless such are skipped. A missing file or filter always.
    """
    size = max(1, min(last - first, nbytes // stack.frame_bytes))
    if route.table is None:
        yield from _through_hdf5(stack, first, last, size, errors)
        return
    with closing(ChunkReader(route.table, route.decoders, stack.handle.path)) as reader:
        for batch in _from_chunks(reader, stack, first, last, size, errors):
            if batch.frames is not None and batch.frames.dtype != stack.native:
                yield Batch(batch.first, batch.count, batch.frames.astype(stack.native))
            else:
                yield batch


def _through_hdf5(stack: Stack, first: int, last: int, size: int, errors: Errors) -> Iterator[Batch]:
    for begin in range(first, last, size):
        end = min(begin + size, last)
        try:
            yield Batch(begin, end - begin, stack.read(begin, end))
        except (FilterPluginMissing, SourceMissing):
            raise
        except OpenError as error:
            if errors == "raise":
                raise
            if end - begin > 1:
                yield from _through_hdf5(stack, begin, end, 1, errors)
            else:
                yield Batch(begin, 1, None, error.message)


def _from_chunks(
    reader: ChunkReader, stack: Stack, first: int, last: int, size: int, errors: Errors
) -> Iterator[Batch]:
    size = max(size, reader.table.chunk_shape[0])
    buffer, start, used = np.empty((size, stack.pixels), stack.dtype), first, 0
    for row, begin, end in _runs(reader.table, first, last, size):
        count = end - begin
        if used + count > size:
            yield Batch(start, used, buffer[:used])
            used = 0
        try:
            reader.read_into(row, begin - int(reader.table.first_frame[row]), buffer[used : used + count])
        except OpenError as error:
            if errors == "raise" or isinstance(error, SourceMissing):
                raise
            if used:
                yield Batch(start, used, buffer[:used])
            yield Batch(begin, count, None, error.message)
            start, used = end, 0
            continue
        start = start if used else begin
        used += count
    if used:
        yield Batch(start, used, buffer[:used])


def _runs(table: ChunkTable, first: int, last: int, size: int) -> Iterator[tuple[int, int, int]]:
    """Go through the rows that hold the frames: (row, first frame, end); gaps of many frames come in pieces."""
    begin_row, end_row = (int(row) - 1 for row in np.searchsorted(table.first_frame, [first, last - 1], side="right"))
    for row in range(begin_row, end_row + 1):
        begin = max(first, int(table.first_frame[row]))
        end = min(last, int(table.first_frame[row] + table.frames[row]))
        if table.offset[row] >= 0:
            yield row, begin, end
        else:
            for piece in range(begin, end, size):
                yield row, piece, min(piece + size, end)
