"""The one opener: what it opens, and what it says of files that cannot be opened."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from panosc_analysis.errors import (
    FileBeingWritten,
    FileCorrupt,
    FileNotHere,
    FileTruncated,
    NotAnHDF5File,
    NotYours,
    OutsideRoots,
    PanoscError,
    SaveError,
)
from panosc_analysis.nexus import create_file, open_file

SIGNATURE = b"\x89HDF\r\n\x1a\n"
LONG_AGO = 1_600_000_000

WRITER = """
import sys, h5py
path, kind = sys.argv[1:]
with_latest = {"libver": "latest"} if kind in ("latest", "swmr") else {}
f = h5py.File(path, "w", **with_latest)
d = f.create_dataset("x", (10,), "i4", maxshape=(None,), chunks=(10,))
d[:] = range(10)
if kind == "swmr":
    f.swmr_mode = True
if kind != "unflushed":
    f.flush()
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def whole(tmp_path: Path) -> bytes:
    path = tmp_path / "whole.h5"
    with h5py.File(path, "w") as f:
        f["entry/x"] = np.arange(10_000)
    return path.read_bytes()


def write_old(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


@pytest.fixture
def writer(tmp_path: Path):
    """Start writers in other processes; whatever still runs at the end is ended."""
    running: list[subprocess.Popen] = []

    def start(kind: str) -> tuple[Path, subprocess.Popen]:
        path = tmp_path / f"{kind}.h5"
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        running.append(process)
        assert process.stdout.readline() == b"ready\n"
        return path, process

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (lambda whole: b"", NotAnHDF5File),
        (lambda whole: b"some words, not data\n" * 50, NotAnHDF5File),
        (lambda whole: bytes(8192), NotAnHDF5File),
        (lambda whole: b"\xff" * 600 + SIGNATURE + b"\xff" * 600, NotAnHDF5File),
        (lambda whole: SIGNATURE, FileTruncated),
        (lambda whole: whole[:-1], FileTruncated),
        (lambda whole: whole[: len(whole) // 2], FileTruncated),
        (lambda whole: whole[:40] + b"\xff" * 60 + whole[100:], FileCorrupt),
    ],
    ids=["empty", "text", "zeros", "signature at no offset", "signature only", "less 1 byte", "half", "bad header"],
)
def test_broken_file_says_which_way_it_is_broken(tmp_path, whole, content, error):
    path = write_old(tmp_path / "broken.h5", content(whole))
    with pytest.raises(PanoscError) as caught:
        open_file(path)
    assert type(caught.value) is error
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_truncated_file_that_changes_now_is_being_written(tmp_path, whole):
    path = tmp_path / "growing.h5"
    path.write_bytes(whole[:-100])
    with pytest.raises(FileBeingWritten, match="still being written or copied"):
        open_file(path)
    os.utime(path, (LONG_AGO, LONG_AGO))
    with pytest.raises(FileTruncated):
        open_file(path)


def test_file_with_a_clock_ahead_is_not_being_written(tmp_path, whole):
    path = tmp_path / "future.h5"
    path.write_bytes(whole[:-100])
    os.utime(path, (4_000_000_000, 4_000_000_000))
    with pytest.raises(FileTruncated):
        open_file(path)


def test_plain_writer_is_read_beside_and_not_disturbed(writer):
    path, process = writer("plain")
    with open_file(path) as f:
        assert f["x"][:].tolist() == list(range(10))
    with h5py.File(path, "r", locking=False):
        pass
    assert process.poll() is None


def test_writer_of_the_latest_format_is_reported(writer):
    path, process = writer("latest")
    with pytest.raises(FileBeingWritten, match="open for writing"):
        open_file(path)
    process.kill()
    process.wait()
    with pytest.raises(FileBeingWritten, match="h5clear"):
        open_file(path)


def test_swmr_writer_is_followed_alive_and_dead(writer):
    path, process = writer("swmr")
    with open_file(path) as f:
        assert f.swmr_mode
        assert f["x"][:].tolist() == list(range(10))
    process.kill()
    process.wait()
    with open_file(path) as f:
        assert f["x"][:].tolist() == list(range(10))


def test_writer_killed_before_it_flushed(writer):
    path, process = writer("unflushed")
    process.kill()
    process.wait()
    os.utime(path, (LONG_AGO, LONG_AGO))
    with pytest.raises(FileTruncated):
        open_file(path)


@pytest.mark.parametrize("mode", [{"mode": "w"}, {"mode": "r"}, {"mode": "r", "swmr": True}], ids=str)
def test_file_that_this_process_has_open_otherwise(tmp_path, mode):
    path = tmp_path / "shared.h5"
    with h5py.File(path, "w") as f:
        f["x"] = 1
    with h5py.File(path, **mode) as f:
        if mode["mode"] == "w":
            f["x"] = 1
        with open_file(path) as again:
            assert again["x"][()] == 1


def test_reader_takes_no_lock(tmp_path, whole):
    path = tmp_path / "whole.h5"
    code = "import sys, h5py; h5py.File(sys.argv[1], 'r+').close()"
    with open_file(path) as f:
        subprocess.run([sys.executable, "-c", code, str(path)], check=True)
        assert f["entry/x"].shape == (10_000,)


@pytest.mark.parametrize("size", [512, 32768])
def test_user_block_in_front(tmp_path, size):
    path = tmp_path / "block.hdf"
    with h5py.File(path, "w", userblock_size=size) as f:
        f["x"] = 5
    with path.open("r+b") as raw:
        raw.write(b"<?xpacket begin?>")
    with open_file(path) as f:
        assert f["x"][()] == 5


def test_compressed_with_a_plugin_filter(tmp_path):
    import hdf5plugin

    path = tmp_path / "bitshuffle.h5"
    frame = np.arange(10_000, dtype="u4").reshape(100, 100)
    with h5py.File(path, "w") as f:
        f.create_dataset("x", data=frame, chunks=(100, 100), **hdf5plugin.Bitshuffle())
    code = (
        "import sys; from panosc_analysis.nexus import open_file\n"
        "with open_file(sys.argv[1]) as f: print(f['x'][99, 99])"
    )
    answer = subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True)
    assert answer.stdout == "9999\n"


