"""The page of ``panosc-analysis show --browser`` as a program sees it: who is let in, and what it is told."""

from __future__ import annotations

import json
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.ioloop import IOLoop
from tornado.websocket import WebSocketClientConnection, websocket_connect

from panosc_analysis.documents import open_document, serving
from panosc_analysis.documents.page.wire import pack, unpack
from panosc_analysis.nexus import create_file


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """Five frames of 30 × 40 whose values are all the number of the frame."""
    path = tmp_path / "stack.nxs"
    with create_file(path) as file:
        data = file.create_group("entry/data")
        file["entry"].attrs["NX_class"], data.attrs["NX_class"], data.attrs["signal"] = "NXentry", "NXdata", "counts"
        data["counts"] = np.broadcast_to(np.arange(5, dtype="u2")[:, None, None], (5, 30, 40))
    return path


def on_socket(address: str, talk: Callable[[WebSocketClientConnection], Awaitable[Any]], **headers: str) -> Any:
    """Open the page's socket, talk, close it."""

    async def run() -> Any:
        request = HTTPRequest(address.replace("http:", "ws:") + "socket", headers=headers)
        connection = await websocket_connect(request)
        try:
            return await talk(connection)
        finally:
            connection.close()

    return IOLoop().run_sync(run, timeout=60)


async def told(connection: WebSocketClientConnection, kind: str) -> tuple[list[dict[str, Any]], list[memoryview]]:
    """Everything up to the first message of this kind, and that one's buffers."""
    notes: list[dict[str, Any]] = []
    while not notes or notes[-1]["kind"] != kind:
        frame = await connection.read_message()
        assert isinstance(frame, bytes), notes
        note, buffers = unpack(frame)
        notes.append(note)
    return notes, buffers


def test_a_page_gets_its_widget_and_the_widget_answers(stack: Path) -> None:
    async def talk(connection: WebSocketClientConnection) -> tuple[dict[str, Any], bytes]:
        notes, _ = await told(connection, "ready")
        _tree, widget = notes[-1]["data"]["widgets"]
        opened = next(note for note in notes if note["kind"] == "open" and note["id"] == widget)
        assert opened["data"]["state"]["_esm"]
        assert notes[-1]["data"]["title"] == "stack.nxs"
        change = {"method": "update", "state": {"colormap": "magma"}, "buffer_paths": []}
        await connection.write_message(pack({"kind": "message", "id": widget, "data": change}), binary=True)
        question = {"kind": "value", "view": "v", "id": 1, "frame": 3, "index": [10, 20]}
        data = {"method": "custom", "content": question}
        await connection.write_message(pack({"kind": "message", "id": widget, "data": data}), binary=True)
        while True:
            (*_, note), buffers = await told(connection, "message")
            if note["data"]["method"] == "custom":
                return note["data"]["content"], b"".join(bytes(one) for one in buffers)

    with serving(lambda: open_document(stack)) as address:
        answer, _ = on_socket(address, talk)
    assert answer["kind"] == "value"
    assert answer["text"] == "3"


def test_what_cannot_be_opened_is_told_on_the_page(tmp_path: Path) -> None:
    async def talk(connection: WebSocketClientConnection) -> dict[str, Any]:
        notes, _ = await told(connection, "failed")
        return dict(notes[-1]["data"])

    with serving(lambda: open_document(tmp_path / "missing.nxs")) as address:
        said = on_socket(address, talk)
    assert "missing.nxs" in said["message"]
    assert said["hint"]


def test_only_whoever_has_the_address_gets_in(stack: Path) -> None:
    with serving(lambda: open_document(stack)) as address, httpx.Client(trust_env=False) as client:
        page = client.get(address)
        assert page.status_code == 200
        assert "<main>" in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert page.headers["referrer-policy"] == "no-referrer"
        port = httpx.URL(address).port
        assert client.get(f"http://127.0.0.1:{port}/").status_code == 404
        assert client.get(f"http://127.0.0.1:{port}/guessed/page.html").status_code == 404
        assert client.get(address + "../../document.py").status_code in (403, 404)
        # A page elsewhere may let its own name point to this machine; its browser then sends that name.
        assert client.get(address, headers={"Host": f"evil.example:{port}"}).status_code == 404
        assert client.get(address, headers={"Host": f"localhost:{port}"}).status_code == 200
        with pytest.raises(HTTPClientError, match="403"):
            on_socket(address, lambda connection: told(connection, "ready"), Origin="http://evil.example")


def test_the_server_listens_on_this_machine_only_and_ends(stack: Path) -> None:
    with serving(lambda: open_document(stack)) as address:
        port = httpx.URL(address).port
        assert port
        listening = Path("/proc/net/tcp").read_text()
        assert f"0100007F:{port:04X}" in listening
        assert f"00000000:{port:04X}" not in listening
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_a_widget_outside_of_a_page_speaks_as_before(stack: Path) -> None:
    import comm

    with serving(lambda: open_document(stack)):
        document = open_document(stack)
        assert type(document.widgets[0].comm).__name__ == "DummyComm"
        document.close()
    assert comm.create_comm is comm._create_comm


def test_the_kernels_side_answers_with_widgets_or_with_what_is_wrong(
    stack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from panosc_analysis.documents import lab

    monkeypatch.setattr(lab, "_ROOT", stack.parent)
    opened = lab.opened("tab", "stack.nxs").data
    assert len(opened["widgets"]) == 2
    refused = lab.opened("other", "missing.nxs").data
    assert "missing.nxs" in refused["message"]
    assert json.dumps(refused)
    assert lab.closed("tab").data == {}
    assert lab.closed("tab").data == {}
