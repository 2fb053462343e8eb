"""Providers that answer badly, on purpose or not: each is named, none costs another's datasets or the caller's time."""

import gzip
import json
import socket
import struct
import time
from http.server import BaseHTTPRequestHandler

import pytest

from panosc_analysis.errors import PanoscError
from panosc_analysis.search import FederatedSearch, SearchClient, search
from panosc_analysis.settings import Settings
from tests.unit.search.conftest import SearchApi, dataset, said

GOOD = [dataset(n) for n in range(3)]
TWO_KEYS = b'[{"pid": "10.1000/a", "pid": "10.1000/b"}]'
ZIPPED = {"Content-Encoding": "gzip"}
BODIES = {
    "html": (200, {"Content-Type": "text/html"}, b"<!DOCTYPE html><html>Please log in</html>"),
    "truncated": (200, {}, json.dumps(GOOD).encode()[:-20]),
    "empty": (200, {}, b""),
    "brackets": (200, {}, b"[" * 100_000),
    "closed brackets": (200, {}, b"[" * 100_000 + b"]" * 100_000),
    "nan": (200, {}, b'[{"pid": "10.1000/a", "size": NaN}]'),
    "infinite": (200, {}, b'[{"pid": "10.1000/a", "size": 1e999}]'),
    "two keys": (200, {}, TWO_KEYS),
    "digits": (200, {}, b'[{"pid": "10.1000/a", "size": ' + b"9" * 5000 + b"}]"),
    "object": (200, {}, b'{"datasets": []}'),
    "number": (200, {}, b"3"),
    "null": (200, {}, b"null"),
    "not utf-8": (200, {}, b'[{"pid": "\xff\xfe"}]'),
    "bomb": (200, ZIPPED, gzip.compress(b"[" + b" " * 200_000_000 + b"]", 1)),
    "not zipped": (200, ZIPPED, b"[]"),
    "brotli": (200, {"Content-Encoding": "br"}, b"[]"),
    "large": (200, {}, b"[" + b" " * 6_000_000 + b"]"),
    "redirect": (302, {"Location": "http://169.254.169.254/latest/meta-data"}, b""),
    "redirect to a port": (302, {"Location": "//127.0.0.1:9/x"}, b""),
    "redirect to a file": (302, {"Location": "file:///etc/passwd"}, b""),
    "circle": (302, {"Location": "/Datasets"}, b""),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_bad_answers(serve, body):
    good, bad = serve(SearchApi(GOOD)), serve(lambda _: body)
    hits = search(Settings(providers=(bad.provider("bad"), good.provider("good"))))
    assert len(hits) == 3
    assert [one.state for one in hits.outcomes] == ["malformed", "ok"]
    assert hits.outcomes[0].reason.startswith("bad ")
    for call in ("get_dataset", "files"):
        with pytest.raises(PanoscError) as caught:
            getattr(SearchClient(bad.provider("bad")), call)("10.1000/x")
        assert caught.value.hint


def test_a_record_that_holds_itself_a_thousand_times(serve):
    text = b'{"pid":"10.1000/a","documents":[{"pid":"d","datasets":['
    body = b"[" + text * 240 + b'{"pid":"e"}' + b"]}]}" * 240 + b"]"
    hits = search(Settings(providers=(serve(lambda r: (200, {}, body)).provider("bad"),)))
    assert [one.state for one in hits.outcomes] == ["malformed"]


class Silent(BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(4)


class Drip(BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n" + b"[" * 1000:
                self.wfile.write(bytes([byte]))
                time.sleep(0.05)
        except OSError:
            pass

    def log_message(self, *_):
        pass


class Reset(BaseHTTPRequestHandler):
    def do_GET(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[")
        self.wfile.flush()
        self.connection.close()
        self.close_connection = True

    def finish(self):
        pass


class Closed(BaseHTTPRequestHandler):
    def do_GET(self):
        self.close_connection = True


class NoHttp(BaseHTTPRequestHandler):
    def do_GET(self):
        self.wfile.write(b"220 mail.example ESMTP\r\n\r\n")


@pytest.mark.parametrize(
    ("handler", "state", "timeout"),
    [
        (Silent, "timed out", 1.0),
        (Drip, "timed out", 1.0),
        (Reset, "unreachable", 20),
        (Closed, "unreachable", 20),
        (NoHttp, "malformed", 20),
    ],
)
def test_bad_connections(serve, serve_raw, handler, state, timeout):
    good, bad = serve(SearchApi(GOOD)), serve_raw(handler)
    hits = search(Settings(providers=(bad.provider("bad"), good.provider("good")), timeout=timeout))
    assert len(hits) == 3
    assert [one.state for one in hits.outcomes] == [state, "ok"]


def test_time_is_over_in_the_middle(serve):
    def slower_and_slower(request):
        time.sleep(0 if request.filter.skip == 0 else 3)
        return SearchApi(GOOD)(request)

    (outcome,) = (hits := search(Settings(providers=(serve(slower_and_slower).provider(),), timeout=1.0))).outcomes
    assert (outcome.state, len(hits)) == ("partial", 3)


def test_a_page_that_is_too_large_is_asked_for_in_parts(serve):
    server = serve(SearchApi([dataset(n, title="x" * 900) for n in range(12)]))
    client = SearchClient(server.provider(), answer_limit=8_000, timeout=30)
    assert len(client.find_datasets(limit=12)) == 12
    assert {one.filter.limit for one in server.requests} == {12, 3}


def test_a_redirect_on_the_same_host_is_followed(serve):
    api = SearchApi(GOOD)

    def moved(request):
        if request.path.startswith("/old"):
            return 307, {"Location": f"{request.path[4:]}?filter={json.dumps(request.filter.to_json())}"}, b""
        return api(request)

    server = serve(moved)
    server.url += "/old"
    assert len(FederatedSearch(Settings(providers=(server.provider(),))).search(public=True)) == 2


def test_the_token_does_not_go_to_another_host(serve, monkeypatch):
    monkeypatch.setenv("DEMO_TOKEN", "s3cret")
    thief = serve(lambda _: said([]))
    redirecting = serve(lambda _: (302, {"Location": f"{thief.url}/Datasets"}, b""))
    hits = search(Settings(providers=(redirecting.provider(token_env="DEMO_TOKEN"),)))
    assert hits.outcomes[0].state == "malformed"
    assert not thief.requests
