"""The numbers of one axis: read, scaled, cut to the good ones, with their errors.

A coordinate may be given for each value, for the edges of bins, for every pixel, as two numbers of a linear
calibration, or for more values than are good. The names and places of the axes are found in `axes`.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from panosc_analysis.nexus.attributes import FOREIGN, Node, child, is_numeric, read_attribute, split_names, text
from panosc_analysis.nexus.scaling import find_scaling

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Axis", "fits", "label_of", "read_axis", "read_calibration", "read_errors"]

Values: TypeAlias = "NDArray[Any]"

_LARGEST_COORDINATES = 2**24  # elements of an N-dimensional coordinate that are read to see whether it is separable


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
    errors
        Standard deviations of the values, of the same shape.
    good
        First and last index along the dimension that the file calls good; ``None`` if it does not say.
    """

    name: str
    label: str
    units: str
    values: Values
    edges: bool = False
    scale: Literal["linear", "log"] = "linear"
    errors: Values | None = None
    good: tuple[int, int] | None = None


def label_of(node: Node, name: str) -> str:
    """Return ``long_name``, else the name; units in brackets at its end are cut, they are told apart."""
    label, units = text(node, "long_name") or posixpath.basename(name), text(node, "units")
    match = re.fullmatch(r"(.+?)\s*[\[(]([^\])]*)[\])]", label)
    return match[1] if match and units and match[2].strip().rstrip("s") == units.rstrip("s") else label


def fits(node: Node, shape: tuple[int, ...], dimension: int) -> bool:
    """Whether the lengths allow that the node is the coordinate of a dimension; reads no values."""
    if not is_numeric(node):
        return False
    own = tuple(node.shape)
    return own == shape or (len(own) == 1 and own[0] in (shape[dimension], shape[dimension] + 1))


def read_axis(group: Node, node: Node, name: str, shape: tuple[int, ...], dimension: int) -> Axis | None:
    """Read a coordinate for this dimension; ``None`` if it does not fit there."""
    own, length = tuple(node.shape), shape[dimension]
    size, good = int(np.prod(own)), _good(node)
    is_line = max(own, default=1) == size
    try:
        if own == shape and len(shape) > 1:
            values = _separable(node, dimension)
        elif is_line and size in (length, length + 1):
            values = np.asarray(node[()]).reshape(-1)
        elif is_line and good is not None and good[1] + 1 - good[0] in (length, length + 1):
            # The signal holds the good values only.
            values, good = np.asarray(node[()]).reshape(-1)[good[0] : good[1] + 1], None
        else:
            values = None
    except FOREIGN:
        return None
    if values is None:
        return None
    edges = len(values) == length + 1
    made = Axis(posixpath.basename(name), label_of(node, name), text(node, "units"), values, edges=edges)
    return _scaled(replace(made, good=_within(good, length)), group, node, name)


def read_calibration(group: Node, node: Node, name: str, length: int) -> Axis | None:
    """Read two numbers as silx does: the coordinate of value ``i`` is ``first + second * i``."""
    if not is_numeric(node) or int(np.prod(node.shape)) != 2 or length < 3 or node.dtype.kind not in "iuf":
        return None
    try:
        start, step = (float(number) for number in np.asarray(node[()]).reshape(-1))
    except FOREIGN:
        return None
    if not np.isfinite([start, step]).all() or step == 0:
        return None
    values = start + step * np.arange(length, dtype=np.float64)
    return Axis(posixpath.basename(name), label_of(node, name), text(node, "units"), values)


def read_errors(group: Node, node: Node, name: str, values: Values) -> Values | None:
    """Read the standard deviations of an axis: ``NAME_errors``, ``@uncertainties`` or ``@errors`` of axis or group."""
    names = split_names(read_attribute(group, "axes")) if group is not None else ()
    listed = split_names(read_attribute(group, "uncertainties")) if group is not None else ()
    of_group = dict(zip(names, listed, strict=False)).get(name, "") if len(names) == len(listed) else ""
    for found in (f"{name}_errors", text(node, "uncertainties"), text(node, "errors"), of_group, f"{name}_error"):
        errors: Node = child(group, found) if found and group is not None else None
        if not is_numeric(errors) or errors.dtype.kind not in "iuf" or errors.shape != node.shape:
            continue
        try:
            read = np.asarray(errors[()]).reshape(-1)
        except FOREIGN:
            continue
        if read.shape == values.shape:
            return read
    return None


def _scaled(axis: Axis, group: Node, node: Node, name: str) -> Axis:
    """Add the errors, and turn stored numbers into values."""
    errors = read_errors(group, node, name, axis.values)
    scaling = find_scaling(group, node, name, is_signal=False)
    if scaling is None:
        return replace(axis, errors=errors)
    return replace(axis, values=scaling(axis.values), errors=None if errors is None else scaling.of_errors(errors))


def _good(node: Node) -> tuple[int, int] | None:
    """Return ``first_good`` and ``last_good``, counted from 0, if they make sense for the axis itself."""
    size = int(np.prod(node.shape))
    first, last = (_index(read_attribute(node, name)) for name in ("first_good", "last_good"))
    if first is None and last is None:
        return None
    first, last = first or 0, size - 1 if last is None else last
    return (first, last) if 0 <= first < last < size else None


def _index(value: object) -> int | None:
    value = value[0] if isinstance(value, list) and len(value) == 1 else value
    return int(value) if isinstance(value, int | float) and np.isfinite(value) else None


def _within(good: tuple[int, int] | None, length: int) -> tuple[int, int] | None:
    if good is None or good[0] >= length - 1:
        return None
    found = (good[0], min(good[1], length - 1))
    return None if found == (0, length - 1) else found


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
