"""Files as documents: the viewer of the notebooks as a page of its own and as a tab of JupyterLab.

Needs the ``widgets`` extra. Nothing here is imported before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from panosc_analysis.documents.document import Document, open_document
    from panosc_analysis.documents.page import serving

__all__ = ["Document", "open_document", "serving"]


def __getattr__(name: str) -> Any:
    if name == "serving":
        from panosc_analysis.documents.page import serving

        return serving
    if name in __all__:
        from panosc_analysis.documents import document

        return getattr(document, name)
    raise AttributeError(name)
