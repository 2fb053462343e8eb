"""A cluster in the notebook: its workers, their memory and tasks, and buttons that change them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anywidget
import traitlets as t

from panosc_analysis.errors import ReductionError
from panosc_analysis.widgets import assets
from panosc_analysis.widgets.quantities import number

if TYPE_CHECKING:
    from panosc_analysis.reduction import Cluster

__all__ = ["ClusterWidget"]

_GB = 1e9


class ClusterWidget(anywidget.AnyWidget):  # type: ignore[misc]  # its base class has no types
    """Shows a cluster and lets its owner scale, adapt and close it.

    The browser asks once a second for as long as the widget is on the page, so one that nobody sees costs nothing.
    It is answered while a cell runs where the kernel answers widgets in a thread of their own (ipykernel 7).

    Parameters
    ----------
    cluster
        What is shown.
    """

    _esm = assets.module("cluster.js")
    _css = assets.style()

    title = t.Unicode().tag(sync=True)
    dashboard = t.Unicode().tag(sync=True)
    workers = t.Int(0).tag(sync=True)
    summary = t.Unicode("").tag(sync=True)
    memory = t.Unicode("").tag(sync=True)
    memory_part = t.Float(0.0).tag(sync=True)
    tasks = t.Unicode("").tag(sync=True)
    tasks_part = t.Float(0.0).tag(sync=True)
    adapting = t.List(t.Int(), default_value=[]).tag(sync=True)
    notice = t.Unicode("").tag(sync=True)
    state = t.Enum(("open", "closed"), default_value="open").tag(sync=True)

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(title=cluster.title, dashboard=cluster.dashboard)
        self._cluster = cluster
        self.look()
        self.on_msg(self._on_message)

    def look(self) -> None:
        """Bring what is shown up to date; says so when the cluster is gone."""
        try:
            seen = self._cluster.state()
        except ReductionError:
            with self.hold_sync():
                self.state, self.summary = "closed", "Closed"
            return
        limit = seen.memory_limit
        with self.hold_sync():
            self.workers = len(seen.workers)
            self.summary = f"{_counted(len(seen.workers), 'worker')} · {_counted(seen.threads, 'thread')}"
            self.memory = f"{seen.memory / _GB:.1f} GB" + (f" of {limit / _GB:.1f} GB" if limit else "")
            self.memory_part = seen.memory / limit if limit else 0.0
            self.tasks = f"{number(seen.done)} of {number(seen.total)} tasks" if seen.total else "no tasks"
            self.tasks_part = seen.done / seen.total if seen.total else 0.0
            least, most = self._cluster.adapting or (None, None)
            self.adapting = [] if least is None else [least] if most is None else [least, most]

    def _on_message(self, _widget: Any, message: dict[str, Any], _buffers: Any) -> None:
        kind = message.get("kind")
        try:
            if kind == "scale":
                self._cluster.scale(int(message["workers"]))
            elif kind == "adapt":
                self._cluster.adapt(int(message["minimum"]), int(message["maximum"]))
            elif kind == "close":
                self._cluster.close()
        except (ReductionError, KeyError, TypeError, ValueError) as error:
            self.notice = str(error)
        else:
            self.notice = "" if kind != "look" else self.notice
        self.look()

    def __repr__(self) -> str:
        return f"<ClusterWidget {self.title}: {self.summary}>"


def _counted(count: int, what: str) -> str:
    return f"{number(count)} {what}{'' if count == 1 else 's'}"
