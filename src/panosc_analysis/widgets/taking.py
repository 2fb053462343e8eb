"""What is shown, taken along: the part in view as an array, as a file, as an address, as lines of code.

Functions on a content and a `View`; the viewer's methods and the browser's menu call them.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from panosc_analysis.errors import NothingToPlot, SaveError
from panosc_analysis.nexus import ArrayHandle
from panosc_analysis.widgets.content import Scaled
from panosc_analysis.widgets.curves import read_curves
from panosc_analysis.widgets.quantities import with_units

if TYPE_CHECKING:
    from panosc_analysis.widgets.content import Content, Part

__all__ = ["Format", "View", "code", "data_url", "exported", "selection", "to_dataset"]

Format = Literal["png", "svg", "npy", "csv", "url", "code"]

_LARGEST_TEXT = 4_000_000  # numbers in a CSV file


@dataclass(frozen=True, slots=True)
class View:
    """What of a content is in view.

    Parameters
    ----------
    frame
        Its number.
    part
        Rows and columns of an image; ``None`` for all.
    options
        Traits that differ from what they would be by themselves, as `show` takes them.
    """

    frame: int = 0
    part: Part | None = None
    options: tuple[tuple[str, Any], ...] = ()

    def index(self, content: Content) -> tuple[int | slice, ...]:
        """Return what selects it from the whole array."""
        part = self.part if content.kind == "image" and self.part is not None else ()
        return (*content.place(self.frame), *part)


def selection(content: Content, view: View) -> Any:
    """Return the part of the array that is in view: a handle where the data are in a file, else an array.

    Reads nothing from files.

    Raises
    ------
    NothingToPlot
        A text is shown.
    """
    return content.signal[(*view.index(content), Ellipsis)]


def data_url(content: Content, view: View) -> str:
    """Return silx's address of what is in view, as it is stored, which silx, PyMca and h5web understand.

    Raises
    ------
    NothingToPlot
        The data are not one dataset of a file.
    """
    from silx.io.url import DataUrl

    stored = content.signal.source if isinstance(content.signal, Scaled) else content.signal
    part = stored[(*view.index(content), Ellipsis)]
    if not isinstance(part, ArrayHandle):
        raise NothingToPlot("Only data in a file have an address", hint="Show the file itself, or save a NumPy file")
    whole = tuple(slice(None) if isinstance(one, range) else one for one in part.selection)
    pieces = part.selection if any(isinstance(w, int) for w in whole) or _is_cut(part) else ()
    slices = tuple(
        one if isinstance(one, int) else _slice(one, n) for one, n in zip(pieces, part.stored_shape, strict=False)
    )
    url = DataUrl(file_path=str(part.file), data_path=part.path, data_slice=slices or None, scheme="silx")
    return str(url.path())


def _is_cut(part: ArrayHandle) -> bool:
    return any(
        isinstance(one, range) and one != range(n) for one, n in zip(part.selection, part.stored_shape, strict=False)
    )


def _slice(one: range, length: int) -> slice:
    return slice(None) if one == range(length) else slice(one.start, one.stop, None if one.step == 1 else one.step)


def code(content: Content, view: View) -> str:
    """Return the lines that show the same without a click.

    Raises
    ------
    NothingToPlot
        The data came from memory, of which no line of code knows.
    """
    if not content.code:
        raise NothingToPlot(
            "These data came from memory; no line of code can fetch them", hint="Save them as a NumPy file instead"
        )
    arguments = [*content.code, *(f"{name}={value!r}" for name, value in view.options)]
    lines = ",\n    ".join(arguments)
    return f"import panosc_analysis as pan\n\nviewer = pan.show(\n    {lines},\n)\nviewer\n"


def to_dataset(content: Content, view: View) -> Any:
    """Read what is in view into an `xarray.Dataset`: values, errors, coordinates, units; masked pixels as ``nan``.

    Raises
    ------
    SaveError
        xarray is not installed.
    NothingToPlot
        Neither an image nor a curve is shown.
    """
    try:
        import xarray
    except ImportError as error:
        raise SaveError(
            "A dataset needs xarray, which is not installed", hint="Install panosc-analysis with the extra 'labelled'"
        ) from error
    if content.kind not in ("image", "curve"):
        raise NothingToPlot(f"Data of the kind {content.kind} make no dataset", hint="Take viewer.selection instead")
    from panosc_analysis.widgets.renderer import Renderer

    parts = view.part if content.kind == "image" and view.part is not None else ()
    renderer = Renderer(content)
    read = renderer.part(view.frame, parts) if parts else renderer.frame(view.frame)
    values = read.values if read.masked is None else np.where(read.masked, np.nan, read.values)
    names, coordinates = [], {}
    for i, axis in enumerate(content.frame_axes):
        name = axis.label if axis.label not in names else f"{axis.label}_{i}"
        cut = parts[i] if parts else slice(None)
        names.append(name)
        coordinates[name] = (name, axis.centres[cut], {"units": axis.units, "long_name": axis.label})
    data = {"signal": (names, values, {"units": content.units, "long_name": content.label})}
    errors = content.read_errors(view.frame)
    if errors is not None:
        data["errors"] = (names, errors[parts] if parts else errors, {"units": content.units})
    said = {"title": content.title, "position": content.position(view.frame), "source": "; ".join(content.code)}
    return xarray.Dataset(data, coordinates, said)


def exported(content: Content, view: View, kind: Format, **options: Any) -> tuple[bytes, str]:
    """Return what is in view as a file, and its media type; `options` are those of `figure` for pictures.

    Raises
    ------
    ValueError
        No such format.
    NothingToPlot, SaveError, OpenError
        It cannot be made of these data.
    """
    if kind in ("png", "svg"):
        from panosc_analysis.widgets.export import picture_file

        return picture_file(content, kind, frame=view.frame, part=view.part, **options)
    if kind == "npy":
        buffer = io.BytesIO()
        part = selection(content, view)
        np.save(buffer, np.asarray(part.numpy() if hasattr(part, "numpy") else part), allow_pickle=False)
        return buffer.getvalue(), "application/octet-stream"
    if kind == "csv":
        return _csv(content, view).encode(), "text/csv"
    if kind == "url":
        return data_url(content, view).encode(), "text/plain"
    if kind == "code":
        return code(content, view).encode(), "text/x-python"
    raise ValueError(f"a format is one of {', '.join(get_args(Format))}, not {kind!r}")


def _csv(content: Content, view: View) -> str:
    """Columns of curves with their names and units; rows of an image."""
    if content.kind == "curve":
        return _columns(content, view.frame)
    part = selection(content, view)
    values = np.asarray(part.numpy() if hasattr(part, "numpy") else part)
    if values.size > _LARGEST_TEXT:
        raise SaveError(f"{values.size:,} numbers are too many for a text file", hint="Save a NumPy file, or a part")
    text = io.StringIO()
    head = ",".join(values.dtype.names) if values.dtype.names else with_units(content.label, content.units)
    rows = values if values.ndim > 0 else values.reshape(1)
    if values.dtype.names:
        text.write(f"{head}\n")
        for row in rows.reshape(-1).tolist():
            text.write(",".join(v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in row) + "\n")
    else:
        np.savetxt(text, rows.reshape(rows.shape[0], -1), delimiter=",", fmt="%.10g", header=head)
    return text.getvalue()


def _columns(content: Content, frame: int) -> str:
    axis = content.frame_axes[0]
    names, columns = [], []
    for curve in read_curves(content, frame):
        label = with_units(curve.label or "value", curve.units)
        names += [with_units(axis.label, axis.units), label]
        columns += [curve.x, curve.y]
        if curve.errors is not None:
            names.append(f"{label} error")
            columns.append(curve.errors)
        if curve.x_errors is not None:
            names.append(f"{with_units(axis.label, axis.units)} error")
            columns.append(curve.x_errors)
    length = max(column.size for column in columns)
    rows = (",".join(f"{column[i]:.10g}" if i < column.size else "" for column in columns) for i in range(length))
    return "\n".join([",".join(f'"{name}"' for name in names), *rows, ""])
