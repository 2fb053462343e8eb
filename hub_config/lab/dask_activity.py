"""Preloaded into every Dask scheduler of a session: leaves a mark while there is work, which counts as activity."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hub_config.lab.activity import dask_mark

if TYPE_CHECKING:
    from distributed import Scheduler

__all__ = ["dask_setup"]


def dask_setup(scheduler: Scheduler) -> None:
    """Look at the scheduler as often as the hub is told; Dask calls this."""
    from tornado.ioloop import PeriodicCallback

    mark = dask_mark()

    def look() -> None:
        if any(worker.processing for worker in scheduler.workers.values()):
            mark.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            mark.touch()

    pace = int(os.environ.get("JUPYTERHUB_ACTIVITY_INTERVAL") or 60)
    callback = scheduler.periodic_callbacks["panosc-activity"] = PeriodicCallback(look, pace * 500)
    callback.start()
