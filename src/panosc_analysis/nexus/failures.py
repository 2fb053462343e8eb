"""What goes wrong when files are read, said in this package's own errors.

HDF5 answers with an `OSError`, `RuntimeError` or `KeyError` and a sentence; those below were seen with HDF5 2.0.
A sentence that is not known becomes `FileCorrupt` and is passed on, so that nothing foreign leaves the room.
"""

from __future__ import annotations

import errno
import os
import re
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from panosc_analysis.errors import (
    FileBeingWritten,
    FileCorrupt,
    FileNotHere,
    FileTruncated,
    FilterPluginMissing,
    NodeNotFound,
    NotAnHDF5File,
    NotYours,
    OpenError,
    PanoscError,
    SourceMissing,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["age", "open_failure", "read_failure", "reading", "system_failure"]

# A file that changed less than this many seconds ago is taken to be in the making: detectors and copies write in
# bursts that are a second or two apart.
RECENT = 5.0

_SMALLEST_HDF5 = 48  # bytes of the smallest superblock; a shorter file cannot hold more than its signature


@contextmanager
def reading(path: str | Path, what: str = "/") -> Iterator[None]:
    """Translate every error that h5py and silx raise while something is read.

    Reads nothing by itself. Errors of this package pass unchanged.

    Parameters
    ----------
    path
        The file, for the message.
    what
        What is read, usually the dataset's path inside the file.

    Raises
    ------
    FilterPluginMissing
        The data are compressed with a filter that is not installed.
    FileCorrupt
        A stored chunk does not decode, or the structure is damaged.
    SourceMissing
        A link leads nowhere.
    NodeNotFound
        There is no such path in the file.
    OpenError
        The type of the data has no counterpart in NumPy, or the storage does not answer.
    """
    try:
        yield
    except PanoscError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise read_failure(error, path, what) from error


def age(path: str | Path) -> float:
    """Seconds since the file changed; clocks that differ count as a distance, not as a file of the future."""
    return abs(time.time() - os.stat(path).st_mtime)


def system_failure(error: OSError, path: str | Path) -> PanoscError | None:
    """Say what the operating system refused; ``None`` if the error is not the operating system's."""
    name = str(path)
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP):
        return FileNotHere(
            f"There is no file {name!r} ({os.strerror(error.errno)})", hint="Check the path; list the folder", path=name
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return NotYours(
            f"You may not read {name!r}",
            hint="Ask the owner of the file for access, or log in as somebody who has it",
            path=name,
        )
    if error.errno is not None:
        return OpenError(
            f"{name!r} cannot be read ({os.strerror(error.errno)})",
            hint="Try again; if it goes on, tell the operators that the storage does not answer",
            path=name,
        )
    return None


def open_failure(error: Exception, path: Path) -> PanoscError:
    """Say why an HDF5 file did not open."""
    if isinstance(error, OSError) and (known := system_failure(error, path)):
        return known
    text = str(error)
    if "file signature not found" in text:
        return not_hdf5(path)
    if "truncated file" in text or path.stat().st_size < _SMALLEST_HDF5:
        return _shorter_than_it_says(path)
    if "open for" in text or "lock" in text or "SWMR" in text:
        return _has_a_writer(path)
    return FileCorrupt(
        f"{path} is damaged: HDF5 cannot read its header ({_reason(text)})",
        hint="Fetch the file again from its source and compare the checksums",
        path=str(path),
    )


def not_hdf5(path: Path) -> NotAnHDF5File:
    """Say that no reader knows the file."""
    if path.stat().st_size == 0:
        return NotAnHDF5File(
            f"{path} is empty (0 bytes)",
            hint="If it is being written now, try again in a moment, else fetch it again from its source",
            path=str(path),
        )
    return NotAnHDF5File(
        f"{path} has no HDF5 signature, and it is not an EDF, CBF, TIFF, SPEC or NumPy file either",
        hint="Check that this is a data file and that it was copied whole and in binary mode",
        path=str(path),
    )


def _shorter_than_it_says(path: Path) -> OpenError:
    size, seconds = path.stat().st_size, age(path)
    if seconds < RECENT:
        return FileBeingWritten(
            f"{path} is still being written or copied: it is shorter ({size} bytes) than its header says and changed "
            f"{seconds:.0f} s ago",
            hint="Try again when it does not grow any more",
            path=str(path),
        )
    return FileTruncated(
        f"{path} is truncated: it is shorter ({size} bytes) than its header says and does not grow",
        hint="Fetch it again from its source; if it is the original, its writer ended before the end",
        path=str(path),
    )


def _has_a_writer(path: Path) -> FileBeingWritten:
    return FileBeingWritten(
        f"{path} is marked as open for writing; it changed last {_ago(age(path))}",
        hint="Try again when the writer has closed it; if no writer is left, repair a copy of it with 'h5clear -s'",
        path=str(path),
    )


def read_failure(error: Exception, path: str | Path, what: str) -> PanoscError:
    """Say why something in a file that did open could not be read."""
    if isinstance(error, OSError) and (known := system_failure(error, path)):
        return known
    text = str(error)
    data = {"path": str(path), "node": what}
    if _is_missing_filter(text):
        named = re.search(r"required filter '([^']+)'", text)
        name = f"{named[1]!r} " if named else ""
        return FilterPluginMissing(
            f"{what} in {path} is compressed with the filter {name}that is not installed here",
            hint="Install a newer hdf5plugin, or put the filter's plugin into a folder named by HDF5_PLUGIN_PATH",
            **data,
        )
    if "too many links" in text or "can't open file" in text:
        return SourceMissing(
            f"{what} in {path} is a link that leads nowhere ({_reason(text)})",
            hint="Fetch the files that belong to this one and keep them where it expects them",
            **data,
        )
    if isinstance(error, TypeError):
        return OpenError(
            f"{what} in {path} is of a type that cannot be read here: {text}", hint="Look at another dataset", **data
        )
    if isinstance(error, KeyError):
        return NodeNotFound(f"There is no {what!r} in {path}", hint="List what the file holds", **data)
    return FileCorrupt(
        f"{what} in {path} cannot be read: {_reason(text)}",
        hint="Fetch the file again from its source and compare the checksums; other data in it may be intact",
        **data,
    )


def _is_missing_filter(text: str) -> bool:
    """Filter not registered, or HDF5 looked for its plugin in folders that are not there."""
    return "required filter" in text or "can't open directory" in text or "filter is not available" in text


def _reason(text: str) -> str:
    """Cut HDF5's sentence down to its innermost reason, on one line."""
    return " ".join(re.sub(r"^.*?\((.*)\)$", r"\1", text.strip(" '\""), flags=re.DOTALL).split())[:200]


def _ago(seconds: float) -> str:
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} seconds ago"
