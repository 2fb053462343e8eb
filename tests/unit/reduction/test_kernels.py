"""The compiled decoder gives what bitshuffle gives, and stays within its buffers whatever the data say."""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from panosc_analysis.nexus.chunks import Filter
from panosc_analysis.reduction.filters import BITSHUFFLE, decoder
from panosc_analysis.reduction.kernels import SLACK
from panosc_analysis.reduction.kernels.bitshuffle import block_count, decode_chunks, find_blocks, first_damaged
from panosc_analysis.reduction.kernels.lz4 import decode_lz4

MUTATIONS = int(os.environ.get("PANOSC_MUTATIONS", "3000"))
"""``PANOSC_MUTATIONS=100000`` runs the long form, some ten seconds."""


class Fence:
    """Memory that ends at a page nobody may touch: one byte too far ends the process."""

    def __init__(self, size: int) -> None:
        self.length = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        self.map = mmap.mmap(-1, self.length + 2 * mmap.PAGESIZE)
        self.start = np.frombuffer(self.map, np.uint8).ctypes.data
        libc = ctypes.CDLL(None, use_errno=True)
        for page in (self.start, self.start + mmap.PAGESIZE + self.length):
            assert libc.mprotect(ctypes.c_void_p(page), mmap.PAGESIZE, 0) == 0

    def last(self, size: int) -> np.ndarray[Any, Any]:
        """The `size` bytes before the fence."""
        return np.frombuffer(self.map, np.uint8, size, mmap.PAGESIZE + self.length - size)

    def first(self, size: int) -> np.ndarray[Any, Any]:
        """The `size` bytes behind the other fence."""
        return np.frombuffer(self.map, np.uint8, size, mmap.PAGESIZE)


def stored_chunk(folder: Path, values: np.ndarray[Any, Any], nelems: int = 0) -> bytes:
    with h5py.File(folder / "chunk.h5", "w") as file:
        options = hdf5plugin.Bitshuffle(nelems=nelems, cname="lz4")
        data = file.create_dataset("d", data=values, chunks=values.shape, **options)
        return bytes(data.id.read_direct_chunk((0,) * values.ndim)[1])


def decode(chunk: np.ndarray[Any, Any], count: int, dtype: str) -> np.ndarray[Any, Any] | None:
    """Decode a chunk that is followed by `SLACK` bytes."""
    size = len(chunk) - SLACK
    kind = np.dtype(dtype)
    per_block = int.from_bytes(chunk[8:12].tobytes(), "big") // kind.itemsize
    if not 0 < per_block <= 8 * count + 65536 or per_block % 8:
        return None
    starts = np.empty((1, block_count(count, per_block) + 1), np.int64)
    base, out = np.uintp(chunk.ctypes.data), np.zeros((1, count), kind)
    places = np.zeros(1, np.int64), np.array([size], np.int64)
    if find_blocks(base, *places, per_block, kind.itemsize, count, starts) >= 0:
        return None
    damaged = decode_chunks(base, starts, per_block, out)
    assert damaged == first_damaged(base, starts, per_block, kind.itemsize, count)
    return None if damaged >= 0 else out[0]


