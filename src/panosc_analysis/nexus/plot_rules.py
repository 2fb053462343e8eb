"""Which data of a file to show first: the rules in their order.

1. ``@default``, followed from the root as far as it leads.
2. ``first NXdata``: the nearest usable NXdata or SASdata group; of several equally near, the first entry's, the one
   called ``data``, the largest. One that holds a single number waits until all others are looked at.
3. ``scan``: the last counter that varies against the motor, in formats without groups of data (SPEC).
4. ``NXdetector``: the largest images or spectra of a detector, in a scan against the motor.
5. ``scan``: the same in HDF5 (BLISS, Sardana), for scans without images.
6. ``NXdetector`` again, with whatever a detector holds.
7. ``largest image``: the largest dataset of two or more dimensions and at least 32 × 32 values.
8. ``NXmonitor``: counts of a monitor against its time of flight.
9. ``NXlog``: values of a log against time.
10. ``largest dataset``: whatever numbers there are, a measured quantity before what looks like a coordinate.
11. ``table``: the longest dataset of records.
12. ``text``: the first text, or what can only be written out.

silx's `get_default` knows the first rule only, and raises on broken links and array-valued attributes.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace

import h5py

from panosc_analysis.nexus.attributes import (
    Node,
    address,
    child,
    child_names,
    is_group,
    is_numeric,
    nx_class,
    text,
)
from panosc_analysis.nexus.coordinates import detector_axes, is_clock, is_coordinate, is_geometry, likely_coordinate
from panosc_analysis.nexus.nxdata import Plottable, Refusal, find_signal, why_incomplete
from panosc_analysis.nexus.plot_search import Search, levels, note
from panosc_analysis.nexus.scans import read_scan

__all__ = ["find_plottable", "plottable_group"]

_LARGE = 32 * 32
_SPECIAL = re.compile(
    r"(pixel_?)?mask|efficiency|event_(id|index|time_offset|time_zero|pixel_id)|gain|detector_number"
    r"|(.*_)?(flat|white|dark|bright|background|bkg)s?(_?fields?)?|flat_?field_correction|(data|image)_(white|dark|flat)s?",
    re.IGNORECASE,
)


def find_plottable(root: Node, path: str, search: Search) -> Plottable | None:
    """Return what the rules choose below a node, or ``None`` if there is nothing numeric."""
    search.root = root
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
        search.remarks += _neighbours(group, path, name)
    likely = likely_coordinate(group, node, name)
    return Plottable(rule, path, group, path, node, name, (likely,) if likely else ())


def _neighbours(group: Node, path: str, name: str) -> list[str]:
    """Say what else of a series of datasets (Dectris: ``data_000001`` …) there is, and what should be."""
    stem = re.fullmatch(r"(.*?_)\d+", name)
    others = [n for n in child_names(group) if stem and n != name and re.fullmatch(re.escape(stem[1]) + r"\d+", n)]
    there = [n for n in others if child(group, n) is not None]
    gone = [n for n in others if n not in there]
    remarks = [f"the series goes on in {there[0]!r} … {there[-1]!r}; this is one of its datasets"] if there else []
    if gone:
        remarks.append(
            f"{posixpath.join(path, gone[0])} cannot be reached: a link that leads nowhere ({len(gone)} of them)"
        )
    return remarks


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
    single: tuple[Plottable, list[str]] | None = None
    for level in levels(start, start_path, search):
        candidates = []
        for order, (entry, path, node) in enumerate(level):
            note(path, node, search)
            if is_group(node) and nx_class(node) == "NXdata":
                remarks = len(search.remarks)
                if found := plottable_group(node, path, "first NXdata", search):
                    candidates.append((_rank(found, entry, order), found, search.remarks[remarks:]))
                    del search.remarks[remarks:]
        if candidates:
            _, found, remarks_of_it = min(candidates, key=lambda c: c[0])
            if found.signal.size > 1:
                search.remarks += remarks_of_it
                return found
            single = single or (found, remarks_of_it)
    if single is None:
        return None
    search.remarks += single[1]
    return single[0]


def _rank(found: Plottable, entry: int, order: int) -> tuple[object, ...]:
    """Order candidates of one level: a single number and a transmission spectrum come last."""
    name = posixpath.basename(found.path)
    minor = name.startswith("sastransmission") or text(found.group, "canSAS_class") == "SAStransmission_spectrum"
    # canSAS puts equals side by side (a curve and an image of one sample): the first; else the largest.
    size = 0 if minor or text(found.group, "I_axes") else -int(found.signal.size)
    return (found.signal.size == 1, minor, entry, name != "data", size, order)


def _fallback(start: Node, search: Search) -> Plottable | None:
    """Apply the rules for files without usable NXdata, on what the walk has noted."""
    found = (
        (None if isinstance(start, h5py.Group) else _scan(search))
        or _detector(search, least_dimensions=2)
        or _scan(search)
        or _detector(search, least_dimensions=1)
        or _largest(search, "largest image")
        or _monitor(search)
        or _log(search)
        or _largest(search, "largest dataset")
        or _table(search)
        or _text(search)
    )
    if found is not None and search.has_events and found.rule != "NXdetector":
        search.remarks.append("the file holds events, which are not counted into histograms here")
    return found


def _scan(search: Search) -> Plottable | None:
    for path, group in search.scans.items():
        if scan := read_scan(group, child(search.root, posixpath.dirname(path))):
            node = child(group, scan.counter)
            where = posixpath.join(path, scan.counter)
            return Plottable("scan", where, group, path, node, scan.counter, (scan.motor,))
    return None


def _detector(search: Search, *, least_dimensions: int) -> Plottable | None:
    best: Plottable | None = None
    said: list[str] = []
    for path, group in search.detectors.items():
        before = len(search.remarks)
        found = plottable_group(group, path, "NXdetector", search)
        remarks = search.remarks[before:]
        del search.remarks[before:]
        if found is None or found.signal.size == 1 or len(found.signal.shape) < least_dimensions:
            continue
        is_named = found.signal_name in ("data", "counts") or text(group, "signal") != ""
        if (is_named or len(found.signal.shape) > 1) and (best is None or found.signal.size > best.signal.size):
            best, said = found, remarks
    if best is None:
        return None
    search.remarks += said
    own = detector_axes(best.group, best.signal)
    return replace(best, likely_axes=_scanned(best, search) or own or best.likely_axes)


def _scanned(found: Plottable, search: Search) -> tuple[str, ...]:
    """Return the motor of the entry's scan as the axis of the first dimension, if it has as many points."""
    for path, group in search.scans.items():
        entry = posixpath.dirname(path)
        is_same = found.path.startswith(f"{entry.rstrip('/')}/")
        if is_same and (scan := read_scan(group, child(search.root, entry))) and scan.points == found.signal.shape[0]:
            return (posixpath.join(path, scan.motor), *("." for _ in found.signal.shape[1:]))
    return ()


