"""How plottable data are drawn: as which kind of plot, which part of them, and against which axes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from panosc_analysis.nexus.attributes import Node, child, is_numeric, is_table, nx_class, text
from panosc_analysis.nexus.axes import axis_names, find_axes, scatter_axes
from panosc_analysis.nexus.nxdata import interpretation

if TYPE_CHECKING:
    from panosc_analysis.nexus.axes import Axis
    from panosc_analysis.nexus.nxdata import Plottable

__all__ = ["Kept", "PlotKind", "drawn"]

PlotKind: TypeAlias = Literal["scalar", "curve", "image", "stack", "scatter", "rgb", "table", "text"]

Kept: TypeAlias = tuple[int | slice, ...]
"""One entry per stored dimension: 0 for one of length 1 that is dropped, else the part of it that is good."""


def drawn(found: Plottable, remarks: list[str]) -> tuple[PlotKind, Kept, tuple[Axis | None, ...]]:
    """Decide how the signal is drawn, which part of it that is, and against which axes."""
    if is_table(found.signal) and found.signal.shape:
        return "table", (), ()
    if not is_numeric(found.signal):
        return "text", (), ()
    if points := scatter_axes(found.group, found.signal, found.signal_name):
        return "scatter", (), points
    kind, kept = _kind(found)
    axes = find_axes(found.group, found.signal, found.signal_name, remarks, found.likely_axes)
    names, _ = axis_names(found.group, found.signal, found.signal_name)
    if found.rule not in ("scan", "NXmonitor") and nx_class(found.group) != "NXlog" and found.likely_axes and not names:
        remarks += [f"no axes are named; {a.name!r} was taken" for a in axes if a and (a.name,) == found.likely_axes]
    if not (found.rule == "path" and found.path == found.signal_path):  # a dataset that is asked for is shown whole
        kept = _good_part(kept, axes, remarks)
        axes = tuple(axis and _cut(axis, part) for axis, part in zip(axes, kept, strict=True))
    return kind, kept, tuple(axis for axis, part in zip(axes, kept, strict=True) if part != 0)


def _good_part(kept: Kept, axes: tuple[Axis | None, ...], remarks: list[str]) -> Kept:
    """Narrow what is shown to what the axes call good."""
    parts = list(kept)
    for dimension, axis in enumerate(axes):
        if axis is not None and axis.good is not None and parts[dimension] == slice(None):
            first, last = axis.good
            parts[dimension] = slice(first, last + 1)
            remarks.append(
                f"only the values {first} … {last} along {axis.name!r} are shown, which the file calls good; "
                "open the dataset by its path to see all"
            )
    return tuple(parts)


def _cut(axis: Axis, part: int | slice) -> Axis:
    if part in (0, slice(None)) or not isinstance(part, slice):
        return axis
    cut = slice(part.start, part.stop + 1) if axis.edges else part
    return replace(axis, values=axis.values[cut], errors=None if axis.errors is None else axis.errors[cut], good=None)


def _kind(found: Plottable) -> tuple[PlotKind, Kept]:
    """Decide how the signal is drawn, and which of its dimensions of length 1 are dropped (0) or kept."""
    shape = tuple(found.signal.shape)
    meaning = interpretation(found.group, found.signal)
    everything: Kept = (slice(None),) * len(shape)
    squeezed: Kept = tuple(0 if length == 1 else slice(None) for length in shape)
    if meaning in ("rgb-image", "rgba-image") and len(shape) > 2 and shape[-1] in (3, 4):
        return "rgb", everything
    long = sum(length > 1 for length in shape)
    if long == 0:
        return "scalar", squeezed
    if long == 1:
        return "curve", squeezed
    if meaning == "spectrum" or (not meaning and _is_frames_of_curves(found)):
        return "curve", everything if shape[-1] > 1 else squeezed
    if len(shape) == 2:
        return "image", everything
    if shape[-1] > 1 and shape[-2] > 1:
        return "stack", everything
    return "image" if long == 2 else "stack", squeezed


def _is_frames_of_curves(found: Plottable) -> bool:
    """Whether canSAS gives one coordinate, along the last dimension, for data of two dimensions."""
    if found.group is None or len(found.signal.shape) != 2 or not text(found.group, "I_axes"):
        return False
    names, _ = axis_names(found.group, found.signal, found.signal_name)
    node: Node = child(found.group, names[0]) if len(names) == 1 else None
    return is_numeric(node) and tuple(node.shape) == tuple(found.signal.shape[-1:])
