"""The same picture as a file: a Matplotlib figure of what the viewer shows, made without a display.

Uses no pyplot, so nothing is registered anywhere and a figure is gone when it is dropped; safe in threads and servers.
Starting Matplotlib takes half a second, hence it is imported where it is used.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from panosc_analysis.errors import NothingToPlot, SaveError
from panosc_analysis.widgets import colormaps
from panosc_analysis.widgets.content import Content
from panosc_analysis.widgets.frames import Limits, Scale
from panosc_analysis.widgets.quantities import number, with_units
from panosc_analysis.widgets.renderer import Renderer
from panosc_analysis.widgets.sources import content_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize
    from matplotlib.figure import Figure

    from panosc_analysis.widgets.renderer import Curve, Picture

__all__ = ["MASKED_COLOUR", "figure", "save_png"]

MASKED_COLOUR = "#b4b4b4"
"""Of masked pixels: neutral, and in none of the colormaps beside a grey one."""

_SIZE = (8.0, 6.0)  # inches
_WINDOW = (1200, 1200)  # pixels of the picture at most


def figure(
    x: Any,
    *,
    frame: int | None = None,
    colormap: str = "viridis",
    scale: Scale | None = None,
    limits: Limits | tuple[float, float] = "auto",
) -> Figure:
    """Draw a frame as the viewer does, for a file or a page.

    Reads one frame. Touches no display and no pyplot state.

    Parameters
    ----------
    x
        What `show` takes.
    frame
        Frame of a stack, from 0; negative ones count from the end; the first without it.
    colormap
        One of silx's.
    scale
        Of the colours, or of a curve's values; what the data ask for without it.
    limits
        How the ends of the colours are found, or the two values.

    Returns
    -------
    :
        A figure of 8 by 6 inches.

    Raises
    ------
    OpenError, NodeNotFound
        The file cannot be read.
    NothingToPlot
        It holds nothing that can be drawn, or no such frame.
    ValueError
        An unknown colormap or scale.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    content = x if isinstance(x, Content) else content_of(x)
    number_of_frame = _frame_number(content, frame)
    scale = content.scale if scale is None else _checked_scale(scale)
    made = Figure(figsize=_SIZE, layout="constrained")
    FigureCanvasAgg(made)
    if content.kind == "text":
        made.text(0.5, 0.5, content.text, ha="center", va="center", fontsize=20, parse_math=False, wrap=True)
        made.suptitle(_title(content, 0), fontsize=11, parse_math=False)
        return made
    axes = made.add_subplot()
    axes.set_title(_title(content, number_of_frame), fontsize=11, parse_math=False, wrap=True)
    renderer = Renderer(content)
    if content.kind == "curve":
        _draw_curve(axes, content, renderer.curve(number_of_frame), scale)
        return made
    fixed: tuple[float | None, float | None] = limits if isinstance(limits, tuple) else (None, None)
    how: Limits = "fixed" if isinstance(limits, tuple) else limits
    window = _WINDOW if content.kind == "image" else (1, content.frame_shape[0])
    picture = renderer.picture(number_of_frame, window, scale=scale, limits=how, fixed=fixed)
    _draw_picture(axes, content, picture, colormap)
    return made


def save_png(x: Any, path: str | Path, *, dpi: int = 150, **options: Any) -> Path:
    """Draw a frame into a PNG file; `options` are those of `figure`.

    An existing file is replaced, and only by a complete one.

    Raises
    ------
    SaveError
        The file cannot be written; an existing one is intact.
    PanoscError
        What `figure` raises.
    """
    target = Path(path).expanduser()
    buffer = io.BytesIO()
    figure(x, **options).savefig(buffer, format="png", dpi=dpi)
    aside = None
    try:
        with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
            aside = Path(file.name)
            file.write(buffer.getbuffer())
        umask = os.umask(0)
        os.umask(umask)
        aside.chmod(0o666 & ~umask)
        aside.replace(target)
    except OSError as error:
        if aside is not None:
            aside.unlink(missing_ok=True)
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise SaveError(
            f"{target} cannot be written ({reason})",
            hint="Choose a directory that exists, that you may write to and that has space left",
            path=str(target),
        ) from error
    return target


