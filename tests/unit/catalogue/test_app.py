"""The application: status, envelope, headers, and who sees what over HTTP."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from panosc_analysis.catalogue import HttpMembership, build_index, create_app, serve
from panosc_analysis.errors import CatalogueError, ProviderAnswerError, ProviderRefused, ProviderUnreachable


class Client:
    """Asks an application without a network; every call runs an event loop of its own."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://catalogue") as client:
                return await client.request(method, path, **options)

        return asyncio.run(ask())

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)


@pytest.fixture
def index(tmp_path: Path, make_file: Any, measured: Any) -> Path:
    make_file("hc-1/a.h5", measured("closed", entry_identifier="10.5072/demo/closed"))
    make_file("open/b.h5", measured("open", entry_identifier="10.5072/demo/open"))
    rows = [
        {"id": "hc-1", "title": "Secret", "directory": "hc-1", "release_date": "9999-12-31"},
        {"id": "open", "title": "For all", "directory": "open", "public": True},
    ]
    table = {"facility": "Here", "proposals": rows}
    (tmp_path / "data/facility.json").write_text(json.dumps(table))
    build_index(tmp_path / "data", tmp_path / "index.db")
    return tmp_path / "index.db"


@pytest.fixture
def client(index: Path) -> Client:
    return Client(create_app(index))


