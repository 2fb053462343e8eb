"""A JupyterLab on this machine, with the settings and the extensions that every session has."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import httpx
from playwright.sync_api import Locator, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

TOKEN = "a-token-for-tests"


@dataclass(frozen=True)
class Laboratory:
    """A running server and the directory that it shows."""

    url: str
    directory: Path

    def open(self, page: Page, workspace: str, path: str = "") -> None:
        """Load JupyterLab in a new workspace of this name, with a file or without."""
        tree = f"/tree/{path}" if path else ""
        page.goto(f"{self.url}/lab/workspaces/{workspace}{tree}?token={TOKEN}&reset")
        page.wait_for_function("() => window.jupyterapp?.restored.then(() => true)", timeout=120_000)

    def kernels(self) -> int:
        """How many kernels run."""
        answer = httpx.get(f"{self.url}/api/kernels", headers={"Authorization": f"token {TOKEN}"}, timeout=30)
        return len(answer.json())


def choose(page: Page, item: Locator, entry: str) -> None:
    """Choose from the menu of a file; the list redraws itself, and the menu goes with it."""
    for _ in range(10):
        item.click(button="right")
        try:
            page.locator(".lm-Menu-item", has_text=entry).click(timeout=10_000)
        except PlaywrightTimeout:
            page.keyboard.press("Escape")
        else:
            return
    raise AssertionError(f"the file's menu has no {entry!r}")


@contextmanager
def laboratory(directory: Path) -> Iterator[Laboratory]:
    """Start it on a free port, with a home of its own; ended as a hub ends it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home, shown = directory / "home", directory / "files"
    home.mkdir()
    shown.mkdir(exist_ok=True)
    options = [
        "--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0", "--allow-root",
        f"--ServerApp.root_dir={shown}", f"--IdentityProvider.token={TOKEN}", "--LabApp.expose_app_in_browser=True",
        f"--LabApp.app_settings_dir={files('hub_config') / 'lab' / 'settings'}",
    ]  # fmt: skip
    with (directory / "jupyter.log").open("w") as log:
        command = [sys.executable, "-m", "jupyterlab", *options]
        environment = os.environ | {"HOME": str(home)}
        process = subprocess.Popen(command, cwd=shown, env=environment, stdout=log, stderr=log)
    try:
        _wait(f"http://127.0.0.1:{port}/api", process, directory / "jupyter.log")
        yield Laboratory(f"http://127.0.0.1:{port}", shown)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(address, timeout=5)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"JupyterLab did not start:\n{log.read_text()}")
