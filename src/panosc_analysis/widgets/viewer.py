"""The widget that shows one content: traits that both sides see, and the kernel's answers to the browser.

Protocol
--------
The browser asks, the kernel answers; every message carries the ``view`` that asked and, for frames, its ``id``.

``{"kind": "frame", "frame", "rows", "columns", "scale", "limits", "low", "high"}``
    A picture for a window of so many screen pixels, or a curve. The answer is ``"picture"`` (with one byte for each
    pixel: the number of its colour, 255 where masked), ``"curve"`` (doubles) or ``"error"``; ``buffers`` names the
    buffers.
``{"kind": "value", "frame", "index"}``
    The exact value at an index of the full frame; the answer is ``"value"`` with its text.

Nothing is ever sent unasked, and the browser has two frames on their way at most, so a slow line or a slow disk holds
up nothing but the picture. Messages may arrive in a thread of their own while a cell runs.
"""

from __future__ import annotations

import logging
from typing import Any, get_args

import anywidget
import numpy as np
import traitlets as t

from panosc_analysis.errors import PanoscError
from panosc_analysis.widgets import assets, colormaps
from panosc_analysis.widgets.content import Content
from panosc_analysis.widgets.frames import Limits, Scale
from panosc_analysis.widgets.quantities import with_units
from panosc_analysis.widgets.renderer import Renderer

__all__ = ["Viewer"]

_LOGGER = logging.getLogger(__name__)
_LARGEST_WINDOW = 4096  # screen pixels; what the browser says is not believed beyond this

Message = dict[str, Any]
Answer = tuple[Message, list[bytes]]


def _within_stack(viewer: Any, proposal: Any) -> int:
    """Keep a frame's number within the stack; negative ones count from the end."""
    count: int = viewer.content.n_frames
    frame = int(proposal["value"])
    return min(count - 1, max(0, frame + count if frame < 0 else frame))


