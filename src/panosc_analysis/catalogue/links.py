"""Which other files a file is made of: external links, virtual sources and external storage.

The files are named, not opened; whether they may be read is for the reader to check.
"""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["holds_data", "linked_files"]

_MOST_OBJECTS = 100_000  # in one file; enough for a day of scans in one master file
_BLOCK = re.compile(r"%\d*b")


def linked_files(file: Any, path: Path) -> tuple[Path, ...]:
    """List the files that `file` names, as absolute paths in the order it names them, each once.

    Reads the structure and no data; opens none of the files and does not ask whether they exist. Names with a block
    pattern (``data_%b.h5``) stand for the files that are there now. Files of other formats than HDF5 name nobody.

    Parameters
    ----------
    file
        The open file.
    path
        Where it lies: names are relative to its directory.
    """
    if not hasattr(file, "visititems_links"):
        return ()
    directory = Path(os.path.realpath(path)).parent
    own = os.path.realpath(path)
    found: dict[str, None] = {}
    for name in (*_external_links(file), *_sources(file)):
        for one in _expanded(name, directory):
            found.setdefault(os.path.normpath(one))
    return tuple(Path(one) for one in found if one != own)


def holds_data(file: Any) -> bool:
    """Say whether any array is stored in this file, be it a view of others; links to other files do not count."""
    if not hasattr(file, "visititems_links"):
        return True
    return file.visititems(lambda _, node: hasattr(node, "shape") or None) is True


def _external_links(file: Any) -> list[str]:
    names: list[str] = []
    seen = 0

    def visit(_: str, link: Any) -> bool | None:
        nonlocal seen
        seen += 1
        if type(link).__name__ == "ExternalLink":
            names.append(link.filename)
        return True if seen > _MOST_OBJECTS else None

    file.visititems_links(visit)
    return list(dict.fromkeys(names))


def _sources(file: Any) -> list[str]:
    names: list[str] = []
    seen = 0

    def visit(_: str, node: Any) -> bool | None:
        nonlocal seen
        seen += 1
        if hasattr(node, "shape"):
            if node.is_virtual:
                names.extend(source.file_name for source in node.virtual_sources())
            names.extend(name for name, _, _ in node.external or ())
        return True if seen > _MOST_OBJECTS else None

    file.visititems(visit)
    return [name for name in dict.fromkeys(names) if name != "."]


def _expanded(name: str, directory: Path) -> Iterator[str]:
    full = os.path.join(directory, name)
    if _BLOCK.search(name):
        pattern = "*".join(glob.escape(part) for part in _BLOCK.split(full))
        yield from sorted(glob.glob(pattern))
    else:
        # HDF5 looks beside the file as well, which is where a copied tree has it.
        beside = os.path.join(directory, os.path.basename(name))
        yield beside if os.path.isabs(name) and not os.path.exists(full) and os.path.exists(beside) else full
