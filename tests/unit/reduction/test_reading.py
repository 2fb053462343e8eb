"""Every layout and codec gives the numbers that HDF5 and NumPy give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from panosc_analysis.errors import FileCorrupt, FileTruncated, FilterPluginMissing
from panosc_analysis.nexus import ArrayHandle
from panosc_analysis.reduction import Stack, reduce
from panosc_analysis.reduction.batch import Batch
from panosc_analysis.reduction.frames import find_route, read_batches
from panosc_analysis.reduction.team import Team

FAST = ["none", "gzip", "shuffle+gzip", "bitshuffle-lz4", "bitshuffle-zstd", "bitshuffle-64", "bitshuffle"]
FAST += ["blosc", "blosc2", "lz4", "zstd"]
SLOW = ["lzf", "fletcher32+gzip"]
DTYPES = ["u1", "<u2", ">u2", "<u4", ">u4", "<i4", "<f4", ">f4", "i8"]

Random = Callable[..., np.ndarray[Any, Any]]
Write = Callable[..., ArrayHandle]


def read(handle: ArrayHandle, *, nbytes: int = 3000, errors: Any = "raise", first: int = 0) -> list[Batch]:
    stack = Stack.of(handle)
    with Team(2) as team:
        batches = read_batches(stack, find_route(stack), first, stack.frames, nbytes=nbytes, errors=errors, team=team)
        return [
            Batch(b.first, b.count, pixels=None if b.reason else b.frames(team).copy(), reason=b.reason)
            for b in batches
        ]


def joined(batches: list[Batch]) -> np.ndarray[Any, Any]:
    starts = [batch.first for batch in batches]
    assert starts == sorted(starts)
    return np.concatenate([batch.pixels for batch in batches if batch.pixels is not None])


@pytest.mark.parametrize("codec", FAST + SLOW)
@pytest.mark.parametrize("dtype", ["u1", ">u2", "<u4", "<f4"])
def test_codecs(random: Random, write: Write, codec: str, dtype: str) -> None:
    values = random((7, 11, 13), dtype)
    handle = write(values, codec, chunks=(1, 11, 13))
    assert (find_route(Stack.of(handle)).table is not None) == (codec in FAST)
    frames = joined(read(handle))
    assert frames.dtype == values.dtype.newbyteorder("=")
    np.testing.assert_array_equal(frames.reshape(values.shape), values)


@given(
    codec=st.sampled_from(FAST + SLOW),
    dtype=st.sampled_from(DTYPES),
    chunk=st.sampled_from([None, (1, 1, 1), (1, 1, 0.5), (3, 1, 1), (20, 1, 1)]),
    size=st.tuples(st.integers(1, 9), st.integers(1, 12), st.integers(1, 40)),
    key=st.slices(9),
    nbytes=st.sampled_from([1, 500, 100_000]),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(codec="bitshuffle", dtype="u1", chunk=(3, 1, 1), size=(3, 1, 3), key=slice(None, None, -1), nbytes=1)
def test_any_layout(
    random: Random,
    write: Write,
    codec: str,
    dtype: str,
    chunk: tuple[float, ...] | None,
    size: tuple[int, ...],
    key: slice,
    nbytes: int,
) -> None:
    values = random(size, dtype)
    if chunk is None:
        handle = write(values)
    else:
        lengths = (int(chunk[0]), size[1], max(1, int(size[2] * chunk[2])))
        handle = write(values, codec, chunks=lengths, maxshape=(None, None, None))
    np.testing.assert_array_equal(joined(read(handle, nbytes=nbytes)).reshape(values.shape), values)
    picked = handle[key]
    if picked.size:
        np.testing.assert_array_equal(joined(read(picked, nbytes=nbytes)).reshape(picked.shape), values[key])


def test_chunks_that_were_not_written(random: Random, write: Write) -> None:
    values = random((4, 5, 6), "u2")
    handle = write(values, "bitshuffle-lz4", chunks=(1, 5, 6), maxshape=(None, 5, 6), fillvalue=7)
    with h5py.File(handle.file, "a") as file:
        file["entry/data/data"].resize(9, axis=0)
        file["entry/data/data"][8] = 3
    frames = joined(read(handle)).reshape(9, 5, 6)
    np.testing.assert_array_equal(frames[:4], values)
    assert (frames[4:8] == 7).all()
    assert (frames[8] == 3).all()
    notes = reduce(handle, ["statistics"]).notes
    assert any("4 of 9 frames were never written" in note for note in notes)


def test_chunk_that_was_written_without_its_filter(random: Random, write: Write) -> None:
    values = random((3, 8, 8), "<u2")
    handle = write(values, "shuffle+gzip", chunks=(1, 8, 8))
    with h5py.File(handle.file, "a") as file:
        file["entry/data/data"].id.write_direct_chunk((1, 0, 0), values[1].tobytes(), filter_mask=0b11)
    table = handle.chunk_table()
    assert table is not None
    assert table.filter_mask.tolist() == [[0], [3], [0]]
    np.testing.assert_array_equal(joined(read(handle)).reshape(values.shape), values)


def virtual(folder: Path, values: np.ndarray[Any, Any], write: Write) -> ArrayHandle:
    layout = h5py.VirtualLayout(values.shape, values.dtype)
    for first in range(0, len(values), 4):
        part = write(values[first : first + 4], "bitshuffle-lz4", chunks=(1, *values.shape[1:]))
        shape = (min(4, len(values) - first), *values.shape[1:])
        layout[first : first + 4] = h5py.VirtualSource(part.file.name, "entry/data/data", shape)
    with h5py.File(folder / "master.h5", "w") as file:
        file.create_virtual_dataset("data", layout)
    return ArrayHandle(folder / "master.h5", "data")


def test_virtual_dataset(tmp_path: Path, random: Random, write: Write) -> None:
    values = random((10, 9, 7), "u4")
    handle = virtual(tmp_path, values, write)
    assert find_route(Stack.of(handle)).table is not None
    np.testing.assert_array_equal(joined(read(handle)).reshape(values.shape), values)
    np.testing.assert_array_equal(joined(read(handle[9:1:-3])).reshape(3, 9, 7), values[9:1:-3])
    assert len(reduce(handle, ["statistics"]).record.sources[0].states) == 4


def damage(handle: ArrayHandle, row: int) -> None:
    table = handle.chunk_table()
    assert table is not None
    with table.files[table.file_index[row, 0]].open("r+b") as file:
        file.seek(int(table.offset[row, 0]) + int(table.size[row, 0]) // 2)
        file.write(b"\xff" * (int(table.size[row, 0]) // 2))


@pytest.mark.parametrize("codec", ["gzip", "bitshuffle-lz4", "bitshuffle-zstd", "lz4", "zstd", "fletcher32+gzip"])
def test_damaged_chunk(random: Random, write: Write, codec: str) -> None:
    values = random((8, 40, 50), "u2")
    handle = write(values, codec, chunks=(2, 40, 50))
    damage(handle, 1)
    with pytest.raises(FileCorrupt) as caught:
        reduce(handle, ["statistics"])
    if codec in FAST:
        assert "Chunk 1 (frames 2 to 3) of /entry/data/data in" in str(caught.value)
        assert handle.file.name in str(caught.value)
    result = reduce(handle, ["statistics"], errors="skip", tasks=3)
    assert any("2 of 8 frames were left out" in note for note in result.notes)
    kept = np.delete(values, [2, 3], axis=0)
    masked = result["totals"].masked
    assert masked is not None
    assert np.flatnonzero(masked).tolist() == [2, 3]
    full = result["count"].values == 6
    assert full.sum() > 1500
    np.testing.assert_array_equal(result["sum"].values[full], kept.astype(np.uint64).sum(axis=0)[full])
    assert result["count"].values.max() == 6


def test_file_that_was_cut(random: Random, write: Write) -> None:
    handle = write(random((8, 40, 50), "f4"), "none", chunks=(1, 40, 50))
    table = handle.chunk_table()
    assert table is not None
    stack, route = Stack.of(handle), find_route(Stack.of(handle))
    with handle.file.open("r+b") as file:
        file.truncate(int(table.offset[5, 0]) + 100)
    with pytest.raises(FileTruncated, match="frame 5"):
        list(read_batches(stack, route, 0, 8, nbytes=1, errors="raise", team=Team()))


def test_filter_that_is_not_installed(random: Random, write: Write) -> None:
    handle = write(random((3, 8, 8), "<u2"), "gzip", chunks=(1, 8, 8))
    content = bytearray(handle.file.read_bytes())
    name = content.index(b"deflate\0")
    content[name - 8 : name - 6] = (30000).to_bytes(2, "little")
    path = handle.file.with_name("unknown.h5")
    path.write_bytes(content)
    with pytest.raises(FilterPluginMissing):
        reduce(ArrayHandle(path, handle.path), ["statistics"], errors="skip")


def test_header_that_does_not_fit_the_chunk(random: Random, write: Write) -> None:
    handle = write(random((3, 8, 8), "<u4"), "bitshuffle-lz4", chunks=(1, 8, 8))
    table = handle.chunk_table()
    assert table is not None
    with handle.file.open("r+b") as file:
        file.seek(int(table.offset[1, 0]) + 6)
        file.write(b"\x02")
    with pytest.raises(FileCorrupt, match="Chunk 1"):
        reduce(handle, ["statistics"])


def test_decoder_that_disagrees_is_not_used(tmp_path: Path, check: Callable[..., None]) -> None:
    """12-bit numbers that lie 4 bits up in their 16: HDF5 shifts them, the stored bytes are not the values."""
    stored = h5py.h5t.STD_U16LE.copy()
    stored.set_precision(12)
    stored.set_offset(4)
    values = np.arange(3 * 8 * 8, dtype="<u2").reshape(3, 8, 8)
    with h5py.File(tmp_path / "odd.h5", "w") as file:
        options = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        options.set_chunk((1, 8, 8))
        space = h5py.h5s.create_simple(values.shape)
        h5py.Dataset(h5py.h5d.create(file.id, b"data", stored, space, options))[...] = values
    handle = ArrayHandle(tmp_path / "odd.h5", "data")
    assert handle.chunk_table() is not None
    result = reduce(handle, ["statistics"])
    check(result, values)
    assert any("read through HDF5" in note for note in result.notes)
