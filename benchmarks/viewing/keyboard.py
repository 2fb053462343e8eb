"""A keyboard: events of a key by Chromium's own protocol; pressing costs next to nothing of what is measured."""

from __future__ import annotations

import json
import socket
import time
import urllib.request
from types import TracebackType
from typing import Self

import websocket

CODES = {"ArrowLeft": 37, "ArrowRight": 39, "Home": 36}


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Keyboard:
    """Presses keys in the only page of the browser whose debugging port this is."""

    def __init__(self, port: int) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=60) as answer:
            (page,) = (one for one in json.load(answer) if one["type"] == "page")
        self._socket = websocket.create_connection(page["webSocketDebuggerUrl"], suppress_origin=True, timeout=60)
        self._sent = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def send(self, key: str, kind: str, *, again: bool = False) -> None:
        """Send one event and do not wait for the page."""
        event = {"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": CODES[key], "autoRepeat": again}
        self._sent += 1
        self._socket.send(json.dumps({"id": self._sent, "method": "Input.dispatchKeyEvent", "params": event}))

    def wait(self) -> None:
        """Wait until the page has taken every event."""
        while json.loads(self._socket.recv()).get("id") != self._sent:
            pass

    def tap(self, key: str) -> None:
        """Press a key and let it go."""
        self.send(key, "rawKeyDown")
        self.send(key, "keyUp")
        self.wait()

    def hold(self, keys: list[str], rate: float) -> None:
        """Press keys one after the other as one that is held repeats: at a steady rate, whatever the page does."""
        start = time.perf_counter()
        for i, key in enumerate(keys):
            self.send(key, "rawKeyDown", again=i > 0)
            time.sleep(max(0.0, start + (i + 1) / rate - time.perf_counter()))
        self.send(keys[-1], "keyUp")
        self.wait()
