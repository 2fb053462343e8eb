"""`save`: one result, one file; written aside and renamed in, so that there is an old file or a new one, never half."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from panosc_analysis.errors import SaveError
from panosc_analysis.nexus import file_image
from panosc_analysis.output.layout import write_result

if TYPE_CHECKING:
    from panosc_analysis.reduction import ReductionResult

__all__ = ["save"]


def save(result: ReductionResult, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write a result to a NeXus file; makes missing directories, needs the result's size in memory once more.

    Parameters
    ----------
    result
        What `panosc_analysis.reduction.reduce` gave.
    path
        The file; ``~`` is the home directory. ``.nxs`` is appended to a name without a suffix.
    overwrite
        Replace a file that is there.

    Returns
    -------
    :
        The file, absolute.

    Raises
    ------
    SaveError
        There is such a file already, or it cannot be written; a file that was there is as it was.
    """
    target = Path(path).expanduser().absolute()
    target = target if target.suffix else target.with_suffix(".nxs")
    if target.exists() and not overwrite:
        raise SaveError(
            f"{target} exists already",
            hint=f"Save as {_free_name(target).name}, or replace it with overwrite=True (--overwrite)",
            path=str(target),
        )
    _write_aside(target, file_image(lambda file: write_result(file, result)))
    return target


def _free_name(target: Path) -> Path:
    candidates = (target.with_stem(f"{target.stem}-{number}") for number in range(2, 10_000))
    return next(c for c in candidates if not c.exists())


def _write_aside(target: Path, content: bytes) -> None:
    """Write beside `target`, make sure it is on the disk, then take its place in one step."""
    aside = target.with_name(f".{target.name}.partial-{secrets.token_hex(4)}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with aside.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise SaveError(
            f"{target} was not written ({error.strerror}); nothing that was there has changed",
            hint="Choose a directory that you may write to and that has space left",
            path=str(target),
        ) from error
