"""The tree: lazy, and not to be frightened by odd attributes or links."""

from __future__ import annotations

import json

import h5py
import hdf5plugin
import numpy as np
import pytest

from panosc_analysis.errors import NodeNotFound
from panosc_analysis.nexus import open_file, read_tree


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "tree.h5"
    with h5py.File(path, "w", track_order=True) as f:
        entry = f.create_group("entry")
        entry.attrs["NX_class"] = np.array([b"NXentry"])
        entry["zeta"] = np.zeros((2, 3), "u2")
        entry["alpha"] = "text"
        entry["soft"] = h5py.SoftLink("/entry/zeta")
        entry["lost"] = h5py.SoftLink("/nowhere")
        entry["far"] = h5py.ExternalLink("other.h5", "/x")
        entry["gone"] = h5py.ExternalLink("gone.h5", "/x")
        entry["up"] = entry
    with h5py.File(tmp_path / "other.h5", "w") as f:
        f["x"] = 1
    return path


def names(node):
    return [child.name for child in node.children]


def test_reads_one_level_and_says_how_much_is_below(path):
    root = read_tree(path)
    assert names(root) == ["entry"]
    entry = root.children[0]
    assert (entry.kind, entry.nx_class, entry.size, entry.children) == ("group", "NXentry", 7, ())


def test_describes_each_kind_of_node(path):
    entry = read_tree(path, "/entry")
    by_name = {child.name: child for child in entry.children}
    zeta, far = by_name["zeta"], by_name["far"]
    assert (zeta.kind, zeta.shape, zeta.dtype, zeta.path) == ("dataset", (2, 3), "uint16", "/entry/zeta")
    assert by_name["alpha"].dtype == "text"
    assert (by_name["soft"].kind, by_name["soft"].shape, by_name["soft"].target) == ("dataset", (2, 3), "/entry/zeta")
    assert (by_name["lost"].kind, by_name["lost"].target) == ("broken", "/nowhere")
    assert (far.kind, far.target) == ("link", "other.h5::/x")
    assert by_name["gone"].kind == "broken"


def test_circle_ends(path):
    entry = read_tree(path, "/entry", depth=50)
    (up,) = (child for child in entry.children if child.name == "up")
    assert up.kind == "group"
    assert up.children == ()


def test_open_file_and_single_node(path):
    with open_file(path) as f:
        assert read_tree(f, "entry/zeta", depth=0).shape == (2, 3)
        with pytest.raises(NodeNotFound):
            read_tree(f, "/no/such")


def test_attributes_of_every_odd_kind_become_plain(tmp_path):
    path = tmp_path / "odd.h5"
    with h5py.File(path, "w") as f:
        attrs = f.attrs
        attrs["bytes"] = np.bytes_(b"caf\xe9")
        attrs["utf8"] = "Å"
        attrs["array of bytes"] = np.array([b"y", b"x"])
        attrs["array of text"] = np.array(["y", "x"], dtype=object)
        attrs["nested"] = np.arange(4).reshape(2, 2)
        attrs["empty"] = h5py.Empty("f")
        attrs["no elements"] = np.array([], "f8")
        attrs["boolean"] = True
        attrs["enum"] = np.array(1, dtype=h5py.enum_dtype({"ON": 1}))
        attrs["complex"] = 1 + 2j
        attrs["compound"] = np.array((1, 2.5), dtype=[("a", "i4"), ("b", "f8")])
        attrs["reference"] = f.ref
        attrs["not utf-8"] = np.array(b"bad\xff", dtype=h5py.string_dtype("utf-8", 4))
    attributes = read_tree(path, depth=0).attributes
    json.dumps(attributes)
    assert attributes["bytes"] == "café"
    assert attributes["utf8"] == "Å"
    assert attributes["array of bytes"] == attributes["array of text"] == ["y", "x"]
    assert attributes["nested"] == [[0, 1], [2, 3]]
    assert attributes["empty"] is None
    assert attributes["no elements"] == []
    assert attributes["boolean"] is True
    assert attributes["not utf-8"].startswith("bad")
    assert len(attributes) == 13


def test_storage_and_filters(tmp_path):
    path = tmp_path / "stored.h5"
    with h5py.File(path, "w") as f:
        values = np.zeros((4, 64, 64), "u4")
        f.create_dataset("gzip", data=values, chunks=(1, 64, 64), compression="gzip", compression_opts=3, shuffle=True)
        f.create_dataset("bslz4", data=values, chunks=(1, 64, 64), **hdf5plugin.Bitshuffle(cname="lz4"))
        f["plain"] = values
        layout = h5py.VirtualLayout((4, 64, 64), "u4")
        layout[:] = h5py.VirtualSource("gone.h5", "x", (4, 64, 64))
        f.create_virtual_dataset("virtual", layout)
        f["records"] = np.zeros(3, [("x", "f4"), ("name", "S4")])
    nodes = {child.name: child for child in read_tree(path).children}
    assert nodes["gzip"].filters == ("shuffle", "gzip 3")
    assert nodes["bslz4"].filters == ("bitshuffle + LZ4",)
    assert (nodes["bslz4"].storage, nodes["bslz4"].chunks) == ("chunked", (1, 64, 64))
    assert (nodes["plain"].storage, nodes["virtual"].storage) == ("contiguous", "virtual")
    assert nodes["records"].dtype == "record (x, name)"


def test_a_large_group_is_read_in_pieces(tmp_path):
    path = tmp_path / "large.h5"
    with h5py.File(path, "w", libver="latest") as f:
        for i in range(3000):
            f[f"n{i:05}"] = h5py.ExternalLink("large.h5" if i % 2 else "gone.h5", "/n00000")
    root = read_tree(path, most=100)
    assert (len(root.children), root.size) == (100, 3000)
    rest = read_tree(path, first=2950, most=100)
    assert (len(rest.children), rest.first, rest.children[0].name) == (50, 2950, "n02950")
    assert [child.kind for child in rest.children[:2]] == ["broken", "link"]
