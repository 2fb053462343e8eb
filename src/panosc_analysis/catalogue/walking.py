"""Which files a tree holds."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from panosc_analysis.catalogue.embargo import FACILITY_FILE
from panosc_analysis.errors import CatalogueError

__all__ = ["FoundFile", "Refusal", "below", "files_below"]


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A regular file: its path relative to the root with ``/``, its size and when it changed."""

    path: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file or directory without a dataset, and why."""

    path: str
    reason: str


def below(root: Path, places: Sequence[Path]) -> tuple[str, ...]:
    """Write places below a root as paths relative to it, and make sure that they are below it.

    Raises
    ------
    CatalogueError
        One is not below the root.
    """
    real, found = os.path.realpath(root), []
    for place in places:
        path = os.path.realpath(place)
        if os.path.commonpath([real, path]) != real or path == real:
            raise CatalogueError(f"{place} is not below {root}", hint="Name directories or files inside the tree")
        found.append(os.path.relpath(path, real))
    return tuple(found)


def files_below(
    root: Path, leave_out: frozenset[str] = frozenset(), only: tuple[str, ...] = ()
) -> Iterator[FoundFile | Refusal]:
    """Walk a tree in the order of its names; look at every file and open none.

    Hidden files, pipes and devices are passed over. A symbolic link to a file or directory inside the tree is the thing
    itself met once more and is passed over as well; one that leads out of the tree is refused.

    Parameters
    ----------
    root
        Where to start; may itself be a symbolic link.
    leave_out
        Real paths to pass over, such as the index itself.
    only
        Places below the root to look at, see `below`; everything if there are none. One that is gone is passed over.
    """
    real = os.path.realpath(root)
    if not only:
        yield from _below(real, real, "", leave_out)
    for place in only:
        path = os.path.join(real, place)
        if os.path.isdir(path):
            yield from _below(real, path, f"{place}/", leave_out)
        elif os.path.isfile(path) and path not in leave_out:
            yield _file(path, place)


def _below(root: str, directory: str, prefix: str, leave_out: frozenset[str]) -> Iterator[FoundFile | Refusal]:
    try:
        with os.scandir(directory) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        yield Refusal(_printable(prefix.rstrip("/") or "."), f"the directory cannot be listed ({error.strerror})")
        return
    for entry in entries:
        path = prefix + entry.name
        if entry.name.startswith(".") or entry.path in leave_out or path == FACILITY_FILE:
            continue
        if entry.is_symlink():
            if os.path.commonpath([root, os.path.realpath(entry.path)]) != root:
                yield Refusal(_printable(path), "a symbolic link that leaves the directory")
        elif entry.is_dir(follow_symlinks=False):
            yield from _below(root, entry.path, path + "/", leave_out)
        elif entry.is_file(follow_symlinks=False):
            yield _file(entry.path, path)


def _file(place: str, path: str) -> FoundFile | Refusal:
    if path != _printable(path):
        return Refusal(_printable(path), "its name is not valid UTF-8")
    try:
        status = os.lstat(place)
    except OSError as error:
        return Refusal(path, f"cannot be looked at ({error.strerror})")
    return FoundFile(path, status.st_size, status.st_mtime_ns)


def _printable(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
