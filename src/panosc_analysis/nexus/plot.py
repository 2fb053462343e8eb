"""What to show of a file when nothing else is said: the default plot.

The rules that choose it are in `plot_rules`, how its axes are found in `axes`, how missing pixels are known in `masks`.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from panosc_analysis.errors import NodeNotFound, NothingToPlot, SourceMissing
from panosc_analysis.nexus.array import ArrayHandle
from panosc_analysis.nexus.attributes import Node, child, is_dataset, is_group, is_numeric, is_table, nx_class, text
from panosc_analysis.nexus.axes import Axis, axis_names, find_axes, label_of, scatter_axes
from panosc_analysis.nexus.guard import missing_sources
from panosc_analysis.nexus.masks import detectors_of, is_detector, mask_path, masked_value, valid_range
from panosc_analysis.nexus.nxdata import Plottable, auxiliary_names, error_name, interpretation, signal_scale, title
from panosc_analysis.nexus.opener import H5File, open_file, reading
from panosc_analysis.nexus.plot_rules import Search, find_plottable, plottable_group

if TYPE_CHECKING:
    from panosc_analysis.errors import PanoscError

__all__ = ["Axis", "Other", "Plot", "PlotKind", "default_plot"]

PlotKind: TypeAlias = Literal["scalar", "curve", "image", "stack", "scatter", "rgb", "table", "text"]

Kept: TypeAlias = tuple[int | slice, ...]
"""One entry per stored dimension: 0 for one of length 1 that is dropped, else all of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Other:
    """An auxiliary signal: same shape and axes as the signal of its plot."""

    signal: ArrayHandle
    label: str
    units: str
    errors: ArrayHandle | None


@dataclass(frozen=True, slots=True, eq=False)
class Plot:
    """What to draw and what to write beside it; holds no data except the axes.

    Parameters
    ----------
    kind
        ``curve``: lines along the last dimension, one for each index of the dimensions before it (a map of spectra is
        a curve with leading dimensions). ``stack``: images over the last two dimensions. ``scatter``: one value at
        each point. ``rgb``: colour pictures, whose last dimension is the colour. ``table``: records of a compound type.
        ``text``: strings.
    file, path
        The file, and the NXdata group or dataset in it.
    signal
        The data. Dimensions of length 1 are dropped from scalars, curves and single images, kept in stacks.
    axes
        One per dimension of the signal, ``None`` where points are only counted; for ``scatter`` the two coordinates
        (x, y) of the points.
    title, label, units
        Title of the data or the entry; name of the signal, without units; its units.
    errors
        Standard deviations, of the signal's shape.
    masked_value
        The number that stands for pixels without a value.
    mask
        Pixels to leave out are not zero; of the shape of one image.
    scale
        How the values are best shown.
    rule
        Which rule chose it, as named in `plot_rules`, or ``path`` if it was asked for.
    remarks
        What was wrong with the file, or guessed; for a person to read.
    others
        Signals of the same shape to draw over a curve.
    valid
        Lowest and highest value that is a measurement, ``None`` for no such end.
    """

    kind: PlotKind
    file: Path
    path: str
    signal: ArrayHandle
    axes: tuple[Axis | None, ...]
    title: str
    label: str
    units: str
    errors: ArrayHandle | None
    masked_value: int | None
    mask: ArrayHandle | None
    scale: Literal["linear", "log"]
    rule: str
    remarks: tuple[str, ...]
    others: tuple[Other, ...] = ()
    valid: tuple[float | None, float | None] = (None, None)


def default_plot(source: str | Path | H5File, path: str = "/") -> Plot:
    """Find what a person would expect to see of a file, a group or a dataset.

    Reads the axes, and one frame of 16-bit images, but not the data. Costs some milliseconds; on files without NeXus
    structure a walk over at most 10,000 nodes.

    Parameters
    ----------
    source
        A file's path, or a file that `open_file` gave.
    path
        The group or dataset to show; ``/`` lets the rules choose from the whole file.

    Raises
    ------
    NothingToPlot
        There are no numbers below the path.
    SourceMissing
        There would be, in another file that is not there.
    NodeNotFound
        There is no such path.
    OpenError, LocateError
        The file cannot be opened or read.
    """
    if isinstance(source, (str, Path)):
        with open_file(source) as file:
            return _default_plot(file, Path(source).expanduser().absolute(), path)
    return _default_plot(source, Path(source.filename).absolute(), path)


def _default_plot(file: H5File, where: Path, path: str) -> Plot:
    path = posixpath.normpath(posixpath.join("/", path))
    with reading(where, path):
        node = file[path]
        if not is_dataset(node) and not is_group(node):
            raise NodeNotFound(f"{path} in {where} is a named type", hint="Name a group or dataset", path=str(where))
        search = Search()
        found = _asked_for(file, node, path, search) or (find_plottable(node, path, search) if is_group(node) else None)
        if found is None:
            raise _nothing(where, path, node, search)
        return _plot(file, where, found, search)


