"""The axes of plottable data, as files really give them.

NeXus has had four ways to name axes and canSAS a fifth; files mix them, number dimensions from the wrong end, write
two names into one text, give bin edges or a coordinate for every pixel. silx's `NXdata` refuses most of these and puts
the oldest way (``@axis=1,2``) on the wrong dimension, so the axes are found here. What was guessed is said in remarks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import permutations
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from panosc_analysis.nexus.attributes import (
    FOREIGN,
    Node,
    child,
    children,
    is_numeric,
    read_attribute,
    split_names,
    text,
)
from panosc_analysis.nexus.nxdata import axis_scales

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Axis", "axis_names", "find_axes", "label_of", "scatter_axes"]

Given: TypeAlias = tuple[int, str, Node]
"""The dimension that the file gives an axis, its name and its dataset."""

Values: TypeAlias = "NDArray[Any]"

_LARGEST_COORDINATES = 2**24  # elements of an N-dimensional coordinate that are read to see whether it is separable
_PERMUTED = 4  # axes that are tried in every order


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """Coordinates along one dimension, read into memory.

    Parameters
    ----------
    name
        Name of the dataset.
    label
        Text to write at the axis, without units.
    units
        As the file spells them; empty if it gives none.
    values
        One-dimensional: as long as the dimension, or one longer if they are bin edges.
    edges
        Whether the values are bin edges.
    scale
        How the file wants the axis drawn.
    """

    name: str
    label: str
    units: str
    values: Values
    edges: bool = False
    scale: Literal["linear", "log"] = "linear"


def label_of(node: Node, name: str) -> str:
    """Return ``long_name``, else the name; units in brackets at its end are cut, they are told apart."""
    label, units = text(node, "long_name") or name, text(node, "units")
    match = re.fullmatch(r"(.+?)\s*[\[(]([^\])]*)[\])]", label)
    return match[1] if match and units and match[2].strip().rstrip("s") == units.rstrip("s") else label


def axis_names(group: Node, signal: Node, signal_name: str) -> tuple[tuple[str, ...], str]:
    """Return the names of the axes and where they were found: one name per dimension where the file says so."""
    for owner, attribute in ((group, "axes"), (signal, "axes"), (group, "I_axes")):
        if names := split_names(read_attribute(owner, attribute)):
            if set(names) == {"Q"} and len(names) == 2 and not is_numeric(child(group, "Q")):
                names = (
                    "Qx",
                    "Qy",
                )  # canSAS may name the vector; which component runs along which dimension is looked at
            return names, f"@{attribute}"
    return _numbered_names(group, len(signal.shape), signal_name), "@axis"


def find_axes(
    group: Node, signal: Node, signal_name: str, remarks: list[str], likely: tuple[str, ...] = ()
) -> tuple[Axis | None, ...]:
    """Return one axis per dimension of the signal, ``None`` where it can only be counted.

    Reads one-dimensional axes, and N-dimensional ones of up to 16 million values to see whether they are separable.
    Never raises; appends to the remarks what was wrong. The likely names are taken where the file names none.
    """
    shape = tuple(signal.shape)
    names, origin = axis_names(group, signal, signal_name)
    names = names or likely
    placed = _placed(group, names, shape)
    unplaced = [name for name in names if name not in {".", "", *(name for _, name in placed)}]
    nodes = [(dimension, name, child(group, name)) for dimension, name in placed if name not in (".", "")]
    given = [row for row in nodes if is_numeric(row[2])]
    useless = dict.fromkeys([*unplaced, *(row[1] for row in nodes if row not in given)])
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
    x, y = (_axis(node, name, tuple(signal.shape), 0) for name, node in nodes)
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
            and _fits(group, name, shape, int(indices[0]))
        ):
            placed.append((int(indices[0]), name))
            continue
        taken = {dimension for dimension, _ in placed}
        fitting = [d for d in reversed(range(len(shape))) if d not in taken and _fits(group, name, shape, d)]
        if fitting:
            exact = [d for d in fitting if child(group, name).shape == (shape[d],)]
            placed.append(((exact or fitting)[0], name))
    return placed


def _why_unplaced(group: Node, name: str, shape: tuple[int, ...]) -> str:
    node: Node = child(group, name) if group is not None else None
    return f"fits no dimension of {shape}" if is_numeric(node) else "is not there or holds no numbers"


def _fits(group: Node, name: str, shape: tuple[int, ...], dimension: int) -> bool:
    node = child(group, name)
    if not is_numeric(node):
        return False
    own = tuple(node.shape)
    return own == shape or (len(own) == 1 and own[0] in (shape[dimension], shape[dimension] + 1))


def _axis(node: Node, name: str, shape: tuple[int, ...], dimension: int) -> Axis | None:
    """Read a coordinate for this dimension; ``None`` if it does not fit there."""
    own, length = tuple(node.shape), shape[dimension]
    try:
        if own == shape and len(shape) > 1:
            values = _separable(node, dimension)
        elif int(np.prod(own)) in (length, length + 1) and max(own, default=1) == int(np.prod(own)):
            values = np.asarray(node[()]).reshape(-1)
        else:
            values = None
    except FOREIGN:
        return None
    if values is None:
        return None
    return Axis(name, label_of(node, name), text(node, "units"), values, edges=len(values) == length + 1)


def _separable(node: Node, dimension: int) -> Values | None:
    """Return the values along one dimension of a coordinate that is constant along all others."""
    if int(np.prod(node.shape)) > _LARGEST_COORDINATES:
        return None
    values = np.moveaxis(np.asarray(node[()]), dimension, 0)
    line = values.reshape(values.shape[0], -1)[:, :1]
    spread = np.ptp(line) if np.isfinite(line).all() else 0.0
    if spread and np.allclose(values.reshape(values.shape[0], -1), line, rtol=0, atol=1e-6 * abs(spread)):
        return np.ascontiguousarray(line[:, 0])
    return None


def _arranged(given: list[Given], shape: tuple[int, ...], remarks: list[str]) -> list[Axis | None]:
    """Put each axis on its dimension; if some do not fit there, on those that they fit, if there is only one way."""
    found: list[Axis | None] = [None] * len(shape)
    own = [_axis(node, name, shape, dimension) for dimension, name, node in given]
    misfits = [row for row, axis in zip(given, own, strict=True) if axis is None]
    # Lengths decide first, because bin edges also fit a dimension that is one shorter.
    moved = _only_way(given, list(range(len(shape))), shape, exact=True) if misfits else None
    if moved is None:
        for (dimension, *_), axis in zip(given, own, strict=True):
            found[dimension] = found[dimension] or axis
        free = [dimension for dimension, axis in enumerate(found) if axis is None]
        hopeless = [row for row in misfits if not any(_axis(row[2], row[1], shape, place) for place in free)]
        given = [row for row in misfits if row not in hopeless]
        moved = _only_way(given, free, shape)
        remarks += [_misfit(row, shape) for row in (hopeless if moved is not None else misfits)]
    for (dimension, name, _), (place, axis) in zip(given, moved or (), strict=False):
        found[place] = axis
        if place != dimension:
            remarks.append(f"the axis {name!r} is given for dimension {dimension} and fits only dimension {place}")
    return found


def _only_way(
    given: list[Given], free: list[int], shape: tuple[int, ...], *, exact: bool = False
) -> list[tuple[int, Axis]] | None:
    """Return the dimension of each axis if there is exactly one way to place all of them."""
    if len(given) > _PERMUTED:
        return None
    fits = {(row[1], place): _axis(row[2], row[1], shape, place) for row in given for place in free}
    ways = []
    for places in permutations(free, len(given)):
        axes = [fits[row[1], place] for row, place in zip(given, places, strict=True)]
        if all(axis is not None and not (exact and axis.edges) for axis in axes):
            ways.append([(place, axis) for place, axis in zip(places, axes, strict=True) if axis is not None])
    return ways[0] if len(ways) == 1 else None


def _misfit(row: Given, shape: tuple[int, ...]) -> str:
    dimension, name, node = row
    own = tuple(node.shape)
    return f"the axis {name!r} of shape {own} does not fit dimension {dimension} of {shape}, which is only counted"
