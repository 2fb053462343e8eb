"""The one opener: every data file of this package is opened here and nowhere else.

Locking rule, and why it is safe
--------------------------------
HDF5 takes an advisory lock (`flock`) on each file it opens. A reader that takes it makes a writer that comes later
fail, a writer that holds it makes the reader fail, and on some network file systems it cannot be taken at all. An
acquisition must never fail because somebody looks at its file, so **a reader here takes no lock** (``locking=False``).

Reading without the lock is safe when

1. nobody writes: the file is what it is, a lock would protect nothing;
2. the writer is in SWMR mode: HDF5 orders its writes so that a reader opened with ``swmr=True`` always finds a
   consistent file ("Single-Writer/Multiple-Reader" in the HDF5 user guide). Such a file is marked in its superblock,
   HDF5 refuses the plain open ("file is already open for write"), and silx's `File` then opens it as a SWMR reader;
3. the writer uses ``libver="latest"`` without SWMR: the superblock carries the same mark, the SWMR open is refused as
   well, and this module answers `FileBeingWritten`.

One case HDF5 does not support and no reader can see: a writer of the oldest format (superblock 0, h5py's default)
has the file open. That format has no mark, so the open succeeds, and what the writer still holds in memory is missing:
the reader finds an older state, fill values where data will be, or an error while it reads, which `reading`
turns into an `OpenError`. With the lock we would stop the acquisition instead, or never see the file; who needs the
final numbers reads again when the writer has closed it. Nothing that exists is ever opened for writing here.

Within one process HDF5 shares the file between all who have it open and wants the same flags from each. Where a file
is open already with another flag (``h5py.File(path)`` in the same notebook), that flag is taken: no new lock results,
since the file is open once only.
"""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import h5py
import hdf5plugin  # noqa: F401  registers the compression filters; without it bitshuffle, LZ4, Zstandard do not decode
import silx.io
from silx.io import h5py_utils

from panosc_analysis.errors import FileNotHere, NotAnHDF5File, PanoscError, SaveError
from panosc_analysis.locate.boundary import inside
from panosc_analysis.nexus.failures import RECENT, age, not_hdf5, open_failure, reading, system_failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["H5File", "create_file", "open_file", "reading"]

H5File: TypeAlias = h5py.File
"""An open file: `h5py.File`, or silx's look-alike for formats that are not HDF5."""

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_ATTEMPTS = 3
_PAUSE = 0.05  # seconds between attempts on a file that is changing


def open_file(path: str | Path, *, roots: Sequence[Path] | None = None) -> H5File:
    """Open a data file for reading; use it as a context manager.

    Takes no lock and reads no data. HDF5 files open in about a millisecond; EDF, CBF, TIFF, SPEC and NumPy files are
    shown in the same form through silx. Does not follow the links inside the file: see `check_dataset`.

    Parameters
    ----------
    path
        The file; ``~`` stands for the home directory.
    roots
        Directories that the file must lie in, symbolic links followed; ``None`` for no such limit.

    Raises
    ------
    FileNotHere, NotYours, OutsideRoots
        There is no such file, no permission, or it lies elsewhere.
    NotAnHDF5File
        A directory or device, or a format that no reader knows.
    FileTruncated, FileBeingWritten, FileCorrupt
        An HDF5 file that is incomplete, in the making, or damaged.
    """
    file = _expanded(path)
    if roots is not None:
        file = inside(file, roots)
    if _has_signature(file):
        return _open_hdf5(file)
    return _open_other(file)


def create_file(path: str | Path) -> H5File:
    """Create a new HDF5 file for writing; the caller closes it.

    Never opens or replaces a file that exists.

    Raises
    ------
    SaveError
        The file exists, or its directory is missing, not writable or full.
    """
    file = _expanded(path)
    try:
        return h5py.File(file, "x")
    except OSError as error:
        if isinstance(error, FileExistsError):
            hint = "Choose another name"
        else:
            hint = "Choose a directory that exists, that you may write to and that has space left"
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise SaveError(f"{file} cannot be created ({reason})", hint=hint, path=str(file)) from error


def _expanded(path: str | Path) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        reason = str(error).rstrip(".")
        raise FileNotHere(f"{str(path)!r}: {reason}", hint="Write the path out in full", path=str(path)) from error


def _has_signature(path: Path) -> bool:
    """Whether the file is HDF5, also one with a user block: the signature is at 0, 512, 1024, 2048 … bytes."""
    try:
        # Looked at before it is opened: opening a FIFO waits for a writer, opening a device may do something.
        if not stat.S_ISREG(path.stat().st_mode):
            raise _not_a_file(path)
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise _not_a_file(path)
            return any(os.pread(descriptor, 8, offset) == _SIGNATURE for offset in _signature_offsets(status.st_size))
        finally:
            os.close(descriptor)
    except PanoscError:
        raise
    except ValueError as error:  # a NUL character
        raise FileNotHere(f"There is no file {str(path)!r} ({error})", hint="Check the path", path=str(path)) from error
    except OSError as error:
        raise (system_failure(error, path) or error) from error


def _signature_offsets(size: int) -> Iterator[int]:
    yield 0
    offset = 512
    while offset < size:
        yield offset
        offset *= 2


def _not_a_file(path: Path) -> NotAnHDF5File:
    kind = "a directory" if path.is_dir() else "a pipe, socket or device"
    return NotAnHDF5File(f"{path} is {kind}, not a file", hint="Name a file", path=str(path))


def _open_hdf5(path: Path) -> H5File:
    for attempt in range(_ATTEMPTS):
        try:
            return _open_with_matching_flags(path)
        except (OSError, RuntimeError) as error:
            failure = open_failure(error, path)
            # Somebody may be in the middle of writing the header; whoever finished long ago gets no second look.
            if attempt + 1 == _ATTEMPTS or age(path) > RECENT:
                raise failure from error
        time.sleep(_PAUSE)
    raise AssertionError("unreachable")


def _open_with_matching_flags(path: Path) -> H5File:
    """Open without lock; if this process has the file open otherwise, open it in that way."""
    try:
        return h5py_utils.File(str(path), "r")
    except OSError as error:
        if "don't match" not in str(error) and "not the same" not in str(error):
            raise
    try:
        return h5py.File(path, "r")
    except OSError:
        return h5py.File(path, "r", libver="latest", swmr=True)


def _open_other(path: Path) -> H5File:
    if any(mark in str(path) for mark in ("::", "?", "#")):
        raise NotAnHDF5File(
            f"{path} is not an HDF5 file, and silx reads the characters '::', '?' or '#' in its name as an address",
            hint="Rename the file",
            path=str(path),
        )
    try:
        return silx.io.open(str(path.absolute()))
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise not_hdf5(path) from error