@given(
    dtype=st.sampled_from(["u1", "u2", "u4", "u8"]),
    count=st.integers(1, 9000),
    nelems=st.sampled_from([0, 8, 24, 64, 1000, 65536]),
    largest=st.sampled_from([1, 200, 60_000, 2**31, 2**62]),
    period=st.integers(1, 70),
    seed=st.integers(0, 999),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_decodes_like_bitshuffle(
    tmp_path: Path, dtype: str, count: int, nelems: int, largest: int, period: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, min(largest, np.iinfo(dtype).max), count, endpoint=True).astype(dtype)
    repeated = np.resize(values[:period], count)  # matches at every distance
    values = np.where(rng.random() < 0.5, values, repeated).astype(dtype)
    chunk = stored_chunk(tmp_path, values, nelems)
    buffer = np.frombuffer(chunk + bytes(SLACK), np.uint8)
    found = decode(buffer, count, dtype)
    assert found is not None
    np.testing.assert_array_equal(found, values)


@pytest.fixture(scope="module")
def chunks(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[bytes, int, str]]:
    """Chunks of each kind: sparse, dense, bright, constant, with elements behind the blocks."""
    folder = tmp_path_factory.mktemp("chunks")
    rng = np.random.default_rng(1)
    return [
        (stored_chunk(folder, values.astype(dtype), 512), count, dtype)
        for dtype, count in (("u2", 3000), ("u2", 9001), ("u4", 2055), ("u1", 5000))
        for values in (rng.poisson(0.1, count), rng.integers(0, 250, count), np.arange(count) // 7 % 251)
    ]


def mutations(rng: np.random.Generator, chunk: bytes) -> Iterator[bytes]:
    """Endlessly: bytes changed anywhere, in the header, or in the sizes; pieces cut off, doubled and moved."""
    while True:
        data = bytearray(chunk)
        kind = rng.integers(6)
        if kind == 0:
            for position in rng.integers(0, len(data), rng.integers(1, 30)):
                data[position] = rng.integers(256)
        elif kind == 1:
            data[rng.integers(0, 16)] = rng.integers(256)
        elif kind == 2:
            for position in rng.integers(12, len(data), rng.integers(1, 4)):
                data[position] = rng.choice([0, 1, 15, 240, 255])
        elif kind == 3:
            del data[rng.integers(0, len(data)) :]
        elif kind == 4:
            begin, length = rng.integers(0, len(data)), rng.integers(1, 64)
            data[begin : begin + length] = data[: len(data[begin : begin + length])]
        else:
            begin = rng.integers(12, len(data))
            data[begin : begin + 8] = bytes([255]) * len(data[begin : begin + 8])
        yield bytes(data)


def test_damaged_chunks_are_refused_within_their_buffers(chunks: list[tuple[bytes, int, str]]) -> None:
    """No damage makes the decoder read or write beyond the bytes it was given: fences stand on both sides."""
    rng = np.random.default_rng(42)
    fence = Fence(max(len(chunk) for chunk, _, _ in chunks) + SLACK)
    sources = [(mutations(rng, chunk), count, dtype) for chunk, count, dtype in chunks]
    refused = 0
    for number in range(MUTATIONS):
        mutated, count, dtype = sources[number % len(sources)]
        data = next(mutated)
        for place in (fence.last, fence.first):
            buffer = place(len(data) + SLACK)
            buffer[: len(data)] = np.frombuffer(data, np.uint8)
            found = decode(buffer, count, dtype)
        refused += found is None
    # LZ4 has no checksum: some changed bytes are only other pixels.
    assert refused > MUTATIONS // 3


def test_lz4_writes_no_further_than_allowed() -> None:
    """Random tokens into a buffer that ends at a fence."""
    rng = np.random.default_rng(7)
    source, target = Fence(600 + SLACK), Fence(1024 + SLACK)
    for _ in range(MUTATIONS):
        size = int(rng.integers(1, 600))
        stored = source.last(size + SLACK)
        stored[:size] = rng.integers(0, 256, size)
        if rng.random() < 0.7:
            stored[:size] &= rng.choice(np.array([0x0F, 0x1F, 0xF1, 0x3F], np.uint8))
        allowed = int(rng.integers(0, 1025))
        out = target.last(allowed + SLACK)
        found = decode_lz4(np.uintp(stored.ctypes.data), size, np.uintp(out.ctypes.data), allowed)
        assert -1 <= found <= allowed


def test_a_chunk_without_room_behind_it_is_decoded(tmp_path: Path) -> None:
    """What another filter gave ends where its memory ends; the compiled decoder reads in steps that go further."""
    values = np.random.default_rng(5).integers(0, 3, (64, 65)).astype("u2")
    stored = stored_chunk(tmp_path, values)
    edge = Fence(len(stored)).last(len(stored))
    edge[:] = np.frombuffer(stored, np.uint8)
    decode_it = decoder(Filter(BITSHUFFLE, "bitshuffle", (0, 4, 2, 0, 2)))
    assert decode_it is not None
    np.testing.assert_array_equal(decode_it(edge, values.nbytes).view("u2").reshape(values.shape), values)
