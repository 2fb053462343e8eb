from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from panosc_analysis.errors import FileNotHere, NodeNotFound, SourceMissing
from panosc_analysis.nexus.array import ArrayHandle

VALUES = np.arange(7 * 5 * 6, dtype="<u2").reshape(7, 5, 6)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("array") / "a.h5"
    with h5py.File(path, "w") as f:
        f["entry/data"] = VALUES
        f["entry/data"].attrs["units"] = np.bytes_("counts")
        f["entry/text"] = ["ä", "b"]
        f["entry/scalar"] = 3.5
        f["entry/nothing"] = h5py.Empty("f4")
    return path


def test_handle_is_described_without_reading(file: Path) -> None:
    handle = ArrayHandle(file, "/entry/data")
    assert (handle.shape, handle.ndim, handle.size, handle.nbytes, len(handle)) == ((7, 5, 6), 3, 210, 420, 7)
    assert handle.dtype == np.dtype("<u2")
    assert handle.attrs == {"units": "counts"}
    assert repr(handle) == f"<ArrayHandle '/entry/data' in '{file}': shape (7, 5, 6), type uint16>"


index = st.one_of(
    st.integers(-5, 4),
    st.slices(5),
    st.builds(
        slice, st.none() | st.integers(-9, 9), st.none() | st.integers(-9, 9), st.sampled_from([None, 1, 2, -1, -3])
    ),
)


@given(keys=st.lists(st.lists(st.one_of(index, st.just(Ellipsis)), max_size=3), max_size=3))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_slicing_is_numpys(file: Path, keys: list[list[object]]) -> None:
    handle, expected = ArrayHandle(file, "entry/data"), VALUES
    for key in keys:
        try:
            expected = expected[tuple(key)]  # type: ignore[index]
        except IndexError:
            with pytest.raises(IndexError):
                handle[tuple(key)]  # type: ignore[index]
            return
        handle = handle[tuple(key)]  # type: ignore[index]
    assert handle.shape == expected.shape
    np.testing.assert_array_equal(handle.numpy(), expected)


@pytest.mark.parametrize(
    "key", [(3,), (slice(None, None, 2), 1), (slice(None, None, -1),), (..., slice(1, 4)), (2, 1, 4)]
)
def test_reading_into_memory_that_is_there(file: Path, key: tuple[Any, ...]) -> None:
    out = np.full_like(VALUES[key], 9)
    ArrayHandle(file, "entry/data")[key].read_into(out)
    np.testing.assert_array_equal(out, VALUES[key])
    with pytest.raises(ValueError, match="cannot take"):
        ArrayHandle(file, "entry/data")[key].read_into(np.empty((3, 3, 3), np.uint16))


def test_handle_survives_pickle_and_compares(file: Path) -> None:
    handle = ArrayHandle(file, "entry/data")[2:5, ::-1, 3]
    copy = pickle.loads(pickle.dumps(handle))
    assert copy == handle
    assert hash(copy) == hash(handle)
    np.testing.assert_array_equal(np.asarray(copy), VALUES[2:5, ::-1, 3])


@pytest.mark.parametrize("key", ["a", True, [1, 2], None, 1.5])
def test_other_indices_are_refused(file: Path, key: object) -> None:
    with pytest.raises(TypeError, match="integers, slices"):
        ArrayHandle(file, "entry/data")[key]  # type: ignore[index]


def test_text_scalars_and_nothing(file: Path) -> None:
    assert ArrayHandle(file, "entry/text").numpy().tolist() == ["ä", "b"]
    assert ArrayHandle(file, "entry/scalar").numpy() == 3.5
    assert ArrayHandle(file, "entry/scalar")[...].shape == ()
    assert ArrayHandle(file, "entry/nothing").numpy().shape == (0,)


def test_what_is_not_there(file: Path, tmp_path: Path) -> None:
    with pytest.raises(NodeNotFound):
        ArrayHandle(file, "entry/other").numpy()
    with pytest.raises(NodeNotFound, match="is a group"):
        _ = ArrayHandle(file, "entry").shape
    with pytest.raises(FileNotHere):
        _ = ArrayHandle(tmp_path / "no.h5", "entry").shape
    assert "FileNotHere" in repr(ArrayHandle(tmp_path / "no.h5", "entry"))


def test_no_file_stays_open(file: Path, tmp_path: Path) -> None:
    path = tmp_path / "b.h5"
    path.write_bytes(file.read_bytes())
    handle = ArrayHandle(path, "entry/data")
    handle[0].numpy()
    with h5py.File(path, "r+") as f:  # HDF5 refuses this while the process holds the file open for reading
        f["entry/data"][0] = 9
        del f["entry/text"]
    assert np.all(handle[0].numpy() == 9)


def test_shape_follows_a_file_that_grows(tmp_path: Path) -> None:
    path = tmp_path / "g.h5"
    with h5py.File(path, "w") as f:
        f.create_dataset("d", data=VALUES, maxshape=(None, 5, 6), chunks=(1, 5, 6))
    handle = ArrayHandle(path, "d")
    assert handle.shape == (7, 5, 6)
    with h5py.File(path, "a") as f:
        f["d"].resize(9, axis=0)
        f["d"][7:] = 1
    assert handle.shape == (9, 5, 6)
    table = handle.chunk_table()
    assert table is not None
    assert len(table) == 9


def test_link_and_virtual_dataset_with_missing_files(file: Path, tmp_path: Path) -> None:
    path, source = tmp_path / "m.h5", tmp_path / "s.h5"
    layout = h5py.VirtualLayout((2, 5, 6), "u2")
    layout[1] = h5py.VirtualSource("s.h5", "d", (5, 6))
    with h5py.File(path, "w") as f:
        f.create_virtual_dataset("v", layout)
        f["there"] = h5py.ExternalLink(str(file), "/entry/data")
        f["gone"] = h5py.ExternalLink("nowhere.h5", "/entry/data")
    np.testing.assert_array_equal(ArrayHandle(path, "there")[3].numpy(), VALUES[3])
    with pytest.raises(SourceMissing):
        ArrayHandle(path, "gone").numpy()
    virtual = ArrayHandle(path, "v")
    assert virtual.shape == (2, 5, 6)
    with pytest.raises(SourceMissing, match=r"s\.h5"):
        virtual.numpy()
    with pytest.raises(SourceMissing):
        virtual.chunk_table()
    with h5py.File(source, "w") as f:
        f["d"] = VALUES[4]
    np.testing.assert_array_equal(virtual[1].numpy(), VALUES[4])
    source.unlink()
    with pytest.raises(SourceMissing):
        virtual[1].numpy()
