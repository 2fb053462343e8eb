"""A selection decoded straight into its array: each stored chunk once, in any thread, to the place where it belongs."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.errors import FileCorrupt, SourceMissing
from panosc_analysis.nexus import ArrayHandle
from panosc_analysis.nexus.selecting import reaches_beyond
from panosc_analysis.reduction.chunkdata import ChunkReader
from panosc_analysis.reduction.frames import find_route
from panosc_analysis.reduction.layout import Layout
from panosc_analysis.reduction.stack import Stack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panosc_analysis.nexus import ChunkTable
    from panosc_analysis.reduction.chunkdata import Stored
    from panosc_analysis.reduction.frames import Route
    from panosc_analysis.reduction.team import Team

__all__ = ["read_selection"]

_READ = 16_000_000  # bytes of compressed chunks per thread that are read at a time
_LARGE = 64_000_000  # bytes of a frame beyond which the decoders are compared on the window alone
_COLUMNS = ("file_index", "offset", "size", "filter_mask", "first_frame", "frames", "skip")


def read_selection(handle: ArrayHandle, team: Team) -> NDArray[Any]:
    """Read what a handle means into a new array, as HDF5 would; through HDF5 where chunks cannot be decoded outside it.

    Raises
    ------
    OpenError
        A chunk that cannot be read.
    """
    part = handle[...]  # of one state of the file
    if not part.selection or part.size == 0 or part.dtype.kind not in "biuf":
        return part.read_hdf5()
    stack = _stack(part)
    route = find_route(stack)
    filling = None if route.table is None else _Filling.of(part, stack, route.table)
    if filling is None:
        return part.read_hdf5()
    with closing(filling.reader(route)) as reader, ThreadPoolExecutor(1, "read ahead") as ahead:
        pieces = _pieces(reader, _READ * team.threads)
        waiting = ahead.submit(reader.load, *pieces[0])
        for number, (first_row, last_row) in enumerate(pieces):
            stored = waiting.result()
            if number + 1 < len(pieces):
                waiting = ahead.submit(reader.load, *pieces[number + 1])
            places = [(row, int(tile)) for row in range(first_row, last_row) for tile in reader.wanted]
            team.map(partial(filling.place, reader, stored), places)
    return filling.out.reshape(part.shape)


def _stack(part: ArrayHandle) -> Stack:
    """Make the stack that a selection is a part of: the same for all parts, so that its decoders are compared once."""
    stored, (frames, *window) = part.stored_shape, part.selection
    if part.dtype.itemsize * math.prod(stored[1:]) <= _LARGE:
        window = [range(length) for length in stored[1:]]
    whole = ArrayHandle(part.file, part.path, (range(stored[0]), *window))
    try:
        whole.chunk_table()
    except SourceMissing:  # perhaps of other frames
        first, last = (frames, frames) if isinstance(frames, int) else (min(frames), max(frames))
        whole = ArrayHandle(part.file, part.path, (range(first, last + 1), *window))
    shape = whole.shape
    return Stack(whole, shape[0], shape[1:], part.dtype)


def _pieces(reader: ChunkReader, budget: int) -> list[tuple[int, int]]:
    """Divide the rows of a table into those that are read at a time."""
    size = np.cumsum(reader.stored_bytes(0, len(reader.table)))
    pieces, begin = [], 0
    while begin < len(size):
        before = int(size[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(size, before + budget, side="right")))
        pieces.append((begin, end))
        begin = end
    return pieces


@dataclass(frozen=True, eq=False, slots=True)
class _Filling:
    """What goes where.

    Parameters
    ----------
    path
        Of the dataset.
    table
        The chunks that are needed.
    rows
        Where they are in the table of all, shape (rows,).
    selection
        For each stored dimension the index or the indices that are meant; the first as indices, as the table counts.
    out
        The result, with an axis for the first dimension in any case.
    """

    path: str
    table: ChunkTable
    rows: NDArray[np.int64]
    selection: tuple[int | range, ...]
    out: NDArray[Any]

    @classmethod
    def of(cls, part: ArrayHandle, stack: Stack, table: ChunkTable) -> _Filling | None:
        """Find out what goes where; ``None`` if the array has not all that was taken of it before."""
        frames, *window = part.selection
        frames = range(frames, frames + 1) if isinstance(frames, int) else frames
        begin = stack.handle.selection[0]
        if isinstance(begin, range):
            frames = range(frames.start - begin.start, frames.stop - begin.start, frames.step)
        if reaches_beyond((frames, *window), table.shape):
            return None
        rows = np.unique(np.searchsorted(table.first_frame, np.asarray(frames), side="right") - 1)
        needed = replace(table, **{name: getattr(table, name)[rows] for name in _COLUMNS})
        shape = [len(kept) for kept in (frames, *window) if isinstance(kept, range)]
        return cls(part.path, needed, rows, (frames, *window), np.empty(shape, part.dtype))

    def reader(self, route: Route) -> ChunkReader:
        layout = Layout(self.table.frame_shape, self.table.chunk_shape[1:], self.selection[1:])
        return ChunkReader(self.table, route.decoders, self.path, layout.wanted())

    def place(self, reader: ChunkReader, stored: Stored, chunk: tuple[int, int]) -> None:
        """Decode a chunk, by row and tile, and write what is meant of it to where it belongs."""
        row, tile = chunk
        table, tile_shape = self.table, self.table.chunk_shape[1:]
        count, begin = int(table.frames[row]), int(table.first_frame[row])
        corner = np.unravel_index(tile, table.grid) if tile_shape else ()
        borders = [(begin, count), *((int(n) * k, k) for n, k in zip(corner, tile_shape, strict=True))]
        outer: list[slice] = []
        inner: list[int | slice] = []
        for part, (first, length) in zip(self.selection, borders, strict=True):
            if isinstance(part, int):
                inner.append(part - first)
                continue
            where, within = _common(part, first, first + length)
            outer.append(where)
            inner.append(within)
        target = self.out[tuple(outer)]
        direct = target.size == count * reader.elements and all(isinstance(i, slice) and i.step == 1 for i in inner)
        if direct and target.flags.c_contiguous:
            self._decode(reader, stored, row, tile, target.reshape(count, reader.elements))
            return
        values = np.empty((count, reader.elements), table.dtype)
        self._decode(reader, stored, row, tile, values)
        target[...] = values.reshape(count, *tile_shape)[tuple(inner)]

    def _decode(self, reader: ChunkReader, stored: Stored, row: int, tile: int, out: NDArray[Any]) -> None:
        try:
            reader.decode_into(stored, row, tile, out)
        except FileCorrupt as error:
            error.data["chunk"] = number = int(self.rows[row])
            error.message = error.message.replace(f"Chunk {row} ", f"Chunk {number} ", 1)
            raise


def _common(part: range, begin: int, end: int) -> tuple[slice, slice]:
    """Where the indices between two borders are in a range, and where they are from the first border on."""
    forward = part if part.step > 0 else part[::-1]
    low, high = (-(-(border - forward.start) // forward.step) for border in (begin, end))
    low, high = max(0, low), max(0, min(len(part), high))
    where = slice(low, high) if part.step > 0 else slice(len(part) - high, len(part) - low)
    indices = part[where]
    if not indices:
        return slice(0, 0), slice(0, 0)
    stop = indices[-1] - begin + (1 if part.step > 0 else -1)
    return where, slice(indices[0] - begin, None if stop < 0 else stop, part.step)
