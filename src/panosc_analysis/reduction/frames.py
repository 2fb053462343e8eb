"""The frames of a stack in batches, read from the stored chunks where that is possible and through HDF5 elsewhere."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from panosc_analysis.errors import FilterPluginMissing, OpenError, SourceMissing
from panosc_analysis.reduction.batch import Batch, Blocks
from panosc_analysis.reduction.chunkdata import ChunkReader, Stored
from panosc_analysis.reduction.filters import Decoder, check_header, decoder, lz4_block
from panosc_analysis.reduction.layout import Layout
from panosc_analysis.reduction.team import Team

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from panosc_analysis.nexus import ChunkTable
    from panosc_analysis.reduction.stack import Stack

__all__ = ["Errors", "Route", "find_route", "last_batch", "read_batches"]

Errors = Literal["raise", "skip"]
"""What to do with a chunk that does not decode: stop, or leave its frames out and say so."""

_COMPARED = 3  # chunks that are tried until one can be compared with HDF5
_REMEMBERED = 64
_MOST_FRAMES = 256  # of a batch of blocks: what the narrow sums of the kernels hold
_FIRST_FRAMES = 32  # of the first batch of blocks; each further one has twice as many
_AHEAD = 400_000_000  # bytes of pixels per thread in a batch of blocks, some 0.1 s of work: so long a cancel waits


@dataclass(frozen=True, eq=False, slots=True)
class Route:
    """How the frames of a stack are read.

    Parameters
    ----------
    table
        The stored chunks; ``None`` to read through HDF5.
    decoders
        One per filter of the table.
    layout
        How the pixels lie in the chunks; ``None`` to read through HDF5.
    per_block
        Elements per compressed block where blocks can be worked on one by one, else 0.
    note
        What a reader of the result should know; usually empty.
    """

    table: ChunkTable | None
    decoders: tuple[Decoder, ...] = ()
    layout: Layout | None = None
    per_block: int = 0
    note: str = ""


_known: dict[tuple[Any, ...], Route] = {}
_lock = threading.Lock()


def find_route(stack: Stack) -> Route:
    """Decide how to read a stack; its first stored chunk is compared with what HDF5 reads.

    Costs the reading of one chunk in each process, as long as the files do not change.
    """
    table = None if stack.is_single else stack.handle.chunk_table()
    if table is None:
        return Route(None)
    key = (stack.handle, stack.frame_shape, table.fingerprint)
    with _lock:
        if key in _known:
            # The files may have changed without its being seen in their times.
            return replace(_known[key], table=table) if _known[key].table is not None else _known[key]
    route = _compared(stack, table)
    with _lock:
        while len(_known) >= _REMEMBERED:
            del _known[next(iter(_known))]
        _known[key] = route
    return route


def _compared(stack: Stack, table: ChunkTable) -> Route:
    decoders = tuple(found for found in map(decoder, table.filters) if found is not None)
    ids = [step.id for step in table.filters]
    if len(decoders) < len(ids) or len(set(ids)) < len(ids):
        return Route(None)
    layout = Layout(table.frame_shape, table.chunk_shape[1:], stack.window)
    if not layout.wanted():
        return Route(None)
    with closing(ChunkReader(table, decoders, stack.handle.path, layout.wanted())) as reader:
        if not _decodes_like_hdf5(stack, reader, layout):
            return Route(None, note="the chunks decode differently outside HDF5, so everything was read through HDF5")
        return Route(table, decoders, layout, _per_block(reader))


def _per_block(reader: ChunkReader) -> int:
    """Elements per block, as the first stored chunk tells; 0 where blocks cannot be worked on."""
    table = reader.table
    kind = table.dtype
    usable = kind.kind in "uif" and kind.isnative and kind != np.float16 and table.chunk_shape[0] == 1
    if not usable or len(table.filters) != 1 or not lz4_block(table.filters[0], kind):
        return 0
    for row in np.flatnonzero((table.offset[:, reader.wanted] >= 0).any(axis=1))[:_COMPARED]:
        stored = reader.load(int(row), int(row) + 1)
        for tile in np.flatnonzero(stored.offset[0] >= 0):
            data = stored.buffer[stored.offset[0, tile] :][: table.size[row, tile]]
            try:
                return check_header(data, reader.chunk_bytes, 8 * kind.itemsize) // kind.itemsize
            except ValueError:
                continue
    return 0


def _decodes_like_hdf5(stack: Stack, reader: ChunkReader, layout: Layout) -> bool:
    table = reader.table
    rows = np.flatnonzero((table.offset[:, reader.wanted] >= 0).any(axis=1))
    for row in map(int, rows[:_COMPARED]):
        if (agrees := _agrees(stack, reader, layout, row)) is not None:
            break
    else:
        agrees = True
    # A file may keep the chunks at its edge without filters, and does not mark them.
    if agrees and len(rows) and table.frames[rows[-1]] < table.chunk_shape[0]:
        agrees = _agrees(stack, reader, layout, int(rows[-1])) is not False
    return bool(agrees)


def _agrees(stack: Stack, reader: ChunkReader, layout: Layout, row: int) -> bool | None:
    """Compare a row with what HDF5 reads; ``None`` if it is damaged, which proves nothing."""
    first, count = int(reader.table.first_frame[row]), int(reader.table.frames[row])
    try:
        theirs = stack.handle[first : first + count].read_hdf5()
    except OpenError:
        return None
    try:
        ours = layout.cut(_whole_frames(reader, layout, reader.load(row, row + 1), row))
    except OpenError:
        plain = not reader.table.filters or (reader.table.size[row] == reader.chunk_bytes).any()
        return False if plain else None
    return ours.tobytes() == theirs.tobytes()


def _whole_frames(reader: ChunkReader, layout: Layout, stored: Stored, row: int) -> NDArray[Any]:
    """Decode a row: shape (frames, pixels of a whole frame), pixels outside of the wanted tiles being anything."""
    count = int(reader.table.frames[row])
    values = np.empty((count, layout.elements), reader.table.dtype)
    if layout.tile_shape == layout.frame_shape:
        reader.decode_into(stored, row, 0, values)
        return values
    frames = np.empty((count, int(np.prod(layout.frame_shape))), reader.table.dtype)
    for tile in map(int, reader.wanted):
        reader.decode_into(stored, row, tile, values)
        layout.place(frames, tile, values)
    return frames


def read_batches(
    stack: Stack, route: Route, first: int, last: int, *, nbytes: int, errors: Errors, team: Team
) -> Iterator[Batch]:
    """Read frames `first` to `last` (exclusive) in order, at most about `nbytes` per thread at a time.

    The next batch is read while one is worked on. One chunk or one frame that is larger than `nbytes` is read whole.

    Raises
    ------
    OpenError
        A chunk that cannot be read, unless such are skipped. A missing file or filter always.
    """
    if route.table is None or route.layout is None:
        yield from _through_hdf5(stack, first, last, max(1, nbytes * team.threads // stack.frame_bytes), errors)
        return
    reader = ChunkReader(route.table, route.decoders, stack.handle.path, route.layout.wanted())
    source = _Source(stack, route, reader, nbytes, errors, team)
    with closing(reader), ThreadPoolExecutor(1, "read ahead") as ahead:
        pieces = source.pieces(first, last)
        reader.expect(max((int(reader.stored_bytes(*piece).sum()) for piece in pieces), default=0))
        waiting = ahead.submit(source.load, *pieces[0]) if pieces else None
        for number, (first_row, last_row) in enumerate(pieces):
            if waiting is None:
                raise AssertionError("unreachable")
            stored, blocks = waiting.result()
            if number + 1 < len(pieces):
                waiting = ahead.submit(source.load, *pieces[number + 1])
            for batch in source.batches(stored, blocks, first_row, last_row):
                yield from _clipped(batch, first, last)


def last_batch(stack: Stack, route: Route, first: int, last: int, *, nbytes: int, threads: int) -> int:
    """Find the frame that the last batch of `read_batches` begins with: the batches before it stay if frames come."""
    if route.table is None or route.layout is None:
        size = max(1, nbytes * threads // stack.frame_bytes)
        return first + (last - 1 - first) // size * size
    reader = ChunkReader(route.table, route.decoders, stack.handle.path, route.layout.wanted())
    with Team(threads) as team:
        pieces = _Source(stack, route, reader, nbytes, "raise", team).pieces(first, last)
    return max(first, int(route.table.first_frame[pieces[-1][0]]))


def _clipped(batch: Batch, first: int, last: int) -> Iterator[Batch]:
    """Leave out frames of the first and last chunk that were not asked for; ranges usually end with chunks."""
    begin, end = max(first, batch.first), min(last, batch.first + batch.count)
    if end - begin == batch.count:
        yield batch
    elif begin < end:
        part = slice(begin - batch.first, end - batch.first)
        pixels = None if batch.pixels is None else batch.pixels[part]
        yield Batch(begin, end - begin, None, pixels, batch.reason)


def _through_hdf5(stack: Stack, first: int, last: int, size: int, errors: Errors) -> Iterator[Batch]:
    for begin in range(first, last, size):
        end = min(begin + size, last)
        try:
            yield Batch(begin, end - begin, pixels=stack.read(begin, end))
        except (FilterPluginMissing, SourceMissing):
            raise
        except OpenError as error:
            if errors == "raise":
                raise
            if end - begin > 1:
                yield from _through_hdf5(stack, begin, end, 1, errors)
            else:
                yield Batch(begin, 1, reason=error.message)


class _Source:
    """Makes batches of the stored rows of one range."""

    def __init__(
        self, stack: Stack, route: Route, reader: ChunkReader, nbytes: int, errors: Errors, team: Team
    ) -> None:
        if route.layout is None:
            raise AssertionError("there is no route through the chunks")
        self.stack, self.reader, self.layout, self.per_block = stack, reader, route.layout, route.per_block
        self.nbytes, self.errors, self.team = nbytes, errors, team
        table = reader.table
        stored = (table.offset >= 0) & (table.filter_mask == 0)
        self.plain = stored[:, reader.wanted].all(axis=1) if self.per_block else np.zeros(len(table), np.bool_)
        self._out = np.empty(0, stack.native)

    def pieces(self, first: int, last: int) -> list[tuple[int, int]]:
        """Divide the rows of a range into those that are read at a time: all with blocks to work on, or all without.

        The first ones are small, for nobody works while the first is read.
        """
        table = self.reader.table
        if first >= last:
            return []
        begin, end = (int(row) for row in np.searchsorted(table.first_frame, [first, last - 1], side="right"))
        begin -= 1
        plain = self.plain[begin:end]
        frames = table.frames[begin:end]
        stored = self.reader.stored_bytes(begin, end)
        budget = self.nbytes * self.team.threads
        most = max(1, min(_MOST_FRAMES, _AHEAD * self.team.threads // self.stack.frame_bytes))
        decoded = frames * self.stack.frame_bytes
        cuts, bytes_so_far, frames_so_far = [0], 0, 0
        for row in range(len(frames)):
            size = int(stored[row] if plain[row] else max(stored[row], decoded[row]))
            few = min(most, _FIRST_FRAMES << min(len(cuts) - 1, 8))
            full = bytes_so_far + size > budget or (plain[row] and frames_so_far >= few)
            if row > cuts[-1] and (full or plain[row] != plain[cuts[-1]]):
                cuts.append(row)
                bytes_so_far, frames_so_far = 0, 0
            bytes_so_far += size
            frames_so_far += int(frames[row])
        return [(begin + start, begin + stop) for start, stop in itertools.pairwise([*cuts, len(frames)])]

    def load(self, first_row: int, last_row: int) -> tuple[Stored, Blocks | None]:
        """Read rows, and find their blocks where these can be worked on."""
        stored = self.reader.load(first_row, last_row)
        return stored, self._blocks(stored, first_row, last_row) if self.plain[first_row] else None

    def batches(self, stored: Stored, blocks: Blocks | None, first_row: int, last_row: int) -> Iterator[Batch]:
        """Make batches of rows that were read."""
        if blocks is not None:
            yield Batch(int(self.reader.table.first_frame[first_row]), last_row - first_row, blocks)
        else:
            yield from self._decoded(stored, first_row, last_row)

    def _blocks(self, stored: Stored, first_row: int, last_row: int) -> Blocks | None:
        """Find the blocks of all chunks; ``None`` if one is damaged, or may be and is to be left out then."""
        from panosc_analysis.reduction.kernels.bitshuffle import block_count, find_blocks, first_damaged

        table, layout, item = self.reader.table, self.layout, self.stack.dtype.itemsize
        tiles, columns = layout.tiles, block_count(layout.elements, self.per_block) + 1
        starts = np.empty(((last_row - first_row) * tiles, columns), np.int64)
        sizes = np.ascontiguousarray(table.size[first_row:last_row]).reshape(-1)
        offsets = np.ascontiguousarray(stored.offset).reshape(-1)
        base = np.uintp(stored.buffer.ctypes.data)
        if find_blocks(base, offsets, sizes, self.per_block, item, layout.elements, starts) >= 0:
            return None
        if self.errors == "skip" and first_damaged(base, starts, self.per_block, item, layout.elements) >= 0:
            return None

        def damaged(frame: int) -> Exception:
            return self.reader.damaged(first_row + frame, "a block of it does not decode")

        return Blocks(stored.buffer, starts.reshape(-1, tiles * columns), self.per_block, layout, table.dtype, damaged)

    def _decoded(self, stored: Stored, first_row: int, last_row: int) -> Iterator[Batch]:
        """Decode rows; those that are damaged make batches of their own, or end it."""
        table = self.reader.table
        first = int(table.first_frame[first_row])
        count = int(table.first_frame[last_row - 1] + table.frames[last_row - 1]) - first
        if self._out.size < count * self.stack.pixels:
            self._out = np.empty(count * self.stack.pixels, self.stack.native)
        out = self._out[: count * self.stack.pixels].reshape(count, self.stack.pixels)

        def work(row: int) -> str:
            begin = int(table.first_frame[row]) - first
            part = out[begin : begin + int(table.frames[row])]
            direct = self.layout.is_plain and part.dtype == table.dtype
            try:
                if direct:
                    self.reader.decode_into(stored, row, 0, part)
                else:
                    part[...] = self.layout.cut(_whole_frames(self.reader, self.layout, stored, row))
            except OpenError as error:
                if self.errors == "raise" or isinstance(error, SourceMissing):
                    raise
                return error.message
            return ""

        reasons = self.team.map(work, range(first_row, last_row))
        begin = 0
        for row, reason in zip(range(first_row, last_row), reasons, strict=True):
            start, end = int(table.first_frame[row]) - first, int(table.first_frame[row] + table.frames[row]) - first
            if reason:
                if start > begin:
                    yield Batch(first + begin, start - begin, pixels=out[begin:start])
                yield Batch(first + start, end - start, reason=reason)
                begin = end
        if begin < count:
            yield Batch(first + begin, count - begin, pixels=out[begin:count])
