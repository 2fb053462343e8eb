"""Which data of a file to show first: the rules in their order.

1. ``@default``, followed from the root as far as it leads.
2. ``first NXdata``: the nearest usable NXdata or SASdata group; of several equally near, the first entry's, the one
   called ``data``, the largest.
3. ``scan``: the last counter against the first motor, in formats without groups of data (SPEC).
4. ``NXdetector``: the largest data of a detector.
5. ``largest image``: the largest dataset of two or more dimensions and at least 64 × 64 values.
6. ``NXlog``: values of a log against time.
7. ``largest dataset``: whatever numbers there are.
8. ``table``: the longest dataset of records.

silx's `get_default` knows the first rule only, and raises on broken links and array-valued attributes.
"""

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
    nx_class,
    text,
)
from panosc_analysis.nexus.masks import is_detector
from panosc_analysis.nexus.nxdata import Plottable, Refusal, find_signal, why_incomplete

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Search", "find_plottable", "plottable_group"]

_NODES = 10_000  # looked at; a larger file is searched from the top until then
_DEPTH = 12
_EXTERNAL_DEPTH = 2  # external links are followed this far: each costs the opening of a file
_LARGE = 64 * 64
_SPECIAL = ("pixel_mask", "flatfield", "mask", "efficiency", "event_id", "event_index", "event_time_offset")


@dataclass(slots=True, eq=False)
class Search:
    """What one walk through the file has come across, and what was wrong with it."""

    remarks: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    detectors: dict[str, Node] = field(default_factory=dict)
    logs: dict[str, Node] = field(default_factory=dict)
    scans: dict[str, Node] = field(default_factory=dict)
    datasets: dict[str, Node] = field(default_factory=dict)
    tables: dict[str, Node] = field(default_factory=dict)
    seen: int = 0


def find_plottable(root: Node, path: str, search: Search) -> Plottable | None:
    """Return what the rules choose below a node, or ``None`` if there is nothing numeric."""
    end, end_path = _follow_default(root, path, search)
    if end_path != path and is_numeric(end):
        folder, name = posixpath.split(end_path)
        return Plottable("@default", end_path, child(root, folder), folder, end, name)
    if end_path != path and _is_data(end) and (found := plottable_group(end, end_path, "@default", search)):
        return found
    for start, start_path in dict.fromkeys(((end, end_path), (root, path))):
        if found := _nearest(start, start_path, search) or _fallback(start, search):
            return found
    return None


def plottable_group(group: Node, path: str, rule: str, search: Search) -> Plottable | None:
    """Return the group as plottable data; ``None``, with the reason noted, if it has no usable signal."""
    answer = find_signal(group, path)
    if isinstance(answer, Refusal):
        search.refused.append(answer)
        return None
    name, node, remark = answer
    if remark:
        search.remarks.append(remark)
    return Plottable(rule, path, group, path, node, name)


def _is_data(node: Node) -> bool:
    return is_group(node) and (nx_class(node) == "NXdata" or text(node, "signal") != "")


def _follow_default(root: Node, path: str, search: Search) -> tuple[Node, str]:
    node, visited = root, {address(root)}
    while is_group(node) and (name := text(node, "default")):
        target_path = posixpath.normpath(posixpath.join(path, name))
        target = child(node, name)
        if target is None:
            search.remarks.append(f"@default of {path} names {name!r}, which is not there")
            break
        if address(target) in visited:
            search.remarks.append(f"@default of {path} leads in a circle, to {target_path}")
            break
        visited.add(address(target))
        node, path = target, target_path
    return node, path


