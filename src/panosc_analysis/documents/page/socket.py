"""One open page: the widgets it shows live as long as its socket."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tornado.ioloop import IOLoop
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from panosc_analysis.documents.document import Document
from panosc_analysis.documents.page.comms import deliver, made_for
from panosc_analysis.documents.page.wire import pack, unpack
from panosc_analysis.errors import PanoscError

__all__ = ["Socket"]

_LOGGER = logging.getLogger(__name__)


class Socket(WebSocketHandler):
    """Opens the document, and carries messages between the page and its widgets.

    Everything of one page happens in one thread of its own, in the order in which it came.
    """

    def initialize(self, make: Callable[[], Document]) -> None:
        """Take what all pages share."""
        self._make = make
        self._document: Document | None = None
        self._loop = IOLoop.current()
        self._thread = ThreadPoolExecutor(1, "page", made_for.set, (self.tell,))

    def open(self, *_arguments: str, **_named: str) -> None:
        """Make the widgets."""
        self._thread.submit(self._show)

    def on_message(self, message: str | bytes) -> None:
        """Take what the page says."""
        self._thread.submit(self._deliver, message)

    def on_close(self) -> None:
        """Let the widgets go."""
        self._thread.submit(self._close)
        self._thread.shutdown(wait=False)

    def tell(self, note: dict[str, Any], buffers: Any = ()) -> None:
        """Send one message to the page; may be called in any thread."""
        self._loop.add_callback(self._write, pack(note, buffers))

    async def _write(self, frame: bytes) -> None:
        try:
            await self.write_message(frame, binary=True)
        except WebSocketClosedError:
            pass  # nobody looks any more

    def _show(self) -> None:
        try:
            self._document = document = self._make()
            widgets = [widget.model_id for widget in document.widgets]
            self.tell({"kind": "ready", "data": {"title": document.title, "widgets": widgets}})
        except PanoscError as error:
            self.tell({"kind": "failed", "data": {"message": f"{error.message}.", "hint": f"{error.hint}."}})
        except Exception as error:  # the person must see it, whatever it is
            _LOGGER.exception("a page could not be shown")
            text = f"This file cannot be shown ({type(error).__name__}: {error})."
            self.tell({"kind": "failed", "data": {"message": text, "hint": "The terminal has the details."}})

    def _deliver(self, message: str | bytes) -> None:
        try:
            deliver(*unpack(message if isinstance(message, bytes) else message.encode()))
        except Exception:
            _LOGGER.exception("a message of the page")

    def _close(self) -> None:
        if self._document is not None:
            self._document.close()
