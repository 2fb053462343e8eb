"""A JupyterLab whose notebooks a benchmark runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Page

from tests.browser.laboratory import TOKEN
from tests.browser.laboratory import Laboratory as Server
from tests.browser.laboratory import laboratory as server

__all__ = ["Laboratory", "laboratory"]

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}

READY = """async (path) => {
    const widget = await window.jupyterapp.commands.execute('docmanager:open', { path, factory: 'Notebook' });
    await widget.context.ready;
    await widget.sessionContext.ready;
    await widget.sessionContext.session.kernel.info;
}"""


class Laboratory(Server):
    """A running server: its address and its directory."""

    def open_notebook(self, page: Page, name: str, cells: list[str]) -> None:
        """Open a new notebook and wait for its kernel; nothing is run yet."""
        content = {"nbformat": 4, "nbformat_minor": 5, "metadata": KERNEL, "cells": [cell(text) for text in cells]}
        (self.directory / f"{name}.ipynb").write_text(json.dumps(content))
        self.open(page, name)
        page.evaluate(READY, f"{name}.ipynb")

    def end_kernels(self) -> None:
        """End whatever runs."""
        with httpx.Client(base_url=self.url, headers={"Authorization": f"token {TOKEN}"}, timeout=60) as client:
            for session in client.get("/api/sessions").json():
                client.delete(f"/api/sessions/{session['id']}")


def cell(source: str) -> dict[str, object]:
    return {"cell_type": "code", "id": f"c{abs(hash(source))}", "metadata": {}, "outputs": [], "execution_count": None,
            "source": source.strip()}  # fmt: skip


@contextmanager
def laboratory(directory: Path) -> Iterator[Laboratory]:
    """JupyterLab on a free port of this machine, with nothing of the person's own settings."""
    with server(directory) as running:
        yield Laboratory(running.url, running.directory)
