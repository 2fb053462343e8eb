"""Reading attributes and links of any HDF5 node without ever raising.

Real files hold bytes where text belongs, one-element arrays where scalars belong, text that is not UTF-8, empty
attributes and attributes that cannot be decoded at all. Everything above this module sees plain Python values.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

import h5py
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "address",
    "child",
    "child_names",
    "children",
    "is_dataset",
    "is_group",
    "is_numeric",
    "is_table",
    "is_text",
    "nx_class",
    "plain",
    "read_attribute",
    "read_attributes",
    "read_number",
    "read_text",
    "split_names",
    "text",
]

Node: TypeAlias = Any
"""A group or dataset of h5py, or silx's look-alike."""

FOREIGN = (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError)
"""What h5py and silx raise for a node or attribute they cannot give."""

_LARGEST_ATTRIBUTE = 1_000_000  # elements; longer ones are named, not read
_CANSAS = {"SASroot": "NXroot", "SASentry": "NXentry", "SASdata": "NXdata", "SASinstrument": "NXinstrument"}
_CANSAS_SPECTRUM = "SAStransmission_spectrum"


def plain(value: object) -> Any:
    """Turn what h5py gives into str, int, float, bool, None, or a list of those; other things become text."""
    if isinstance(value, bytes):
        return _decoded(value)
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace").rstrip("\0")
    if isinstance(value, h5py.Empty):
        return None
    if isinstance(value, np.ndarray):
        return plain(value[()]) if value.ndim == 0 and value.dtype.kind != "O" else _plain_array(value)
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, (bool, int, float)) or value is None:
        return value
    return str(value)


def _plain_array(value: np.ndarray[Any, Any]) -> Any:
    if value.ndim == 0:
        return plain(value.item())
    return [_plain_array(item) if isinstance(item, np.ndarray) else plain(item) for item in value]


def _decoded(value: bytes) -> str:
    try:
        return value.decode("utf-8").rstrip("\0")
    except UnicodeDecodeError:
        return value.decode("latin-1").rstrip("\0")


def read_attribute(node: Node, name: str) -> Any:
    """Return one attribute as a plain value; ``None`` if it is missing, empty or cannot be read."""
    try:
        if name not in node.attrs:
            return None
        if isinstance(node.attrs, h5py.AttributeManager):
            shape = node.attrs.get_id(name).shape
            if int(np.prod(shape or (1,))) > _LARGEST_ATTRIBUTE:
                return f"array of shape {shape}"
        return plain(node.attrs[name])
    except FOREIGN:
        return None


def read_attributes(node: Node) -> dict[str, Any]:
    """Return all attributes as plain values; an unreadable one is ``None``."""
    try:
        names = list(node.attrs)
    except FOREIGN:
        return {}
    return {str(name): read_attribute(node, name) for name in names}


def text(node: Node, name: str) -> str:
    """Return an attribute as text, the first element of an array; empty if there is none."""
    value = read_attribute(node, name)
    while isinstance(value, list):
        value = value[0] if value else None
    return "" if value is None else str(value).strip()


def split_names(value: object) -> tuple[str, ...]:
    """Split an attribute that lists names: an array, or one text as in ``"y,x"``, ``"[y:x]"`` or ``"y x"``."""
    items = [str(v) for v in value] if isinstance(value, list) else [] if value is None else [str(value)]
    if len(items) == 1:
        items = [part for part in re.split(r"[,:;\s]+", items[0].strip("[]() ")) if part]
    return tuple(item.strip(" []") for item in items)


def nx_class(node: Node) -> str:
    """Return the NeXus class of a group, with the canSAS classes translated; empty if it has none."""
    name = text(node, "NX_class")
    if not name.startswith("NX"):
        name = text(node, "canSAS_class") or name
    return "NXdata" if name == _CANSAS_SPECTRUM else _CANSAS.get(name, name)


def is_group(node: Node) -> bool:
    """Whether the node has children."""
    return isinstance(node, h5py.Group) or (hasattr(node, "keys") and not hasattr(node, "shape"))


def is_dataset(node: Node) -> bool:
    """Whether the node is a dataset."""
    return isinstance(node, h5py.Dataset) or (hasattr(node, "shape") and hasattr(node, "dtype"))


def is_numeric(node: Node) -> bool:
    """Whether the node is a dataset of numbers with at least one element."""
    dtype = _dtype(node)
    return _has_elements(node) and dtype is not None and dtype.kind in "biufc" and not _is_characters(node)


def is_table(node: Node) -> bool:
    """Whether the node is a dataset of records with at least one of them."""
    return _has_elements(node) and bool(getattr(_dtype(node), "names", None))


def is_text(node: Node) -> bool:
    """Whether the node is a dataset of anything else that can be written out: text, references, lists, bytes."""
    dtype = _dtype(node)
    return _has_elements(node) and dtype is not None and not dtype.names and not is_numeric(node)


def _has_elements(node: Node) -> bool:
    return is_dataset(node) and node.shape is not None and 0 not in node.shape


def _dtype(node: Node) -> np.dtype[Any] | None:
    """Return the type of a dataset's elements; ``None`` for those that NumPy has no type for (HDF5's times)."""
    try:
        dtype: np.dtype[Any] = node.dtype
    except FOREIGN:
        return None
    return dtype


def _is_characters(node: Node) -> bool:
    """Whether MATLAB keeps a text, or an empty array's shape, in these numbers."""
    return text(node, "MATLAB_class") == "char" or text(node, "MATLAB_empty") == "1"


def address(node: Node) -> object:
    """Identify a node however it was reached."""
    try:
        info = h5py.h5o.get_info(node.id)
        return info.fileno, info.addr
    except FOREIGN:
        return getattr(node, "name", id(node))


def child_names(group: Node) -> list[str]:
    """Return the names below a group in the file's order; empty if they cannot be listed.

    Without those that are no UTF-8: no path can name them.
    """
    try:
        return [name for name in group if isinstance(name, str)]
    except FOREIGN:
        return []


def child(group: Node, name: str) -> Node:
    """Return a node below a group (or by absolute path); ``None`` for a link that leads nowhere."""
    try:
        return group[name]
    except FOREIGN:
        return None


def children(group: Node) -> Iterator[tuple[str, Node]]:
    """Yield the nodes below a group that can be reached."""
    for name in child_names(group):
        if (node := child(group, name)) is not None:
            yield name, node


def read_text(group: Node, name: str) -> str:
    """Return a text dataset below a group; empty if it is missing or no text."""
    node = child(group, name)
    if not is_dataset(node) or node.shape is None or np.prod(node.shape) != 1:
        return ""
    try:
        value = plain(node[()])
    except FOREIGN:
        return ""
    while isinstance(value, list) and value:
        value = value[0]
    return value.strip() if isinstance(value, str) else ""


def read_number(group: Node, name: str) -> float | None:
    """Return a field of one finite real number; ``None`` for anything else."""
    node: Node = child(group, name) if group is not None else None
    if not is_numeric(node) or node.dtype.kind not in "iuf" or int(np.prod(node.shape)) != 1:
        return None
    try:
        value = float(np.asarray(node[()]).reshape(()))
    except FOREIGN:
        return None
    return value if np.isfinite(value) else None
