"""OPEN, and what VIEW needs to know: the only room where a file of data is opened.

Importing the room imports nothing heavy; h5py, hdf5plugin and silx are loaded with the first name that is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from panosc_analysis.nexus.array import ArrayHandle
    from panosc_analysis.nexus.chunks import ChunkTable
    from panosc_analysis.nexus.failures import reading
    from panosc_analysis.nexus.growth import Growth, any_writer, has_writer, look_at_growth
    from panosc_analysis.nexus.guard import check_dataset, check_links, missing_sources
    from panosc_analysis.nexus.opener import H5File, create_file, open_file
    from panosc_analysis.nexus.plot import Axis, Other, Plot, default_plot
    from panosc_analysis.nexus.tree import TreeNode, read_tree

__all__ = [
    "ArrayHandle",
    "Axis",
    "ChunkTable",
    "Growth",
    "H5File",
    "Other",
    "Plot",
    "TreeNode",
    "any_writer",
    "check_dataset",
    "check_links",
    "create_file",
    "default_plot",
    "has_writer",
    "look_at_growth",
    "missing_sources",
    "open_file",
    "read_tree",
    "reading",
]

_HOMES = {
    "ArrayHandle": "array",
    "Axis": "plot",
    "ChunkTable": "chunks",
    "Growth": "growth",
    "H5File": "opener",
    "Other": "plot",
    "Plot": "plot",
    "TreeNode": "tree",
    "any_writer": "growth",
    "check_dataset": "guard",
    "check_links": "guard",
    "create_file": "opener",
    "default_plot": "plot",
    "has_writer": "growth",
    "look_at_growth": "growth",
    "missing_sources": "guard",
    "open_file": "opener",
    "read_tree": "tree",
    "reading": "failures",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