def _monitor(search: Search) -> Plottable | None:
    for path, group in search.monitors.items():
        data = child(group, "data")
        if is_numeric(data) and data.size > 1:
            return Plottable("NXmonitor", path, group, path, data, "data", ("time_of_flight",))
    return None


def _log(search: Search) -> Plottable | None:
    for path, group in search.logs.items():
        value = child(group, "value")
        if is_numeric(value) and value.size > 1:
            return Plottable("NXlog", path, group, path, value, "value", ("time",))
    return None


def _table(search: Search) -> Plottable | None:
    path = max(search.tables, key=lambda path: int(search.tables[path].size), default=None)
    return None if path is None else _lone("table", path, search.tables[path], search)


def _text(search: Search) -> Plottable | None:
    path = next(iter(search.texts), None)
    return None if path is None else _lone("text", path, search.texts[path], search)


def _lone(rule: str, path: str, node: Node, search: Search) -> Plottable:
    folder, name = posixpath.split(path)
    group = child(search.root, folder)
    likely = likely_coordinate(group, node, name) if is_numeric(node) else ""
    return Plottable(rule, path, group, folder, node, name, (likely,) if likely else ())


def _largest(search: Search, rule: str) -> Plottable | None:
    paths = [
        path
        for path, node in search.datasets.items()
        if rule == "largest dataset" or (len(node.shape) > 1 and node.size >= _LARGE and not _is_where(path))
    ]
    for path in sorted(paths, key=lambda path: _preference(path, search.datasets[path]), reverse=True):
        node = search.datasets[path]
        if refusal := why_incomplete(path, node):
            search.refused.append(refusal)
        else:
            return _lone(rule, path, node, search)
    return None


def _is_where(path: str) -> bool:
    return is_geometry(posixpath.basename(path))


def _preference(path: str, node: Node) -> tuple[bool | int, ...]:
    name = posixpath.basename(path)
    is_measured = (node.dtype.kind != "b", not is_clock(name), not is_coordinate(name))
    return (_SPECIAL.fullmatch(name) is None, int(node.size), *is_measured)
