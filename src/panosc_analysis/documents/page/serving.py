"""The server behind the page: on this machine only, for whoever knows its address."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from threading import Thread
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from panosc_analysis.documents.document import Document
from panosc_analysis.documents.page.asset import Asset
from panosc_analysis.documents.page.comms import page_comms
from panosc_analysis.documents.page.socket import Socket

__all__ = ["serving"]


@contextmanager
def serving(make: Callable[[], Document], port: int = 0) -> Iterator[str]:
    """Serve the page of a document as long as the ``with`` lasts; gives the page's address.

    Each page that is opened, and each that is loaded again, makes the document anew in a thread of its own and lets it
    go when it is closed. Nothing is loaded from the network.

    Parameters
    ----------
    make
        Opens the document; called in a page's thread. What it raises is shown on the page.
    port
        Port on 127.0.0.1; 0 takes a free one.

    Yields
    ------
    :
        The address. It is a secret: it lets in whoever has it, from this machine.

    Raises
    ------
    OSError
        The port is taken.
    """
    token = secrets.token_urlsafe(24)
    sockets = bind_sockets(port, "127.0.0.1")
    loop, over = asyncio.new_event_loop(), asyncio.Event()
    serve = _serve(_application(token, make), sockets, over)
    thread = Thread(target=loop.run_until_complete, args=(serve,), name="page", daemon=True)
    with page_comms():
        thread.start()
        try:
            yield f"http://127.0.0.1:{sockets[0].getsockname()[1]}/{token}/"
        finally:
            loop.call_soon_threadsafe(over.set)
            thread.join()
            loop.close()


async def _serve(application: Application, sockets: list[socket.socket], over: asyncio.Event) -> None:
    server = HTTPServer(application)
    server.add_sockets(sockets)
    await over.wait()
    server.stop()
    await server.close_all_connections()


def _application(token: str, make: Callable[[], Document]) -> Application:
    """Answer below the secret part of the address only, and under no other name of this machine than these.

    A page elsewhere that had its own name point here would not know the one, nor be called the other.
    """
    static = {"path": str(files("panosc_analysis.documents") / "static"), "default_filename": "page.html"}
    rules: list[Any] = [(f"/{token}/socket", Socket, {"make": make}), (f"/{token}/(.*)", Asset, static)]
    application = Application(log_function=lambda _handler: None)
    application.add_handlers(r"127\.0\.0\.1|localhost", rules)
    return application
