"""Which files a tree holds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from panosc_analysis.catalogue.embargo import FACILITY_FILE

__all__ = ["FoundFile", "Refusal", "files_below"]


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


def files_below(root: Path, leave_out: frozenset[str] = frozenset()) -> Iterator[FoundFile | Refusal]:
    """Walk a tree in the order of its names; look at every file and open none.

    Hidden files, pipes and devices are passed over. A symbolic link to a file or directory inside the tree is the thing
    itself met once more and is passed over as well; one that leads out of the tree is refused.

    Parameters
    ----------
    root
        Where to start; may itself be a symbolic link.
    leave_out
        Real paths to pass over, such as the index itself.
    """
    real = os.path.realpath(root)
    yield from _below(real, real, "", leave_out)


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
            yield _file(entry, path)


def _file(entry: os.DirEntry[str], path: str) -> FoundFile | Refusal:
    if path != _printable(path):
        return Refusal(_printable(path), "its name is not valid UTF-8")
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError as error:
        return Refusal(path, f"cannot be looked at ({error.strerror})")
    return FoundFile(path, status.st_size, status.st_mtime_ns)


def _printable(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
