"""From whatever there is to what is shown: paths, plots, handles, arrays and results, each turned into a `Content`."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from functools import cache, partial, singledispatch
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.errors import NothingToPlot, SourceMissing
from panosc_analysis.widgets.content import Content, Kind, Readable, Scaled, Series
from panosc_analysis.widgets.coordinates import Coordinate, coordinate, index_coordinate, why_unusable
from panosc_analysis.widgets.quantities import number, plain_label, unit_sign
from panosc_analysis.widgets.texts import described, text_content

if TYPE_CHECKING:
    from collections.abc import Sequence

    from panosc_analysis.nexus import Axis, Plot
    from panosc_analysis.nexus.scaling import Scaling
    from panosc_analysis.reduction import ResultArray, ResultAxis

__all__ = ["content_of"]

_MOST_POINTS = 100_000  # more of them take a browser seconds to draw


def content_of(x: Any, *, path: str | None = None, name: str | None = None, overlay: Any = ()) -> Content:
    """Find out what to show of `x`.

    Reads the metadata of a file, not its frames.

    Parameters
    ----------
    x
        A path to a file, a file, group or dataset of h5py, a `Plot`, an `ArrayHandle`, an array of NumPy, Dask or
        xarray, a `ResultArray` or a `ReductionResult`.
    path
        Group or array inside the file, where `x` is a file.
    name
        Array of the result, where `x` is a result.
    overlay
        Curves to draw over `x`: a list of what `x` may be or of paths in the same file, or a mapping of names to them.

    Raises
    ------
    NothingToPlot
        Empty, or nothing that can be drawn; or a curve that cannot be laid over another.
    OpenError, NodeNotFound
        The file cannot be read.
    """
    _register_files()
    if "panosc_analysis.reduction" in sys.modules:  # there is no result of a room that was never loaded
        _register_results()
    file = Path(x).expanduser() if isinstance(x, str | os.PathLike) else None
    if path is not None:
        x = file_content(Path(x), path)
    if name is not None:
        x = x[name]
    content = _content(x)
    if not overlay:
        return content
    named = overlay.items() if isinstance(overlay, dict) else ((None, other) for other in overlay)
    return _overlaid(content, [(label, _other(other, file)) for label, other in named])


def _other(x: Any, file: Path | None) -> Content:
    """Content of a curve that is laid over another; a text that is no file is a path inside the first one's file."""
    if isinstance(x, str) and file is not None and not Path(x).expanduser().is_file():
        return content_of(file, path=x)
    return content_of(x)


def _overlaid(content: Content, others: list[tuple[str | None, Content]]) -> Content:
    if content.kind != "curve":
        raise NothingToPlot(
            f"Only curves can be laid over each other, not one of kind {content.kind}", hint="Leave overlay out"
        )
    series = []
    for label, other in others:
        fits = other.leading == content.leading or not other.leading
        if other.kind != "curve" or other.source is None or not fits:
            shape = " × ".join(map(str, other.shape)) or "one value"
            raise NothingToPlot(
                f"{other.label or other.title or 'The data'} ({other.kind}, {shape}) cannot be laid over this curve",
                hint="Choose a curve, or as many frames of curves as the first has",
            )
        x = other.frame_axes[0]
        series.append(Series(label or other.label or other.title, other.units, other.source, other.errors, x))
        series += other.others
    return replace(content, others=(*content.others, *series))


@singledispatch
def _content(x: Any) -> Content:
    if hasattr(x, "dims") and hasattr(x, "coords") and hasattr(x, "attrs"):
        return labelled_content(x)
    if hasattr(x, "shape") and hasattr(x, "dtype") and hasattr(x, "__getitem__"):
        return array_content(x)
    if isinstance(x, list | tuple | int | float | complex):
        return array_content(np.asarray(x))
    raise NothingToPlot(
        f"An object of type {type(x).__name__} cannot be shown",
        hint="Give a path to a file, an array, a handle or a result",
    )


@cache
def _register_files() -> None:
    """Register the types of the room below; here and not at import, because importing it takes time."""
    import h5py

    from panosc_analysis.nexus import Plot

    _content.register(str, file_content)
    _content.register(os.PathLike, file_content)

    @_content.register(h5py.Group)
    @_content.register(h5py.Dataset)
    def _of_node(x: Any) -> Content:
        return file_content(x.file.filename, x.name)

    _content.register(Content, lambda content: content)
    _content.register(Plot, plot_content)


