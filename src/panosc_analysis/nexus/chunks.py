"""Where the stored chunks of a stack lie, so that they can be read and decoded outside HDF5's lock."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from panosc_analysis.errors import LocateError, OpenError, SourceMissing
from panosc_analysis.nexus.failures import reading
from panosc_analysis.nexus.opener import open_file
from panosc_analysis.nexus.virtual import VirtualSource, virtual_sources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["ChunkTable", "Filter", "fingerprint", "read_chunk_table"]

_COLUMNS = ("file_index", "offset", "size", "filter_mask", "first_frame", "frames", "skip")
_HOLE = {"file_index": -1, "offset": -1, "size": -1}
_CONTIGUOUS = 1 << 20  # bytes that count as a chunk where there are none
_DEEPEST = 8  # virtual datasets of virtual datasets; a circle ends here


@dataclass(frozen=True, slots=True)
class Filter:
    """One step of the compression, as the file records it.

    Parameters
    ----------
    id
        Registered HDF5 filter number.
    name
        Its name in the file; may be empty.
    client_data
        Its parameters.
    """

    id: int
    name: str
    client_data: tuple[int, ...]


@dataclass(frozen=True, eq=False, slots=True)
class ChunkTable:
    """The stored chunks of a stack in frame order; the first axis counts frames.

    Each row stands for `frames[i]` consecutive frames, from `first_frame[i]` on; row follows row without a hole. Where
    a chunk holds a part of the frame only, a row has several: its tiles, in the order of their place in the frame, the
    last axis fastest. A contiguous dataset counts as one of chunks of a few whole frames.

    Parameters
    ----------
    shape, dtype
        Of the stack; the type as stored, byte order included.
    files
        Every file involved, the one that was asked first.
    file_index, offset, size
        Where the chunk lies, in bytes; ``-1`` where it is not stored and its pixels hold `fill_value`. Shape (n,
        tiles).
    filter_mask
        Bit i is set where filter i was not applied to this chunk. Shape (n, tiles).
    first_frame, frames, skip
        First frame of the stack in this row, how many, and how many of the chunk's frames come before it. Shape (n,).
    filters
        In the order in which they were applied when the data were written.
    chunk_shape
        Frames per chunk, then the shape of a tile; tiles at the upper edges of the frame reach beyond it.
    fill_value
        Value of what was never written.
    fingerprint
        Modification time in ns and size of each file when the table was made.
    is_chunked
        The file tells which frames were written; else there is room for all of them from the beginning.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    files: tuple[Path, ...]
    file_index: NDArray[np.int64]
    offset: NDArray[np.int64]
    size: NDArray[np.int64]
    filter_mask: NDArray[np.int64]
    first_frame: NDArray[np.int64]
    frames: NDArray[np.int64]
    skip: NDArray[np.int64]
    filters: tuple[Filter, ...]
    chunk_shape: tuple[int, ...]
    fill_value: Any
    fingerprint: tuple[tuple[int, int], ...]
    is_chunked: bool = True

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Shape of one frame."""
        return self.shape[1:]

    @property
    def grid(self) -> tuple[int, ...]:
        """How many tiles lie along each dimension of a frame."""
        return tuple(-(-length // tile) for length, tile in zip(self.frame_shape, self.chunk_shape[1:], strict=True))

    def __len__(self) -> int:
        return len(self.first_frame)

    def select(self, frames: NDArray[np.int64], at: NDArray[np.int64] | None = None) -> ChunkTable:
        """Give the table of some frames, in the order given and numbered from 0, or by `at` where that is given.

        Neighbours in a chunk stay one row; a frame taken out of the middle of a chunk is a row of its own.
        """
        numbers = np.arange(len(frames), dtype=np.int64) if at is None else at
        rows = np.searchsorted(self.first_frame, frames, side="right") - 1
        inside = self.skip[rows] + frames - self.first_frame[rows]
        breaks = (np.diff(rows) != 0) | (np.diff(inside) != 1) | (np.diff(numbers) != 1)
        starts = np.flatnonzero(np.concatenate([np.ones(min(1, len(frames)), np.bool_), breaks]))
        return replace(
            self,
            shape=(len(frames), *self.frame_shape),
            **{name: getattr(self, name)[rows[starts]] for name in ("file_index", "offset", "size", "filter_mask")},
            first_frame=numbers[starts],
            frames=np.diff(np.append(starts, len(frames))),
            skip=inside[starts],
        )


def fingerprint(files: Sequence[Path]) -> tuple[tuple[int, int], ...]:
    """Modification time in ns and size of each file."""
    return tuple((status.st_mtime_ns, status.st_size) for status in map(os.stat, files))


def read_chunk_table(dataset: Any, depth: int = 0, *, partial: bool = False) -> ChunkTable | None:
    """Make the table of an open dataset; ``None`` where its frames are not addressable by chunks.

    Follows virtual datasets into their source files; walks each chunk index once, reads no data. With `partial` the
    frames of sources that are not there yet, or not as far as they are wanted, are rows without a chunk.

    Raises
    ------
    SourceMissing
        A source of a virtual dataset is not there.
    """
    if not isinstance(dataset, h5py.Dataset) or not dataset.shape or dataset.size == 0 or depth > _DEEPEST:
        return None
    stored_size = dataset.id.get_type().get_size()
    if dataset.dtype.kind not in "biuf" or dataset.dtype.itemsize != stored_size:
        return None
    if dataset.is_virtual:
        return _virtual_table(dataset, depth, partial=partial)
    if dataset.chunks is not None:
        return _chunked_table(dataset)
    return _contiguous_table(dataset)


def _chunked_table(dataset: Any) -> ChunkTable:
    per_chunk, frames = dataset.chunks[0], dataset.shape[0]
    grid = tuple(-(-length // tile) for length, tile in zip(dataset.shape[1:], dataset.chunks[1:], strict=True))
    found = np.full((-(-frames // per_chunk) * math.prod(grid), 3), -1, dtype=np.int64)
    chunks: list[tuple[int, ...]] = []
    dataset.id.chunk_iter(lambda c: chunks.append((*c.chunk_offset, c.byte_offset, c.size, c.filter_mask)))
    if chunks:
        stored = np.array(chunks, dtype=np.int64)
        # A writer may have gone on since the shape was read.
        stored = stored[(stored[:, :-3] < dataset.shape).all(axis=1)]
        places = stored[:, :-3] // np.array(dataset.chunks, dtype=np.int64)
        numbers = np.ravel_multi_index(tuple(places.T), (-(-frames // per_chunk), *grid))
        found[numbers] = stored[:, -3:]
    found = found.reshape(-1, math.prod(grid), 3)
    missing = found[..., 0] < 0
    return _table(
        dataset,
        tuple(dataset.chunks),
        offset=np.ascontiguousarray(found[..., 0]),
        size=np.ascontiguousarray(found[..., 1]),
        filter_mask=np.where(missing, 0, found[..., 2]),
    )


def _contiguous_table(dataset: Any) -> ChunkTable | None:
    properties, offset = dataset.id.get_create_plist(), dataset.id.get_offset()
    if properties.get_layout() != h5py.h5d.CONTIGUOUS or properties.get_external_count() or offset is None:
        return None  # compact, kept in other files, or never written: HDF5 reads it
    if dataset.id.get_storage_size() != dataset.nbytes:
        return None
    frames, frame_bytes = dataset.shape[0], dataset.nbytes // dataset.shape[0]
    per_chunk = max(1, min(frames, _CONTIGUOUS // frame_bytes))
    first = np.arange(0, frames, per_chunk, dtype=np.int64)
    size = np.minimum(per_chunk, frames - first) * frame_bytes
    return _table(
        dataset,
        (per_chunk, *dataset.shape[1:]),
        offset=(offset + first * frame_bytes)[:, None],
        size=size[:, None],
        filter_mask=np.zeros((len(first), 1), dtype=np.int64),
        is_chunked=False,
    )


def _table(
    dataset: Any, chunk_shape: tuple[int, ...], *, is_chunked: bool = True, **columns: NDArray[np.int64]
) -> ChunkTable:
    file, frames = Path(dataset.file.filename), dataset.shape[0]
    first = np.arange(0, frames, chunk_shape[0], dtype=np.int64)
    return ChunkTable(
        shape=tuple(dataset.shape),
        dtype=dataset.dtype,
        files=(file,),
        file_index=np.where(columns["offset"] < 0, -1, 0),
        first_frame=first,
        frames=np.minimum(chunk_shape[0], frames - first),
        skip=np.zeros(len(first), dtype=np.int64),
        filters=_filters(dataset),
        chunk_shape=chunk_shape,
        fill_value=dataset.fillvalue,
        fingerprint=fingerprint((file,)),
        is_chunked=is_chunked,
        **columns,
    )


def _filters(dataset: Any) -> tuple[Filter, ...]:
    properties = dataset.id.get_create_plist()
    found = (properties.get_filter(i) for i in range(properties.get_nfilters()))
    return tuple(Filter(code, name.decode("utf-8", "replace"), tuple(values)) for code, _, values, name in found)


def _virtual_table(dataset: Any, depth: int, *, partial: bool) -> ChunkTable | None:
    parts: list[tuple[NDArray[np.int64], ChunkTable]] = []
    for source in virtual_sources(dataset):
        try:
            part = _part(dataset, source, depth, partial=partial)
        except (LocateError, OpenError):
            if not partial:
                raise
            continue
        if part is None:
            return None
        parts.append(part)
    if not parts or not _agree(dataset, [table for _, table in parts]):
        return None
    target = np.concatenate([frames for frames, _ in parts])
    if len(np.unique(target)) != len(target) or target.max(initial=-1) >= dataset.shape[0]:
        return None  # where sources overlap the later one wins, which HDF5 knows best
    return _joined(dataset, [table for _, table in parts])


def _part(
    dataset: Any, source: VirtualSource, depth: int, *, partial: bool
) -> tuple[NDArray[np.int64], ChunkTable] | None:
    """Find which frames of the virtual dataset a source fills, and the table of these frames."""
    if source.is_pattern or source.target is None or source.frames is None or not len(source.target):
        return None
    if len(source.target) != len(source.frames):
        return None
    if not source.file.exists() and not partial:
        return None  # HDF5 may know another place for it; the handle has checked that there is one
    with open_file(source.file) as file, reading(source.file, source.path):
        if source.path not in file:
            raise SourceMissing(
                f"{dataset.name} in {dataset.file.filename} takes frames from {source.path!r} in {source.file}, which "
                "is not there",
                hint="Fetch the files that belong to this one again",
                path=str(dataset.file.filename),
                source=str(source.file),
            )
        table = read_chunk_table(file[source.path], depth + 1, partial=partial)
    if partial and table is not None:
        some = source.frames < table.shape[0]
        return source.target[some], table.select(source.frames[some], source.target[some])
    if table is None or int(source.frames.max()) >= table.shape[0]:
        return None
    if source.is_whole and table.shape[0] != len(source.target):
        return None
    return source.target, table.select(source.frames, source.target)


def _agree(dataset: Any, tables: list[ChunkTable]) -> bool:
    """Whether all sources are stored in the same way, so that one table can stand for them."""
    one = tables[0]
    return all(
        table.frame_shape == tuple(dataset.shape[1:])
        and table.dtype == dataset.dtype
        and table.filters == one.filters
        and table.chunk_shape == one.chunk_shape
        and (np.array_equal(table.fill_value, dataset.fillvalue) or not np.any(table.offset < 0))
        for table in tables
    )


def _joined(dataset: Any, tables: list[ChunkTable]) -> ChunkTable:
    """One table for all sources; frames that none of them fills become rows without a chunk."""
    files: dict[Path, int] = {Path(dataset.file.filename): 0}
    indices = []
    for table in tables:
        numbers = np.array([files.setdefault(file, len(files)) for file in table.files], dtype=np.int64)
        indices.append(np.where(table.file_index < 0, -1, numbers[table.file_index]))
    columns = {name: np.concatenate([getattr(table, name) for table in tables]) for name in _COLUMNS}
    columns["file_index"] = np.concatenate(indices)
    return replace(
        tables[0],
        shape=tuple(dataset.shape),
        files=tuple(files),
        fill_value=dataset.fillvalue,
        fingerprint=fingerprint(tuple(files)),
        **_without_holes(columns, dataset.shape[0], tables[0].chunk_shape[0]),
    )


def _without_holes(columns: dict[str, NDArray[np.int64]], total: int, per_chunk: int) -> dict[str, Any]:
    """Sort the rows by frame and add rows of up to a chunk's frames for those that have none."""
    order = np.argsort(columns["first_frame"], kind="stable")
    begin = columns["first_frame"][order]
    hole_begin = np.concatenate([[0], begin + columns["frames"][order]])
    hole_end = np.concatenate([begin, [total]])
    pieces = [np.arange(a, b, per_chunk, dtype=np.int64) for a, b in zip(hole_begin, hole_end, strict=True) if b > a]
    first = np.concatenate([np.empty(0, dtype=np.int64), *pieces])
    end = np.minimum(first + per_chunk, hole_end[np.searchsorted(hole_end, first, side="right")])
    added = {
        name: np.full((len(first), *columns[name].shape[1:]), _HOLE.get(name, 0), dtype=np.int64) for name in _COLUMNS
    }
    added["first_frame"], added["frames"] = first, end - first
    joined = {name: np.concatenate([columns[name], added[name]]) for name in _COLUMNS}
    order = np.argsort(joined["first_frame"], kind="stable")
    return {name: column[order] for name, column in joined.items()}
