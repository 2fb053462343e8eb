"""The walk through a file that looks for something to plot, and what it has come across."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import h5py

from panosc_analysis.nexus.attributes import (
    FOREIGN,
    Node,
    address,
    child,
    child_names,
    is_dataset,
    is_group,
    is_numeric,
    is_table,
    is_text,
    nx_class,
)
from panosc_analysis.nexus.masks import is_detector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from panosc_analysis.nexus.nxdata import Refusal

__all__ = ["Search", "levels", "note"]

_NODES = 10_000  # looked at; a larger file is searched from the top until then
_DEPTH = 12
_EXTERNAL_DEPTH = 2  # external links are followed this far: each costs the opening of a file
_EXTERNAL_LINKS = 50  # and deeper as long as there were no more than this


@dataclass(slots=True, eq=False)
class Search:
    """What one walk through the file has come across, and what was wrong with it."""

    root: Node = None
    remarks: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    detectors: dict[str, Node] = field(default_factory=dict)
    logs: dict[str, Node] = field(default_factory=dict)
    scans: dict[str, Node] = field(default_factory=dict)
    datasets: dict[str, Node] = field(default_factory=dict)
    tables: dict[str, Node] = field(default_factory=dict)
    texts: dict[str, Node] = field(default_factory=dict)
    monitors: dict[str, Node] = field(default_factory=dict)
    has_events: bool = False
    seen: int = 0
    followed: int = 0


def note(path: str, node: Node, search: Search) -> None:
    """Keep what the later rules need."""
    if is_group(node):
        _note_group(path, node, search)
    elif is_numeric(node):
        search.datasets[path] = node
    elif is_table(node):
        search.tables[path] = node
    elif is_text(node):
        search.texts[path] = node


def _note_group(path: str, node: Node, search: Search) -> None:
    kind = nx_class(node)
    if is_detector(node):
        search.detectors[path] = node
    elif kind == "NXlog":
        search.logs[path] = node
    elif kind == "NXmonitor":
        search.monitors[path] = node
    elif kind == "NXevent_data":
        search.has_events = True
    elif posixpath.basename(path) == "measurement":
        search.scans[path] = node


def levels(start: Node, start_path: str, search: Search) -> Iterator[list[tuple[int, str, Node]]]:
    """Yield all nodes of one depth at a time, each with the number of the entry it is in; each group once."""
    level = [(0, start_path, start)] if is_group(start) else []
    visited = {address(start)}
    for depth in range(_DEPTH):
        below = []
        for entry, path, group in level:
            for name, node in _children(group, path, depth, search):
                if is_group(node):
                    where = address(node)
                    if where in visited:
                        continue
                    visited.add(where)
                below.append((entry, posixpath.join(path, name), node))
        if depth == 0 and nx_class(start) != "NXentry":
            below = [(number, path, node) for number, (_, path, node) in enumerate(below)]
        yield below
        level = [row for row in below if is_group(row[2])]
        if search.seen >= _NODES:
            search.remarks.append(f"the file holds more than {_NODES} nodes; only the nearest were looked at")
            return
        if not level:
            return


def _children(group: Node, path: str, depth: int, search: Search) -> Iterator[tuple[str, Node]]:
    for name in child_names(group):
        if search.seen >= _NODES:
            return
        search.seen += 1
        if depth > _EXTERNAL_DEPTH and nx_class(group) != "NXdata" and _is_external(group, name):
            search.followed += 1
            if search.followed > _EXTERNAL_LINKS:
                continue
        node = child(group, name)
        if node is None:
            search.broken.append(posixpath.join(path, name))
        elif is_group(node) or is_dataset(node):
            yield name, node


def _is_external(group: Node, name: str) -> bool:
    try:
        return isinstance(group.get(name, getlink=True), h5py.ExternalLink)
    except FOREIGN:
        return False
