"""A file to walk through: its tree on the left, what is chosen of it on the right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ipywidgets

from panosc_analysis.widgets.file_tree import FileTree
from panosc_analysis.widgets.showing import show
from panosc_analysis.widgets.viewer import Viewer

__all__ = ["FileBrowser", "browse"]


class FileBrowser(ipywidgets.HBox):  # type: ignore[misc]  # its base class has no types
    """The tree and the viewer of a file, side by side.

    Attributes
    ----------
    tree, viewer
        The two parts.
    """

    tree: FileTree
    viewer: Viewer

    def __init__(self, path: str | Path, **options: Any) -> None:
        self.tree = FileTree(path, layout={"width": "32%", "min_width": "220px"})
        self.viewer = show(path, **options)
        self.viewer.layout.width = "68%"
        self.tree.observe(self._chosen, "selected")
        super().__init__([self.tree, self.viewer])

    def _chosen(self, change: Any) -> None:
        self.viewer.show_path(change["new"])


def browse(path: str | Path, **options: Any) -> FileBrowser:
    """Walk through a file: its tree, and a viewer of what is chosen in it.

    Parameters
    ----------
    path
        The file.
    **options
        Those of `show`, for what is shown first.

    Raises
    ------
    OpenError, LocateError, NothingToPlot
        The file cannot be opened, or holds nothing to show.
    """
    return FileBrowser(path, **options)
