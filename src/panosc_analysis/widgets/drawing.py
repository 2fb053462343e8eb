"""Images and points in Matplotlib, as the viewer draws them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from panosc_analysis.widgets import colormaps
from panosc_analysis.widgets.quantities import with_units

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize

    from panosc_analysis.widgets.content import Content
    from panosc_analysis.widgets.coordinates import Coordinate
    from panosc_analysis.widgets.limits import Scale
    from panosc_analysis.widgets.regions import Region
    from panosc_analysis.widgets.renderer import Picture

__all__ = ["MASKED_COLOUR", "Style", "draw_picture", "draw_region", "name_axis"]

MASKED_COLOUR = "#b4b4b4"
"""Of masked pixels: neutral, and in none of the colormaps beside a grey one."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a picture is drawn; the names are those of `Viewer`."""

    colormap: str
    scale: Scale
    gamma: float
    low: float
    high: float
    contours: int = 0
    origin: Literal["lower", "upper"] = "lower"
    aspect: Literal["auto", "equal", "fill"] = "auto"


def draw_picture(axes: Axes, content: Content, picture: Picture, style: Style) -> None:
    """Draw an image or coloured points with axes and colour bar."""
    colours, norm = _colours(style)
    masked = np.zeros(picture.pooled.values.shape, bool) if picture.pooled.masked is None else picture.pooled.masked
    values: Any = np.ma.masked_array(picture.pooled.values, masked)
    if content.kind == "scatter":
        x, y = content.frame_axes[0], content.axes[1]
        colours_of = values[0].astype(np.float64).filled(np.nan)
        drawn: Any = axes.scatter(x.centres, y.centres, c=colours_of, cmap=colours, norm=norm, s=16, plotnonfinite=True)
    else:
        y, x = content.frame_axes
        drawn = _image(
            axes, values, (_pooled(y, picture, 0), _pooled(x, picture, 1)), x.is_even and y.is_even, (colours, norm)
        )
        square = style.aspect == "equal" or (style.aspect == "auto" and colormaps.has_square_pixels(content))
        axes.set_aspect("equal" if square else "auto")
        if style.origin == "upper":
            axes.invert_yaxis()
    name_axis(axes, "x", x.label, x.units)
    name_axis(axes, "y", y.label, y.units)
    bar = axes.figure.colorbar(drawn, ax=axes, extend=_beyond(values, style))
    bar.set_label(with_units(content.label, content.units), parse_math=False)
    if style.contours and content.kind == "image" and values.count():
        rows, columns = (_middles(_pooled(c, picture, i)) for i, c in enumerate((y, x)))
        axes.contour(
            columns,
            rows,
            values.astype(np.float64).filled(np.nan),
            levels=_levels(style),
            colors="white",
            linewidths=0.7,
        )


def _image(axes: Axes, values: Any, sides: tuple[Any, Any], is_even: bool, style: tuple[Any, Any]) -> Any:
    rows, columns = sides
    if is_even:
        extent = (columns[0], columns[-1], rows[0], rows[-1])
        drawn: Any = axes.imshow(
            values, cmap=style[0], norm=style[1], extent=extent, origin="lower", interpolation="nearest"
        )
    else:
        drawn = axes.pcolormesh(columns, rows, values, cmap=style[0], norm=style[1])
    axes.set(xlim=sorted(columns[[0, -1]]), ylim=sorted(rows[[0, -1]]), facecolor=MASKED_COLOUR)
    return drawn


def draw_region(axes: Axes, content: Content, region: Region) -> None:
    """Outline a region of interest."""
    from matplotlib.patches import Ellipse, Polygon

    y, x = content.frame_axes
    at = [(_place(x, column), _place(y, row)) for row, column in region.points]
    style: dict[str, Any] = {"fill": False, "edgecolor": "white", "linewidth": 1.2}
    (x0, y0), (x1, y1) = at[0], at[1]
    if region.kind == "rectangle":
        axes.add_patch(Polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], **style))
    elif region.kind == "polygon":
        axes.add_patch(Polygon(at, **style))
    elif region.kind == "ellipse":
        axes.add_patch(Ellipse(((x0 + x1) / 2, (y0 + y1) / 2), abs(x1 - x0), abs(y1 - y0), **style))
    else:
        centre = region.points[0]
        for row, column in region.points[1:]:
            radius = float(np.hypot(row - centre[0], column - centre[1]))
            width = abs(_place(x, centre[1] + radius) - _place(x, centre[1] - radius))
            height = abs(_place(y, centre[0] + radius) - _place(y, centre[0] - radius))
            axes.add_patch(Ellipse((x0, y0), width, height, **style))


def _place(axis: Coordinate, index: float) -> float:
    """Where a place between pixels lies on an axis."""
    return float(np.interp(index + 0.5, np.arange(axis.length + 1), axis.boundaries))


def _pooled(axis: Coordinate, picture: Picture, side: int) -> Any:
    part, factor = picture.part[side], picture.pooled.factors[side]
    boundaries = axis.boundaries[part.start : part.stop + 1]
    return np.append(boundaries[:-1:factor], boundaries[-1])


def _middles(boundaries: Any) -> Any:
    return (boundaries[:-1] + boundaries[1:]) / 2


def _levels(style: Style) -> Any:
    """Values of the contours: evenly spread over the colours."""
    _, norm = _colours(style)
    return np.unique(np.asarray(norm.inverse(np.linspace(0, 1, style.contours + 2)[1:-1]), dtype=np.float64))


def _beyond(values: Any, style: Style) -> Literal["neither", "both", "min", "max"]:
    """Say on which sides there are values beyond the ends of the colours."""
    if not values.count():
        return "neither"
    ends: dict[tuple[bool, bool], Literal["neither", "both", "min", "max"]]
    ends = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}
    return ends[bool(values.min() < style.low), bool(values.max() > style.high)]


def _colours(style: Style) -> tuple[Colormap, Normalize]:
    from matplotlib.colors import FuncNorm, ListedColormap, LogNorm, Normalize, PowerNorm

    colours = ListedColormap(colormaps.lut(style.colormap) / 255.0).with_extremes(bad=MASKED_COLOUR)
    low, high = style.low, style.high
    if style.scale == "log":
        return colours, LogNorm(low, high, clip=True)
    if style.scale == "arcsinh":
        return colours, FuncNorm((np.arcsinh, np.sinh), low, high, clip=True)
    if style.scale == "sqrt":
        return colours, FuncNorm((_root, np.square), low, high, clip=True)
    if style.scale == "gamma":
        return colours, PowerNorm(style.gamma, low, high, clip=True)
    return colours, Normalize(low, high)


def _root(values: Any) -> Any:
    return np.sqrt(np.maximum(values, 0))


def name_axis(axes: Axes, which: str, label: str, units: str) -> None:
    """Write name and unit at an axis."""
    getattr(axes, f"set_{which}label")(with_units(label, units), parse_math=False)
