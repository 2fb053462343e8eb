"""HTTP servers on loopback, on a free port, for as long as a ``with`` lasts."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from panosc_analysis.settings import Provider

__all__ = ["Answer", "Application", "Request", "Server", "json_answer", "running", "serve"]

LONGEST_REQUEST_LINE = 16_000  # as Node's default limit on headers


@dataclass(frozen=True, slots=True)
class Request:
    """What a server was asked.

    Parameters
    ----------
    target
        Path and query as they were sent.
    headers
        By lower-case name.
    """

    target: str
    headers: dict[str, str]

    @property
    def path(self) -> str:
        """The path, percent-encoded as it was sent."""
        return urlsplit(self.target).path

    def argument(self, name: str) -> Any:
        """Give an argument that was sent as JSON; ``None`` if it was not sent.

        Raises
        ------
        ValueError
            It is not JSON.
        """
        values = parse_qs(urlsplit(self.target).query).get(name)
        return None if values is None else json.loads(values[0])


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and headers of an answer."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


Application = Callable[[Request], Answer]


@dataclass(slots=True)
class Server:
    """A running server and what it was asked."""

    url: str
    requests: list[Request] = field(default_factory=list)

    def provider(self, name: str = "test", **options: Any) -> Provider:
        """Give it as a provider to search."""
        return Provider(name, self.url, **options)


def json_answer(obj: Any, status: int = 200) -> Answer:
    """Make an answer of anything that can be written as JSON."""
    return Answer(status, json.dumps(obj).encode(), {"Content-Type": "application/json"})


@contextmanager
def serve(application: Application) -> Iterator[Server]:
    """Run a server for an application."""
    server = Server("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else headers and body wait for each other

        def do_GET(self) -> None:
            request = Request(self.path, {name.lower(): value for name, value in self.headers.items()})
            server.requests.append(request)
            answer = Answer(431) if len(self.requestline) > LONGEST_REQUEST_LINE else application(request)
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            pass

    with running(Handler) as server.url:
        yield server


@contextmanager
def running(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Run a server whose handler does what it likes with the connection; gives the address."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: object) -> None:
            pass  # a client that hangs up is nothing to report

    with Quiet(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
