"""What the kernel answers to the browser, whatever carries the messages.

Protocol
--------
The browser asks, the kernel answers; every message carries the ``view`` that asked and its ``id``.

``{"kind": "frame", "frame", "rows", "columns", "part", "mask", "focus"}``
    A frame, or a part of it (first row, row after the last, first column, column after the last), for a window of so
    many screen pixels. The answer is ``"picture"`` (codes, see `encoding`, with the limits that every scale and way
    would choose, so that these need no further question), ``"curves"`` (doubles), ``"colours"``, ``"rows"``.
``{"kind": "value", "frame", "index"}``
    The exact value at an index of the full frame, with its unit.
``histogram``, ``profile``, ``region``, ``stack``, ``contours``, ``hover``, ``export``, ``refresh``
    What their functions below say.

``buffers`` names the buffers of an answer. What cannot be answered is of the kind ``"error"`` and says why and what to
try. Nothing is ever sent unasked, and the browser has a few frames on their way at most, so a slow line or disk
holds up nothing but the picture.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.errors import NothingToPlot, PanoscError
from panosc_analysis.widgets.curves import read_curves
from panosc_analysis.widgets.encoding import encode
from panosc_analysis.widgets.histograms import histogram
from panosc_analysis.widgets.profiles import box_profiles, line_profile
from panosc_analysis.widgets.quantities import number, quantity
from panosc_analysis.widgets.regions import Region, find_region_statistics
from panosc_analysis.widgets.renderer import Renderer
from panosc_analysis.widgets.stack_curves import StackCurve

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from panosc_analysis.widgets.content import Content, Part
    from panosc_analysis.widgets.geometry import Hover

__all__ = ["Answer", "Answers", "Message"]

Message = dict[str, Any]
Answer = tuple[Message, list[bytes]]

_LOGGER = logging.getLogger(__name__)
_LARGEST_WINDOW = 4096  # screen pixels; what the browser says is not believed beyond this
_MOST_ROWS = 500  # of a table in one answer


class Answers:
    """Answer the browser's questions about one content.

    Parameters
    ----------
    content
        What is shown.
    others
        What answers kinds of messages that are about more than the content.
    """

    def __init__(self, content: Content, others: Mapping[str, Callable[[int, Message], Answer]]) -> None:
        self.content = content
        self.renderer = Renderer(content)
        self._stack: StackCurve | None = None
        self._hover: Hover | None = None
        self._kinds: dict[str, Callable[[int, Message], Answer]] = {
            "frame": self._frame,
            "value": self._value,
            "histogram": self._histogram,
            "profile": self._profile,
            "region": self._region,
            "stack": self._stack_curve,
            "contours": self._contours,
            "hover": self._geometry,
            **others,
        }

    def answer(self, message: Message) -> Answer:
        """Answer one message. Never raises: an error is an answer, too."""
        place = {name: message.get(name) for name in ("view", "id", "frame")} | {"asked": message.get("kind")}
        said: Message
        buffers: list[bytes] = []
        try:
            frame = min(self.content.n_frames - 1, max(0, int(message.get("frame") or 0)))
            said, buffers = self._kinds[message["kind"]](frame, message)
        except PanoscError as error:
            said = {"kind": "error", "message": f"{error.message}.", "hint": f"{error.hint}."}
        except Exception as error:  # whatever it is, the person must see it: nobody reads a kernel's log
            _LOGGER.exception("%s of frame %s of %s", message.get("kind"), message.get("frame"), self.content.title)
            text = f"This cannot be shown ({type(error).__name__}: {error})."
            said = {"kind": "error", "message": text, "hint": "The kernel's log has the details."}
        return place | said, buffers

    def _frame(self, frame: int, message: Message) -> Answer:
        make = {"curve": self._curves, "rgb": self._colours, "table": self._rows}.get(self.content.kind, self._picture)
        said, buffers = make(frame, message)
        return {"position": self.content.position(frame), "masked": 0.0} | said, buffers

    def _picture(self, frame: int, message: Message) -> Answer:
        is_image = self.content.kind == "image"
        window = _window(message) if is_image else (1, self.content.frame_shape[0])
        part = _part(message.get("part")) if is_image else None
        made = self.renderer.picture(frame, window, part=part, use_mask=bool(message.get("mask", True)))
        pooled, focus = made.pooled, message.get("focus")
        codes = encode(pooled.values, pooled.masked, tuple(focus) if focus else None)
        said = {
            "kind": "picture",
            "rows": pooled.values.shape[0],
            "columns": pooled.values.shape[1],
            "factors": list(pooled.factors),
            "part": [made.part[0].start, made.part[0].stop, made.part[1].start, made.part[1].stop],
            "masked": pooled.masked_fraction,
            "bits": codes.codes.itemsize * 8,
            "codec": {n: getattr(codes, n) for n in ("kind", "offset", "step", "slope", "exact")},
            "limits": made.statistics.table(),
            "ends": made.statistics.ends,
            "focus": focus,
            "buffers": ["codes"],
        }
        buffers = [np.ascontiguousarray(codes.codes).tobytes()]
        if not is_image:
            said["buffers"] = ["codes", "x", "y"]
            buffers += [axis.centres.tobytes() for axis in self.content.frame_axes[:2]]
        return said, buffers

    def _curves(self, frame: int, message: Message) -> Answer:
        curves, names, buffers = [], [], []
        for i, curve in enumerate(read_curves(self.content, frame)):
            given = {"x": curve.x, "y": curve.y, "errors": curve.errors, "spread": curve.x_errors}
            arrays = {name: array for name, array in given.items() if array is not None}
            curves.append({"label": curve.label, "units": curve.units, "points": curve.points})
            names += [f"{name}{i}" for name in arrays]
            buffers += [np.ascontiguousarray(array).tobytes() for array in arrays.values()]
        return {"kind": "curves", "curves": curves, "buffers": names}, buffers

    def _colours(self, frame: int, message: Message) -> Answer:
        values = self.content.read(frame)
        steps = [max(1, -(-n // w)) for n, w in zip(values.shape[:2], _window(message), strict=True)]
        values = values[:: steps[0], :: steps[1]]
        if values.dtype.kind == "f":
            values = np.clip(values, 0, 1) * 255  # NeXus: real colours go from 0 to 1
        elif values.dtype.itemsize > 1:
            values = values >> (8 * (values.dtype.itemsize - 1))
        rgba = np.full((*values.shape[:2], 4), 255, np.uint8)
        rgba[..., : values.shape[2]] = values
        part = [0, self.content.frame_shape[0], 0, self.content.frame_shape[1]]
        said = {"kind": "colours", "rows": rgba.shape[0], "columns": rgba.shape[1], "part": part, "buffers": ["rgba"]}
        return said, [rgba.tobytes()]

    def _rows(self, frame: int, message: Message) -> Answer:
        length = self.content.frame_shape[0]
        first = min(max(0, int(message.get("first", 0))), max(0, length - 1))
        stop = min(length, first + min(_MOST_ROWS, int(message.get("count", 100))))
        rows = self.content.read(frame, (slice(first, stop),))
        names = list(rows.dtype.names or ())
        cells = [[_cell(row[name]) for name in names] for row in rows]
        return {"kind": "rows", "names": names, "first": first, "total": length, "cells": cells, "buffers": []}, []

    def _value(self, frame: int, message: Message) -> Answer:
        index = tuple(int(i) for i in message["index"])
        return {"kind": "value", "index": list(index), "text": self.renderer.value(frame, index)}, []

    def _histogram(self, frame: int, message: Message) -> Answer:
        """Count the unmasked pixels of the frame in 256 bins that are even on the scale."""
        counts, edges = histogram(self.renderer, frame, message["scale"])
        said = {"kind": "histogram", "scale": message["scale"], "buffers": ["counts", "edges"]}
        return said, [counts.astype(np.float64).tobytes(), edges.tobytes()]

    def _profile(self, frame: int, message: Message) -> Answer:
        """Look along a line (``points``, ``width``), or across a box, with positions on the axes."""
        start, end = ((float(row), float(column)) for row, column in message["points"])
        if message["shape"] == "box":
            made = box_profiles(self.renderer, frame, start, end)
            y, x = self.content.frame_axes[-2:]
            arrays = {
                "x0": _positions(x, made["x"]),
                "y0": made["x_mean"],
                "x1": _positions(y, made["y"]),
                "y1": made["y_mean"],
            }
            labels = [[x.label, x.units], [y.label, y.units]]
        else:
            far, mean = line_profile(self.renderer, frame, start, end, int(message.get("width", 1)))
            arrays, labels = {"x0": far, "y0": mean}, [["distance", "pixel"]]
        buffers = [np.ascontiguousarray(array, dtype=np.float64).tobytes() for array in arrays.values()]
        return {"kind": "profile", "shape": message["shape"], "axes": labels, "buffers": list(arrays)}, buffers

    def _region(self, frame: int, message: Message) -> Answer:
        """Statistics of a region, as texts with units."""
        region = Region.from_dict(message["region"])
        part = region.part(self.content.frame_shape)
        read = self.renderer.part(frame, part)
        found = find_region_statistics(read.values, read.masked, region, part)
        units = self.content.units
        texts = {"pixels": number(found.pixels), "masked": number(found.masked)}
        for name in ("sum", "mean", "std", "min", "max", "median") if found.pixels else ():
            texts[name] = quantity(getattr(found, name), units)
        y, x = self.content.frame_axes[-2:]
        for name in ("centroid", "highest"):
            row, column = getattr(found, name)
            if np.isfinite(row) and row >= 0:
                where = _positions(x, np.array([column]))[0], _positions(y, np.array([row]))[0]
                texts[name] = f"{quantity(where[0], x.units)}, {quantity(where[1], y.units)}"
        numbers = {name: value for name, value in asdict(found).items() if np.isfinite(value).all()}
        return {"kind": "region", "texts": texts, "numbers": numbers}, []

    def _stack_curve(self, frame: int, message: Message) -> Answer:
        """Start, look at or stop the curve of a region over all frames; ``done`` and ``running`` say how far it is."""
        action = message.get("action", "look")
        if self._stack is not None and action in ("start", "stop"):
            self._stack.cancel()
        if action == "start":
            self._stack = StackCurve(self.content, Region.from_dict(message["region"]))
        if self._stack is None:
            raise NothingToPlot("No curve over the stack has been started", hint="Draw a region first")
        made = self._stack
        said = {"kind": "stack", "done": made.done, "total": made.values.size, "running": made.is_running}
        axis = self.content.axes[0]
        one = len(self.content.leading) == 1
        x = axis.centres if one else np.arange(made.values.size, dtype=np.float64)
        said |= {"error": made.error, "axes": [[axis.label if one else "frame", axis.units if one else ""]]}
        return said | {"buffers": ["x0", "y0"]}, [x.tobytes(), made.values.tobytes()]

    def _contours(self, frame: int, message: Message) -> Answer:
        """Find lines of equal value on the pooled frame, in (row, column) of the full one."""
        from silx.image.marchingsquares import find_contours

        pooled = self.renderer.picture(frame, (512, 512)).pooled
        values, factors = np.ascontiguousarray(pooled.values, dtype=np.float32), pooled.factors
        mask = None if pooled.masked is None else np.ascontiguousarray(pooled.masked, dtype=np.int8)
        lines, levels = [], []
        if min(values.shape) < 2:  # nothing lies between pixels of a single row
            message = message | {"levels": []}
        for level in [float(level) for level in message["levels"][:20]]:
            for line in find_contours(values, level, mask=mask):
                lines.append(np.asarray(line, dtype=np.float64) * factors + (np.array(factors) - 1) / 2)
                levels.append(level)
        points = np.concatenate(lines) if lines else np.empty((0, 2))
        said = {"kind": "contours", "lengths": [len(line) for line in lines], "levels": levels, "buffers": ["points"]}
        return said, [points.tobytes()]

    def _geometry(self, frame: int, message: Message) -> Answer:
        """Scattering vector and angle at a pixel, where the file tells where its detector is."""
        if self._hover is None:
            from panosc_analysis.widgets.geometry import find_hover

            self._hover = find_hover(self.content)
        return {"kind": "hover", "text": self._hover.text(*map(float, message["index"]))}, []

    def close(self) -> None:
        """Stop what is running."""
        if self._stack is not None:
            self._stack.cancel()


def _window(message: Message) -> tuple[int, int]:
    rows, columns = (min(_LARGEST_WINDOW, max(16, int(message[name]))) for name in ("rows", "columns"))
    return rows, columns


def _part(said: list[int] | None) -> Part | None:
    if said is None:
        return None
    first_row, last_row, first_column, last_column = map(int, said)
    return slice(first_row, last_row), slice(first_column, last_column)


def _positions(axis: Any, indices: Any) -> Any:
    """Where places between the values lie on an axis."""
    return indices if axis.is_index else np.interp(indices, np.arange(axis.length), axis.centres)


def _cell(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, np.ndarray):
        return ", ".join(_cell(one) for one in value.reshape(-1)[:20].tolist()) + (" …" if value.size > 20 else "")
    return number(value) if isinstance(value, int | float | np.number | np.bool_) else str(value)
