"""What a file holds, read level by level: a file with a hundred thousand nodes opens as fast as one with ten."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import h5py

from panosc_analysis.errors import NodeNotFound
from panosc_analysis.nexus.attributes import (
    FOREIGN,
    Node,
    address,
    child,
    child_names,
    is_dataset,
    is_group,
    nx_class,
    read_attributes,
)
from panosc_analysis.nexus.guard import is_file_there
from panosc_analysis.nexus.opener import H5File, open_file, reading

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NodeKind", "TreeNode", "read_tree"]

_LAYOUTS = {
    h5py.h5d.CHUNKED: "chunked",
    h5py.h5d.CONTIGUOUS: "contiguous",
    h5py.h5d.COMPACT: "compact",
    h5py.h5d.VIRTUAL: "virtual",
}
_BITSHUFFLE = 32008
_BITSHUFFLE_CODECS = {2: " + LZ4", 3: " + Zstandard"}

NodeKind: TypeAlias = Literal["group", "dataset", "link", "broken"]


@dataclass(frozen=True, slots=True)
class TreeNode:
    """One group, dataset or link.

    Parameters
    ----------
    name, path
        Name below its group, and path inside the file.
    kind
        ``link``: an external link, whose file is there and was not opened; ``broken``: a link that leads nowhere.
        A soft link shows what it leads to.
    nx_class
        NeXus class of a group; empty if it has none.
    shape, dtype
        Of a dataset; ``None`` and empty for others.
    attributes
        Plain values: text, numbers, lists of them; ``None`` for one that cannot be read.
    filters
        Names of the filters that compress a dataset.
    storage
        "chunked", "contiguous", "compact", "external" or "virtual" of an HDF5 dataset.
    chunks
        Shape of a chunk; ``None`` for other storage.
    target
        Where a soft link (``path``) or external link (``file::path``) leads; empty for others.
    children
        Nodes below, in the file's order, as far as they were read.
    first
        Number of the first of these among all that are below.
    size
        How many nodes are below a group, read or not.
    """

    name: str
    path: str
    kind: NodeKind
    nx_class: str = ""
    shape: tuple[int, ...] | None = None
    dtype: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    target: str = ""
    children: tuple[TreeNode, ...] = ()
    size: int = 0
    first: int = 0
    filters: tuple[str, ...] = ()
    storage: str = ""
    chunks: tuple[int, ...] | None = None


def read_tree(
    source: str | Path | H5File, path: str = "/", depth: int = 1, *, first: int = 0, most: int = 1000
) -> TreeNode:
    """Read a node and what is below it, down to a depth.

    Reads no data. Does not open the targets of external links except of the path itself, and each group only once on
    a way down, so that links in a circle end.

    Parameters
    ----------
    source
        A file's path, or a file that `open_file` gave.
    path
        The node to begin with.
    depth
        Levels below it; 0 for the node alone.
    first, most
        Where to begin among the nodes below `path`, and how many of each group to read. Costs about 0.1 ms each.

    Raises
    ------
    NodeNotFound
        There is no such path.
    OpenError, LocateError
        The file cannot be opened or read.
    """
    if isinstance(source, (str, Path)):
        with open_file(source) as file:
            return read_tree(file, path, depth, first=first, most=most)
    path = posixpath.normpath(posixpath.join("/", path))
    with reading(source.filename, path):
        node = source[path]
        if not is_group(node) and not is_dataset(node):
            raise NodeNotFound(f"{path} is a named type", hint="Name a group or dataset", path=source.filename)
        return _Reader(most).described(node, path, "", depth, (), max(0, first))


@dataclass(frozen=True, slots=True)
class _Reader:
    most: int

    def described(
        self, node: Node, path: str, target: str, depth: int, above: tuple[object, ...], first: int = 0
    ) -> TreeNode:
        name, attributes = posixpath.basename(path), read_attributes(node)
        if is_dataset(node):
            shape = None if node.shape is None else tuple(int(n) for n in node.shape)
            made = TreeNode(name, path, "dataset", "", shape, _type_name(node), attributes, target)
            return replace(made, **_storage(node))
        names, where = child_names(node), address(node)
        read = names[first : first + self.most] if depth > 0 and where not in above else []
        below = tuple(self.child(node, n, posixpath.join(path, n), depth - 1, (*above, where)) for n in read)
        return TreeNode(name, path, "group", nx_class(node), None, "", attributes, target, below, len(names), first)

    def child(self, group: Node, name: str, path: str, depth: int, above: tuple[object, ...]) -> TreeNode:
        link, target = _link(group, name), ""
        if isinstance(link, h5py.ExternalLink):
            there = is_file_there(link.filename, Path(group.file.filename))
            return TreeNode(name, path, "link" if there else "broken", target=f"{link.filename}::{link.path}")
        if isinstance(link, h5py.SoftLink):
            target = link.path
        node = child(group, name)
        if not is_group(node) and not is_dataset(node):
            return TreeNode(name, path, "broken", target=target)
        return self.described(node, path, target, depth, above)


def _link(group: Node, name: str) -> object:
    try:
        return group.get(name, getlink=True)
    except FOREIGN:
        return None


def _type_name(dataset: Node) -> str:
    try:
        if (text := h5py.check_string_dtype(dataset.dtype)) is not None:
            return "text" if text.length is None else f"text[{text.length}]"
        if dataset.dtype.names:
            return f"record ({', '.join(dataset.dtype.names)})"
        return str(dataset.dtype)
    except FOREIGN:
        return "unknown"


def _storage(dataset: Node) -> dict[str, Any]:
    if not isinstance(dataset, h5py.Dataset):
        return {}
    try:
        plist = dataset.id.get_create_plist()
        storage = "external" if plist.get_external_count() else _LAYOUTS.get(plist.get_layout(), "")
        filters = tuple(_filter_name(*plist.get_filter(i)) for i in range(plist.get_nfilters()))
        return {"storage": storage, "filters": filters, "chunks": dataset.chunks}
    except FOREIGN:
        return {}


def _filter_name(number: int, _flags: int, values: tuple[int, ...], name: bytes) -> str:
    if number == _BITSHUFFLE and len(values) > 4:
        return f"bitshuffle{_BITSHUFFLE_CODECS.get(values[4], '')}"
    if number == h5py.h5z.FILTER_DEFLATE and values:
        return f"gzip {values[0]}"
    return name.decode("utf-8", "replace").split(";")[0].rstrip(" :") or f"filter {number}"
