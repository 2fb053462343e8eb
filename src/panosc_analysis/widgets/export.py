"""The same picture as a file: a Matplotlib figure of what the viewer shows, made without a display.

Uses no pyplot, so nothing is registered anywhere and a figure is gone when it is dropped; safe in threads and servers.
Starting Matplotlib takes half a second, hence it is imported where it is used.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from panosc_analysis.errors import NothingToPlot
from panosc_analysis.widgets.content import Content
from panosc_analysis.widgets.curves import read_curves
from panosc_analysis.widgets.drawing import Style, draw_picture, draw_region, name_axis
from panosc_analysis.widgets.limits import Limits, Scale
from panosc_analysis.widgets.quantities import number
from panosc_analysis.widgets.renderer import Renderer
from panosc_analysis.widgets.saving import write_whole
from panosc_analysis.widgets.sources import content_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from panosc_analysis.widgets.content import Part
    from panosc_analysis.widgets.curves import Curve
    from panosc_analysis.widgets.regions import Region

__all__ = ["figure", "picture_file", "save_png"]

# Okabe and Ito's, which people tell apart whatever colours they see; the browser has the same (curve.js).
CURVE_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")

_SIZE = (20.0, 15.0)  # cm
_WINDOW = (1200, 1200)  # pixels of the picture at most


def figure(
    x: Any,
    *,
    frame: int | None = None,
    part: Part | None = None,
    colormap: str = "viridis",
    scale: Scale | None = None,
    gamma: float = 0.5,
    limits: Limits | tuple[float | None, float | None] = "auto",
    use_mask: bool = True,
    contours: int = 0,
    origin: Literal["lower", "upper"] | None = None,
    aspect: Literal["auto", "equal", "fill"] = "auto",
    roi: Region | None = None,
    size: tuple[float, float] = _SIZE,
) -> Figure:
    """Draw a frame as the viewer does, for a file or a page.

    Reads one frame. Touches no display and no pyplot state.

    Parameters
    ----------
    x
        What `show` takes.
    frame
        Frame of a stack, from 0; negative ones count from the end; without it what the file says, else the first.
    part
        Rows and columns of an image; all without it.
    colormap
        One of silx's.
    scale, gamma
        Of the colours, or of a curve's values; what the data ask for without it.
    limits
        How the ends of the colours are found, or the two values.
    use_mask
        Whether masked pixels are left out.
    contours
        How many lines of equal value to draw over an image.
    origin, aspect
        As in `Viewer`; without an origin rows rise upwards, of colour pictures downwards.
    roi
        A region to outline.
    size
        Width and height in cm; a column of a journal is 8.5 cm wide.

    Returns
    -------
    :
        The figure.

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
    made = Figure(figsize=(size[0] / 2.54, size[1] / 2.54), layout="constrained")
    FigureCanvasAgg(made)
    if content.kind in ("text", "table"):
        return _written(made, content)
    axes = made.add_subplot()
    axes.set_title(_title(content, number_of_frame), fontsize=11, parse_math=False, wrap=True)
    if content.kind == "curve":
        _draw_curves(axes, content, read_curves(content, number_of_frame), scale)
    elif content.kind == "rgb":
        axes.imshow(content.read(number_of_frame), origin=origin or "upper", interpolation="nearest")
    else:
        window = _WINDOW if content.kind == "image" else (1, content.frame_shape[0])
        picture = Renderer(content).picture(number_of_frame, window, part=part, use_mask=use_mask)
        how: Limits = "fixed" if isinstance(limits, tuple) else limits
        low, high = picture.limits(scale, how, limits if isinstance(limits, tuple) else (None, None))
        style = Style(colormap, scale, gamma, low, high, contours, origin or "lower", aspect)
        draw_picture(axes, content, picture, style)
        if roi is not None and content.kind == "image":
            draw_region(axes, content, roi)
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
    return write_whole(Path(path).expanduser(), picture_file(x, "png", dpi=dpi, **options)[0])


def picture_file(x: Any, kind: Literal["png", "svg"], *, dpi: int = 150, **options: Any) -> tuple[bytes, str]:
    """Draw a frame as PNG or SVG; returns the file and its media type."""
    buffer = io.BytesIO()
    figure(x, **options).savefig(buffer, format=kind, dpi=dpi)
    return buffer.getvalue(), "image/png" if kind == "png" else "image/svg+xml"


def _written(made: Figure, content: Content) -> Figure:
    """Draw a text, or the first rows of a table."""
    if content.kind == "table":
        axes = made.add_subplot()
        axes.axis("off")
        rows = content.read(0, (slice(0, 20),))
        names = list(rows.dtype.names or ())[:12]
        axes.table([[str(row[name])[:24] for name in names] for row in rows], colLabels=names, loc="upper center")
    else:
        made.text(0.5, 0.5, content.text, ha="center", va="center", fontsize=20, parse_math=False, wrap=True)
    made.suptitle(_title(content, 0), fontsize=11, parse_math=False)
    return made


def _frame_number(content: Content, frame: int | None) -> int:
    count = content.n_frames
    chosen = content.first if frame is None else frame + count if frame < 0 else frame
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


def _draw_curves(axes: Axes, content: Content, curves: list[Curve], scale: Scale) -> None:
    for i, curve in enumerate(curves):
        colour = CURVE_COLOURS[i % len(CURVE_COLOURS)]
        marker = "." if curve.points <= 60 else ""
        axes.plot(curve.x, curve.y, linewidth=1.2, color=colour, marker=marker, label=curve.label or f"curve {i}")
        if curve.errors is not None:
            low, high = curve.y - curve.errors, curve.y + curve.errors
            axes.fill_between(curve.x, low, high, color=colour, alpha=0.25, linewidth=0)
        if curve.x_errors is not None:
            spread = np.abs(curve.x_errors)
            axes.errorbar(curve.x, curve.y, xerr=spread, fmt="none", ecolor=colour, elinewidth=0.8)
    together = np.concatenate([curve.y for curve in curves])
    positive = together[together > 0]
    if scale == "log" and positive.size:
        axes.set_yscale("log", nonpositive="mask")
        axes.set_ylim(positive.min() / 1.3, positive.max() * 1.3)
    if content.frame_axes[0].scale == "log" and (curves[0].x > 0).any():
        axes.set_xscale("log", nonpositive="mask")
    axes.margins(x=0.01)
    name_axis(axes, "x", content.frame_axes[0].label, content.frame_axes[0].units)
    name_axis(axes, "y", content.label if len(curves) == 1 else "", content.units)
    axes.grid(alpha=0.25)
    if len(curves) > 1:
        axes.legend(fontsize=9)
