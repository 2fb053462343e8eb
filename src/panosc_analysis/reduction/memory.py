"""Memory that this process may use, asked before a result is made that may not fit."""

from __future__ import annotations

import os
from pathlib import Path

from panosc_analysis.errors import NotEnoughMemory

__all__ = ["available_memory", "require_memory"]

_SHARE = 0.8  # of what is available; the rest is for what else goes on


def available_memory() -> int:
    """Bytes that can be had without ending somebody: the least of the machine's and the control group's."""
    found = [_machine(), *_groups()]
    return min(found)


def require_memory(nbytes: int, what: str) -> None:
    """Refuse what does not fit into memory.

    Raises
    ------
    NotEnoughMemory
        It does not.
    """
    has = available_memory()
    if nbytes > _SHARE * has:
        raise NotEnoughMemory(
            f"{what} would take {nbytes / 1e9:.1f} GB of memory, and {has / 1e9:.1f} GB are free",
            hint="Select a part of the data, use larger bins, or ask for a session with more memory",
        )


def _machine() -> int:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _groups() -> list[int]:
    """Free bytes of the control group, of version 2 or 1, if it has a limit."""
    pairs = (("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"))
    for limit, usage in pairs:
        root = Path("/sys/fs/cgroup")
        try:
            most = (root / limit).read_text(encoding="ascii").strip()
            used = int((root / usage).read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
        if most != "max":
            return [max(0, int(most) - used)]
    return []