def _frame_number(content: Content, frame: int | None) -> int:
    count = content.n_frames
    chosen = 0 if frame is None else frame + count if frame < 0 else frame
    if not 0 <= chosen < count:
        raise NothingToPlot(f"There is no frame {frame}", hint=f"Choose one of 0 to {count - 1}")
    return chosen


def _checked_scale(scale: Scale) -> Scale:
    if scale not in get_args(Scale):
        raise ValueError(f"scale must be one of {', '.join(get_args(Scale))}, not {scale!r}")
    return scale


def _title(content: Content, frame: int) -> str:
    if content.n_frames == 1:
        return content.title
    where = content.position(frame)
    count = f"frame {number(frame)} / {number(content.n_frames - 1)}"
    return "\n".join(filter(None, (content.title, f"{count} · {where}" if where else count)))


def _draw_curve(axes: Axes, content: Content, curve: Curve, scale: Scale) -> None:
    axes.plot(curve.x, curve.y, linewidth=1.2, color="#1f6fb4", marker="." if curve.points <= 60 else "")
    if curve.errors is not None:
        low, high = curve.y - curve.errors, curve.y + curve.errors
        axes.fill_between(curve.x, low, high, color="#1f6fb4", alpha=0.25, linewidth=0)
    positive = curve.y[curve.y > 0]
    if scale == "log" and positive.size:
        axes.set_yscale("log", nonpositive="mask")
        axes.set_ylim(positive.min() / 1.3, positive.max() * 1.3)
    axes.margins(x=0.01)
    _name_axis(axes, "x", content.frame_axes[0].label, content.frame_axes[0].units)
    _name_axis(axes, "y", content.label, content.units)
    axes.grid(alpha=0.25)


def _draw_picture(axes: Axes, content: Content, picture: Picture, name: str) -> None:
    colours, norm = _colours(name, picture)
    values = np.ma.masked_array(picture.pooled.values, picture.pooled.masked)
    if content.kind == "scatter":
        x, y = content.frame_axes
        drawn: Any = axes.scatter(x.centres, y.centres, c=values[0], cmap=colours, norm=norm, s=16, plotnonfinite=True)
    else:
        y, x = content.frame_axes
        rows, columns = (_pooled(c.boundaries, f) for c, f in zip((y, x), picture.pooled.factors, strict=True))
        if x.is_even and y.is_even:
            extent = (columns[0], columns[-1], rows[0], rows[-1])
            drawn = axes.imshow(values, cmap=colours, norm=norm, extent=extent, origin="lower", interpolation="nearest")
        else:
            drawn = axes.pcolormesh(columns, rows, values, cmap=colours, norm=norm)
        axes.set(xlim=sorted(columns[[0, -1]]), ylim=sorted(rows[[0, -1]]), facecolor=MASKED_COLOUR)
        axes.set_aspect("equal" if colormaps.has_square_pixels(content) else "auto")
    _name_axis(axes, "x", x.label, x.units)
    _name_axis(axes, "y", y.label, y.units)
    bar = axes.figure.colorbar(drawn, ax=axes, extend=_beyond(values, picture))
    bar.set_label(with_units(content.label, content.units), parse_math=False)


def _pooled(boundaries: Any, factor: int) -> Any:
    return np.append(boundaries[:-1:factor], boundaries[-1])


def _beyond(values: Any, picture: Picture) -> Literal["neither", "both", "min", "max"]:
    """Say on which sides there are values beyond the ends of the colours."""
    if not values.count():
        return "neither"
    ends: dict[tuple[bool, bool], Literal["neither", "both", "min", "max"]]
    ends = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}
    return ends[bool(values.min() < picture.low), bool(values.max() > picture.high)]


def _colours(name: str, picture: Picture) -> tuple[Colormap, Normalize]:
    from matplotlib.colors import ListedColormap, LogNorm, Normalize, PowerNorm

    colours = ListedColormap(colormaps.lut(name) / 255.0).with_extremes(bad=MASKED_COLOUR)
    low, high = picture.low, picture.high
    if picture.scale == "log":
        return colours, LogNorm(low, high, clip=True)
    if picture.scale == "sqrt":
        return colours, PowerNorm(0.5, low, high, clip=True)
    return colours, Normalize(low, high)


def _name_axis(axes: Axes, which: str, label: str, units: str) -> None:
    getattr(axes, f"set_{which}label")(with_units(label, units), parse_math=False)
