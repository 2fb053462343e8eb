"""silx's colour tables, and the shape of a pixel on the screen."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from panosc_analysis.widgets.content import Content

__all__ = ["OFFERED", "has_square_pixels", "lut"]

# Perceptually uniform ones first; "twilight" is for angles.
OFFERED = ("viridis", "cividis", "magma", "inferno", "plasma", "gray", "reversed gray", "temperature", "twilight")

_COLOURS = 256

_SQUAREST = 5.0  # sides that differ more than this make a picture nobody can read


@cache
def lut(name: str) -> NDArray[np.uint8]:
    """Return the red, green, blue and alpha of 256 colours; shape ``(256, 4)``.

    Raises
    ------
    ValueError
        silx has no such colormap.
    """
    from silx.math.colormap import get_colormap_lut, get_registered_colormaps

    if name not in get_registered_colormaps():
        raise ValueError(f"there is no colormap {name!r}; choose one of {', '.join(OFFERED)}")
    table: NDArray[np.uint8] = get_colormap_lut(name).copy()  # silx gives its own table, not a copy
    if len(table) != _COLOURS:  # "twilight" has 510
        table = table[[round(i * (len(table) - 1) / (_COLOURS - 1)) for i in range(_COLOURS)]]
    table.setflags(write=False)
    return table


def has_square_pixels(content: Content) -> bool:
    """Whether one unit is as long to the right as upwards: both sides in the same unit and not too different."""
    y, x = content.frame_axes[-2:]
    if x.units != y.units or x.is_index != y.is_index:
        return False
    width, height = abs(x.boundaries[-1] - x.boundaries[0]), abs(y.boundaries[-1] - y.boundaries[0])
    return bool(x.is_even and y.is_even and 1 / _SQUAREST < width / height < _SQUAREST)
