"""What a session's Lab shows of other computers: the dashboards of its own Dask clusters, and nothing else."""

from __future__ import annotations

import re

__all__ = ["may_be_shown"]

# dask-gateway's name of a scheduler: its cluster's random name, and the namespace.
SCHEDULER = re.compile(r"dask-[0-9a-f]{32}\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def may_be_shown(_handler: object, host: str) -> bool:
    """Whether Lab's proxy may ask `host`. The network lets a session reach the schedulers that it owns."""
    return host in ("localhost", "127.0.0.1") or SCHEDULER.fullmatch(host) is not None
