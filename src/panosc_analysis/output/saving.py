"""Saving without losing anything: a result is made in memory, written aside and put in its place when it is whole.

HDF5 does not write the file itself, because it does not survive a full disk: a flush that failed is tried again when
the objects are closed, and ends the process (HDF5 2.0, segmentation fault). A plain write fails with a plain error.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from panosc_analysis.errors import SaveError
from panosc_analysis.output.layout import file_image

if TYPE_CHECKING:
    from panosc_analysis.reduction import ReductionResult

__all__ = ["save"]


def save(result: ReductionResult, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write a result as a NeXus file.

    Takes as much memory as the file is large. Written under a hidden name in the same directory, flushed to the disk
    and renamed: at any time there is either the old file or the new one, whole. Never replaces a file that the result
    was made from.

    Parameters
    ----------
    result
        What to save.
    path
        The file; ``~`` stands for the home directory. Missing directories are made.
    overwrite
        Replace a file that exists.

    Returns
    -------
    :
        The path of the file.

    Raises
    ------
    SaveError
        It exists, or cannot be written; an older file is as it was.
    """
    target = Path(path).expanduser().absolute()
    _check(target, result, overwrite=overwrite)
    image = file_image(result)
    aside = target.with_name(f".{target.name}.partial-{secrets.token_hex(4)}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(aside, image)
        _put_in_place(aside, target, overwrite=overwrite)
    except SaveError:
        raise
    except OSError as error:
        raise _not_written(target, error) from error
    finally:
        with contextlib.suppress(OSError):  # where the directory could not be made there is nothing to remove either
            aside.unlink()
    return target


def _check(target: Path, result: ReductionResult, *, overwrite: bool) -> None:
    if target.is_dir():
        raise SaveError(f"{target} is a directory", hint="Add the name of a file", path=str(target))
    if not target.exists():
        return
    inputs = [file for source in result.record.sources for file in (*source.files, *(s.path for s in source.states))]
    if any(file.exists() and file.samefile(target) for file in inputs):
        raise SaveError(
            f"{target} is one of the files that the result was made from", hint="Choose another name", path=str(target)
        )
    if not overwrite:
        raise _exists(target)


def _exists(target: Path) -> SaveError:
    return SaveError(
        f"{target} exists already",
        hint=f"Save as {_free_name(target).name}, or replace it with overwrite=True",
        path=str(target),
    )


def _free_name(target: Path) -> Path:
    number = 2
    while (name := target.with_stem(f"{target.stem}-{number}")).exists():
        number += 1
    return name


def _write(aside: Path, image: bytes) -> None:
    with aside.open("xb") as file:
        file.write(image)
        file.flush()
        os.fsync(file.fileno())


def _put_in_place(aside: Path, target: Path, *, overwrite: bool) -> None:
    if overwrite:
        os.replace(aside, target)
        return
    try:
        os.link(aside, target)  # unlike a rename this fails if somebody else was faster
    except FileExistsError as error:
        raise _exists(target) from error
    except OSError:
        # A file system without hard links.
        if target.exists():
            raise _exists(target) from None
        os.replace(aside, target)


def _not_written(target: Path, error: OSError) -> SaveError:
    hints = {
        errno.ENOSPC: "Delete what you do not need any more, or choose a directory on another disk",
        errno.EDQUOT: "Delete what you do not need any more, or ask for a larger quota",
        errno.EFBIG: "Choose a directory where larger files are allowed",
        errno.EACCES: "Choose a directory that you may write to, such as your home",
        errno.EPERM: "Choose a directory that you may write to, such as your home",
        errno.EROFS: "Choose a directory that you may write to, such as your home",
        errno.ENAMETOOLONG: "Choose a shorter name",
    }
    return SaveError(
        f"{target} cannot be written ({error.strerror}); nothing was changed",
        hint=hints.get(error.errno or 0, "Choose another directory, or try again"),
        path=str(target),
    )
