"""A Dask worker inside this process, imported only where one is started."""

from __future__ import annotations

from typing import Any

import dask.config
from distributed import Worker

__all__ = ["ThreadWorker"]


class ThreadWorker(Worker):  # type: ignore[misc]
    """One that goes on whatever else its process holds.

    Dask compares the memory of the whole process with the worker's limit. Beside a notebook's own arrays that says
    nothing about the tasks, and a worker that pauses for them waits for ever. What tasks hand back is still written
    to disk above its share.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        with dask.config.set({f"distributed.worker.memory.{reason}": False for reason in ("spill", "pause")}):
            super().__init__(*arguments, **options)