@cache
def _register_results() -> None:
    from panosc_analysis.reduction import ReductionResult, ResultArray

    _content.register(ResultArray, result_content)
    _content.register(ReductionResult, lambda x: result_content(x[x.default]))


def file_content(file: str | os.PathLike[str], path: str = "/") -> Content:
    """Turn a file, or what a path in it leads to, into a content; a text says if there is nothing to draw in it (yet).

    Raises
    ------
    OpenError, NodeNotFound
        The file cannot be read.
    """
    from panosc_analysis.nexus import default_plot

    file = Path(file).expanduser()
    try:
        return plot_content(default_plot(file, path))
    except (NothingToPlot, SourceMissing) as error:
        text = f"{error.message}.\n{error.hint}."
        title = file.name if path == "/" else path
        again = partial(file_content, file, path)
        code = (repr(str(file)), *([f"path={path!r}"] if path != "/" else []))
        return Content("text", title=title, text=text, reopen=again, file=file, code=code)


def plot_content(plot: Plot) -> Content:
    """Turn the default plot of a file into a content."""
    units = plot.units or ""
    said: dict[str, Any] = {
        "title": plot.title or plot.file.name,
        "label": plain_label(plot.label, units),
        "units": unit_sign(units),
        "remarks": plot.remarks,
        "reopen": partial(file_content, plot.file, plot.path),
        "file": plot.file,
        "code": (repr(str(plot.file)), f"path={plot.path!r}"),
    }
    if plot.kind in ("rgb", "table"):
        return _counted(plot.kind, plot.signal, **said)
    if plot.kind == "text":
        return text_content(plot.signal, **said)
    others = tuple(
        Series(o.label, unit_sign(o.units), _scaled(o.signal, o.scaling), _scaled_errors(o.errors, o.scaling))
        for o in plot.others
    )
    said |= {"masked_value": plot.masked_value, "valid": plot.valid}
    signal: Readable = plot.signal
    if plot.scaling is not None:
        signal = Scaled(plot.signal, plot.scaling, said.pop("masked_value"), said.pop("valid"))
    make = scatter_content if plot.kind == "scatter" else array_content
    content = make(
        signal,
        axes=plot.axes,
        one_dimensional=plot.kind == "curve",
        errors=_scaled_errors(plot.errors, plot.scaling),
        mask=plot.mask,
        scale=plot.scale,
        others=others,
        **said,
    )
    start = plot.start[: len(content.leading)]
    return replace(content, first=int(np.ravel_multi_index(start, content.leading))) if start else content


def _scaled(source: Readable, scaling: Scaling | None) -> Readable:
    return source if scaling is None else Scaled(source, scaling)


def _scaled_errors(source: Readable | None, scaling: Scaling | None) -> Readable | None:
    return source if source is None or scaling is None else Scaled(source, scaling.of_errors)


def _counted(kind: Kind, source: Readable, **said: Any) -> Content:
    """Colour pictures and tables: their dimensions are only counted."""
    n = len(source.shape)
    names = {1: ("row",), 3: ("y", "x", "colour")}[3 if kind == "rgb" else 1]
    leading = [
        index_coordinate("frame" if n - len(names) == 1 else f"dimension {i}", "", source.shape[i])
        for i in range(n - len(names))
    ]
    own = [
        index_coordinate(name, "", length) for name, length in zip(names, source.shape[n - len(names) :], strict=True)
    ]
    return Content(kind, source, (*leading, *own), **said)


