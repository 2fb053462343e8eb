"""What the browser and Python both know of a viewer: its traits."""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets as t

from panosc_analysis.widgets import assets, colormaps
from panosc_analysis.widgets.limits import LIMITS, SCALES

__all__ = ["ViewerState"]


def _within_stack(viewer: Any, proposal: Any) -> int:
    """Keep a frame's number within the stack; negative ones count from the end."""
    count: int = viewer.content.n_frames
    frame = int(proposal["value"])
    return min(count - 1, max(0, frame + count if frame < 0 else frame))


class ViewerState(anywidget.AnyWidget):  # type: ignore[misc]  # its base class has no types
    """The traits of a viewer, and the module that draws them.

    Attributes
    ----------
    frame
        The frame that is shown, from 0, in C order of the leading dimensions.
    n_frames
        How many there are; cannot be changed.
    order
        Which stored dimension comes where; the last two of an image are drawn, down and to the right.
    colormap
        One of silx's.
    scale
        "linear", "log", "sqrt", "arcsinh" or "gamma", of the colours or of a curve's values.
    gamma
        The exponent of "gamma".
    x_scale
        "linear" or "log", of a curve's axis.
    limits
        How the values of the first and last colour are found: "auto" (percentiles of the frame), "minmax", "stddev3"
        (mean ± 3 σ) or "fixed". Masked pixels never count.
    low, high
        These values where they are fixed.
    use_mask
        Whether masked pixels are left out of the picture.
    contours
        How many lines of equal value are drawn over an image.
    origin
        "lower": numbers rise upwards, as in silx and h5web; "upper": row 0 is at the top.
    aspect
        "auto": square pixels where both axes have the same unit; "equal"; "fill".
    follow
        Look every two seconds whether the file has grown, and show its last frame.
    title, label, units
        What is shown, the name of its values and their unit.
    """

    _esm = assets.module(*assets.VIEWER)
    _css = assets.style()

    frame = t.Int(0).tag(sync=True)
    n_frames = t.Int(1, read_only=True).tag(sync=True)
    order = t.List(t.Int()).tag(sync=True)
    colormap = t.Enum(colormaps.OFFERED, default_value="viridis").tag(sync=True)
    scale = t.Enum(SCALES, default_value="linear").tag(sync=True)
    gamma = t.Float(0.5, min=0.01, max=100).tag(sync=True)
    x_scale = t.Enum(("linear", "log"), default_value="linear").tag(sync=True)
    limits = t.Enum(LIMITS, default_value="auto").tag(sync=True)
    low = t.Float(None, allow_none=True).tag(sync=True)
    high = t.Float(None, allow_none=True).tag(sync=True)
    use_mask = t.Bool(default_value=True).tag(sync=True)
    contours = t.Int(0, min=0, max=20).tag(sync=True)
    origin = t.Enum(("lower", "upper"), default_value="lower").tag(sync=True)
    aspect = t.Enum(("auto", "equal", "fill"), default_value="auto").tag(sync=True)
    follow = t.Bool(default_value=False).tag(sync=True)
    title = t.Unicode("").tag(sync=True)
    label = t.Unicode("").tag(sync=True)
    units = t.Unicode("").tag(sync=True)

    # What the browser needs and nobody sets.
    kind = t.Unicode("", read_only=True).tag(sync=True)
    _facts = t.Dict().tag(sync=True)
    _x = t.Bytes(b"").tag(sync=True)
    _y = t.Bytes(b"").tag(sync=True)
    _luts = t.Bytes(b"").tag(sync=True)
    _revision = t.Int(0).tag(sync=True)
    # What the person points at: {"kind", "points"}, {"shape", "points", "width"}, [row, row, column, column].
    _region = t.Dict().tag(sync=True)
    _profile = t.Dict().tag(sync=True)
    _part = t.List(t.Int()).tag(sync=True)

    _frame_within_stack = t.validate("frame")(_within_stack)

    def check_options(self, options: dict[str, Any]) -> None:
        """Raise a `ValueError` that names what there is, where an option or its value does not exist."""
        known = sorted(name for name in self.trait_names(sync=True) if not name.startswith("_"))
        for name, value in options.items():
            if name not in known or self.traits()[name].read_only:
                raise ValueError(f"there is no option {name!r}; the options are {', '.join(known)}, roi")
            trait = self.traits()[name]
            if isinstance(trait, t.Enum) and value not in trait.values:
                raise ValueError(f"{name} must be one of {', '.join(trait.values)}, not {value!r}")