class Hub:
    """A small stand-in for JupyterHub's ``/hub/api/user``, over real HTTP."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {}
        self.asked: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                token = self.headers.get("Authorization", "")
                hub.asked.append(token)
                status, body = hub.answers.get(token, (403, {"message": "Forbidden"}))
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hub/api/user"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()
    yield hub
    hub.server.shutdown()
    hub.server.server_close()


@pytest.fixture
def membership(hub: Hub) -> Iterator[HttpMembership]:
    found = HttpMembership(hub.url, timeout=2.0)
    yield found
    found.close()


def titles(client: Client, **headers: str) -> list[str]:
    answer = client.get("/api/Datasets", params={"filter": '{"order": "title"}'}, headers=headers)
    assert answer.status_code == 200, answer.text
    return [one["title"] for one in answer.json()]


def failure(answer: httpx.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    assert error["statusCode"] == answer.status_code
    assert error["message"]
    return error["statusCode"], error["name"]


def test_anybody_sees_the_open_records(client: Client) -> None:
    assert titles(client) == ["open"]
    assert client.get("/api/Datasets/count").json() == {"count": 1}
    assert [one["title"] for one in client.get("/api/Documents").json()] == ["For all"]
    assert failure(client.get("/api/Datasets/10.5072%2Fdemo%2Fclosed")) == (404, "DatasetNotFound")
    assert failure(client.get("/api/Datasets/10.5072%2Fdemo%2Fclosed/files")) == (404, "DatasetNotFound")
    assert failure(client.get("/api/Documents/proposal%2Fhc-1"))[0] == 404
    assert client.get("/health").json() == {"status": "ok", "datasets": 1, "documents": 1}


@pytest.mark.parametrize("pid", ["10.5072%2Fdemo%2Fopen", "10.5072/demo/open", "doi:10.5072%2FDEMO%2Fopen"])
def test_a_pid_may_hold_slashes(client: Client, pid: str) -> None:
    assert client.get(f"/api/Datasets/{pid}").json()["title"] == "open"
    (file,) = client.get(f"/api/Datasets/{pid}/files").json()
    assert (file["name"], file["path"]) == ("b.h5", "open/b.h5")
    assert client.get(f"/api/Datasets/{pid}/files/count").json() == {"count": 1}
    none = {"where": '{"name": "c.h5"}'}
    assert client.get(f"/api/Datasets/{pid}/files/count", params=none).json() == {"count": 0}
    assert client.get(f"/api/datasets/{pid}/files", params={"filter": '{"where": {"name": "c.h5"}}'}).json() == []


def test_instruments_have_pids_too(client: Client) -> None:
    (found,) = client.get("/api/Instruments").json()
    assert found == {"pid": "here/id31", "name": "ID31", "facility": "Here"}
    assert client.get("/api/Instruments/here%2Fid31").json() == found
    assert client.get("/api/Instruments/count").json() == {"count": 1}


def test_counts_take_where_and_includes(client: Client) -> None:
    include = {"include": [{"relation": "techniques", "scope": {"where": {"name": "tomography"}}}]}
    assert client.get("/api/Datasets/count", params={"filter": json.dumps(include)}).json() == {"count": 0}
    where = {"where": '{"title": "open"}', "filter": '{"where": {"text": "closed"}}'}
    assert client.get("/api/Datasets/count", params=where).json() == {"count": 0}


def test_the_query_may_stand_apart(client: Client) -> None:
    assert [one["score"] > 0 for one in client.get("/api/Datasets", params={"query": "LaB6"}).json()] == [True]
    assert client.get("/api/Datasets", params={"query": "tomato"}).json() == []


def test_head_cors_and_the_description(client: Client) -> None:
    for path in ("/api/Datasets", "/api/Datasets/count", "/api/Documents/proposal%2Fopen"):
        answer = client.request("HEAD", path)
        assert (answer.status_code, answer.content) == (200, b"")
    answer = client.get("/api/Datasets", headers={"Origin": "https://portal.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    asked = {
        "Origin": "https://portal.example",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization, access_token",
    }
    allowed = client.request("OPTIONS", "/api/Documents", headers=asked)
    assert allowed.status_code == 200
    assert "authorization" in allowed.headers["access-control-allow-headers"]
    described = client.get("/openapi.json").json()["paths"]
    assert "/api/{collection}/{pid}" in described
    assert failure(client.get("/")) == (404, "NotFound")


def test_the_page_that_describes_it_loads_nothing_from_elsewhere(client: Client) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    named = re.findall(r"(?:src|href)=.([^\"' >]+)", page.text)
    assert named
    for address in named:
        assert address.startswith("/")
        assert client.get(address).status_code == 200


def test_what_is_measured(client: Client) -> None:
    client.get("/api/Datasets/10.5072%2Fdemo%2Fopen")
    client.get("/api/Datasets/nope")
    client.get("/api/Datasets", params={"filter": "{"})
    client.get("/nowhere/else")
    said = client.get("/metrics").text
    for line in (
        'catalogue_requests_total{method="GET",route="/api/{collection}/{pid:path}",status="200"} 1.0',
        'catalogue_requests_total{method="GET",route="/api/{collection}/{pid:path}",status="404"} 1.0',
        'catalogue_requests_total{method="GET",route="/api/{collection}",status="400"} 1.0',
        'catalogue_requests_total{method="GET",route="none",status="404"} 1.0',
        'catalogue_request_seconds_count{route="/api/{collection}"} 1.0',
        "catalogue_index_readable 1.0",
        "catalogue_index_datasets 2.0",
    ):
        assert line in said.splitlines(), said


@pytest.mark.parametrize(
    ("path", "status"),
    [("/api/Techniques", 404), ("/api/DATASETS", 404), ("/api", 404), ("/api/Documents/x/files", 404)],
)
def test_what_is_not_there_is_404(client: Client, path: str, status: int) -> None:
    assert failure(client.get(path))[0] == status


def test_nothing_can_be_written(client: Client) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = client.request(method, "/api/Datasets")
        assert failure(answer)[0] == 405
        assert "GET" in answer.headers["allow"]


def test_bad_arguments_are_refused_with_the_reason(client: Client) -> None:
    for params in ({"filter": "{"}, {"filters[limit]": "1"}, {"filter": '{"include": ["nothing"]}'}):
        answer = client.get("/api/Datasets", params=params)
        assert failure(answer) == (400, "FilterError")
    assert "no relation 'nothing'" in answer.json()["error"]["message"]


def test_members_see_their_own(index: Path, hub: Hub, membership: HttpMembership) -> None:
    client = Client(create_app(index, membership))
    hub.answers["Bearer alice"] = (200, {"name": "alice", "groups": ["proposal-HC-1", "instructors"]})
    hub.answers["Bearer bob"] = (200, {"name": "bob", "groups": []})
    assert titles(client) == ["open"]
    assert titles(client, Authorization="Bearer alice") == ["closed", "open"]
    assert titles(client, Authorization="token alice") == ["closed", "open"]
    assert titles(client, access_token="alice") == ["closed", "open"]  # as ILL's clients send it
    assert titles(client, Authorization="Bearer bob") == ["open"]
    assert hub.asked == ["Bearer alice", "Bearer bob"]  # kept, each for its own token
    record = client.get("/api/Datasets/10.5072/demo/closed", headers={"Authorization": "Bearer alice"}).json()
    assert record["isPublic"] is False


def test_a_person_never_loses_hits_without_a_word(index: Path, hub: Hub, membership: HttpMembership) -> None:
    client = Client(create_app(index, membership))

    def asked(header: str) -> tuple[int, str]:
        return failure(client.get("/api/Datasets", headers={"Authorization": header}))

    assert asked("Bearer unknown") == (401, "ProviderRefused")
    assert asked("Basic YTpi") == (401, "ProviderRefused")
    assert asked("Bearer ") == (401, "ProviderRefused")
    hub.answers["Bearer narrow"] = (200, {"name": "alice"})  # a token that may not read its owner's groups
    assert asked("Bearer narrow") == (401, "ProviderRefused")
    for body in ((500, {}), (200, b"<html>"), (200, {"groups": "all"}), (200, {"groups": [1]}), (302, {})):
        hub.answers["Bearer odd"] = body
        assert asked("Bearer odd") == (503, "ProviderAnswerError")
    hub.answers["Bearer odd"] = (200, {"groups": ["proposal-hc-1"]})  # a failure is not kept
    assert titles(client, Authorization="Bearer odd") == ["closed", "open"]


def test_membership_that_does_not_answer(index: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        membership = HttpMembership(f"http://127.0.0.1:{taken.getsockname()[1]}/", timeout=1.0)
        client = Client(create_app(index, membership))
        answer = client.get("/api/Datasets", headers={"Authorization": "Bearer a"})
        assert failure(answer) == (503, "ProviderUnreachable")
        assert titles(client) == ["open"]
        membership.close()


def test_membership_alone(hub: Hub, membership: HttpMembership) -> None:
    hub.answers["Bearer a"] = (200, {"groups": ["proposal-x", "x", "proposal-"]})
    assert membership.proposals("a") == {"x"}
    with pytest.raises(ProviderRefused):
        membership.proposals("b")
    hub.answers["Bearer c"] = (500, {})
    with pytest.raises(ProviderAnswerError):
        membership.proposals("c")
    with pytest.raises((ProviderUnreachable, ProviderRefused)):
        membership.proposals("\n")


def test_the_owner_may_see_everything(index: Path) -> None:
    assert titles(Client(create_app(index, everything=True))) == ["closed", "open"]


def test_an_index_that_vanishes_is_503(index: Path) -> None:
    client = Client(create_app(index))
    content = index.read_bytes()
    index.write_bytes(content[:5000])
    assert failure(client.get("/api/Datasets"))[0] == 503
    index.unlink()
    assert failure(client.get("/api/Datasets")) == (503, "CatalogueError")
    index.write_bytes(content)
    assert titles(client) == ["open"]
    with pytest.raises(CatalogueError, match="There is no index"):
        create_app(index.with_name("none"))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.1", "example.org", ""])
def test_only_the_loopback_interface_is_served(index: Path, host: str) -> None:
    with pytest.raises(CatalogueError, match="in the clear"):
        serve(index, host, 0)


def test_a_taken_port_is_said(index: Path) -> None:
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as taken,
        pytest.raises(CatalogueError, match="cannot be used"),
    ):
        serve(index, port=taken.server_port)


def test_serving_loads_nothing_heavy(index: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from panosc_analysis.catalogue import create_app\n"
        "assert isinstance(create_app(Path(sys.argv[1])), object)\n"
        "print(*{'h5py', 'silx', 'dask', 'ipywidgets', 'matplotlib', 'pint'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, index], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_indexing_loads_no_server() -> None:
    code = "import sys; import panosc_analysis.catalogue.indexing; print(*{'fastapi', 'uvicorn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_many_threads_ask_at_once(index: Path) -> None:
    client = Client(create_app(index))
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(len(titles(client)))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert found == [1] * 20
