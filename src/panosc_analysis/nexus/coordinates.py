"""Which arrays are coordinates where no attribute says so: by their names, and by HDF5's dimension scales.

Many files hold a motor, an energy or a time beside what was measured and do not tell them apart. A name that the field
uses for a coordinate is neither taken for the signal nor wasted: it is the axis of the curve.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from panosc_analysis.nexus.attributes import FOREIGN, Node, child, children, is_numeric, text

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["detector_axes", "dimension_scales", "is_clock", "is_coordinate", "is_geometry", "likely_coordinate"]

_COORDINATES = re.compile(
    r"x|q|qx|s|r|d|t|tth|2th|2theta|two_?theta|theta|th|omega|phi|chi|(polar_|rotation_)?angles?|energy|wavelength|lambda"
    r"|tof|time_of_flight|raw_time|frequency|radial|radius|d_?spacing|channels?|index|scan_?axis"
    r"|pos([xyz_].*)?|motor.*|.*_(pos|position|positions|set)|position.*|x_?axis|xdata|binding_energy|kinetic_energy",
    re.IGNORECASE,
)
_CLOCKS = re.compile(
    r"time|times|epoch.*|elapsed_?time|time_?stamps?|.*_timestamp|seconds?|dt|delta_?time|point_?nb|pt_?no|pulse_?ids?"
    r"|train_?ids?|cell_?ids?|image_?nr|frame_?(nr|number|id|no)s?|sequence_?number|unique_?id|.*uniqueid",
    re.IGNORECASE,
)
_GEOMETRY = re.compile(
    r"detector_number|detector_id|pixel_ids?|spectrum_(index|number|no)|[xyz]_(pixel_)?(offset|size)|[xyz]_pixel_offset"
    r"|polar_angle|azimuthal_angle|distance|solid_angle|sensor_thickness|slot|crate|input|diameter|height|tube_\w+|gain_\w+"
    r"|count_time|frame_time|dead_time|real_time|live_time|elapsed_time|trigger_dead_time|sequence_number"
    r"|countrate_correction.*|bit_depth.*|saturation_value|underload_value|beam_center_[xy]|is_data_present",
    re.IGNORECASE,
)


def is_coordinate(name: str) -> bool:
    """Whether an array of this name is, by custom, what others are drawn against."""
    return _COORDINATES.fullmatch(name) is not None or is_clock(name)


def is_clock(name: str) -> bool:
    """Whether an array of this name only counts or times: the last choice for an axis."""
    return _CLOCKS.fullmatch(name) is not None


def is_geometry(name: str) -> bool:
    """Whether an array of this name in a detector says where or how it measured, not what."""
    return _GEOMETRY.fullmatch(name) is not None


def likely_coordinate(group: Node, signal: Node, signal_name: str) -> str:
    """Return the name of the neighbour that a one-dimensional signal was likely measured against; empty if none."""
    if group is None or len(signal.shape) != 1:
        return ""
    lengths = (signal.shape[0], signal.shape[0] + 1)
    names = [
        name
        for name, node in children(group)
        if name != signal_name and is_coordinate(name) and is_numeric(node) and node.dtype.kind in "iuf"
        if len(node.shape) == 1 and node.shape[0] in lengths
    ]
    return min(names, key=is_clock, default="")


def detector_axes(group: Node, signal: Node) -> tuple[str, ...]:
    """Return NeXus' own coordinates of a detector for each dimension of its data, ``.`` for none; empty if it has none.

    The class `NXdetector` fixes their names, so that files need not list them. What varies fastest is placed first.
    """
    names = ["."] * len(signal.shape)
    for name in ("time_of_flight", "x_pixel_offset", "y_pixel_offset", "polar_angle"):
        node: Node = child(group, name)
        if not is_numeric(node) or len(node.shape) != 1 or node.shape[0] < 2:
            continue
        free = [d for d in reversed(range(len(names))) if names[d] == "."]
        exact = [d for d in free if node.shape[0] == signal.shape[d]]
        edges = [d for d in free if node.shape[0] == signal.shape[d] + 1]
        if found := [*exact, *edges]:
            names[found[0]] = name
    return tuple(names) if set(names) != {"."} else ()


def dimension_scales(signal: Node) -> Iterator[tuple[int, str, Node]]:
    """Yield HDF5's own coordinates (netCDF, xarray): dimension, name and dataset; without those that hold no values."""
    for dimension in range(len(signal.shape)):
        try:
            scales = signal.dims[dimension]
            node = scales[0] if len(scales) else None
            name = "" if node is None else posixpath.basename(node.name or "")
        except FOREIGN:
            continue
        # netCDF writes such a scale for each dimension that has a length and no coordinate.
        if name and is_numeric(node) and not text(node, "NAME").startswith("This is a netCDF dimension but not"):
            yield dimension, name, node
