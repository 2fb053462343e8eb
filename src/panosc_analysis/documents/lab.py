"""The kernel's side of the tabs in JupyterLab: what the extension asks for.

The extension (``extensions/viewer``) evaluates these functions in a kernel of its own and shows the widgets whose ids
it gets. A path is relative to the server's root directory, which is where a kernel starts.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from IPython.display import JSON

from panosc_analysis.documents.document import Document, open_document
from panosc_analysis.errors import PanoscError

__all__ = ["closed", "opened"]

_LOGGER = logging.getLogger(__name__)
_ROOT = Path.cwd()
_DOCUMENTS: dict[str, Document] = {}


def opened(name: str, path: str) -> JSON:
    """Open the file at `path` for the tab `name`: ``{"widgets": [ids]}``, or ``{"message", "hint"}``. Never raises."""
    try:
        document = open_document(_ROOT / path)
    except PanoscError as error:
        return _json({"message": f"{error.message}.", "hint": f"{error.hint}."})
    except Exception as error:  # whatever it is, the person must see it: nobody reads a kernel's log
        _LOGGER.exception("%s", path)
        text = f"This file cannot be shown ({type(error).__name__}: {error})."
        return _json({"message": text, "hint": "The kernel's log has the details."})
    _DOCUMENTS[name] = document
    return _json({"widgets": [widget.model_id for widget in document.widgets]})


def closed(name: str) -> JSON:
    """Let go what the tab `name` has open, if anything."""
    document = _DOCUMENTS.pop(name, None)
    if document is not None:
        document.close()
    return _json({})


def _json(value: dict[str, Any]) -> JSON:
    return JSON(value)  # type: ignore[no-untyped-call]
