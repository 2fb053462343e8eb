"""The browser's part of the widgets: modules joined into the one file that a widget may have.

Each file in ``static/`` is an ECMAScript module of its own, so that an editor or Node can check it. A widget takes a
single module, so the imports between them are dropped and everything but the last file's default is no longer exported.
"""

from __future__ import annotations

import re
from importlib.resources import files

__all__ = ["TREE", "VIEWER", "module", "style"]

_PARTS = """
numbers scales norms controls axes flow surface picture curve shapes viewport contours painter cursor histogram panels
drawn tools sliders menu table plot viewer
"""

VIEWER = tuple(f"{name}.js" for name in _PARTS.split())
"""Files of the viewer, each after those that it imports from."""

TREE = ("controls.js", "flow.js", "tree.js")
"""Files of the tree of a file."""

_IMPORT = re.compile(r'^import \{[^}]*\} from "\./[a-z]+\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) )", re.MULTILINE)


def module(*names: str) -> str:
    """Join files of ``static/``, each after those that it imports from."""
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", _text(name))) for name in names)


def style() -> str:
    """Return the style sheet of all widgets."""
    return _text("viewer.css")


def _text(name: str) -> str:
    return (files(__package__) / "static" / name).read_text(encoding="utf-8")
