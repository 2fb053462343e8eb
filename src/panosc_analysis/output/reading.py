"""Reading back where a result came from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from panosc_analysis.errors import NodeNotFound
from panosc_analysis.nexus import open_file, reading
from panosc_analysis.output.layout import RECORD
from panosc_analysis.provenance import Record

if TYPE_CHECKING:
    from panosc_analysis.nexus import H5File

__all__ = ["read_record"]


def read_record(path: str | Path) -> Record:
    """Read from a result file what was done to what, enough to run it again. Reads no array.

    Raises
    ------
    NodeNotFound
        The file is not a result of this program.
    ReductionError
        Its record is damaged.
    OpenError, LocateError
        The file cannot be opened.
    """
    with open_file(path) as file, reading(path, RECORD):
        return Record.from_json(_text(file, path))


def _text(file: H5File, path: str | Path) -> str:
    if RECORD not in file:
        raise NodeNotFound(
            f"{path} holds no record of a reduction", hint="Choose a file that panosc-analysis saved", path=str(path)
        )
    value = file[RECORD][()]
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)
