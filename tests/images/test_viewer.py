"""The viewer in a session of the lab image: JupyterLab has its extension, and a file opens in its tab."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.images.container import TOKEN, Server, server

pytestmark = [pytest.mark.docker, pytest.mark.browser]

UID = "54321:54321"


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """JupyterLab of a person who finds a file in her home."""
    home = tmp_path_factory.mktemp("home")
    with h5py.File(home / "scan.nxs", "w") as file:
        data = file.create_group("entry/data")
        data.attrs.update(NX_class="NXdata", signal="frames")
        data["frames"] = np.random.default_rng(0).poisson(9, (3, 60, 80)).astype("u2")
    for one in (home, home / "scan.nxs"):
        one.chmod(0o777)
    with server("lab", user=UID, options=[f"--volume={home}:/home/jovyan"]) as running:
        yield running


def test_the_extension_is_there_and_enabled(session: Server) -> None:
    said = session.shell("jupyter labextension list 2>&1")
    (line,) = [line for line in said.splitlines() if "@panosc-analysis/viewer" in line]
    assert "enabled" in line
    assert "OK" in line
    _, answer = session.status("/lab/api/settings/@panosc-analysis/viewer:documents")
    assert json.loads(answer)["schema"]["properties"]["doubleClick"]["default"] is True


def test_a_file_opens_in_the_tab(page: Page, session: Server, pictures: Path) -> None:
    page.goto(f"{session.url}/lab/tree/scan.nxs?token={TOKEN}")
    document = page.locator(".panosc-Document")
    canvas = document.locator(".panosc-stage canvas").first
    expect(canvas).to_have_attribute("data-frame", "0", timeout=120_000)
    expect(document.get_by_role("treeitem", name="entry")).to_be_visible(timeout=60_000)
    canvas.focus()
    page.keyboard.press("]")
    expect(canvas).to_have_attribute("data-frame", "1", timeout=60_000)
    page.screenshot(path=pictures / "session-tab.png")
