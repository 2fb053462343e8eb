"""Handles as Dask arrays: blocks of whole stored chunks, each decoded outside HDF5's lock by whoever works on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.errors import FileCorrupt, ReductionError
from panosc_analysis.nexus.chunks import fingerprint
from panosc_analysis.reduction.filling import read_selection
from panosc_analysis.reduction.team import Team

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panosc_analysis.nexus import ArrayHandle

__all__ = ["make_dask_array"]


def make_dask_array(handle: ArrayHandle, chunks: Any = None) -> Any:
    """Make a `dask.array.Array` of a handle; see `ArrayHandle.dask`.

    Raises
    ------
    ReductionError
        Dask is not installed.
    """
    try:
        import dask.array as da
        from dask.base import tokenize
    except ModuleNotFoundError as error:
        raise ReductionError(
            "Dask is not installed here", hint="Install panosc-analysis[reduction], or read with .numpy()"
        ) from error
    part = handle[...]  # of one state of the file
    table = part.chunk_table()
    state = fingerprint((part.file,)) if table is None else table.fingerprint
    blocks = _Blocks(part, part.shape, part.dtype)
    name = f"handle-{tokenize(str(part.file), part.path, str(part.selection), state, str(chunks))}"
    meta = np.empty((0,) * part.ndim, part.dtype)
    # Without fancy slices Dask may let a block read less than the whole of it; inlined, no task waits for the plan.
    return da.from_array(blocks, _chunks(part, chunks), name, fancy=False, inline_array=True, meta=meta)


@dataclass(frozen=True, slots=True)
class _Blocks:
    """What Dask slices: a handle, and what it promised when the graph was made."""

    handle: ArrayHandle
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read a block with the thread that asks; a missing source, a filter that is not installed, are errors."""
        values = read_selection(self.handle[key], Team())
        if values.dtype != self.dtype:
            raise FileCorrupt(
                f"{self.handle.path} in {self.handle.file} holds {values.dtype} now instead of {self.dtype}",
                hint="The file was written anew: make the Dask array again",
                path=str(self.handle.file),
            )
        return values


def _chunks(part: ArrayHandle, asked: Any) -> tuple[tuple[int, ...], ...]:
    """Choose the blocks: as asked for, else whole stored chunks, and of frames whole ones if these fit."""
    import dask.config
    from dask.array.core import normalize_chunks
    from dask.utils import parse_bytes

    shape, dtype, stored = part.shape, part.dtype, part.chunks
    if asked is not None:
        chunks: tuple[tuple[int, ...], ...] = normalize_chunks(asked, shape, dtype=dtype, previous_chunks=stored)
        return chunks
    if part.size == 0:
        return tuple((length,) for length in shape)
    limit = parse_bytes(dask.config.get("array.chunk-size"))
    row_bytes = part.nbytes // shape[0] * (stored[0] if stored else 1) if shape else 0
    spec: Any = {0: "auto", **dict.fromkeys(range(1, len(shape)), -1)} if shape and row_bytes <= limit else "auto"
    chunks = normalize_chunks(spec, shape, limit=limit, dtype=dtype, previous_chunks=stored)
    whole = part.stored_chunks
    if whole is None:
        return chunks
    along = [(kept, chunk) for kept, chunk in zip(part.selection, whole, strict=True) if isinstance(kept, range)]
    return tuple(_aligned(kept, lengths[0], chunk) for (kept, chunk), lengths in zip(along, chunks, strict=True))


def _aligned(kept: range, length: int, chunk: int) -> tuple[int, ...]:
    """Lengths of blocks of about `length` indices that end where stored chunks end."""
    period = max(1, -(-length * abs(kept.step) // chunk)) * chunk
    cuts = np.flatnonzero(np.diff(np.asarray(kept) // period)) + 1
    return tuple(int(size) for size in np.diff(np.concatenate([[0], cuts, [len(kept)]])))