def test_edf_and_npy_look_like_hdf5(tmp_path):
    from fabio.edfimage import EdfImage

    image = np.arange(12, dtype="uint16").reshape(3, 4)
    EdfImage(data=image).write(str(tmp_path / "image.edf"))
    np.save(tmp_path / "array.npy", image)
    with open_file(tmp_path / "image.edf") as f:
        assert f["scan_0/image/data"][()].tolist() == image.tolist()
    with open_file(tmp_path / "array.npy") as f:
        assert f["data"][()].tolist() == image.tolist()


def test_npy_with_pickled_objects_is_not_loaded(tmp_path):
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(NotAnHDF5File):
        open_file(tmp_path / "objects.npy")


def test_name_that_silx_would_read_as_an_address(tmp_path):
    image = tmp_path / "a?path=x.npy"
    np.save(image, np.arange(3))
    with pytest.raises(NotAnHDF5File, match="name"):
        open_file(image)


def test_special_files_do_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe.h5")
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(tmp_path / "socket"))
        for path in (tmp_path / "pipe.h5", tmp_path / "socket", Path("/dev/zero"), tmp_path):
            with pytest.raises(NotAnHDF5File):
                open_file(path)


@pytest.mark.parametrize("name", ["nothing.h5", "a" * 300, "nul\0byte.h5", "no/such/folder.h5"])
def test_missing(tmp_path, name):
    with pytest.raises(FileNotHere):
        open_file(tmp_path / name)


def test_link_in_a_circle_and_unknown_home(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(FileNotHere):
        open_file(tmp_path / "a")
    with pytest.raises(FileNotHere):
        open_file("~nobody-of-this-name/x.h5")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path, whole):
    path = tmp_path / "whole.h5"
    path.chmod(0)
    with pytest.raises(NotYours):
        open_file(path)


def test_home_is_expanded(tmp_path, whole, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with open_file("~/whole.h5") as f:
        assert "entry" in f


def test_roots_are_held(tmp_path, whole):
    inner, path = tmp_path / "p1", tmp_path / "whole.h5"
    inner.mkdir()
    (inner / "link.h5").symlink_to(path)
    (tmp_path / "p10").mkdir()
    (tmp_path / "p10" / "other.h5").write_bytes(whole)
    with open_file(path, roots=[tmp_path]) as f:
        assert "entry" in f
    for outside in (inner / "link.h5", tmp_path / "p10" / "other.h5", inner / ".." / "whole.h5"):
        with pytest.raises(OutsideRoots):
            open_file(outside, roots=[inner])
    with pytest.raises(OutsideRoots):
        open_file(path, roots=[])


def test_create_makes_new_files_only(tmp_path):
    path = tmp_path / "new.h5"
    with create_file(path) as f:
        f["x"] = 1
    with open_file(path) as f:
        assert f["x"][()] == 1
    with pytest.raises(SaveError, match="exists"):
        create_file(path)
    with pytest.raises(SaveError):
        create_file(tmp_path / "no" / "folder.h5")
    with open_file(path) as f:
        assert f["x"][()] == 1
