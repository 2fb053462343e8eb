"""A file opened to be looked at: the widgets that show it, from the same viewer as in a notebook."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Document", "open_document"]


@dataclass(frozen=True)
class Document:
    """What is shown of one file.

    Attributes
    ----------
    title
        Name of the file.
    widgets
        The widgets from left to right: the tree of the file and the viewer of what is chosen in it.
    """

    title: str
    widgets: tuple[Any, ...]

    def close(self) -> None:
        """Let the widgets and what they hold of the file go."""
        for widget in self.widgets:
            widget.close()


def open_document(path: str | Path, node: str | None = None, **options: Any) -> Document:
    """Open a file to be looked at; reads metadata only.

    Parameters
    ----------
    path
        The file.
    node
        Group or array inside it; what the file wants shown otherwise.
    **options
        Those of `panosc_analysis.widgets.show`.

    Raises
    ------
    OpenError, NodeNotFound, NothingToPlot
        As `panosc_analysis.widgets.show` does.
    """
    from panosc_analysis.widgets import FileTree, show

    path = Path(path)
    viewer, tree = show(path, path=node, **options), FileTree(path)
    tree.observe(lambda change: viewer.show_path(change["new"]), "selected")
    return Document(path.name, (tree, viewer))
