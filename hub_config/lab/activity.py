"""What counts as work in a session, for whoever ends idle ones: a Jupyter server extension that tells the hub.

The hub learns from a session when it was last used. Jupyter itself counts messages of kernels, terminals and requests;
a cell that computes for an hour without a word, a hand on the desktop's mouse and tasks of Dask count as well. An open
picture of the desktop does not: it is traffic, and nobody's work.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub_config.lab.display import seconds_since_input

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["dask_mark", "dask_work", "desktop_input", "kernels_at_work"]

KEY = "panosc"


def kernels_at_work(kernels: Iterable[Any], now: datetime) -> datetime | None:
    """Return `now` if one of the kernels computes."""
    return now if any(getattr(one, "execution_state", None) == "busy" for one in kernels) else None


def desktop_input(now: datetime) -> datetime | None:
    """Return when somebody last used keyboard or mouse of the desktop; ``None`` where none runs."""
    seconds = seconds_since_input()
    return None if seconds is None else now - timedelta(seconds=seconds)


def dask_mark() -> Path:
    """Return the file whose time says when a Dask scheduler of this session had work; each session has its own."""
    from jupyter_core.paths import jupyter_runtime_dir

    return Path(jupyter_runtime_dir()) / f"panosc-dask-{os.environ.get('JUPYTERHUB_SERVER_NAME', '')}"


def dask_work(mark: Path) -> datetime | None:
    """Return when a Dask scheduler of this session last had work; ``None`` if none ever had."""
    try:
        return datetime.fromtimestamp(mark.stat().st_mtime, UTC)
    except OSError:
        return None


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "hub_config.lab.activity"}]


def _load_jupyter_server_extension(server: Any) -> None:
    from tornado.ioloop import PeriodicCallback

    mark = dask_mark()
    times: dict[str, datetime] = server.web_app.settings["last_activity_times"]

    def look() -> None:
        now = datetime.now(UTC)
        manager = server.kernel_manager
        kernels = [manager.get_kernel(one) for one in manager.list_kernel_ids()]
        found = [kernels_at_work(kernels, now), desktop_input(now), dask_work(mark)]
        if moments := [one for one in found if one is not None]:
            times[KEY] = max(moments)

    # The hub is told at this pace; looking twice as often keeps what it is told fresh.
    pace = int(os.environ.get("JUPYTERHUB_ACTIVITY_INTERVAL") or 60)
    server.panosc_activity = PeriodicCallback(look, pace * 500)
    server.panosc_activity.start()
