"""A handle gives what h5py and NumPy give, however its file is stored, from threads, from Dask, and from reductions."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask
import h5py
import hdf5plugin
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from panosc_analysis.errors import FileCorrupt, FileTruncated, NotEnoughMemory, ReductionError, SourceMissing
from panosc_analysis.nexus import ArrayHandle
from panosc_analysis.reduction.arithmetic import reduce_stack
from panosc_analysis.reduction.clusters import start_cluster
from panosc_analysis.reduction.filling import read_selection
from panosc_analysis.reduction.team import Team

Random = Callable[..., np.ndarray[Any, Any]]
Write = Callable[..., ArrayHandle]

CODECS = ["none", "gzip", "shuffle+gzip", "bitshuffle-lz4", "bitshuffle-zstd", "bitshuffle-64", "blosc2", "lz4", "lzf"]
DTYPES = ["u1", "<u2", ">u2", "<u4", ">i4", "<f2", "<f4", ">f8", "i8"]
NAMES = ["sum", "mean", "std", "var", "min", "max"]
LAYOUTS = [None, (1, 1, 1), (1, 0.5, 0.4), (3, 1, 1), (4, 0.3, 1), (20, 1, 0.5)]

layouts = st.fixed_dictionaries(
    {
        "codec": st.sampled_from(CODECS),
        "dtype": st.sampled_from(DTYPES),
        "chunk": st.sampled_from(LAYOUTS),
        "size": st.tuples(st.integers(1, 9), st.integers(1, 12), st.integers(1, 40)),
    }
)


def index(length: int) -> st.SearchStrategy[Any]:
    whole = st.just(slice(None))
    stepped = st.builds(slice, st.none() | st.integers(-9, 9), st.none() | st.integers(-9, 9), st.sampled_from([-3, 2]))
    return st.one_of(whole, st.integers(0, length - 1), st.slices(length), stepped)


@st.composite
def parts(draw: st.DrawFn) -> tuple[dict[str, Any], tuple[Any, ...]]:
    layout = draw(layouts)
    return layout, tuple(draw(index(length)) for length in layout["size"])


def stored(random: Random, write: Write, layout: dict[str, Any]) -> tuple[ArrayHandle, np.ndarray[Any, Any]]:
    size, chunk = layout["size"], layout["chunk"]
    values = random(size, layout["dtype"])
    if chunk is None:
        return write(values), values
    lengths = (int(chunk[0]), *(max(1, int(n * part)) for n, part in zip(size[1:], chunk[1:], strict=True)))
    return write(values, layout["codec"], chunks=lengths, maxshape=(None, None, None)), values


def same(found: Any, expected: Any) -> None:
    """The same numbers, type and byte order; NaN is NaN."""
    assert (np.asarray(found).dtype, np.shape(found)) == (np.asarray(expected).dtype, np.shape(expected))
    np.testing.assert_array_equal(found, expected)


def numpys(name: str, values: np.ndarray[Any, Any], **options: Any) -> Any:
    """What NumPy says; of floating-point numbers what it says of them in double precision."""
    plain = getattr(np, name)(values, **options)
    if values.dtype.kind != "f" or name in ("min", "max"):
        return plain
    return np.asarray(getattr(np, name)(values.astype(np.float64), **options)).astype(plain.dtype)[()]


def close(name: str, found: Any, expected: Any, values: np.ndarray[Any, Any]) -> None:
    kind = np.asarray(expected).dtype
    if name in ("min", "max") or (name == "sum" and kind.kind in "iu"):
        np.testing.assert_array_equal(found, expected)
        return
    size = float(np.nanmax(np.abs(values.astype(np.float64)), initial=1.0)) * (values.size if name == "sum" else 1)
    least = size**2 if name == "var" else size
    tolerance = max(float(np.finfo(kind).eps) * 4, 1e-9 if name in ("std", "var") else 1e-13)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=1e-14 * least)


SLOW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(part=parts())
@SLOW
@example(part=({"codec": "bitshuffle-lz4", "dtype": "<u2", "chunk": (1, 0.5, 0.4), "size": (5, 9, 33)}, (3, ...)))
@example(part=({"codec": "gzip", "dtype": ">f8", "chunk": (4, 0.3, 1), "size": (9, 9, 9)}, (slice(None, None, -3),)))
def test_reading_in_threads_and_through_dask(random: Random, write: Write, part: tuple[Any, tuple[Any, ...]]) -> None:
    layout, key = part
    handle, values = stored(random, write, layout)
    with h5py.File(handle.file) as file:
        same(handle.numpy(), file[handle.path][()])
    # With `...` NumPy gives an array of no dimensions, in the byte order of the file, and not a scalar.
    part_of, expected = handle[key], values[key if ... in key else (*key, ...)]
    with Team(2) as team:
        same(read_selection(part_of, team), expected)
    same(part_of.numpy(), expected)
    lazy = part_of.dask()
    assert (lazy.shape, lazy.dtype) == (expected.shape, expected.dtype)
    with dask.config.set(scheduler="threads", num_workers=2):
        same(lazy.compute(), expected)
        if expected.ndim and expected.size:
            same(lazy[expected.shape[0] // 2 :].compute(), expected[expected.shape[0] // 2 :])


@given(part=parts(), name=st.sampled_from(NAMES), data=st.data())
@SLOW
def test_reductions(
    random: Random, write: Write, part: tuple[Any, tuple[Any, ...]], name: str, data: st.DataObject
) -> None:
    handle, values = stored(random, write, part[0])
    handle, values = handle[part[1]], values[part[1]]
    if not values.ndim or not values.size:
        return
    chosen = data.draw(st.sets(st.integers(0, values.ndim - 1), min_size=1), label="axes")
    axes = tuple(sorted(chosen))
    expected = numpys(name, values, axis=axes)
    found = reduce_stack(handle[...], name, axes)  # type: ignore[arg-type]
    close(name, np.asarray(found).astype(np.asarray(expected).dtype), expected, values)
    by_itself = getattr(handle, name)(axis=axes, keepdims=True)
    assert np.shape(by_itself) == np.shape(getattr(np, name)(values, axis=axes, keepdims=True))
    close(name, by_itself, numpys(name, values, axis=axes, keepdims=True), values)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[ArrayHandle, np.ndarray[Any, Any]]:
    """More than HDF5 is asked for by itself: 20 MB."""
    from panosc_analysis.reduction.kernels import bitshuffle  # noqa: F401  loaded, so that it is used

    values = np.random.default_rng(3).poisson(2, (80, 256, 512)).astype("u2")
    values[:, :10] = 65535
    values[41, 200, 300] = 60001
    path = tmp_path_factory.mktemp("large") / "large.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=values, chunks=(1, 256, 512), **hdf5plugin.Bitshuffle())
        file.create_dataset("reals", data=values.astype("f4") / 7, chunks=(16, 64, 512), **hdf5plugin.Zstd())
    return ArrayHandle(path, "data"), values


@pytest.mark.parametrize("axis", [None, 0, 2, -1, (0, 2), (1, 2), (0, 1, 2)], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_numpys_functions_and_the_methods(
    large: tuple[ArrayHandle, np.ndarray[Any, Any]], name: str, axis: Any
) -> None:
    handle, values = large
    expected = getattr(np, name)(values, axis=axis)
    for found in (getattr(np, name)(handle, axis=axis), getattr(handle, name)(axis=axis)):
        assert type(found) is type(expected)
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        close(name, found, expected, values)
    reals = ArrayHandle(handle.file, "reals")
    expected = numpys(name, values.astype("f4") / 7, axis=axis)
    found = getattr(np, name)(reals, axis=axis)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_what_else_numpy_takes(large: tuple[ArrayHandle, np.ndarray[Any, Any]]) -> None:
    handle, values = large
    same(np.add.reduce(handle), np.add.reduce(values))
    same(np.maximum.reduce(handle, axis=2), values.max(axis=2))
    same(np.sum(handle, axis=0, dtype="u4"), values.sum(axis=0, dtype="u4"))
    np.testing.assert_allclose(np.std(handle, axis=0, ddof=1), np.std(values, axis=0, ddof=1), rtol=1e-12)
    np.testing.assert_allclose(np.var(handle, correction=1), np.var(values, correction=1), rtol=1e-12)
    np.testing.assert_allclose(handle.mean(0, "f4"), values.mean(axis=0), rtol=1e-6)
    same(np.sqrt(handle[3]), np.sqrt(values[3]))
    same(np.subtract(handle[3], handle[4]), values[3] - values[4])
    same(np.median(handle[:5], axis=0), np.median(values[:5], axis=0))
    same(np.concatenate([handle[:1], values[:1]]), np.concatenate([values[:1], values[:1]]))
    same(np.asarray(handle[2:4], dtype="f4"), values[2:4].astype("f4"))
    with pytest.raises(np.exceptions.AxisError):
        handle.mean(axis=3)
    with pytest.raises(TypeError, match="out"):
        np.mean(handle, axis=0, out=np.empty(3))
    with pytest.raises(ValueError, match="no array in memory"):
        np.array(handle, copy=False)
    with pytest.raises(RuntimeWarning, match="Degrees of freedom"):
        reduce_stack(handle[:1], "var", (0,), 1)


def test_integers_are_exact_whatever_the_threads(
    large: tuple[ArrayHandle, np.ndarray[Any, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    handle, _ = large
    reals = ArrayHandle(handle.file, "reals")
    found = []
    for threads in ("1", "3"):
        with dask.config.set(num_workers=int(threads)):
            found.append((handle.var(axis=0).tobytes(), handle.mean(axis=(0, 2)).tobytes(), reals.std().tobytes()))
    assert found[0] == found[1]


def test_64_bit_integers_wrap_as_numpys(write: Write) -> None:
    values = np.array([[[2**63 - 1, 5]], [[2**63 - 1, -7]]], "i8")
    same(reduce_stack(write(values)[...], "sum", (0,)), values.sum(axis=0))
    with pytest.raises(ReductionError, match="no numbers"):
        write(np.array(["a", "b"], dtype="S1")).sum()


def test_empty_scalar_and_single_frames(write: Write, random: Random) -> None:
    values = random((4, 5, 6), "u2")
    handle = write(values, "gzip", chunks=(1, 5, 6))
    same(handle[0:0].sum(axis=0), values[0:0].sum(axis=0))
    same(handle[1, 2, 3].max(), values[1, 2, 3].max())
    same(reduce_stack(handle[2], "max", (0,)), values[2].max(axis=0))
    same(handle.sum(axis=()), values.sum(axis=()))
    with pytest.raises(ValueError, match="zero-size"):
        handle[0:0].max()


def test_chunks_are_the_files(write: Write, random: Random) -> None:
    values = random((25, 8, 12), "u2")
    handle = write(values, "gzip", chunks=(10, 4, 12))
    assert handle.chunks == (10, 4, 12)
    assert handle[3:, 1].chunks == (10, 12)
    assert handle[::5, :, :3].chunks == (2, 4, 3)
    assert write(values).chunks is None


def test_blocks_end_where_chunks_end(write: Write, random: Random) -> None:
    handle = write(random((95, 8, 12), "u2"), "gzip", chunks=(10, 4, 12))
    with dask.config.set({"array.chunk-size": "4KB"}):
        assert handle.dask().chunks == ((20, 20, 20, 20, 15), (8,), (12,))
        assert handle[5:].dask().chunks == ((15, 20, 20, 20, 15), (8,), (12,))
    with dask.config.set({"array.chunk-size": "1KB"}):
        assert handle.dask().chunks == ((10,) * 9 + (5,), (4, 4), (12,))
    assert handle.dask(chunks=(50, 8, 12)).chunks == ((50, 45), (8,), (12,))


def test_the_graph_holds_names_and_no_numbers(large: tuple[ArrayHandle, np.ndarray[Any, Any]]) -> None:
    handle, values = large
    lazy = handle.dask(chunks=(20, 256, 512))
    graph = pickle.dumps(lazy)
    assert len(graph) < 20_000
    same(pickle.loads(graph)[7].compute(scheduler="synchronous"), values[7])
    assert lazy.name == handle.dask(chunks=(20, 256, 512)).name


def test_on_the_workers_of_a_cluster(large: tuple[ArrayHandle, np.ndarray[Any, Any]]) -> None:
    """Processes of their own: what is sent has to be found and decoded there, and to give the same bits."""
    handle, values = large
    reals = ArrayHandle(handle.file, "reals")
    here = handle.var(axis=0).tobytes()
    with start_cluster("local", workers=2, threads=1):
        same(handle.dask(chunks=(20, 256, 512)).max(axis=0).compute(), values.max(axis=0))
        assert handle.var(axis=0).tobytes() == here
        np.testing.assert_allclose(reals.mean(axis=(1, 2)), (values.astype("f4") / 7).mean(axis=(1, 2)), rtol=1e-5)
        assert handle.map_frames(lambda frame: int(frame.sum())).tolist() == values.sum(axis=(1, 2)).tolist()
        with pytest.raises(ReductionError, match="failed on frame 41 of data") as caught:
            handle.map_frames(_refuses_41)
        assert caught.value.frames == list(range(len(caught.value.frames)))  # type: ignore[attr-defined]


def _refuses_41(frame: np.ndarray[Any, Any]) -> int:
    if frame[200, 300] == 60001:
        raise ValueError("not this one")
    return 0


def test_a_missing_source_is_an_error_in_a_block_too(tmp_path: Path, write: Write, random: Random) -> None:
    values = random((8, 9, 7), "u2")
    source = write(values, "bitshuffle-lz4", chunks=(1, 9, 7))
    layout = h5py.VirtualLayout(values.shape, values.dtype)
    layout[...] = h5py.VirtualSource(source.file.name, "entry/data/data", values.shape)
    with h5py.File(tmp_path / "master.h5", "w") as file:
        file.create_virtual_dataset("data", layout)
    handle = ArrayHandle(tmp_path / "master.h5", "data")
    lazy = handle.dask()
    assert handle.chunks == (1, 9, 7)
    same(lazy.compute(scheduler="threads"), values)
    source.file.rename(tmp_path / "away.h5")
    for read in (lambda: lazy.compute(scheduler="threads"), handle.numpy, lambda: handle.mean(axis=0)):
        with pytest.raises(SourceMissing):
            read()


def test_damage_names_the_chunk(write: Write, random: Random) -> None:
    handle = write(random((9, 40, 50), "u2"), "bitshuffle-lz4", chunks=(2, 40, 50))
    table = handle.chunk_table()
    assert table is not None
    with handle.file.open("r+b") as file:
        file.seek(int(table.offset[3, 0]) + 12)
        file.write(b"\xff" * 40)
    for part in (handle, handle[::6]):
        with Team() as team, pytest.raises(FileCorrupt, match=re.escape("Chunk 3 (frames 6 to 7)")):
            read_selection(part, team)


def test_what_does_not_fit_is_said_before_it_is_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "huge.h5", "w") as file:
        file.create_dataset("data", (40_000, 1000, 1000), "u4", chunks=(1, 1000, 1000))
    handle = ArrayHandle(tmp_path / "huge.h5", "data")
    with pytest.raises(NotEnoughMemory, match=r"160\.0 GB of memory"):
        handle[...].numpy()
    with pytest.raises(MemoryError):
        np.asarray(handle)
    with pytest.raises(ReductionError, match=r"numpy\.median would read all"):
        np.median(handle)
    with pytest.raises(NotEnoughMemory, match="for each of"):
        handle.map_frames(lambda frame: frame)


def test_a_file_written_anew_and_shorter_is_seen(write: Write, random: Random) -> None:
    handle = write(random((9, 4, 5), "u2"), "gzip", chunks=(1, 4, 5))
    part = handle[2:8]
    lazy = part.dask()
    handle.file.unlink()
    with h5py.File(handle.file, "w") as file:
        file.create_dataset(handle.path, data=random((5, 4, 5), "u2"), chunks=(1, 4, 5), compression="gzip")
    for read in (part.numpy, lambda: part.sum(axis=0), lambda: lazy.compute(scheduler="threads")):
        with pytest.raises(FileTruncated, match="more was taken of it before"):
            read()
