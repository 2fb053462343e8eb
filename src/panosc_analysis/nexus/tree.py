"""What a file holds, read level by level: a file with a hundred thousand nodes opens as fast as one with ten."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
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
    target
        Where a soft link (``path``) or external link (``file::path``) leads; empty for others.
    children
        Nodes below, in the file's order, as far as they were read.
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


def read_tree(source: str | Path | H5File, path: str = "/", depth: int = 1) -> TreeNode:
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

    Raises
    ------
    NodeNotFound
        There is no such path.
    OpenError, LocateError
        The file cannot be opened or read.
    """
    if isinstance(source, (str, Path)):
        with open_file(source) as file:
            return read_tree(file, path, depth)
    path = posixpath.normpath(posixpath.join("/", path))
    with reading(source.filename, path):
        node = source[path]
        if not is_group(node) and not is_dataset(node):
            raise NodeNotFound(f"{path} is a named type", hint="Name a group or dataset", path=source.filename)
        return _described(node, path, "", depth, ())


def _described(node: Node, path: str, target: str, depth: int, above: tuple[object, ...]) -> TreeNode:
    name, attributes = posixpath.basename(path), read_attributes(node)
    if is_dataset(node):
        shape = None if node.shape is None else tuple(int(n) for n in node.shape)
        return TreeNode(name, path, "dataset", "", shape, _type_name(node), attributes, target)
    names, where = child_names(node), address(node)
    read = names if depth > 0 and where not in above else []
    below = tuple(_child(node, n, posixpath.join(path, n), depth - 1, (*above, where)) for n in read)
    return TreeNode(name, path, "group", nx_class(node), None, "", attributes, target, below, len(names))


def _child(group: Node, name: str, path: str, depth: int, above: tuple[object, ...]) -> TreeNode:
    link, target = _link(group, name), ""
    if isinstance(link, h5py.ExternalLink):
        there = is_file_there(link.filename, Path(group.file.filename))
        return TreeNode(name, path, "link" if there else "broken", target=f"{link.filename}::{link.path}")
    if isinstance(link, h5py.SoftLink):
        target = link.path
    node = child(group, name)
    if not is_group(node) and not is_dataset(node):
        return TreeNode(name, path, "broken", target=target)
    return _described(node, path, target, depth, above)


def _link(group: Node, name: str) -> object:
    try:
        return group.get(name, getlink=True)
    except FOREIGN:
        return None


def _type_name(dataset: Node) -> str:
    try:
        if (text := h5py.check_string_dtype(dataset.dtype)) is not None:
            return "text" if text.length is None else f"text[{text.length}]"
        return str(dataset.dtype)
    except FOREIGN:
        return "unknown"
