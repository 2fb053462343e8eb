"""Providers as nobody should meet them, each a handler for `panosc_analysis.testing.server.running`.

`BODIES` answer at once with something that is no search API; `CONNECTIONS` misuse the connection.
"""

from __future__ import annotations

import gzip
import json
import socket
import struct
import time
from http.server import BaseHTTPRequestHandler

from panosc_analysis.testing.server import Answer

__all__ = ["BODIES", "CONNECTIONS", "NASTY_RECORDS", "answering"]

SILENCE = 30.0  # seconds
_ZIPPED = {"Content-Encoding": "gzip"}
_RECORD = b'{"pid": "10.1000/a", "title": "a"}'

BODIES = {
    "HTML with 200": Answer(200, b"<!DOCTYPE html><html>Please log in</html>", {"Content-Type": "text/html"}),
    "truncated JSON": Answer(200, b"[" + _RECORD + b', {"pid": "10.10'),
    "empty": Answer(200),
    "100 000 brackets": Answer(200, b"[" * 100_000),
    "100 000 closed brackets": Answer(200, b"[" * 100_000 + b"]" * 100_000),
    "NaN": Answer(200, b'[{"pid": "10.1000/a", "size": NaN}]'),
    "a number beyond all": Answer(200, b'[{"pid": "10.1000/a", "size": 1e999}]'),
    "5 000 digits": Answer(200, b'[{"pid": "10.1000/a", "size": ' + b"9" * 5000 + b"}]"),
    "one key twice": Answer(200, b'[{"pid": "10.1000/a", "pid": "10.1000/b"}]'),
    "an object": Answer(200, b'{"datasets": []}'),
    "null": Answer(200, b"null"),
    "not UTF-8": Answer(200, b'[{"pid": "\xff\xfe"}]'),
    "gzip bomb": Answer(200, gzip.compress(b"[" + b" " * 200_000_000 + b"]", 1), _ZIPPED),
    "not zipped": Answer(200, b"[]", _ZIPPED),
    "an encoding not offered": Answer(200, b"[]", {"Content-Encoding": "br"}),
    "6 MB": Answer(200, b"[" + b" " * 6_000_000 + b"]"),
    "redirect to a private address": Answer(302, b"", {"Location": "http://169.254.169.254/latest/meta-data"}),
    "redirect to another port": Answer(302, b"", {"Location": "//127.0.0.1:9/x"}),
    "redirect to a file": Answer(302, b"", {"Location": "file:///etc/passwd"}),
    "redirect to a script": Answer(302, b"", {"Location": "javascript:alert(1)"}),
    "redirect to nowhere": Answer(302, b"", {"Location": "http://[::1/"}),
    "a redirect in a circle": Answer(302, b"", {"Location": "/Datasets"}),
    "500": Answer(500, b"<html>"),
}

NASTY_RECORDS = [
    {
        "pid": "javascript:alert(1)",
        "title": "<script>alert(1)</script>\x1b[31m\u202e",
        "isPublic": "yes",
        "creationDate": "soon",
        "size": -5,
        "instrument": [{"name": 3, "facility": ["x"]}],
        "techniques": {"pid": "javascript:alert(2)", "name": "<img src=x onerror=alert(3)>"},
        "files": [{"path": "javascript:alert(4)"}],
        "documents": "none",
    },
    {"pid": "10.1000/\"onmouseover='alert(5)'", "title": {"x": 1}, "parameters": [None, 3, {"value": {}}]},
    {"pid": "https://doi.org/javascript:alert(6)", "title": "x" * 10_000},
    {"pid": 7},
    {"pid": None},
    [],
    "text",
    None,
]


def answering(answer: Answer) -> type[BaseHTTPRequestHandler]:
    """Give a handler that always answers the same."""

    class Same(_Quiet):
        def do_GET(self) -> None:
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

    return Same


class _Quiet(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class _Silent(_Quiet):
    def do_GET(self) -> None:
        time.sleep(SILENCE)


class _Drip(_Quiet):
    def do_GET(self) -> None:
        try:
            for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n" + b"[" * 1000:
                self.wfile.write(bytes([byte]))
                time.sleep(0.05)
        except OSError:
            pass


class _Reset(_Quiet):
    def do_GET(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[")
        self.wfile.flush()
        self.connection.close()
        self.close_connection = True

    def finish(self) -> None:
        pass


class _Closed(_Quiet):
    def do_GET(self) -> None:
        self.close_connection = True


class _NoHttp(_Quiet):
    def do_GET(self) -> None:
        self.wfile.write(b"220 mail.example ESMTP\r\n\r\n")


class _Endless(_Quiet):
    """A new record on every page, for ever."""

    def do_GET(self) -> None:
        body = json.dumps([{"pid": f"10.1000/{time.monotonic_ns()}", "title": "again"}]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


CONNECTIONS = {
    "30 s of silence": _Silent,
    "byte by byte": _Drip,
    "reset in the middle": _Reset,
    "closed at once": _Closed,
    "another protocol": _NoHttp,
    "new records for ever": _Endless,
}
