"""What h5py raises while data are read, in this package's words."""

from __future__ import annotations

import errno

import h5py
import numpy as np
import pytest

from panosc_analysis.errors import (
    FileCorrupt,
    FileNotHere,
    FilterPluginMissing,
    NodeNotFound,
    NotYours,
    OpenError,
    SourceMissing,
)
from panosc_analysis.nexus import open_file, reading


def read(path, name):
    with open_file(path) as f, reading(path, name):
        return f[name][()]


@pytest.mark.parametrize("options", [{"compression": "gzip"}, {"fletcher32": True}], ids=["gzip", "fletcher32"])
def test_chunk_that_does_not_decode(tmp_path, options):
    path = tmp_path / "bad.h5"
    with h5py.File(path, "w") as f:
        d = f.create_dataset("data", data=np.arange(1000), chunks=(1000,), **options)
        f.create_dataset("good", data=np.arange(3))
        chunk = d.id.get_chunk_info(0)
    with path.open("r+b") as raw:
        raw.seek(chunk.byte_offset + chunk.size // 2)
        raw.write(b"\xff" * 8)
    with pytest.raises(FileCorrupt, match="data in .*bad.h5") as caught:
        read(path, "data")
    assert caught.value.node == "data"
    assert read(path, "good").tolist() == [0, 1, 2]


def test_filter_that_is_not_installed(tmp_path):
    path = tmp_path / "unknown.h5"
    with h5py.File(path, "w") as f:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((4,))
        plist.set_filter(32999, h5py.h5z.FLAG_OPTIONAL)
        d = h5py.h5d.create(f.id, b"data", h5py.h5t.NATIVE_INT32, h5py.h5s.create_simple((4,)), plist)
        d.write_direct_chunk((0,), b"\0" * 16)
    with pytest.raises(FilterPluginMissing, match="hdf5plugin"):
        read(path, "data")


def test_soft_link_in_a_circle(tmp_path):
    path = tmp_path / "circle.h5"
    with h5py.File(path, "w") as f:
        f["a"] = h5py.SoftLink("/b")
        f["b"] = h5py.SoftLink("/a")
    with pytest.raises(SourceMissing, match="too many links"):
        read(path, "a")


def test_external_link_without_its_file(tmp_path):
    path = tmp_path / "master.h5"
    with h5py.File(path, "w") as f:
        f["data"] = h5py.ExternalLink("gone.h5", "/x")
    with pytest.raises(SourceMissing):
        read(path, "data")


def test_no_such_path(tmp_path):
    path = tmp_path / "f.h5"
    with h5py.File(path, "w") as f:
        f["x"] = 1
    with pytest.raises(NodeNotFound, match="'y'"):
        read(path, "y")


def test_own_errors_and_programming_errors_pass(tmp_path):
    own = FileNotHere("gone", hint="look elsewhere")
    with pytest.raises(FileNotHere) as caught, reading(tmp_path):
        raise own
    assert caught.value is own
    with pytest.raises(ZeroDivisionError), reading(tmp_path):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("number", "error"),
    [(errno.EACCES, NotYours), (errno.ENOENT, FileNotHere), (errno.EIO, OpenError), (errno.ESTALE, OpenError)],
)
def test_errors_of_the_operating_system(tmp_path, number, error):
    with pytest.raises(error) as caught, reading(tmp_path / "x.h5"):
        raise OSError(number, "as the system says it")
    assert type(caught.value) is error
