"""Dask workers on this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from panosc_analysis.errors import ReductionError
from panosc_analysis.reduction.engine import available_threads

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["dashboard_link", "local_cluster"]

_LOOPBACK = "127.0.0.1"
_LINK = "DASK_DISTRIBUTED__DASHBOARD__LINK"


def local_cluster(
    n_workers: int | None = None, memory: str | int | None = None, *, threads: int | None = None
) -> Client:
    """Start Dask workers on this machine and make them the current client; use it as a context manager, or close it.

    Scheduler, workers and dashboard listen on the loopback address only, on free ports. Starting takes about two
    seconds. A reduction in this process is as fast with threads; workers help with code that holds Python's lock.

    Parameters
    ----------
    n_workers
        Processes; one without, since the threads of a process share what they have decoded.
    memory
        Limit of each worker, as in ``"4GB"``; an equal part of what this session may use without.
    threads
        Threads per worker; the cores this session may use divided by the workers without.

    Raises
    ------
    ReductionError
        `distributed` is not installed, or the workers do not start.
    """
    try:
        import dask
        from distributed import Client
    except ImportError as error:
        raise ReductionError(
            "Workers need the package distributed, which is not installed",
            hint="Install panosc-analysis with the extra 'reduction', or reduce in threads",
        ) from error
    workers = 1 if n_workers is None else n_workers
    if workers < 1:
        raise ReductionError(f"{n_workers} workers cannot be started", hint="Use a positive number")
    dask.config.set({"distributed.dashboard.link": dashboard_link(dask.config.get("distributed.dashboard.link"))})
    try:
        return Client(
            n_workers=workers,
            threads_per_worker=threads or max(1, available_threads() // workers),
            memory_limit=memory or "auto",
            host=_LOOPBACK,
            # Without the host the dashboard would listen on every address of the machine.
            dashboard_address=f"{_LOOPBACK}:0",
            processes=True,
        )
    except (OSError, RuntimeError, TimeoutError) as error:
        raise ReductionError(
            f"The workers did not start ({error})", hint="Reduce in threads of this process instead"
        ) from error


def dashboard_link(configured: str) -> str:
    """Choose the pattern of the dashboard's address: as configured, else through the hub's proxy where there is one.

    Parameters
    ----------
    configured
        Dask's setting; ``DASK_DISTRIBUTED__DASHBOARD__LINK`` sets it.
    """
    if os.environ.get(_LINK) or not os.environ.get("JUPYTERHUB_SERVICE_PREFIX"):
        return configured
    return "{JUPYTERHUB_SERVICE_PREFIX}proxy/{port}/status"