def _asked_for(file: H5File, node: Node, path: str, search: Search) -> Plottable | None:
    """Return the node itself if it is something to plot."""
    if is_dataset(node):
        folder, name = posixpath.split(path)
        if (is_numeric(node) and not missing_sources(node)) or is_table(node) or node.dtype.kind in "OSUT":
            return Plottable("path", path, child(file, folder), folder, node, name)
        return None
    if nx_class(node) == "NXdata" or is_detector(node):
        return plottable_group(node, path, "path", search)
    if nx_class(node) == "NXlog" and is_numeric(value := child(node, "value")):
        return Plottable("path", path, node, path, value, "value", ("time",))
    return None


def _plot(file: H5File, where: Path, found: Plottable, search: Search) -> Plot:
    signal, group = found.signal, found.group
    entry_path = "/" + found.path.strip("/").split("/")[0]
    entry = child(file, entry_path)
    kind, kept, axes = _drawn(found, search.remarks)
    errors = error_name(group, signal, found.signal_name) if kind != "text" else None
    pictures = kind in ("image", "stack")
    mask = mask_path(found, detectors_of(entry, entry_path)) if pictures else None
    return Plot(
        kind=kind,
        file=where,
        path=found.path,
        signal=ArrayHandle(where, found.signal_path)[kept],
        axes=axes,
        title=title(group, entry if is_group(entry) else None),
        label=label_of(signal, found.signal_name),
        units=text(signal, "units"),
        errors=ArrayHandle(where, posixpath.join(found.group_path, errors))[kept] if errors else None,
        masked_value=masked_value(signal) if pictures else None,
        mask=ArrayHandle(where, mask) if mask else None,
        scale=signal_scale(group),
        rule=found.rule,
        others=_others(found, where, kept, search) if kind == "curve" else (),
        valid=valid_range(signal) if pictures else (None, None),
        remarks=_all_remarks(found, search),
    )


def _others(found: Plottable, where: Path, kept: Kept, search: Search) -> tuple[Other, ...]:
    names, unusable = auxiliary_names(found.group, found.signal)
    search.remarks += [f"@auxiliary_signals names {n!r}, which is not there or has another shape" for n in unusable]
    others = []
    for name in names:
        node = child(found.group, name)
        errors = error_name(found.group, node, name)
        if errors == "errors":  # of the signal itself
            errors = None
        spread = ArrayHandle(where, posixpath.join(found.group_path, errors))[kept] if errors else None
        handle = ArrayHandle(where, posixpath.join(found.group_path, name))[kept]
        others.append(Other(handle, label_of(node, name), text(node, "units"), spread))
    return tuple(others)


def _drawn(found: Plottable, remarks: list[str]) -> tuple[PlotKind, Kept, tuple[Axis | None, ...]]:
    """Decide how the signal is drawn, which part of it that is, and against which axes."""
    if is_table(found.signal):
        return "table", (), ()
    if not is_numeric(found.signal):
        return "text", (), ()
    if points := scatter_axes(found.group, found.signal, found.signal_name):
        return "scatter", (), points
    kind, kept = _kind(found)
    axes = find_axes(found.group, found.signal, found.signal_name, remarks, found.likely_axes)
    return kind, kept, tuple(axis for axis, part in zip(axes, kept, strict=True) if part != 0)


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


def _all_remarks(found: Plottable, search: Search) -> tuple[str, ...]:
    remarks = [*search.remarks, *_scaling(found.signal)]
    if found.rule not in ("@default", "path"):
        remarks += [f"passed over {refusal.reason}" for refusal in search.refused[:3]]
    if search.broken:
        more = f" and {len(search.broken) - 1} more" if len(search.broken) > 1 else ""
        remarks.append(f"{search.broken[0]}{more} cannot be reached: a link that leads nowhere")
    return tuple(dict.fromkeys(remarks))


def _scaling(signal: Node) -> list[str]:
    """Say that the file gives a factor or an offset: nothing here applies it."""
    given = {name: text(signal, name) for name in ("scaling_factor", "scale_factor", "offset", "add_offset")}
    telling = {n: value for n, value in given.items() if value not in ("", "0", "1", "0.0", "1.0")}
    return [f"the file gives {n}={value}; the numbers are shown as stored" for n, value in telling.items()]


def _nothing(where: Path, path: str, node: Node, search: Search) -> PanoscError:
    missing = [refusal.reason for refusal in search.refused if refusal.source_missing]
    missing += [f"{name} is a link that leads nowhere" for name in search.broken]
    if is_dataset(node):
        missing += [f"its source {name} is not there" for name in missing_sources(node)]
    if missing:
        return SourceMissing(
            f"The data of {path} in {where} are in files that are not there: {missing[0]}",
            hint="Fetch the files that belong to this one and keep them where it expects them",
            path=str(where),
        )
    why = f" ({search.refused[0].reason})" if search.refused else ""
    return NothingToPlot(
        f"There is nothing to plot below {path} in {where}{why}",
        hint="List what the file holds and name a dataset of numbers",
        path=str(where),
    )
