"""What to show of a file when nothing else is said: the default plot.

The rules that choose it are in `plot_rules`, how its axes are found in `axes`, how missing pixels are known in `masks`.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from panosc_analysis.errors import NodeNotFound, NothingToPlot, SourceMissing
from panosc_analysis.nexus.array import ArrayHandle
from panosc_analysis.nexus.attributes import (
    Node,
    child,
    is_dataset,
    is_group,
    is_numeric,
    is_table,
    is_text,
    nx_class,
    text,
)
from panosc_analysis.nexus.axes import Axis, label_of
from panosc_analysis.nexus.guard import missing_sources
from panosc_analysis.nexus.masks import detectors_of, is_detector, mask_path, masked_value, valid_range
from panosc_analysis.nexus.nxdata import (
    Plottable,
    auxiliary_names,
    default_slice,
    error_name,
    signal_scale,
    title,
)
from panosc_analysis.nexus.opener import H5File, open_file, reading
from panosc_analysis.nexus.plot_kinds import Kept, PlotKind, drawn
from panosc_analysis.nexus.plot_rules import find_plottable, plottable_group
from panosc_analysis.nexus.plot_search import Search
from panosc_analysis.nexus.scaling import Scaling, find_scaling

if TYPE_CHECKING:
    from panosc_analysis.errors import PanoscError

__all__ = ["Axis", "Other", "Plot", "PlotKind", "default_plot"]


@dataclass(frozen=True, slots=True, eq=False)
class Other:
    """An auxiliary signal: same shape and axes as the signal of its plot."""

    signal: ArrayHandle
    label: str
    units: str
    errors: ArrayHandle | None
    scaling: Scaling | None = None


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
        Lowest and highest stored number that is a measurement, ``None`` for no such end.
    scaling
        How values follow from the stored numbers of the signal and its errors; ``None`` where they are the same.
    start
        Index along each dimension of the signal at which to begin.
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
    scaling: Scaling | None = None
    start: tuple[int, ...] = ()


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
        if (is_numeric(node) and not missing_sources(node)) or is_table(node) or is_text(node):
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
    kind, kept, axes = drawn(found, search.remarks)
    is_number = kind not in ("text", "table")
    errors = error_name(group, signal, found.signal_name) if is_number else None
    scaling = find_scaling(group, signal, found.signal_name, is_signal=True) if is_number and kind != "rgb" else None
    if scaling is not None:
        search.remarks.append(f"values are {scaling}, as the file says")
    pictures = kind in ("image", "stack")
    detectors = detectors_of(entry, entry_path) if pictures else {}
    mask = mask_path(found, detectors) if pictures else None
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
        mask=_mask(where, mask, signal, kept) if mask else None,
        scale=signal_scale(group),
        rule=found.rule,
        others=_others(found, where, kept, search) if kind == "curve" else (),
        valid=valid_range(signal, detectors) if pictures else (None, None),
        remarks=_all_remarks(found, search),
        scaling=scaling,
        start=_start(found, kept) if is_number else (),
    )


def _mask(where: Path, path: str, signal: Node, kept: Kept) -> ArrayHandle:
    """Cut the mask as the signal is cut."""
    mask = ArrayHandle(where, path)
    if mask.ndim == len(signal.shape):
        return mask[kept]
    cut = [part for part in kept[-2:] if part != slice(None)]
    return mask[(..., *kept[-2:])] if cut and len(kept) > 1 else mask


def _start(found: Plottable, kept: Kept) -> tuple[int, ...]:
    """Return the indices of ``@default_slice`` for the dimensions that are kept, 0 where there is none."""
    chosen = default_slice(found.group, found.signal)
    shown = [(index, part) for index, part in zip(chosen, kept, strict=False) if isinstance(part, slice)]
    if not any(index for index, _ in shown):
        return ()
    return tuple(max(0, (index or 0) - (part.start or 0)) for index, part in shown)


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
        scaling = find_scaling(found.group, node, name, is_signal=False)
        others.append(Other(handle, label_of(node, name), text(node, "units"), spread, scaling))
    return tuple(others)


def _all_remarks(found: Plottable, search: Search) -> tuple[str, ...]:
    remarks = [*search.remarks]
    if found.rule not in ("@default", "path"):
        remarks += [f"passed over {refusal.reason}" for refusal in search.refused[:3]]
    if search.broken:
        more = f" and {len(search.broken) - 1} more" if len(search.broken) > 1 else ""
        remarks.append(f"{search.broken[0]}{more} cannot be reached: a link that leads nowhere")
    return tuple(dict.fromkeys(remarks))


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
