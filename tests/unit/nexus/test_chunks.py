from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from panosc_analysis.errors import SourceMissing
from panosc_analysis.nexus.array import ArrayHandle
from panosc_analysis.nexus.chunks import ChunkTable

VALUES = np.arange(10 * 4 * 3, dtype="<i4").reshape(10, 4, 3)


def write(path: Path, values: np.ndarray[Any, Any] = VALUES, **options: Any) -> ArrayHandle:
    with h5py.File(path, "w") as f:
        f.create_dataset("d", data=values, **options)
    return ArrayHandle(path, "d")


def read_back(table: ChunkTable) -> np.ndarray[Any, Any]:
    """Put the stack together from the bytes the table points at; uncompressed chunks only."""
    result = np.full(table.shape, table.fill_value, table.dtype)
    for row in range(len(table)):
        first, count, skip = (int(column[row]) for column in (table.first_frame, table.frames, table.skip))
        for tile, place in enumerate(np.ndindex(table.grid)):
            if table.offset[row, tile] < 0:
                continue
            with table.files[table.file_index[row, tile]].open("rb") as f:
                f.seek(int(table.offset[row, tile]))
                chunk = np.frombuffer(f.read(int(table.size[row, tile])), table.dtype).reshape(
                    -1, *table.chunk_shape[1:]
                )
            begin = [number * length for number, length in zip(place, table.chunk_shape[1:], strict=True)]
            window = tuple(
                slice(b, min(b + length, end))
                for b, length, end in zip(begin, table.chunk_shape[1:], table.frame_shape, strict=True)
            )
            inside = tuple(slice(0, part.stop - part.start) for part in window)
            result[(slice(first, first + count), *window)] = chunk[(slice(skip, skip + count), *inside)]
    return result


def table_of(handle: ArrayHandle) -> ChunkTable:
    table = handle.chunk_table()
    assert table is not None
    ends = table.first_frame + table.frames
    np.testing.assert_array_equal(table.first_frame, [0, *ends[:-1]])
    assert ends[-1] == table.shape[0]
    return table


