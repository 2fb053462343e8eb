"""The limit: the compressed bytes are in memory already, and every frame is decoded into memory that is warm."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from benchmarks.reduction.case import LIMIT, THREADS, Case, Run, Values, ranges
from benchmarks.reduction.data import DATA

__all__ = ["LIMITS", "stored_chunks", "threaded"]


def stored_chunks(path: Path) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Where the chunks lie: offsets and sizes."""
    found: list[tuple[int, int]] = []
    with h5py.File(path) as file:
        file[DATA].id.chunk_iter(lambda chunk: found.append((chunk.byte_offset, chunk.size)))
    offsets, sizes = np.array(found, np.int64).T.copy()
    return offsets, sizes


def threaded(work: Callable[[int, int], None], parts: int = 16 * THREADS) -> Callable[[int], None]:
    """Share frames among threads, in pieces that even out."""
    pool = ThreadPoolExecutor(THREADS)

    def run(frames: int) -> None:
        list(pool.map(lambda part: work(*part), ranges(frames, min(parts, frames))))

    return run


def _ours(path: Path) -> Run:
    from panosc_analysis.reduction.kernels import SLACK
    from panosc_analysis.reduction.kernels.bitshuffle import block_count, decode_chunks, find_blocks

    (offsets, sizes), raw = stored_chunks(path), np.fromfile(path, np.uint8)
    raw = np.concatenate([raw, np.zeros(SLACK, np.uint8)])
    with h5py.File(path) as file:
        dtype, elements = file[DATA].dtype, int(np.prod(file[DATA].shape[1:]))
    block = int.from_bytes(raw[offsets[0] + 8 :][:4].tobytes(), "big") // dtype.itemsize
    base, starts = np.uintp(raw.ctypes.data), np.empty((len(offsets), block_count(elements, block) + 1), np.int64)
    assert find_blocks(base, offsets, sizes, block, dtype.itemsize, elements, starts) < 0
    memory = threading.local()

    def work(first: int, end: int) -> None:
        if not hasattr(memory, "out"):
            memory.out = np.empty((1, elements), dtype)
        for number in range(first, end):
            assert decode_chunks(base, starts[number : number + 1], block, memory.out) < 0

    return _run(threaded(work), raw)


def _theirs(path: Path) -> Run:
    import bslz4_to_sparse as b2s

    (offsets, sizes), raw = stored_chunks(path), np.fromfile(path, np.uint8)
    with h5py.File(path) as file:
        dtype, elements = file[DATA].dtype, int(np.prod(file[DATA].shape[1:]))
    memory = threading.local()

    def work(first: int, end: int) -> None:
        if not hasattr(memory, "out"):
            memory.out = np.empty((1, elements), dtype)
        for number in range(first, end):
            some = slice(number, number + 1)
            b2s.decompress_from_buffer(raw, offsets[some], sizes[some], dtype, out=memory.out)

    return _run(threaded(work), raw)


def _run(work: Callable[[int], None], raw: np.ndarray[Any, Any]) -> Run:
    def run(frames: int) -> Values:
        work(frames)
        assert len(raw)  # it lives as long as this
        return {}

    return run


LIMITS = (Case(LIMIT, _ours), Case(f"{LIMIT}, bslz4_to_sparse", _theirs))
