"""No byte comes from outside the roots, by whatever way the file asks for it; legal links still work."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from panosc_analysis.errors import NodeNotFound, OutsideRoots, SourceMissing
from panosc_analysis.nexus import check_dataset, check_links, missing_sources, open_file


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A data directory with a file in it; a secret file beside the directory."""
    folder = tmp_path / "data"
    folder.mkdir()
    for path, value in ((folder / "inner.h5", 1), (tmp_path / "secret.h5", 42)):
        with h5py.File(path, "w") as f:
            f["x"] = np.full(4, value)
    (tmp_path / "secret.raw").write_bytes(np.full(4, 42).tobytes())
    return folder


def virtual(path: Path, source: str, name: str = "x") -> None:
    layout = h5py.VirtualLayout(shape=(4,), dtype="i8")
    layout[:] = h5py.VirtualSource(source, name, shape=(4,))
    with h5py.File(path, "w") as f:
        f.create_virtual_dataset("x", layout, fillvalue=0)


def external_link(root: Path) -> None:
    with h5py.File(root / "file.h5", "w") as f:
        f["x"] = h5py.ExternalLink(str(root.parent / "secret.h5"), "/x")


def relative_link(root: Path) -> None:
    with h5py.File(root / "file.h5", "w") as f:
        f["x"] = h5py.ExternalLink("../secret.h5", "/x")


def link_in_the_middle(root: Path) -> None:
    with h5py.File(root / "hop.h5", "w") as f:
        f["far"] = h5py.ExternalLink("../secret.h5", "/")
    with h5py.File(root / "file.h5", "w") as f:
        f["hop"] = h5py.ExternalLink("hop.h5", "/far")
        f["x"] = h5py.SoftLink("/hop/x")


def raw_storage(root: Path) -> None:
    with h5py.File(root / "file.h5", "w") as f:
        f.create_dataset("x", (4,), "i8", external=[(str(root.parent / "secret.raw"), 0, 32)])


def relative_raw_storage(root: Path) -> None:
    with h5py.File(root / "file.h5", "w") as f:
        f.create_dataset("x", (4,), "i8", external=[("../secret.raw", 0, 32)])


def virtual_source(root: Path) -> None:
    virtual(root / "file.h5", str(root.parent / "secret.h5"))


def virtual_to_virtual(root: Path) -> None:
    virtual(root / "hop.h5", "../secret.h5")
    virtual(root / "file.h5", "hop.h5")


def virtual_to_link(root: Path) -> None:
    with h5py.File(root / "hop.h5", "w") as f:
        f["x"] = h5py.ExternalLink("../secret.h5", "/x")
    virtual(root / "file.h5", "hop.h5")


def through_symbolic_link(root: Path) -> None:
    (root / "looks_inside.h5").symlink_to(root.parent / "secret.h5")
    virtual(root / "file.h5", "looks_inside.h5")


ATTACKS = [
    external_link,
    relative_link,
    link_in_the_middle,
    raw_storage,
    relative_raw_storage,
    virtual_source,
    virtual_to_virtual,
    virtual_to_link,
    through_symbolic_link,
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda f: f.__name__)
def test_bytes_from_outside_are_refused(root, attack):
    attack(root)
    with open_file(root / "file.h5", roots=[root]) as f:
        with pytest.raises(OutsideRoots):
            check_dataset(f, "/x", [root])
        with pytest.raises(OutsideRoots):
            check_links(f, [root])
        check_dataset(f, "/x", [root.parent])


def test_relative_name_that_hdf5_finds_in_the_working_directory(root, monkeypatch):
    monkeypatch.chdir(root.parent)
    virtual(root / "file.h5", "secret.h5")
    with open_file(root / "file.h5") as f:
        assert f["x"][0] == 42, "HDF5 looks in the working directory as well"
        with pytest.raises(OutsideRoots):
            check_dataset(f, "/x", [root])


def test_legal_links_are_read(root):
    virtual(root / "virtual.h5", "inner.h5")
    with h5py.File(root / "file.h5", "w") as f:
        f["own"] = np.arange(3)
        f["soft"] = h5py.SoftLink("own")
        f["group/absolute"] = h5py.SoftLink("/own")
        f["external"] = h5py.ExternalLink("inner.h5", "/x")
        f["virtual"] = h5py.ExternalLink(str(root / "virtual.h5"), "/x")
    with open_file(root / "file.h5", roots=[root]) as f:
        for path in ("/", "/own", "soft", "/group/absolute", "/external", "/virtual"):
            check_dataset(f, path, [root])
        assert check_links(f, [root]) == ()
        assert f["virtual"][:].tolist() == [1, 1, 1, 1]


def test_circles_end(root):
    with h5py.File(root / "file.h5", "w") as f:
        f["group/up"] = f["/"]
        f["a"] = h5py.SoftLink("/b")
        f["b"] = h5py.SoftLink("/a")
        f["itself"] = h5py.ExternalLink("file.h5", "/itself")
    with open_file(root / "file.h5") as f:
        for path in ("/a", "/itself"):
            with pytest.raises(SourceMissing, match="circle"):
                check_dataset(f, path, [root])
        assert set(check_links(f, [root])) == {"/a", "/b", "/itself"}


def test_broken_links_are_listed_not_refused(root):
    with h5py.File(root / "file.h5", "w") as f:
        f["soft"] = h5py.SoftLink("/nowhere")
        f["external"] = h5py.ExternalLink("gone.h5", "/x")
        f["good"] = 1
    with open_file(root / "file.h5") as f:
        assert set(check_links(f, [root])) == {"/soft", "/external"}
        with pytest.raises(NodeNotFound):
            check_dataset(f, "/nowhere", [root])
        with pytest.raises(SourceMissing):
            check_dataset(f, "/external", [root])


def test_missing_source_outside_is_refused_too(root):
    virtual(root / "file.h5", "/etc/not_there.h5")
    with open_file(root / "file.h5") as f, pytest.raises((OutsideRoots, SourceMissing)):
        check_dataset(f, "/x", [root])
        if missing_sources(f["x"]):
            raise SourceMissing("it is not there", hint="fetch it")


def test_sources_of_a_virtual_dataset_that_are_missing(root):
    layout = h5py.VirtualLayout(shape=(3, 4), dtype="i8")
    for i, name in enumerate(["inner.h5", "gone.h5", "inner.h5"]):
        layout[i] = h5py.VirtualSource(name, "x" if i < 2 else "no_such_dataset", shape=(4,))
    with h5py.File(root / "file.h5", "w") as f:
        f.create_virtual_dataset("data", layout)
        f["plain"] = 1
    with open_file(root / "file.h5") as f:
        assert missing_sources(f["data"]) == ("gone.h5::x", "inner.h5::no_such_dataset")
        assert missing_sources(f["plain"]) == ()


def test_raw_storage_that_is_missing(root):
    raw_storage(root)
    os.remove(root.parent / "secret.raw")
    with open_file(root / "file.h5") as f:
        assert missing_sources(f["x"]) == (str(root.parent / "secret.raw"),)
