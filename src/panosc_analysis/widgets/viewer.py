"""The widget that shows one content, and what a person can take from it.

What travels between browser and kernel is in `answers`; what both know is in `viewer_state`.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from panosc_analysis.errors import NothingToPlot, PanoscError
from panosc_analysis.widgets import taking
from panosc_analysis.widgets.answers import Answers
from panosc_analysis.widgets.content import Content
from panosc_analysis.widgets.facts import facts_of
from panosc_analysis.widgets.regions import Region, RegionStatistics, find_region_statistics
from panosc_analysis.widgets.saving import write_whole
from panosc_analysis.widgets.sources import content_of
from panosc_analysis.widgets.stack_curves import StackCurve
from panosc_analysis.widgets.viewer_state import ViewerState

if TYPE_CHECKING:
    from panosc_analysis.widgets.answers import Answer, Message

__all__ = ["Viewer"]

# What "copy code" writes if it is not what it would be by itself.
_OPTIONS = ("frame", "colormap", "scale", "gamma", "x_scale", "limits", "origin", "aspect", "use_mask", "contours")


class Viewer(ViewerState):
    """A picture or curve with its controls, and a slider for every dimension that is not drawn.

    Made by `show`. Holds no open file and a bounded number of frames.

    Parameters
    ----------
    content
        What is shown.
    **options
        Values of the traits of `ViewerState`.

    Attributes
    ----------
    frame, n_frames, order, colormap, scale, limits, low, high, …
        See `ViewerState`; what is set shows at once.
    """

    def __init__(self, content: Content, **options: Any) -> None:
        self._lock = threading.RLock()
        self._stored = self.content = content
        self._answers = self._answering(content)
        limits = options.get("limits")
        if isinstance(limits, tuple | list):
            options |= {"limits": "fixed", "low": float(limits[0]), "high": float(limits[1])}
        order = options.pop("order", None) or list(range(len(content.shape)))
        region = options.pop("roi", None)
        said: Message = {"title": content.title, "label": content.label, "units": content.units, "scale": content.scale}
        if content.kind == "rgb":
            said["origin"] = "upper"  # as cameras and printers count
        if content.kind == "curve":
            said["x_scale"] = content.frame_axes[0].scale
        if list(order) == list(range(len(content.shape))):
            said["frame"] = content.first
        self.check_options(said | options)
        if list(order) != list(range(len(content.shape))):
            self.content = content.arranged(tuple(order))
            self._answers = self._answering(self.content)
        self._order = list(order)
        super().__init__(**facts_of(self.content), **(said | options), order=self._order)
        self.set_trait("kind", content.kind)
        self.set_trait("n_frames", self.content.n_frames)
        if region is not None:
            self.roi = region
        self.on_msg(self._on_message)
        self.observe(self._arrange, "order")

    # ---- what is shown ----------------------------------------------------------------------------------------

    def show_content(self, content: Content) -> None:
        """Show something else in the same place; the colours stay as they were chosen."""
        with self._lock:
            self._stored, self._order = content, list(range(len(content.shape)))
            with self.hold_sync():
                self.order = self._order
                self._replace(content)
                self.title, self.label, self.units = content.title, content.label, content.units
                self.scale = content.scale
                self.origin = "upper" if content.kind == "rgb" else "lower"
                self._region, self._profile, self._part = {}, {}, []

    def renew(self, content: Content) -> None:
        """Show newer values of the same thing; whatever was chosen stays."""
        if content.kind != self._stored.kind or len(content.shape) != len(self._stored.shape):
            self.show_content(content)
            return
        with self._lock, self.hold_sync():
            self._stored = content
            self._replace(content.arranged(tuple(self.order)))

    def show_path(self, path: str) -> None:
        """Show another group or array of the same file; what cannot be shown is said in its place.

        Raises
        ------
        NothingToPlot
            What is shown is not from a file.
        """
        file = self._stored.file
        if file is None:
            raise NothingToPlot("What is shown is not from a file", hint="Open a file with show or browse")
        try:
            content = content_of(file, path=path)
        except PanoscError as error:
            content = Content("text", title=path, text=f"{error.message}.\n{error.hint}.", file=file)
        self.show_content(content)

    def _replace(self, content: Content) -> None:
        self._answers.close()
        self.content, self._answers = content, self._answering(content)
        frame = self.frame
        self.set_trait("kind", content.kind)
        self.set_trait("n_frames", content.n_frames)
        self.frame = min(frame, content.n_frames - 1)
        for name, value in facts_of(content).items():
            setattr(self, name, value)
        self._revision += 1

    def _arrange(self, change: Any) -> None:
        with self._lock:
            if change["new"] == self._order:
                return
            try:
                content = self._stored.arranged(tuple(change["new"]))
            except ValueError:
                self.order = self._order
                raise
            self._order = list(change["new"])
            with self.hold_sync():
                self._part, self._region, self._profile, self.frame = [], {}, {}, 0
                self._replace(content)

    def refresh(self) -> bool:
        """Look at the file again; returns whether it has grown. Shows the last frame if it has, or the new text.

        Raises
        ------
        OpenError
            The file cannot be read now.
        """
        if self._stored.reopen is None:
            return False
        found = self._stored.reopen()
        if self._stored.kind == "text":
            if (found.kind, found.text) == ("text", self._stored.text):
                return False
            self.show_content(found)
            return True
        if found.shape == self._stored.shape or found.kind != self._stored.kind or len(found.shape) != len(self.order):
            return False
        with self._lock, self.hold_sync():
            self._stored = found
            self._replace(found.arranged(tuple(self.order)))
            self.frame = self.content.n_frames - 1
        return True

    # ---- what a person takes ----------------------------------------------------------------------------------

    @property
    def _view(self) -> taking.View:
        part = self._part
        rows = (slice(part[0], part[1]), slice(part[2], part[3])) if len(part) == 4 else None
        given = {name: getattr(self, name) for name in _OPTIONS}
        if self.limits == "fixed" and self.low is not None and self.high is not None:
            given["limits"] = (self.low, self.high)
        plain = {name: self.traits()[name].default_value for name in _OPTIONS} | {"scale": self._stored.scale}
        plain["frame"] = self._stored.first
        plain["origin"] = "upper" if self.kind == "rgb" else "lower"
        options = [(name, value) for name, value in given.items() if value != plain[name]]
        if list(self.order) != list(range(len(self.order))):
            options.append(("order", list(self.order)))
        if self._region:
            options.append(("roi", self._region))
        return taking.View(self.frame, rows, tuple(options))

    @property
    def selection(self) -> Any:
        """The part of the data in view: a handle on the file, whose ``numpy()`` reads it, or the array."""
        return taking.selection(self.content, self._view)

    @property
    def roi(self) -> Region | None:
        """The region of interest; set it to a `Region`, to what `Region.to_dict` gives, or to ``None``."""
        return Region.from_dict(self._region) if self._region else None

    @roi.setter
    def roi(self, region: Region | Message | None) -> None:
        if isinstance(region, dict):
            region = Region.from_dict(region)
        self._region = {} if region is None else region.to_dict()

    def statistics(self) -> RegionStatistics:
        """Look at the region of interest in this frame.

        Raises
        ------
        NothingToPlot
            There is no region, or no pixel in it.
        """
        region = self._needed_region()
        part = region.part(self.content.frame_shape)
        read = self._answers.renderer.part(self.frame, part)
        return find_region_statistics(read.values, read.masked, region, part)

    def stack_curve(self) -> StackCurve:
        """Begin to take the mean of the region of interest in every frame; ``.wait()`` gives the values."""
        return StackCurve(self.content, self._needed_region())

    def _needed_region(self) -> Region:
        if self.roi is None or self.content.kind != "image":
            raise NothingToPlot("There is no region of interest", hint="Draw one, or set viewer.roi")
        return self.roi

    def to_dataset(self) -> Any:
        """Read what is in view into an `xarray.Dataset`; masked pixels become ``nan``."""
        return taking.to_dataset(self.content, self._view)

    @property
    def code(self) -> str:
        """The lines that show the same without a click."""
        return taking.code(self.content, self._view)

    @property
    def url(self) -> str:
        """The `silx.io.url.DataUrl` of what is in view."""
        return taking.data_url(self.content, self._view)

    def save(self, path: str | Path, **options: Any) -> Path:
        """Write what is in view into a file: ``.png``, ``.svg``, ``.npy`` or ``.csv`` after its name.

        `options` are those of `figure`, for pictures: ``size=(8.5, 6)`` in cm, ``dpi=300``.

        Raises
        ------
        SaveError
            The file cannot be written; an existing one is intact.
        ValueError
            Another ending.
        """
        target = Path(path).expanduser()
        return write_whole(target, self._exported(target.suffix.lstrip(".").lower(), options)[0])

    def _exported(self, kind: Any, options: Message) -> tuple[bytes, str]:
        if kind in ("png", "svg"):
            names = ("colormap", "scale", "gamma", "use_mask", "contours", "origin", "aspect")
            limits = (self.low, self.high) if self.limits == "fixed" else self.limits
            options = {name: getattr(self, name) for name in names} | {"limits": limits, "roi": self.roi} | options
        return taking.exported(self.content, self._view, kind, **options)

    # ---- the browser ------------------------------------------------------------------------------------------

    def answer(self, message: Message) -> Answer:
        """Answer one message of the browser. Never raises: an error is an answer."""
        return self._answers.answer(message)

    def _answering(self, content: Content) -> Answers:
        return Answers(content, {"export": self._export, "refresh": self._look_again})

    def _export(self, _frame: int, message: Message) -> Answer:
        content, media = self._exported(message["format"], {})
        return {"kind": "export", "media": media, "format": message["format"], "buffers": ["file"]}, [content]

    def _look_again(self, _frame: int, _message: Message) -> Answer:
        return {"kind": "refresh", "grown": self.refresh()}, []

    def _on_message(self, _widget: Any, message: Message, _buffers: Any) -> None:
        self.send(*self.answer(message))

    def __repr__(self) -> str:
        shape = " × ".join(map(str, self.content.shape))
        return f"<Viewer {self.title!r}: {self.content.kind} {shape}>"
