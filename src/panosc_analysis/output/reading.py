"""Read back where a saved result comes from."""

from __future__ import annotations

from pathlib import Path

from panosc_analysis.errors import NodeNotFound
from panosc_analysis.nexus import open_file
from panosc_analysis.output.layout import RECORD
from panosc_analysis.provenance import Record

__all__ = ["read_record"]


def read_record(path: str | Path) -> Record:
    """Read the record of a saved result: inputs, steps with parameters, software. Reads none of its arrays.

    Raises
    ------
    NodeNotFound
        The file is not a result of this program.
    OpenError
        It cannot be read.
    """
    with open_file(path) as file:
        if RECORD not in file:
            raise NodeNotFound(
                f"{path} holds no record of a reduction",
                hint="Name a file that was saved by a reduction",
                path=str(path),
            )
        return Record.from_json(file[RECORD].asstr()[()])
