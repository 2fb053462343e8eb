"""The policy as its file says now, without reading it again for every start."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hub_config.policy.reading import read_policy

if TYPE_CHECKING:
    from pathlib import Path

    from hub_config.policy.model import Policy

__all__ = ["current_policy"]

Stamp = tuple[tuple[str, int, int, int], ...]
_kept: dict[Path, tuple[Stamp, Policy]] = {}


def current_policy(path: Path) -> Policy:
    """Read the policy if it or one of its tables changed since the last time.

    Raises
    ------
    PolicyError
        It must not be used as it is now; an older one is never used in its place.
    """
    if (kept := _kept.get(path)) and kept[0] == _stamp(path, kept[1]):
        return kept[1]
    _kept.pop(path, None)
    begun = time.time_ns()
    policy = read_policy(path)
    stamp = _stamp(path, policy)
    # A file written while it was being read is read again the next time.
    if all(modified < begun for _, _, modified, _ in stamp):
        _kept[path] = (stamp, policy)
    return policy


def _stamp(path: Path, policy: Policy) -> Stamp:
    stamp = []
    for file in (path, *policy.tables):
        try:
            found = file.stat()
        except OSError:
            stamp.append((str(file), 0, 0, 0))
            continue
        stamp.append((str(file), found.st_ino, found.st_mtime_ns, found.st_size))
    return tuple(stamp)
