"""The viewer on a page of its own, without Jupyter: a small server on loopback that speaks the widget's protocol.

Everything is behind an address with a secret in it and answers loopback only, so that no other page of the browser and
no other person on the machine reads along.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from panosc_analysis.widgets import assets

if TYPE_CHECKING:
    import anywidget

__all__ = ["Page"]

_LARGEST_MESSAGE = 1_000_000
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
    "img-src 'self' blob: data:"
)


class Page:
    """Serve a widget until it is closed; use it as a context manager.

    Parameters
    ----------
    widget
        A `Viewer`, or another widget of this package that answers messages with ``answer``.
    port
        Of the server; 0 for any that is free.
    """

    def __init__(self, widget: anywidget.AnyWidget, port: int = 0) -> None:
        self.widget = widget
        self.secret = secrets.token_urlsafe(18)
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler_of(self))
        self._server.daemon_threads = True
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Address of the page, with its secret."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/{self.secret}/"

    def serve(self) -> None:
        """Answer until `close` is called, in this thread."""
        self._server.serve_forever(poll_interval=0.1)

    def start(self) -> Self:
        """Answer in a thread of its own."""
        threading.Thread(target=self.serve, name="viewer page", daemon=True).start()
        return self

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def state(self) -> dict[str, Any]:
        """Return the widget's traits as JSON can hold them; bytes as ``{"bytes": base64}``."""
        names = [name for name in self.widget.traits(sync=True) if name not in ("_esm", "_css", "layout", "tooltip")]
        return {name: _plain(getattr(self.widget, name)) for name in names}

    def change(self, changes: dict[str, Any]) -> dict[str, Any]:
        """Set traits; return all of them, since one may change others."""
        with self._lock:
            for name, value in changes.items():
                if self.widget.has_trait(name) and not self.widget.traits()[name].read_only:
                    setattr(self.widget, name, value)
            return self.state()

    def answer(self, message: dict[str, Any]) -> bytes:
        """Answer a message: the length of the text, the text, then the buffers one after the other."""
        said, buffers = self.widget.answer(message)
        revision = getattr(self.widget, "_revision", 0)
        text = json.dumps(said | {"lengths": [len(b) for b in buffers], "revision": revision}, allow_nan=True).encode()
        return b"".join([len(text).to_bytes(4, "little"), text, *buffers])


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return {"bytes": base64.b64encode(value).decode()}
    return value if isinstance(value, str | int | float | bool | list | dict) or value is None else str(value)


def _document(page: Page) -> str:
    title = getattr(page.widget, "title", "") or "panosc-analysis"
    safe = title.replace("&", "&amp;").replace("<", "&lt;")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{safe}</title>'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
        '<link rel="icon" href="data:,"><link rel="stylesheet" href="page.css"></head>'
        '<body><main id="viewer"></main><script type="module" src="page.js"></script></body></html>'
    )


def _handler_of(page: Page) -> type[BaseHTTPRequestHandler]:
    return type("Handler", (_Handler,), {"page": page})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    page: Page

    def do_GET(self) -> None:
        made = self._made(self._name())
        if made is None:
            self._send(HTTPStatus.NOT_FOUND, "text/plain", b"There is nothing here. Use the address as it was printed.")
        else:
            self._send(HTTPStatus.OK, made[0], made[1].encode())

    def _made(self, name: str | None) -> tuple[str, str] | None:
        if name == "":
            return "text/html; charset=utf-8", _document(self.page)
        if name == "page.js":
            return "text/javascript", assets.page_module()
        if name == "widget.js":
            return "text/javascript", str(self.page.widget._esm)
        if name == "page.css":
            return "text/css", assets.style() + assets.page_style()
        return ("application/json", json.dumps(self.page.state())) if name == "state" else None

    def do_POST(self) -> None:
        name, length = self._name(), int(self.headers.get("Content-Length") or 0)
        if name not in ("message", "change") or length > _LARGEST_MESSAGE:
            self.close_connection = True
            self._send(HTTPStatus.NOT_FOUND, "text/plain", b"")
            return
        try:
            said = json.loads(self.rfile.read(length))
            content = self.page.answer(said) if name == "message" else json.dumps(self.page.change(said)).encode()
        except Exception as error:
            self._send(HTTPStatus.BAD_REQUEST, "text/plain", f"{type(error).__name__}: {error}".encode())
            return
        self._send(HTTPStatus.OK, "application/octet-stream", content)

    def _name(self) -> str | None:
        """Return what is asked for; ``None`` without the secret or by another name of this machine."""
        host = urlsplit(f"//{self.headers.get('Host', '')}").hostname
        _, secret, name = [*urlsplit(self.path).path.split("/", 2), "", ""][:3]
        if host not in ("127.0.0.1", "localhost") or not secrets.compare_digest(
            secret.encode(), self.page.secret.encode()
        ):
            return None
        return name

    def _send(self, status: HTTPStatus, media: str, content: bytes) -> None:
        self.send_response(status)
        for header, value in (
            ("Content-Type", media),
            ("Content-Length", str(len(content))),
            ("Cache-Control", "no-store"),
            ("Content-Security-Policy", _POLICY),
            ("Referrer-Policy", "no-referrer"),
            ("X-Content-Type-Options", "nosniff"),
        ):
            self.send_header(header, value)
        try:
            self.end_headers()
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the page was closed meanwhile

    def log_message(self, *_: object) -> None:
        """Say nothing on the terminal."""
