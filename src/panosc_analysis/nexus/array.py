"""What travels instead of an open file: where an array lies and which part of it is meant.

A handle holds a file name, a path inside the file and a selection; it opens the file when it is asked for something and
closes it again, so it can be pickled, sent to a worker or kept for days. Nothing stays open: HDF5 refuses to open a
file a second time in another mode, and a notebook may need that.

A file may grow while it is looked at. A handle of a whole array follows it: each call takes the length of the moment in
which it begins and keeps to it to its end, on all workers. A part, ``handle[:]`` too, stays what it was when it was
taken.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from panosc_analysis.errors import FileTruncated, NodeNotFound, OpenError, SourceMissing
from panosc_analysis.nexus.as_array import AsArray
from panosc_analysis.nexus.attributes import read_attributes
from panosc_analysis.nexus.chunks import ChunkTable, fingerprint, read_chunk_table
from panosc_analysis.nexus.computing import computing
from panosc_analysis.nexus.failures import reading
from panosc_analysis.nexus.guard import missing_sources
from panosc_analysis.nexus.opener import H5File, open_file
from panosc_analysis.nexus.selecting import Key, Selection, narrowed, reaches_beyond, read_part, read_part_into
from panosc_analysis.nexus.virtual import is_series, source_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import DTypeLike, NDArray

__all__ = ["ArrayHandle", "Selection"]

_REMEMBERED = 64
_SETTLED = 100_000_000  # ns without a change until a file's time of change tells it from the next one
_SMALL = 8_000_000  # bytes that HDF5 reads before anything else is ready to

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known of a stored array as long as its file does not change."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunks: tuple[int, ...] | None
    files: tuple[Path, ...]  # the one that was asked, the one that holds the dataset, and the sources
    sources: tuple[Path, ...]  # of a virtual dataset
    missing: tuple[str, ...]  # of these and of external storage, what is not there


@dataclass(frozen=True, slots=True)
class ArrayHandle(AsArray):
    """An array in a file, or a part of it, that is read when it is asked for.

    Slicing is lazy and follows NumPy's grammar for integers, slices and ``...``; `numpy` reads, `mean` and its like
    reduce without holding everything, `dask` and `map_frames` run code of yours. Compares and hashes by file, path and
    selection, not by content.

    Parameters
    ----------
    file
        The file that the array is reached from; a virtual dataset or an external link may lead to others.
    path
        Path of the dataset inside the file.
    selection
        The part meant, as indexing another handle gives it.
    """

    file: Path
    path: str
    selection: Selection = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "file", Path(self.file))

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension of the selection. Opens the file unless it is unchanged since the last time."""
        return tuple(len(part) for part in self._ranges() if isinstance(part, range))

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """Shape of the whole array in the file, whatever is selected of it."""
        return self._facts().shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements as they are stored, byte order included."""
        return self._facts().dtype

    @property
    def ndim(self) -> int:
        """Number of dimensions of the selection."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements of the selection."""
        size = 1
        for length in self.shape:
            size *= length
        return size

    @property
    def nbytes(self) -> int:
        """Bytes of the selection in memory; compressed it is smaller on the disk."""
        return self.size * self.dtype.itemsize

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """Shape of a stored chunk, as h5py and zarr have it; ``None`` where the array is stored in one piece.

        Cut to the selection: one entry for each of its dimensions, elements that a step leaves out not counted. Of a
        virtual dataset the chunks of its sources, where these agree. (`dask` makes blocks of several; its array's
        ``chunks`` lists these in Dask's way.)
        """
        chunks = self.stored_chunks
        if chunks is None:
            return None
        along = zip(self._ranges(), chunks, strict=True)
        return tuple(
            max(1, min(len(part), -(-chunk // abs(part.step)))) for part, chunk in along if isinstance(part, range)
        )

    @property
    def stored_chunks(self) -> tuple[int, ...] | None:
        """Shape of a chunk of the whole array in the file; ``None`` where it is stored in one piece."""
        facts = self._facts()
        if facts.chunks is None and facts.sources:
            frames, *window = self._ranges()
            span = range(frames, frames + 1) if isinstance(frames, int) else frames
            table = ArrayHandle(self.file, self.path, (span, *window)).chunk_table()
            return None if table is None else table.chunk_shape
        return facts.chunks

    @property
    def attrs(self) -> dict[str, Any]:
        """Attributes of the dataset as plain Python values, bytes as text; what cannot be decoded is ``None``."""
        with self.dataset() as dataset:
            return read_attributes(dataset)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a scalar")
        return self.shape[0]

    def __getitem__(self, key: Key) -> ArrayHandle:
        """Take a part: integers drop a dimension, slices keep it. Reads no data.

        Raises
        ------
        IndexError
            Out of range, or more indices than dimensions.
        TypeError
            Something other than integers, slices and ``...``.
        """
        return ArrayHandle(self.file, self.path, narrowed(self._ranges(), key))

    def numpy(self) -> NDArray[Any]:
        """Read the selection into a new array of `shape` and `dtype`; text as `str` objects.

        What is large is decoded in the threads of this process, outside HDF5's lock and straight into the result; what
        is small or stored in a way that only HDF5 can read is read through it, one thread at a time. The numbers are
        the same.

        Raises
        ------
        NotEnoughMemory
            It does not fit; nothing was allocated.
        SourceMissing
            A file of a virtual dataset is not there; HDF5 alone would give fill values.
        OpenError
            The file, or a chunk of it, cannot be read.
        """
        whole = self[...]  # of one state of the file
        engine = None if whole.nbytes < _SMALL or whole.dtype.hasobject else computing()
        return whole.read_hdf5() if engine is None else engine.read(whole)

    def read_hdf5(self) -> NDArray[Any]:
        """Read the selection as `numpy` does, through HDF5 whatever there is.

        Costs one opening of the file and decodes under HDF5's lock, one thread at a time.

        Raises
        ------
        SourceMissing, OpenError
            As `numpy`.
        """
        self._require_sources()
        with self.dataset() as dataset:
            if dataset.shape is None:
                return np.empty(0, dataset.dtype)
            self._require_length(dataset.shape)
            return read_part(dataset, self._ranges())

    def read_into(self, out: NDArray[Any]) -> None:
        """Read the selection as `read_hdf5` does, into an array of its shape and type.

        For who reads one frame after the other: new memory takes longer to get than bitshuffle to decode.

        Raises
        ------
        ValueError
            The array has another shape or type.
        SourceMissing, OpenError
            As `numpy`.
        """
        whole = self[...]  # of one state of the file
        if (out.shape, out.dtype) != (whole.shape, whole.dtype):
            raise ValueError(f"{out.dtype} {out.shape} cannot take {whole.dtype} {whole.shape}")
        whole._require_sources()
        with whole.dataset() as dataset:
            whole._require_length(dataset.shape or ())
            read_part_into(dataset, whole._ranges(), out)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Read for NumPy; always a new array.

        Raises
        ------
        ValueError
            ``copy=False``, as NumPy wants it where there is no array yet.
        """
        if copy is False:
            raise ValueError("a handle has no array in memory to share; use numpy.asarray(handle)")
        return np.asarray(self.numpy(), dtype=dtype)

    def chunk_table(self) -> ChunkTable | None:
        """Find where each stored chunk of the stack lies; the first axis counts frames.

        Costs about 0.1 s per 100 000 chunks the first time and is remembered while the files do not change.

        Returns
        -------
        :
            The table of the selected frames, whole frames whatever is selected within them; ``None`` where they cannot
            be addressed so: a single frame, storage in the header or in external files. Then read through `numpy`.

        Raises
        ------
        SourceMissing
            A file of a virtual dataset is not there.
        """
        facts, ranges = self._facts(), self._ranges()
        if not facts.shape or not isinstance(ranges[0], range):
            return None
        self._require_sources()
        table = self._remembered_table(partial=bool(facts.missing))
        if table is not None:
            self._require_length(table.shape)
        if table is None or ranges[0] == range(table.shape[0]):
            return table
        return table.select(np.asarray(ranges[0], dtype=np.int64))

    def _remembered_table(self, *, partial: bool) -> ChunkTable | None:
        table = _tables.get((self.file, self.path))
        if table is not None and not partial and table.fingerprint == fingerprint(table.files):
            return table
        begun = time.time_ns()
        with self.dataset() as dataset:
            table = read_chunk_table(dataset, partial=partial)
        if table is not None and not partial and _is_settled(table.fingerprint, begun):
            _tables.put((self.file, self.path), table)
        return table

    @contextmanager
    def dataset(self) -> Iterator[Any]:
        """Open the file and give the stored dataset, unselected, until the block ends."""
        with open_file(self.file) as file, reading(self.file, self.path):
            node = self._node(file)
            if not hasattr(node, "dtype"):
                raise NodeNotFound(
                    f"{self.path!r} in {self.file} is a group, not an array",
                    hint="Name one of the arrays in it",
                    path=str(self.file),
                    node=self.path,
                )
            yield node

    def _node(self, file: H5File) -> Any:
        try:
            return file[self.path]
        except KeyError as error:
            if "can't open file" not in str(error):
                raise
            raise SourceMissing(
                f"{self.path} in {self.file} is a link into another file, which is not there",
                hint="Fetch the files that belong to this one and keep them where it expects them",
                path=str(self.file),
            ) from error

    def _facts(self) -> _Facts:
        key = (self.file, self.path)
        known = _known.get(key)
        if known is not None and known[0] == _state(known[1].files):
            return known[1]
        begun = time.time_ns()
        with self.dataset() as dataset:
            # A dataset with a null dataspace has a type and no extent at all.
            shape = (0,) if dataset.shape is None else tuple(map(int, dataset.shape))
            sources, chunks = source_files(dataset), getattr(dataset, "chunks", None)
            files = tuple(dict.fromkeys((self.file, Path(dataset.file.filename), *sources)))
            state = _state(files)
            facts = _Facts(shape, np.dtype(dataset.dtype), chunks, files, sources, missing_sources(dataset))
            series = is_series(dataset)  # whose shape depends on files that nobody has named
        if not facts.missing and not series and state is not None and _is_settled(state, begun):
            _known.put(key, (state, facts))
        return facts

    def _require_sources(self) -> None:
        facts = self._facts()
        missing = facts.missing or tuple(str(source) for source in facts.sources if not source.exists())
        if missing and self.selection:
            with self.dataset() as dataset:
                missing = missing_sources(dataset, self.selection[0])
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise SourceMissing(
                f"{self.path} in {self.file} is put together from other files, and {missing[0]}{more} is not there",
                hint="Fetch the files that belong to this one and keep them where it expects them",
                path=str(self.file),
                missing=missing,
            )

    def _require_length(self, shape: tuple[int, ...]) -> None:
        """Refuse what is not there any more: HDF5 would give less, and say nothing."""
        if self.selection and reaches_beyond(self.selection, shape):
            raise FileTruncated(
                f"{self.path} in {self.file} has the shape {shape} now, and more was taken of it before",
                hint="Look whether the file was written anew, and take the part again",
                path=str(self.file),
            )

    def _ranges(self) -> Selection:
        return self.selection or tuple(range(length) for length in self._facts().shape)

    def __repr__(self) -> str:
        where = f"{self.path!r} in {str(self.file)!r}"
        try:
            return f"<ArrayHandle {where}: shape {self.shape}, type {self.dtype}>"
        except (OpenError, OSError, LookupError) as error:
            return f"<ArrayHandle {where}: {type(error).__name__}>"


class _Remembered(Generic[Value]):
    """The last few values by key, for all threads of the process."""

    def __init__(self) -> None:
        self._values: OrderedDict[tuple[Path, str], Value] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[Path, str]) -> Value | None:
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: tuple[Path, str], value: Value) -> None:
        with self._lock:
            self._values[key] = value
            while len(self._values) > _REMEMBERED:
                self._values.popitem(last=False)


_known: _Remembered[tuple[tuple[tuple[int, int], ...], _Facts]] = _Remembered()
_tables: _Remembered[ChunkTable] = _Remembered()


def _state(files: tuple[Path, ...]) -> tuple[tuple[int, int], ...] | None:
    try:
        return fingerprint(files)
    except OSError:
        return None  # open_file says what is wrong with it


def _is_settled(state: tuple[tuple[int, int], ...], now: int) -> bool:
    """Whether files had not changed for a moment: one that changes again within a tick of the clock looks the same."""
    return all(changed < now - _SETTLED for changed, _ in state)
