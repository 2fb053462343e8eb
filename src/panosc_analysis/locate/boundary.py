"""The boundary check: whether a path, once every link in it is followed, stays inside the data directories."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from panosc_analysis.errors import OutsideRoots

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["inside", "is_inside", "with_mounts"]


def is_inside(path: str | Path, roots: Iterable[Path]) -> bool:
    """Whether a path lies in one of the roots after all symbolic links are followed.

    Does not ask whether the path exists. Whole components are compared, so ``/data/p10`` is not inside ``/data/p1``.
    """
    real = os.path.realpath(path)
    return any(_contains(os.path.realpath(root), real) for root in roots)


def inside(path: str | Path, roots: Iterable[Path]) -> Path:
    """Follow every symbolic link of a path and make sure that it ends in one of the roots.

    Does not open anything and cannot see what changes between this check and the opening; what a person may read at
    all is decided by the mounts.

    Raises
    ------
    OutsideRoots
        The path leaves the roots, by itself or through a symbolic link.
    """
    roots = tuple(roots)
    if "\0" not in str(path) and is_inside(path, roots):
        return Path(os.path.realpath(path))
    raise OutsideRoots(
        f"{str(path)!r} is outside the data directories of this session",
        hint=f"Only files below {', '.join(str(r) for r in roots) or 'a configured data directory'} are read",
        path=str(path),
    )


def with_mounts(roots: Iterable[Path]) -> tuple[Path, ...]:
    """Add what is linked into the roots in the place of mounts.

    Where a system cannot mount, whoever prepares the session fills the data directory with links and takes away the
    right to write to it. Only a directory that nobody can write to is believed: elsewhere a link is anybody's.
    """
    found: list[Path] = []
    for root in roots:
        found.append(root)
        try:
            if root.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
                continue
            found += [entry.resolve() for entry in sorted(root.iterdir()) if entry.is_symlink()]
        except OSError:
            continue  # a root that is not there leads nowhere; the resolver says so
    return tuple(found)


def _contains(root: str, path: str) -> bool:
    return os.path.commonpath([root, path]) == root
