"""Make a directory aside and rename it in: what is half made never looks finished."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from panosc_analysis.errors import PanoscError, SaveError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["made_aside"]

MARKER: Final = ".unfinished"


@contextmanager
def made_aside(directory: Path) -> Iterator[Path]:
    """Give ``DIRECTORY.partial`` to write into; it becomes `directory` when the block ends without an error.

    On an error it is removed. One that a killed process left behind is replaced; one that a living process writes is
    not touched (a lock on a marker file tells them apart).

    Raises
    ------
    SaveError
        The directory exists and holds something, cannot be made, is being made by somebody else, or the disk is full.
    """
    _refuse_if_taken(directory)
    partial = directory.with_name(f"{directory.name}.partial")
    try:
        partial.mkdir(parents=True, exist_ok=True)
        with _locked(partial):
            try:
                _empty(partial)
                yield partial
                (partial / MARKER).unlink()
                partial.rename(directory)
            except BaseException:
                shutil.rmtree(partial, ignore_errors=True)
                raise
    except PanoscError:
        raise
    except (OSError, RuntimeError) as error:
        reason = _reason(error)
        if not reason:
            raise
        raise SaveError(
            f"{directory} cannot be written ({reason})",
            hint="Free some space or choose another directory; nothing half made is left",
            path=str(directory),
        ) from error


def _reason(error: OSError | RuntimeError) -> str:
    """Say in the system's words why writing failed; HDF5 hides them in a long text, of either class."""
    found = re.search(r"error message = '([^']+)'", str(error))
    if found:
        return found[1]
    return error.strerror or str(error) if isinstance(error, OSError) else ""


def _refuse_if_taken(directory: Path) -> None:
    if directory.is_dir() and not any(directory.iterdir()):
        return
    if directory.exists() or directory.is_symlink():
        raise SaveError(
            f"{directory} exists and is not empty",
            hint="Choose a new directory, or delete this one first",
            path=str(directory),
        )


@contextmanager
def _locked(partial: Path) -> Iterator[None]:
    strangers = not (partial / MARKER).exists() and any(partial.iterdir())
    if strangers:
        raise SaveError(
            f"{partial} exists and is not an unfinished facility", hint="Move it away first", path=str(partial)
        )
    descriptor = os.open(partial / MARKER, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise SaveError(
            f"{partial} is being written by another process", hint="Wait until it is done", path=str(partial)
        ) from error
    finally:
        os.close(descriptor)


def _empty(partial: Path) -> None:
    for child in partial.iterdir():
        if child.name != MARKER:
            shutil.rmtree(child) if child.is_dir() else child.unlink()