class Viewer(anywidget.AnyWidget):  # type: ignore[misc]  # its base class has no types
    """A picture or curve with its controls, and a slider where there are several frames.

    Made by `show`. Holds no open file and no more than one frame.

    Parameters
    ----------
    content
        What is shown.
    **options
        Values of the traits below.

    Attributes
    ----------
    frame
        The frame that is shown, from 0.
    n_frames
        How many there are; cannot be changed.
    colormap
        One of silx's.
    scale
        "linear", "log" or "sqrt", of the colours or of a curve's values.
    x_scale
        "linear" or "log", of a curve's axis.
    limits
        How the values of the first and last colour are found: "auto" (percentiles of the frame), "minmax" or "fixed".
    low, high
        These values where they are fixed.
    origin
        "lower": numbers rise upwards, as in silx and h5web; "upper": row 0 is at the top.
    title, label, units
        What is shown, the name of its values and their unit.
    """

    _esm = assets.module(
        *("numbers.js", "flow.js", "axes.js", "picture.js", "curve.js", "controls.js", "scales.js", "cursor.js"),
        "viewer.js",
    )
    _css = assets.style()

    frame = t.Int(0).tag(sync=True)
    n_frames = t.Int(1, read_only=True).tag(sync=True)
    colormap = t.Enum(colormaps.OFFERED, default_value="viridis").tag(sync=True)
    scale = t.Enum(get_args(Scale), default_value="linear").tag(sync=True)
    x_scale = t.Enum(("linear", "log"), default_value="linear").tag(sync=True)
    limits = t.Enum(get_args(Limits), default_value="auto").tag(sync=True)
    low = t.Float(None, allow_none=True).tag(sync=True)
    high = t.Float(None, allow_none=True).tag(sync=True)
    origin = t.Enum(("lower", "upper"), default_value="lower").tag(sync=True)
    title = t.Unicode("").tag(sync=True)
    label = t.Unicode("").tag(sync=True)
    units = t.Unicode("").tag(sync=True)

    # What the browser needs once and nobody sets.
    kind = t.Unicode("", read_only=True).tag(sync=True)
    text = t.Unicode("", read_only=True).tag(sync=True)
    remarks = t.List(t.Unicode(), read_only=True).tag(sync=True)
    value_label = t.Unicode("", read_only=True).tag(sync=True)
    x_label = t.Unicode("", read_only=True).tag(sync=True)
    y_label = t.Unicode("", read_only=True).tag(sync=True)
    _x_name = t.Unicode("").tag(sync=True)
    _y_name = t.Unicode("").tag(sync=True)
    _x_units = t.Unicode("").tag(sync=True)
    _y_units = t.Unicode("").tag(sync=True)
    _x = t.Bytes(b"").tag(sync=True)
    _y = t.Bytes(b"").tag(sync=True)
    _ratio = t.Float(None, allow_none=True).tag(sync=True)
    _colormaps = t.List(t.Unicode()).tag(sync=True)
    _luts = t.Bytes(b"").tag(sync=True)

    _frame_within_stack = t.validate("frame")(_within_stack)

    def __init__(self, content: Content, **options: Any) -> None:
        self.content = content
        self._renderer = Renderer(content)
        limits = options.get("limits")
        if isinstance(limits, tuple | list):
            options |= {"limits": "fixed", "low": float(limits[0]), "high": float(limits[1])}
        said = {"title": content.title, "label": content.label, "units": content.units, "scale": content.scale}
        self._check(said | options)
        super().__init__(**_facts(content), **(said | options))
        for name, value in _read_only(content).items():
            self.set_trait(name, value)
        self.on_msg(self._on_message)

    def answer(self, message: Message) -> Answer:
        """Answer one message of the browser.

        Never raises: what cannot be read is an answer of the kind ``"error"`` with the sentence and what to try.
        """
        said: Message
        buffers: list[bytes] = []
        place = {name: message.get(name) for name in ("view", "id", "frame")}
        try:
            frame = min(self.n_frames - 1, max(0, int(message["frame"])))
            if message["kind"] == "value":
                said = self._value(frame, message)
            elif self.content.kind == "curve":
                said, buffers = self._curve(frame)
            else:
                said, buffers = self._picture(frame, message)
        except PanoscError as error:
            said = {"kind": "error", "message": f"{error.message}.", "hint": f"{error.hint}."}
        except Exception as error:  # whatever it is, the person must see it: nobody reads a kernel's log
            _LOGGER.exception("frame %s of %s", message.get("frame"), self.title)
            text = f"This frame cannot be shown ({type(error).__name__}: {error})."
            said = {"kind": "error", "message": text, "hint": "The kernel's log has the details."}
        return place | said, buffers

    def _on_message(self, _widget: Any, message: Message, _buffers: Any) -> None:
        said, buffers = self.answer(message)
        if said["kind"] == "error" and message.get("kind") == "value":
            said |= {"kind": "value", "text": said["message"]}
        self.send(said, buffers)

    def _picture(self, frame: int, message: Message) -> Answer:
        if self.content.kind == "image":
            rows, columns = (min(_LARGEST_WINDOW, max(16, int(message[name]))) for name in ("rows", "columns"))
            window = rows, columns
        else:
            window = 1, self.content.frame_shape[0]
        fixed = message.get("low"), message.get("high")
        picture = self._renderer.picture(frame, window, scale=message["scale"], limits=message["limits"], fixed=fixed)
        pooled = picture.pooled
        said = {
            "kind": "picture",
            "position": self.content.position(frame),
            "rows": pooled.values.shape[0],
            "columns": pooled.values.shape[1],
            "factors": list(pooled.factors),
            "masked": pooled.masked_fraction,
            "scale": picture.scale,
            "low": picture.low,
            "high": picture.high,
            "buffers": ["levels"],
        }
        buffers = [picture.levels().tobytes()]
        if self.content.kind == "scatter":
            said["buffers"] = ["levels", "x", "y"]
            buffers += [axis.centres.tobytes() for axis in self.content.frame_axes]
        return said, buffers

    def _curve(self, frame: int) -> Answer:
        curve = self._renderer.curve(frame)
        arrays = {"x": curve.x, "y": curve.y} | ({} if curve.errors is None else {"errors": curve.errors})
        said = {"kind": "curve", "position": self.content.position(frame), "masked": 0, "buffers": list(arrays)}
        return said, [np.ascontiguousarray(array).tobytes() for array in arrays.values()]

    def _value(self, frame: int, message: Message) -> Message:
        index = tuple(int(i) for i in message["index"])
        return {"kind": "value", "index": list(index), "text": self._renderer.value(frame, index)}

    def _check(self, options: Message) -> None:
        known = sorted(name for name in self.trait_names(sync=True) if not name.startswith("_"))
        for name, value in options.items():
            if name not in known or self.traits()[name].read_only:
                raise ValueError(f"there is no option {name!r}")
            trait = self.traits()[name]
            if isinstance(trait, t.Enum) and value not in trait.values:
                raise ValueError(f"{name} must be one of {', '.join(trait.values)}, not {value!r}")

    def __repr__(self) -> str:
        shape = " × ".join(map(str, self.content.shape))
        return f"<Viewer {self.title!r}: {self.content.kind} {shape}>"


def _read_only(content: Content) -> Message:
    facts = {"n_frames": content.n_frames, "kind": content.kind, "text": content.text, "remarks": list(content.remarks)}
    if content.kind == "text":
        return facts
    labels = [with_units(axis.label, axis.units) for axis in _x_and_y(content)]
    value_label = with_units(content.label, content.units)
    facts |= {"value_label": value_label, "x_label": labels[0]}
    return facts | {"y_label": value_label if content.kind == "curve" else labels[1]}


def _facts(content: Content) -> Message:
    """Return what the browser needs to draw axes and colours."""
    if content.kind == "text":
        return {}
    axes = _x_and_y(content)
    named = {"_x_name": axes[0].label, "_x_units": axes[0].units}
    if content.kind == "curve":
        return named | {"_y_name": content.label or "value", "_y_units": content.units}
    x, y = axes
    tables = b"".join(colormaps.lut(name).tobytes() for name in colormaps.OFFERED)
    facts = named | {"_y_name": y.label, "_y_units": y.units, "_colormaps": list(colormaps.OFFERED), "_luts": tables}
    if content.kind == "scatter":
        return facts | {"_x": x.centres.tobytes(), "_y": y.centres.tobytes()}
    ratio = None
    if colormaps.has_square_pixels(content):
        ratio = float(abs(np.ptp(y.boundaries) / np.ptp(x.boundaries)))
    return facts | {"_x": x.boundaries.tobytes(), "_y": y.boundaries.tobytes(), "_ratio": ratio}


def _x_and_y(content: Content) -> tuple[Any, ...]:
    """Axes as they are drawn, the one to the right first; an image's last dimension is that one."""
    return content.frame_axes[::-1] if content.kind == "image" else content.frame_axes
