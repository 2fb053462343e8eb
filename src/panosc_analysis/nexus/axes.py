"""The axes of plottable data, as files really give them.

NeXus has had four ways to name axes and canSAS a fifth; files mix them, number dimensions from the wrong end, write
two names into one text, give bin edges or a coordinate for every pixel. silx's `NXdata` refuses most of these and puts
the oldest way (``@axis=1,2``) on the wrong dimension, so the axes are found here. What was guessed is said in remarks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import permutations
from typing import Literal

from panosc_analysis.nexus.attributes import (
    Node,
    child,
    children,
    is_numeric,
    read_attribute,
    split_names,
    text,
)
from panosc_analysis.nexus.axis_values import Axis, fits, label_of, read_axis, read_calibration
from panosc_analysis.nexus.coordinates import dimension_scales
from panosc_analysis.nexus.nxdata import axis_scales

__all__ = ["Axis", "axis_names", "find_axes", "label_of", "scatter_axes"]

_PERMUTED = 4  # axes that are tried in every order


@dataclass(frozen=True, slots=True, eq=False)
class _Given:
    """An axis as the file gives it: for which dimension, by which name, in which dataset."""

    dimension: int
    name: str
    node: Node
    group: Node
    shape: tuple[int, ...]

    def at(self, dimension: int) -> Axis | None:
        return read_axis(self.group, self.node, self.name, self.shape, dimension)


def axis_names(group: Node, signal: Node, signal_name: str) -> tuple[tuple[str, ...], str]:
    """Return the names of the axes and where they were found: one name per dimension where the file says so."""
    numbered = _numbered_names(group, len(signal.shape), signal_name)
    for owner, attribute in ((group, "axes"), (signal, "axes"), (group, "I_axes")):
        names = split_names(read_attribute(owner, attribute))
        # Old muon files describe the axes in words ("[group number, time bin]") and number them as well.
        if not names or (numbered and not any(is_numeric(child(group, name)) for name in names)):
            continue
        if set(names) == {"Q"} and len(names) == 2 and not is_numeric(child(group, "Q")):
            # canSAS may name the vector; which component runs along which dimension is looked at.
            names = ("Qx", "Qy")
        return names, f"@{attribute}"
    return numbered, "@axis"


def find_axes(
    group: Node, signal: Node, signal_name: str, remarks: list[str], likely: tuple[str, ...] = ()
) -> tuple[Axis | None, ...]:
    """Return one axis per dimension of the signal, ``None`` where it can only be counted.

    Reads one-dimensional axes, and N-dimensional ones of up to 16 million values to see whether they are separable.
    Never raises; appends to the remarks what was wrong. Where the file names none, the dimension scales of HDF5 and
    then the likely names are taken.
    """
    shape = tuple(signal.shape)
    names, origin = axis_names(group, signal, signal_name)
    scaled = [] if names else [_Given(*scale, group, shape) for scale in dimension_scales(signal)]
    names = names or (() if scaled else likely)
    placed = _placed(group, names, shape)
    unplaced = [name for name in names if name not in {".", "", *(name for _, name in placed)}]
    named = [(place, name, child(group, name)) for place, name in placed if name not in (".", "")]
    given = [*scaled, *(_Given(*row, group, shape) for row in named if is_numeric(row[2]))]
    guessed = names is likely
    useless = {} if guessed else dict.fromkeys([*unplaced, *(n for _, n, node in named if not is_numeric(node))])
    remarks += [f"{origin} names {name!r}, which {_why_unplaced(group, name, shape)}" for name in useless]
    # silx writes one scale for each dimension; files with fewer mean the last ones.
    linear: list[Literal["linear", "log"]] = ["linear"] * len(shape)
    scales = [*linear, *axis_scales(group)][-len(shape) :] if shape else []
    arranged = _arranged(given, shape, remarks)
    return tuple(axis and replace(axis, scale=scale) for axis, scale in zip(arranged, scales, strict=True))


def scatter_axes(group: Node, signal: Node, signal_name: str) -> tuple[Axis, Axis] | None:
    """Return the two coordinates (x, y) of a one-dimensional signal, if it has two as long as itself."""
    names, _ = axis_names(group, signal, signal_name)
    if len(signal.shape) != 1 or len(names) != 2:
        return None
    nodes = [(name, child(group, name)) for name in names]
    if not all(is_numeric(node) and tuple(node.shape) == tuple(signal.shape) for _, node in nodes):
        return None
    x, y = (read_axis(group, node, name, tuple(signal.shape), 0) for name, node in nodes)
    return (x, y) if x and y else None


def _numbered_names(group: Node, ndim: int, signal_name: str) -> tuple[str, ...]:
    """Return the names by the oldest way: each axis carries ``@axis``, its dimension counted from 1."""
    names = ["."] * ndim
    primary: dict[int, int] = {}
    for name, node in children(group) if group is not None else ():
        number = text(node, "axis")
        if name == signal_name or not number.isdigit() or not 1 <= int(number) <= ndim or not is_numeric(node):
            continue
        rank = int(text(node, "primary") or 1) if (text(node, "primary") or "1").isdigit() else 1
        if int(number) not in primary or rank < primary[int(number)]:
            primary[int(number)] = rank
            names[int(number) - 1] = name
    return tuple(names) if primary else ()


def _placed(group: Node, names: tuple[str, ...], shape: tuple[int, ...]) -> list[tuple[int, str]]:
    """Give each name a dimension: its place, or ``NAME_indices``, or the last dimension that it fits."""
    if len(names) == len(shape):
        return list(enumerate(names))
    placed: list[tuple[int, str]] = []
    for name in names:
        indices = split_names(read_attribute(group, f"{name}_indices"))
        if (
            indices
            and indices[0].isdigit()
            and int(indices[0]) < len(shape)
            and fits(child(group, name), shape, int(indices[0]))
        ):
            placed.append((int(indices[0]), name))
            continue
        taken = {dimension for dimension, _ in placed}
        fitting = [d for d in reversed(range(len(shape))) if d not in taken and fits(child(group, name), shape, d)]
        if fitting:
            exact = [d for d in fitting if child(group, name).shape == (shape[d],)]
            placed.append(((exact or fitting)[0], name))
    return placed


def _why_unplaced(group: Node, name: str, shape: tuple[int, ...]) -> str:
    node: Node = child(group, name) if group is not None else None
    return f"fits no dimension of {shape}" if is_numeric(node) else "is not there or holds no numbers"


def _arranged(given: list[_Given], shape: tuple[int, ...], remarks: list[str]) -> list[Axis | None]:
    """Put each axis on its dimension; if some do not fit there, on those that they fit, if there is only one way."""
    found: list[Axis | None] = [None] * len(shape)
    own = [one.at(one.dimension) for one in given]
    misfits = [one for one, axis in zip(given, own, strict=True) if axis is None]
    # Lengths decide first, because bin edges also fit a dimension that is one shorter.
    moved = _only_way(given, list(range(len(shape))), exact=True) if misfits else None
    if moved is None:
        for one, axis in zip(given, own, strict=True):
            found[one.dimension] = found[one.dimension] or axis
        free = [dimension for dimension, axis in enumerate(found) if axis is None]
        hopeless = [one for one in misfits if not any(one.at(place) for place in free)]
        given = [one for one in misfits if one not in hopeless]
        moved = _only_way(given, free)
        for one in hopeless if moved is not None else misfits:
            _calibrate(one, found, remarks)
    for one, (place, axis) in zip(given, moved or (), strict=False):
        found[place] = axis
        if place != one.dimension:
            remarks.append(
                f"the axis {one.name!r} is given for dimension {one.dimension} and fits only dimension {place}"
            )
    return found


def _calibrate(one: _Given, found: list[Axis | None], remarks: list[str]) -> None:
    """Take two values that fit nowhere for a linear calibration; say of other axes that they do not fit."""
    length, own = one.shape[one.dimension], tuple(one.node.shape)
    axis = read_calibration(one.group, one.node, one.name, length) if found[one.dimension] is None else None
    if axis is None:
        remarks.append(
            f"the axis {one.name!r} of shape {own} does not fit dimension {one.dimension} of {one.shape}, "
            "which is only counted"
        )
        return
    found[one.dimension] = axis
    remarks.append(
        f"the axis {one.name!r} has two values for {length}; they were read as silx reads them, as start and step: "
        f"{axis.values[0]:g} … {axis.values[-1]:g}"
    )


def _only_way(given: list[_Given], free: list[int], *, exact: bool = False) -> list[tuple[int, Axis]] | None:
    """Return the dimension of each axis if there is exactly one way to place all of them."""
    if len(given) > _PERMUTED:
        return None
    fitting = {(one.name, place): one.at(place) for one in given for place in free}
    ways = []
    for places in permutations(free, len(given)):
        axes = [fitting[one.name, place] for one, place in zip(given, places, strict=True)]
        if all(axis is not None and not (exact and axis.edges) for axis in axes):
            ways.append([(place, axis) for place, axis in zip(places, axes, strict=True) if axis is not None])
    return ways[0] if len(ways) == 1 else None