@pytest.mark.parametrize("per_chunk", [1, 3, 10])
def test_rows_point_at_the_chunks(tmp_path: Path, per_chunk: int) -> None:
    table = table_of(write(tmp_path / "a.h5", chunks=(per_chunk, 4, 3)))
    assert table.shape == (10, 4, 3)
    assert table.frame_shape == (4, 3)
    assert len(table) == -(-10 // per_chunk)
    np.testing.assert_array_equal(read_back(table), VALUES)


@pytest.mark.parametrize("key", [slice(2, 9), slice(1, None, 2), slice(None, None, -1), slice(0, 0), slice(4, 5)])
def test_selected_frames(tmp_path: Path, key: slice) -> None:
    handle = write(tmp_path / "a.h5", chunks=(4, 4, 3))[key]
    table = handle.chunk_table()
    assert table is not None
    np.testing.assert_array_equal(read_back(table), VALUES[key])


def test_filters_are_recorded(tmp_path: Path) -> None:
    table = table_of(write(tmp_path / "a.h5", chunks=(1, 4, 3), compression="gzip", shuffle=True, compression_opts=3))
    assert [(f.id, f.client_data) for f in table.filters] == [(2, (4,)), (1, (3,))]


def test_chunk_that_was_never_written(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as f:
        d = f.create_dataset("d", (6, 4, 3), "i4", chunks=(1, 4, 3), fillvalue=-7)
        d[2] = VALUES[2]
    table = table_of(ArrayHandle(tmp_path / "a.h5", "d"))
    assert table.offset[:, 0].tolist()[:2] == [-1, -1]
    assert np.count_nonzero(table.offset < 0) == 5
    expected = np.full((6, 4, 3), -7)
    expected[2] = VALUES[2]
    np.testing.assert_array_equal(read_back(table), expected)


@pytest.mark.parametrize("chunks", [None, (1, 2, 3), (1, 3, 2), (3, 3, 2), (10, 1, 1)])
def test_contiguous_and_parts_of_frames(tmp_path: Path, chunks: tuple[int, ...] | None) -> None:
    table = table_of(write(tmp_path / "a.h5", chunks=chunks))
    np.testing.assert_array_equal(read_back(table), VALUES)
    picked = write(tmp_path / "a.h5", chunks=chunks)[7:1:-2].chunk_table()
    assert picked is not None
    np.testing.assert_array_equal(read_back(picked), VALUES[7:1:-2])


def test_tiles_that_were_never_written(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as f:
        d = f.create_dataset("d", (3, 4, 3), "i4", chunks=(1, 2, 2), fillvalue=-7)
        d[1, 2:, :2] = 5
        expected = d[()]
    table = table_of(ArrayHandle(tmp_path / "a.h5", "d"))
    assert (table.offset >= 0).sum() == 1
    np.testing.assert_array_equal(read_back(table), expected)


def test_layouts_that_have_no_table(tmp_path: Path) -> None:
    assert write(tmp_path / "complex.h5", VALUES.astype("c8"), chunks=(1, 4, 3)).chunk_table() is None
    assert write(tmp_path / "frame.h5", chunks=(1, 4, 3))[3].chunk_table() is None
    with h5py.File(tmp_path / "scalar.h5", "w") as f:
        f["d"] = 1.0
        f.create_dataset("external", (2, 4), "i4", external=[(str(tmp_path / "raw"), 0, 32)])
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_layout(h5py.h5d.COMPACT)
        space = h5py.h5s.create_simple((3, 4))
        h5py.h5d.create(f.id, b"compact", h5py.h5t.NATIVE_INT32, space, properties)
        f.create_dataset("unwritten", (3, 4, 5), "f4")
    (tmp_path / "raw").write_bytes(bytes(32))
    for name in ("d", "external", "compact", "unwritten"):
        assert ArrayHandle(tmp_path / "scalar.h5", name).chunk_table() is None
    within = write(tmp_path / "within.h5", chunks=(1, 4, 3))[:, 1:].chunk_table()
    assert within is not None
    assert within.frame_shape == (4, 3)


def test_bool_stored_as_enumeration(tmp_path: Path) -> None:
    table = table_of(write(tmp_path / "a.h5", VALUES % 3 == 0, chunks=(2, 4, 3)))
    np.testing.assert_array_equal(read_back(table), VALUES % 3 == 0)


def virtual(folder: Path, *, hole: bool = False, interleaved: bool = False, order: str = "<i4") -> ArrayHandle:
    layout = h5py.VirtualLayout((12, 4, 3), "<i4")
    for number in range(2):
        with h5py.File(folder / f"part{number}.h5", "w") as f:
            f.create_dataset(
                "d", data=(VALUES[:6] + 1000 * number).astype(order), chunks=(2, 4, 3), maxshape=(None, 4, 3)
            )
        source = h5py.VirtualSource(f"part{number}.h5", "d", (6, 4, 3))
        if interleaved:
            layout[number::2] = source
        elif hole:
            layout[7 * number : 7 * number + 5] = source[1:6]
        else:
            layout[6 * number : 6 * number + 6] = source
    with h5py.File(folder / "master.h5", "w") as f:
        f.create_virtual_dataset("v", layout, fillvalue=0)
        f["linked"] = h5py.ExternalLink("outer.h5", "/v")
    outer = h5py.VirtualLayout((8, 4, 3), "<i4")
    outer[...] = h5py.VirtualSource("master.h5", "v", (12, 4, 3))[3:11]
    with h5py.File(folder / "outer.h5", "w") as f:
        f.create_virtual_dataset("v", outer)
    return ArrayHandle(folder / "master.h5", "v")


@pytest.mark.parametrize(("hole", "interleaved"), [(False, False), (True, False), (False, True)])
def test_virtual_dataset_over_files(tmp_path: Path, hole: bool, interleaved: bool) -> None:
    handle = virtual(tmp_path, hole=hole, interleaved=interleaved)
    table = table_of(handle)
    assert {f.name for f in table.files} == {"master.h5", "part0.h5", "part1.h5"}
    np.testing.assert_array_equal(read_back(table), handle.numpy())
    nested = ArrayHandle(tmp_path / "master.h5", "linked")
    np.testing.assert_array_equal(read_back(table_of(nested)), handle.numpy()[3:11])
    picked = handle[1::3]
    picked_table = picked.chunk_table()
    assert picked_table is not None
    np.testing.assert_array_equal(read_back(picked_table), picked.numpy())


def test_virtual_dataset_that_converts_has_no_table(tmp_path: Path) -> None:
    assert virtual(tmp_path, order=">i4").chunk_table() is None


def test_virtual_dataset_of_single_images_has_no_table(tmp_path: Path) -> None:
    layout = h5py.VirtualLayout((2, 4, 3), "<i4")
    for number in range(2):
        write(tmp_path / f"image{number}.h5", VALUES[number], chunks=(4, 3))
        layout[number] = h5py.VirtualSource(f"image{number}.h5", "d", (4, 3))
    with h5py.File(tmp_path / "m.h5", "w") as f:
        f.create_virtual_dataset("v", layout)
    handle = ArrayHandle(tmp_path / "m.h5", "v")
    assert handle.chunk_table() is None
    np.testing.assert_array_equal(handle.numpy(), VALUES[:2])


def test_source_without_the_dataset(tmp_path: Path) -> None:
    handle = virtual(tmp_path)
    with h5py.File(tmp_path / "part1.h5", "w") as f:
        f["other"] = 1
    with pytest.raises(SourceMissing, match=r"part1\.h5"):
        handle.chunk_table()


def test_table_follows_its_files(tmp_path: Path) -> None:
    handle = virtual(tmp_path)
    for path in tmp_path.iterdir():
        os.utime(path, (1e9, 1e9))  # a file that changed just now may change again without its times telling
    before = table_of(handle)
    assert handle.chunk_table() is before
    with h5py.File(tmp_path / "part1.h5", "r+") as f:
        f["d"][0] = 5
    os.utime(tmp_path / "part1.h5", ns=(1, 1))
    after = table_of(handle)
    assert after is not before
    assert np.all(read_back(after)[6] == 5)