def _nearest(start: Node, start_path: str, search: Search) -> Plottable | None:
    """Walk down level by level and stop at the first level with a usable NXdata."""
    for level in _levels(start, start_path, search):
        candidates = []
        for order, (entry, path, node) in enumerate(level):
            _note(path, node, search)
            if is_group(node) and nx_class(node) == "NXdata":
                remarks = len(search.remarks)
                if found := plottable_group(node, path, "first NXdata", search):
                    candidates.append((_rank(found, entry, order), found, search.remarks[remarks:]))
                    del search.remarks[remarks:]
        if candidates:
            _, found, remarks_of_it = min(candidates, key=lambda c: c[0])
            search.remarks += remarks_of_it
            return found
    return None


def _rank(found: Plottable, entry: int, order: int) -> tuple[object, ...]:
    """Order candidates of one level: a single number and a transmission spectrum come last."""
    name = posixpath.basename(found.path)
    minor = name.startswith("sastransmission") or text(found.group, "canSAS_class") == "SAStransmission_spectrum"
    # canSAS puts equals side by side (a curve and an image of one sample): the first; else the largest.
    size = 0 if minor or text(found.group, "I_axes") else -int(found.signal.size)
    return (found.signal.size == 1, minor, entry, name != "data", size, order)


def _note(path: str, node: Node, search: Search) -> None:
    """Keep what the later rules need."""
    if is_numeric(node):
        search.datasets[path] = node
    elif is_table(node):
        search.tables[path] = node
    elif is_group(node):
        if is_detector(node):
            search.detectors[path] = node
        elif nx_class(node) == "NXlog":
            search.logs[path] = node
        elif posixpath.basename(path) == "measurement":
            search.scans[path] = node


def _levels(start: Node, start_path: str, search: Search) -> Iterator[list[tuple[int, str, Node]]]:
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
        if depth > _EXTERNAL_DEPTH and _is_external(group, name) and nx_class(group) != "NXdata":
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


def _fallback(start: Node, search: Search) -> Plottable | None:
    """Apply the rules for files without usable NXdata, on what the walk has noted."""
    return (
        (None if isinstance(start, h5py.Group) else _scan(search))
        or _detector(search)
        or _largest(search, "largest image")
        or _log(search)
        or _largest(search, "largest dataset")
        or _table(search)
    )


def _scan(search: Search) -> Plottable | None:
    for path, group in search.scans.items():
        names = [name for name in child_names(group) if is_numeric(node := child(group, name)) and len(node.shape) == 1]
        if len(names) > 1:
            return Plottable(
                "scan", posixpath.join(path, names[-1]), group, path, child(group, names[-1]), names[-1], (names[0],)
            )
    return None


def _detector(search: Search) -> Plottable | None:
    found = [
        found
        for path, group in search.detectors.items()
        if (found := plottable_group(group, path, "NXdetector", search)) and found.signal.size > 1
        if found.signal_name in ("data", "counts") or text(group, "signal") or len(found.signal.shape) > 1
    ]
    return max(found, key=lambda f: f.signal.size, default=None)


def _log(search: Search) -> Plottable | None:
    for path, group in search.logs.items():
        value = child(group, "value")
        if is_numeric(value) and value.size > 1:
            return Plottable("NXlog", path, group, path, value, "value", ("time",))
    return None


def _table(search: Search) -> Plottable | None:
    path = max(search.tables, key=lambda path: int(search.tables[path].size), default=None)
    if path is None:
        return None
    folder, name = posixpath.split(path)
    node = search.tables[path]
    return Plottable("table", path, child(node.file, folder), folder, node, name)


def _largest(search: Search, rule: str) -> Plottable | None:
    rows = [
        (posixpath.basename(path) not in _SPECIAL, int(node.size), path)
        for path, node in search.datasets.items()
        if rule == "largest dataset" or (len(node.shape) > 1 and node.size >= _LARGE)
    ]
    for *_, path in sorted(rows, key=lambda row: row[:2], reverse=True):
        folder, name = posixpath.split(path)
        node = search.datasets[path]
        if refusal := why_incomplete(path, node):
            search.refused.append(refusal)
        else:
            return Plottable(rule, path, child(node.file, folder), folder, node, name)
    return None
