"""How far a reduction is, in the notebook, with a button that stops it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets as t

from panosc_analysis.widgets import assets
from panosc_analysis.widgets.quantities import number
from panosc_analysis.widgets.terminal import duration, speed

if TYPE_CHECKING:
    from panosc_analysis.reduction import CancelToken, Progress

__all__ = ["ReductionProgress"]

_EVERY = 0.1  # seconds between two messages to the browser


class ReductionProgress(anywidget.AnyWidget):  # type: ignore[misc]  # its base class has no types
    """A bar with what, how far, how fast and how long yet, and a button to cancel.

    Give it as `progress` to a reduction: it is called with each `Progress`. The button works while the cell runs
    where the kernel answers widgets in a thread of their own (ipykernel 7); elsewhere interrupt the kernel.

    Parameters
    ----------
    cancel
        The token that the button sets.
    what
        What is being done.
    """

    _esm = assets.module("progress.js")
    _css = assets.style()

    what = t.Unicode("Reducing").tag(sync=True)
    done = t.Int(0).tag(sync=True)
    total = t.Int(0).tag(sync=True)
    text = t.Unicode("Starting …").tag(sync=True)
    state = t.Enum(("running", "cancelling", "done", "stopped"), default_value="running").tag(sync=True)

    def __init__(self, cancel: CancelToken, what: str = "Reducing") -> None:
        super().__init__(what=what)
        self._cancel = cancel
        self._started = time.monotonic()
        self._sent = -_EVERY
        self.on_msg(self._on_message)

    def __call__(self, progress: Progress) -> None:
        """Show how far it is; cheap to call often."""
        now = time.monotonic()
        if progress.done < progress.total and now - self._sent < _EVERY:
            return
        self._sent = now
        with self.hold_sync():
            self.done, self.total = progress.done, progress.total
            self.text = " · ".join(_parts(progress))

    def finish(self, *, failed: bool = False, said: str = "") -> None:
        """Say that it has ended, in words of one's own if there are any; the button goes."""
        spent = duration(time.monotonic() - self._started)
        with self.hold_sync():
            if said:
                self.state, self.text = "stopped" if failed else "done", said
                return
            if not failed:
                self.state, self.text = "done", f"{number(self.total)} done in {spent}" if self.total else "Done"
            else:
                how = "Cancelled" if self._cancel.is_set() else "Stopped"
                self.state, self.text = "stopped", f"{how} after {number(self.done)} of {number(self.total)}, {spent}"

    def _on_message(self, _widget: Any, message: dict[str, Any], _buffers: Any) -> None:
        if message.get("kind") == "cancel" and self.state == "running":
            self._cancel.cancel()
            self.state = "cancelling"

    def __repr__(self) -> str:
        return f"<ReductionProgress {self.what}: {self.text}>"


def _parts(progress: Progress) -> list[str]:
    parts = [f"{number(progress.done)} of {number(progress.total)} {progress.unit}"]
    if progress.rate:
        parts.append(speed(progress))
    if progress.remaining is not None and progress.done < progress.total:
        parts.append(f"{duration(progress.remaining)} left")
    return [*parts, progress.waiting] if progress.waiting else parts
