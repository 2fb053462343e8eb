"""The tree of a file as a widget: read group by group as it is opened, with what each node is and where links lead."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import anywidget
import traitlets as t

from panosc_analysis.errors import PanoscError
from panosc_analysis.nexus import TreeNode, missing_sources, open_file, read_tree
from panosc_analysis.widgets import assets
from panosc_analysis.widgets.quantities import number

__all__ = ["FileTree"]

_LOGGER = logging.getLogger(__name__)
_PAGE = 200  # nodes of a group that are fetched at once
_LONGEST = 300  # letters of an attribute


class FileTree(anywidget.AnyWidget):  # type: ignore[misc]  # its base class has no types
    """What a file holds, to be walked through with the mouse or the arrow keys.

    Opens at once however large the file is; no data are read.

    Parameters
    ----------
    path
        The file.

    Attributes
    ----------
    selected
        Path inside the file of the node that was chosen; empty before one was.
    title
        Name of the file.

    Raises
    ------
    OpenError, LocateError
        The file cannot be opened.
    """

    _esm = assets.module(*assets.TREE)
    _css = assets.style()

    selected = t.Unicode("").tag(sync=True)
    title = t.Unicode("").tag(sync=True)
    _root = t.Dict().tag(sync=True)

    def __init__(self, path: str | Path, **traits: Any) -> None:
        self.path = Path(path).expanduser()
        root = _described(read_tree(self.path, most=_PAGE))
        super().__init__(title=self.path.name, _root=root, **traits)
        self.on_msg(self._on_message)

    def answer(self, message: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
        """Answer a message of the browser. Never raises.

        ``{"kind": "children", "path", "first"}``: the next nodes below a group. ``{"kind": "details", "path"}``:
        everything about one node.
        """
        place = {name: message.get(name) for name in ("view", "id")}
        said: dict[str, Any]
        try:
            path = str(message["path"])
            if message["kind"] == "children":
                node = read_tree(self.path, path, first=int(message.get("first", 0)), most=_PAGE)
                said = {"kind": "children", "node": _described(node)}
            else:
                said = {"kind": "details", "rows": self._details(path)}
        except PanoscError as error:
            said = {"kind": "error", "message": f"{error.message}.", "hint": f"{error.hint}."}
        except Exception as error:
            _LOGGER.exception("%s of %s", message.get("kind"), self.path)
            said = {"kind": "error", "message": f"{type(error).__name__}: {error}.", "hint": "The log has the details."}
        return place | said, []

    def _details(self, path: str) -> list[tuple[str, str]]:
        with open_file(self.path) as file:
            node = read_tree(file, path, depth=0)
            missing = missing_sources(file[path]) if node.storage in ("virtual", "external") else ()
        rows = [("Path", node.path), ("What", _what(node))]
        rows += [("Link to", node.target)] if node.target else []
        rows += [("Chunks", " × ".join(map(str, node.chunks)))] if node.chunks else []
        rows += [("Storage", node.storage)] if node.storage not in ("", "chunked") else []
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            rows.append(("Missing source", f"{missing[0]}{more}"))
        for name, value in node.attributes.items():
            text = "cannot be read" if value is None else str(value)
            rows.append((f"@{name}", text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"))
        return rows

    def _on_message(self, _widget: Any, message: dict[str, Any], _buffers: Any) -> None:
        self.send(*self.answer(message))


def _described(node: TreeNode) -> dict[str, Any]:
    """Return a node and those below it as the browser takes them."""
    return {
        "name": node.name,
        "path": node.path,
        "kind": node.kind,
        "what": _what(node),
        "size": node.size,
        "first": node.first,
        "children": [_described(child) for child in node.children],
    }


def _what(node: TreeNode) -> str:
    """Say in a few words what a node is."""
    if node.kind == "broken":
        return f"broken link to {node.target}" if node.target else "cannot be read"
    if node.kind == "link":
        return f"external link to {node.target}"
    if node.kind == "group":
        count = f"{number(node.size)} {'node' if node.size == 1 else 'nodes'}"
        said = f"{node.nx_class}, {count}" if node.nx_class else count
    else:
        shape = " × ".join(number(n) for n in node.shape or ()) or ("empty" if node.shape is None else "scalar")
        filters = f", {' + '.join(node.filters)}" if node.filters else ""
        said = f"{shape} {node.dtype}{filters}" + (", virtual" if node.storage == "virtual" else "")
    return f"{said} → {node.target}" if node.target else said