def scatter_content(
    source: Readable,
    *,
    axes: Sequence[Axis | ResultAxis | None],
    one_dimensional: bool = False,
    remarks: tuple[str, ...] = (),
    **said: Any,
) -> Content:
    """Turn a one-dimensional array with two coordinates into coloured points; a curve if the coordinates do not fit."""
    length = source.shape[0]
    found = [None if axis is None else coordinate(axis, length, monotonic=False) for axis in axes]
    kept = [made for made in found if made is not None]
    if len(kept) != 2 or length == 0:
        return array_content(source, axes=axes[:1], one_dimensional=True, remarks=remarks, **said)
    step = -(-length // _MOST_POINTS)
    if step > 1:
        remarks = (*remarks, f"One in {step} of {number(length)} points is drawn")
    thinned = tuple(c.part(step) for c in kept) if step > 1 else tuple(kept)
    return Content("scatter", source[::step], thinned, remarks=remarks, **{**said, "errors": None, "mask": None})


def labelled_content(array: Any) -> Content:
    """Turn an `xarray.DataArray` into a content: one-dimensional coordinates with its dimensions' names are axes."""
    from panosc_analysis.nexus import Axis

    axes = []
    for dimension in array.dims:
        found = array.coords[dimension] if dimension in array.coords else None
        units = "" if found is None else str(found.attrs.get("units", ""))
        axes.append(None if found is None else Axis(str(dimension), str(dimension), units, np.asarray(found.values)))
    units = str(array.attrs.get("units", ""))
    label = str(array.attrs.get("long_name") or array.name or "")
    return array_content(array.data, axes=axes, title=label, label=plain_label(label, units), units=unit_sign(units))


def result_content(array: ResultArray) -> Content:
    """Turn an array of a result into a content."""
    return array_content(
        array.values,
        axes=array.axes,
        errors=array.errors,
        mask=array.masked,
        title=array.label or array.name,
        label=plain_label(array.label or array.name, array.units or ""),
        units=unit_sign(array.units),
        scale=array.scale,
    )


def array_content(
    source: Readable,
    *,
    axes: Sequence[Axis | ResultAxis | None] = (),
    one_dimensional: bool = False,
    mask: Readable | None = None,
    remarks: tuple[str, ...] = (),
    **said: Any,
) -> Content:
    """Turn an array into a content: text, a curve, an image, or a stack of them, after its number of dimensions."""
    shape = tuple(source.shape)
    if prod(shape) == 0:
        raise NothingToPlot(
            f"There are no values to show (shape {' × '.join(map(str, shape))})", hint="Check the selection"
        )
    if source.dtype.names and len(shape) == 1:
        return _counted("table", source, remarks=remarks, **described(said))
    if source.dtype.kind not in "biufc" or not shape:
        if prod(shape) > 1 and source.dtype.kind not in "SUO":
            raise NothingToPlot(
                f"Values of type {source.dtype} cannot be drawn", hint="Choose one field, or read them with .numpy()"
            )
        return text_content(source, **said)
    frame_dimensions = 1 if one_dimensional or len(shape) == 1 else 2
    coordinates, notes = _coordinates(shape, axes, frame_dimensions)
    if mask is not None and tuple(mask.shape) != shape and prod(mask.shape) != prod(shape[-frame_dimensions:]):
        notes += (f"A mask of shape {tuple(mask.shape)} does not fit the data and is not used",)
        mask = None
    kind: Kind = "curve" if frame_dimensions == 1 else "image"
    return Content(kind, source, coordinates, mask=mask, remarks=(*remarks, *notes), **said)


def _coordinates(
    shape: tuple[int, ...], axes: Sequence[Axis | ResultAxis | None], frame_dimensions: int
) -> tuple[tuple[Coordinate, ...], tuple[str, ...]]:
    """One coordinate for each dimension; where an axis cannot be used the index stands in, and a note says so."""
    found, notes = [], []
    for dimension, length in enumerate(shape):
        axis = axes[dimension] if dimension < len(axes) else None
        from_end = len(shape) - dimension
        is_side = frame_dimensions == 2 and from_end <= 2
        made = None if axis is None else coordinate(axis, length, monotonic=is_side)
        if axis is not None and made is None:
            notes.append(f"The axis {axis.name!r} {why_unusable(axis, length)} and is not used")
        found.append(made or _index(dimension, from_end, frame_dimensions, length))
    return tuple(found), tuple(notes)


def _index(dimension: int, from_end: int, frame_dimensions: int, length: int) -> Coordinate:
    if from_end > frame_dimensions:
        return index_coordinate("frame" if from_end == frame_dimensions + 1 else f"dimension {dimension}", "", length)
    if frame_dimensions == 1:
        return index_coordinate("index", "", length)
    return index_coordinate("x" if from_end == 1 else "y", "pixel", length)
