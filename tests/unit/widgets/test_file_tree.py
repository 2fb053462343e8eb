"""The tree of a file, as the browser asks for it; and the viewer beside it."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

import panosc_analysis as pan
from panosc_analysis.errors import FileNotHere, NothingToPlot
from panosc_analysis.widgets import FileTree, show
from panosc_analysis.widgets.quantities import THIN


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "scan.nxs"
    with h5py.File(path, "w", track_order=True) as file:
        entry = file.create_group("entry", track_order=True)
        entry.attrs["NX_class"] = "NXentry"
        entry.create_dataset("counts", data=np.arange(12).reshape(3, 4), chunks=(1, 4), compression="gzip")
        entry["counts"].attrs["units"] = "counts"
        entry["note"] = "only words"
        entry["lost"] = h5py.ExternalLink("gone.h5", "/x")
        entry["again"] = h5py.SoftLink("/entry/counts")
        layout = h5py.VirtualLayout((3, 4), "u2")
        layout[:] = h5py.VirtualSource("gone.h5", "x", (3, 4))
        entry.create_virtual_dataset("virtual", layout)
        many = file.create_group("many")
        for i in range(450):
            many[f"n{i:03}"] = i
    return path


def test_says_what_each_node_is(path: Path) -> None:
    tree = FileTree(path)
    assert [(n["name"], n["what"]) for n in tree._root["children"]] == [
        ("entry", "NXentry, 5 nodes"),
        ("many", "450 nodes"),
    ]
    said, _ = tree.answer({"kind": "children", "path": "/entry", "view": "v", "id": 3})
    assert (said["view"], said["id"]) == ("v", 3)
    assert {n["name"]: n["what"] for n in said["node"]["children"]} == {
        "counts": "3 × 4 int64, gzip 4",
        "note": "scalar text",
        "lost": "broken link to gone.h5::/x",
        "again": "3 × 4 int64, gzip 4 → /entry/counts",
        "virtual": "3 × 4 uint16, virtual",
    }


def test_large_groups_come_in_pieces(path: Path) -> None:
    tree = FileTree(path)
    seen = []
    while len(seen) < 450:
        node = tree.answer({"kind": "children", "path": "/many", "first": len(seen)})[0]["node"]
        assert (node["size"], node["first"]) == (450, len(seen))
        assert len(node["children"]) <= 200
        seen += [child["name"] for child in node["children"]]
    assert seen == [f"n{i:03}" for i in range(450)]


def test_details_of_a_node(path: Path) -> None:
    tree = FileTree(path)
    rows = dict(tree.answer({"kind": "details", "path": "/entry/counts"})[0]["rows"])
    assert rows == {"Path": "/entry/counts", "What": "3 × 4 int64, gzip 4", "Chunks": "1 × 4", "@units": "counts"}
    rows = dict(tree.answer({"kind": "details", "path": "/entry/virtual"})[0]["rows"])
    assert rows["Missing source"] == "gone.h5::x"
    said, _ = tree.answer({"kind": "details", "path": "/nowhere"})
    assert said["kind"] == "error"
    assert "/nowhere" in said["message"]
    assert tree.answer({"kind": "children"})[0]["kind"] == "error"


def test_what_is_chosen_is_shown_beside(path: Path) -> None:
    browser = pan.browse(pan.open(path), colormap="magma")
    browser.tree.selected = "/entry/note"
    assert (browser.viewer.kind, browser.viewer._facts["text"]) == ("text", "only words")
    browser.tree.selected = "/many"
    assert browser.viewer.kind in ("text", "curve", "image")
    browser.tree.selected = "/entry/counts"
    assert (browser.viewer.kind, browser.viewer.colormap) == ("image", "magma")
    browser.tree.selected = "/entry/virtual"
    assert browser.viewer.kind == "text"
    assert "gone.h5" in browser.viewer._facts["text"]
    assert browser.viewer.title == "/entry/virtual"
    browser.tree.selected = "/entry/again"
    assert browser.viewer.kind == "image"


def test_only_a_file_has_other_paths() -> None:
    with pytest.raises(NothingToPlot, match="not from a file"):
        show(np.zeros((3, 3))).show_path("/x")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotHere):
        FileTree(tmp_path / "nothing.h5")


def test_long_numbers_are_grouped(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "long.h5", "w") as file:
        file.create_dataset("x", shape=(123456,), dtype="u1")
    (child,) = FileTree(tmp_path / "long.h5")._root["children"]
    assert child["what"] == f"123{THIN}456 uint8"
