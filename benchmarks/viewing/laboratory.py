"""A JupyterLab with a Chromium in front of it, and a clock for the answers of its server."""

from __future__ import annotations

import json
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
from playwright.sync_api import Page

TOKEN = "benchmark"


@dataclass(frozen=True)
class Laboratory:
    """A running server: its address and its directory."""

    url: str
    directory: Path

    def open_notebook(self, page: Page, name: str, cells: list[str]) -> None:
        """Open a new notebook and wait for its kernel; nothing is run yet."""
        content = {"nbformat": 4, "nbformat_minor": 5, "metadata": KERNEL, "cells": [cell(text) for text in cells]}
        (self.directory / f"{name}.ipynb").write_text(json.dumps(content))
        self.open_lab(page, name)
        page.evaluate(READY, f"{name}.ipynb")

    def open_lab(self, page: Page, workspace: str) -> None:
        """Load JupyterLab in a workspace of its own."""
        page.goto(f"{self.url}/lab/workspaces/{workspace}?token={TOKEN}&reset")
        page.wait_for_function("() => window.jupyterapp?.restored.then(() => true)", timeout=120_000)

    def end_kernels(self) -> None:
        """End whatever runs."""
        with httpx.Client(base_url=self.url, headers={"Authorization": f"token {TOKEN}"}, timeout=60) as client:
            for session in client.get("/api/sessions").json():
                client.delete(f"/api/sessions/{session['id']}")


KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}

READY = """async (path) => {
    const widget = await window.jupyterapp.commands.execute('docmanager:open', { path, factory: 'Notebook' });
    await widget.context.ready;
    await widget.sessionContext.ready;
    await widget.sessionContext.session.kernel.info;
}"""


def cell(source: str) -> dict[str, object]:
    return {"cell_type": "code", "id": f"c{abs(hash(source))}", "metadata": {}, "outputs": [], "execution_count": None,
            "source": source.strip()}  # fmt: skip


@contextmanager
def laboratory(directory: Path) -> Iterator[Laboratory]:
    """JupyterLab on a free port of this machine, with nothing of the person's own settings."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = directory / "home"
    home.mkdir()
    options = [
        "--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0", "--allow-root",
        f"--ServerApp.root_dir={directory}", f"--IdentityProvider.token={TOKEN}", "--LabApp.expose_app_in_browser=True",
        f"--LabApp.app_settings_dir={files('hub_config') / 'lab' / 'settings'}",  # no question about news in the way
    ]  # fmt: skip
    environment = os.environ | {"HOME": str(home)}
    with (directory / "jupyter.log").open("w") as log:
        command = [sys.executable, "-m", "jupyterlab", *options]
        process = subprocess.Popen(command, cwd=directory, env=environment, stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}/api", process)
        yield Laboratory(f"http://127.0.0.1:{port}", directory)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(address, timeout=5)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("JupyterLab did not start; see jupyter.log")
