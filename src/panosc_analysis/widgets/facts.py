"""What the browser needs to draw axes, sliders and colours of a content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.widgets import colormaps
from panosc_analysis.widgets.quantities import with_units

if TYPE_CHECKING:
    from panosc_analysis.widgets.content import Content
    from panosc_analysis.widgets.coordinates import Coordinate

__all__ = ["facts_of"]


def facts_of(content: Content) -> dict[str, Any]:
    """Return the traits that describe a content to the browser; reads its axes."""
    facts: dict[str, Any] = {
        "text": content.text,
        "remarks": list(content.remarks),
        "leading": [_dimension(axis) for axis in content.axes[: len(content.leading)]] if content.leading else [],
        "dimensions": [_dimension(axis) for axis in content.axes] if content.kind in ("image", "curve") else [],
        "can_follow": content.reopen is not None,
        "has_code": bool(content.code),
        "frame_shape": list(content.frame_shape),
    }
    made: dict[str, Any] = {"_x": b"", "_y": b"", "_luts": b"", "_facts": facts}
    if content.kind in ("text", "table"):
        return made
    axes = _x_and_y(content)
    facts |= {"x_name": axes[0].label, "x_units": axes[0].units, "x_label": with_units(axes[0].label, axes[0].units)}
    value_label = with_units(content.label, content.units)
    facts["value_label"] = value_label
    if content.kind == "curve":
        return made | _of_curve(content, facts)
    x, y = axes
    facts |= {"y_name": y.label, "y_units": y.units, "y_label": with_units(y.label, y.units), "ratio": None}
    made["_luts"] = b"".join(colormaps.lut(name).tobytes() for name in colormaps.OFFERED)
    facts["colormaps"] = list(colormaps.OFFERED)
    if content.kind == "scatter":
        return made | {"_x": x.centres.tobytes(), "_y": y.centres.tobytes()}
    facts["square"] = colormaps.has_square_pixels(content) or content.kind == "rgb"
    facts["ratio"] = float(abs(np.ptp(y.boundaries) / np.ptp(x.boundaries)))
    return made | {"_x": x.boundaries.tobytes(), "_y": y.boundaries.tobytes()}


def _of_curve(content: Content, facts: dict[str, Any]) -> dict[str, Any]:
    value_label = facts["value_label"] if not content.others else with_units("", content.units)
    facts |= {"y_name": content.label or "value", "y_units": content.units, "y_label": value_label}
    facts["series"] = [content.label, *(other.label for other in content.others)]
    return {}


def _dimension(axis: Coordinate) -> dict[str, Any]:
    return {"label": axis.label, "units": axis.units, "length": axis.length}


def _x_and_y(content: Content) -> tuple[Coordinate, ...]:
    """Axes as they are drawn, the one to the right first; an image's last dimension is that one."""
    axes = content.frame_axes
    return axes[1::-1] if content.kind in ("image", "rgb") else axes
