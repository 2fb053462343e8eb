"""Widgets without a kernel: what they send goes to the page that they were made for.

ipywidgets makes its connections through the package ``comm``, which is there to be given another way to send.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

import comm
from comm.base_comm import BaseComm

__all__ = ["PageComm", "Sender", "deliver", "made_for", "page_comms"]

_KINDS = {"comm_open": "open", "comm_msg": "message", "comm_close": "close"}


class Sender(Protocol):
    """Where a page's messages go."""

    def __call__(self, note: dict[str, Any], buffers: Any, /) -> None:
        """Send one message; may be called in any thread."""


made_for: ContextVar[Sender] = ContextVar("made_for")
"""The page that widgets made in this context belong to."""


class PageComm(BaseComm):
    """The connection of one widget to its page."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._send = made_for.get()
        super().__init__(*arguments, **named)

    def publish_msg(
        self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **_named: Any
    ) -> None:
        """Send to the page what a widget says."""
        self._send({"kind": _KINDS[msg_type], "id": self.comm_id, "data": data or {}}, buffers or ())


@contextmanager
def page_comms() -> Iterator[None]:
    """Let widgets that are made for a page speak to it; all others speak as before."""
    others = comm.create_comm

    def create(*arguments: Any, **named: Any) -> BaseComm:
        make = others if made_for.get(None) is None else PageComm
        return make(*arguments, **named)

    comm.create_comm = create
    try:
        yield
    finally:
        comm.create_comm = others


def deliver(note: dict[str, Any], buffers: Any) -> None:
    """Hand what the page says to the widget it is for; nobody listens any more where that has been closed."""
    target = comm.get_comm_manager().comms.get(note.get("id", ""))
    if target is not None:
        target.handle_msg({"content": {"comm_id": target.comm_id, "data": note.get("data")}, "buffers": buffers})
