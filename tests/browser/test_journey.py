"""The newcomer's way in a real browser: log in, run the tutorial, look at it; and what others cannot see."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect
from silx.io.nxdata import get_default

from panosc_analysis.nexus import open_file
from tests.browser.conftest import Platform
from tests.browser.laboratory import choose

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]


def log_in(page: Page, platform: Platform, person: str) -> None:
    """From the address on the terminal to JupyterLab."""
    page.goto(platform.url)
    page.fill("input[name=username]", person)
    page.fill("input[name=password]", platform.password)
    page.click("input[type=submit], button[type=submit]")
    page.wait_for_url(re.compile(rf"/user/{person}/lab"), timeout=90_000)


def run_all(page: Page, cells: int) -> None:
    """Run every cell by the menu, wait for the last one's number."""
    expect(page.locator(".jp-NotebookPanel .jp-Notebook")).to_be_visible(timeout=60_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    last = page.locator(f".jp-CodeCell .jp-InputPrompt:text-is('[{cells}]:')")
    expect(last).to_be_attached(timeout=120_000)


def run_code(page: Page, code: str) -> str:
    """Run `code` in a new cell at the end, as a person types it; returns what it printed."""
    page.locator(".jp-Notebook .jp-Cell").last.click()
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    page.keyboard.press("Enter")
    page.keyboard.insert_text(code)
    page.keyboard.press("Shift+Enter")
    output = page.locator(".jp-CodeCell", has_text="answer = ").last.locator(".jp-OutputArea-output").last
    expect(output).to_be_visible(timeout=60_000)
    return output.inner_text()


def colours(page: Page, index: int) -> int:
    """How many different colours a viewer's canvas shows."""
    script = """canvas => {
        const c = document.createElement('canvas'); c.width = canvas.width; c.height = canvas.height;
        const g = c.getContext('2d'); g.drawImage(canvas, 0, 0);
        return new Set(new Uint32Array(g.getImageData(0, 0, c.width, c.height).data.buffer)).size; }"""
    return int(page.locator(".panosc-viewer canvas").nth(index).evaluate(script))


def wait_for_kernel(page: Page, platform: Platform, person: str) -> None:
    """Wait until the notebook's kernel is connected and idle; JupyterLab shows "idle" before there is one."""
    for _ in range(600):
        kernels = page.request.get(f"{platform.url}/user/{person}/api/kernels").json()
        if kernels and kernels[0]["connections"] and kernels[0]["execution_state"] == "idle":
            return
        page.wait_for_timeout(100)
    raise AssertionError("no kernel became ready in a minute")


def open_item(page: Page, name: str) -> None:
    """Open an entry of the file browser by the keyboard; the list redraws itself and loses double clicks."""
    item = page.locator(".jp-DirListing-item", has_text=name)
    item.click()
    expect(item).to_have_class(re.compile("jp-mod-selected"))
    page.keyboard.press("Enter")


def open_the_result(page: Page, pictures: Path) -> None:
    """Open the saved result from the file browser: in our viewer, then in h5web, which must show the profile first."""
    page.locator(".jp-BreadCrumbs-home").click()
    expect(page.locator(".jp-DirListing-item", has_text="tutorials")).to_be_visible()
    page.wait_for_timeout(1000)
    open_item(page, "results")
    open_item(page, "behenate.nxs")
    tab = page.locator(".panosc-Document")
    expect(tab.locator(".panosc-stage canvas[aria-label^=Curve]")).to_be_visible(timeout=90_000)
    expect(tab.get_by_role("tree")).to_be_visible()
    page.screenshot(path=pictures / "tab.png")
    choose(page, page.locator(".jp-DirListing-item", has_text="behenate.nxs"), "View HDF5 file contents")
    expect(page.get_by_role("tab", name="NX Line", selected=True)).to_be_visible(timeout=60_000)
    expect(page.get_by_role("figure", name="radial profile of data")).to_be_visible(timeout=30_000)
    page.wait_for_timeout(1500)
    page.screenshot(path=pictures / "h5web.png")


def test_alice_runs_the_tutorial_to_its_end_and_opens_the_result(
    page: Page, platform: Platform, pictures: Path
) -> None:
    log_in(page, platform, "alice")
    assert page.url.endswith("/lab/tree/tutorials/01-find-look-reduce.ipynb")
    expect(page.locator(".jp-NotebookPanel .jp-Notebook")).to_be_visible(timeout=60_000)
    wait_for_kernel(page, platform, "alice")
    run_all(page, 5)
    expect(page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']")).to_have_count(0)
    page.locator(".jp-Notebook .jp-Cell").first.click()
    first = page.locator(".panosc-viewer").first
    expect(first.locator("canvas").first).to_be_visible(timeout=30_000)
    page.wait_for_timeout(1000)
    page.screenshot(path=pictures / "tutorial.png")
    assert colours(page, 0) > 50

    result = platform.home("alice") / "results" / "behenate.nxs"
    with open_file(result) as file:
        plot = get_default(file)
        assert plot is not None
        q, intensity = plot.axes[0][()], plot.signal[()]
        assert plot.signal_dataset_name == "profile"
    # Silver behenate's first ring: d = 58.38 angstrom.
    peak = q[50 + int(np.nanargmax(intensity[50:]))]
    assert peak == pytest.approx(2 * np.pi / 58.38, rel=0.01)

    slider = first.get_by_role("slider").first
    before = first.locator("canvas").first.screenshot()
    slider.press("ArrowRight")
    slider.press("ArrowRight")
    expect(first).to_contain_text(re.compile(r"Frame 2\b"))
    page.wait_for_timeout(1000)
    assert first.locator("canvas").first.screenshot() != before
    answers_while_a_cell_runs(page, first)
    open_the_result(page, pictures)


def answers_while_a_cell_runs(page: Page, viewer: Locator) -> None:
    """Ask for a pixel's value, which only the kernel knows, while it is busy."""
    page.locator(".jp-Notebook .jp-Cell").last.click()
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    page.keyboard.press("Enter")
    page.keyboard.insert_text("import time; time.sleep(300)")
    page.keyboard.press("Shift+Enter")
    running = page.locator(".jp-CodeCell .jp-InputPrompt:text-is('[*]:')")
    expect(running).to_have_count(1, timeout=30_000)
    canvas = viewer.locator("canvas").first
    canvas.focus()
    canvas.press("ArrowUp")
    expect(viewer.locator(".panosc-readout")).to_have_text(re.compile(r"·.*· [^…]+$"), timeout=60_000)
    expect(running).to_have_count(1)
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.get_by_role("menuitem", name=re.compile("Interrupt Kernel")).click()
    expect(running).to_have_count(0, timeout=30_000)


def test_bob_has_his_own_data_and_not_alices(page: Page, platform: Platform, pictures: Path) -> None:
    log_in(page, platform, "bob")
    expect(page.locator(".jp-NotebookPanel .jp-Notebook")).to_be_visible(timeout=60_000)
    wait_for_kernel(page, platform, "bob")
    code = """
import json, os, pathlib
import panosc_analysis as pan
data = pathlib.Path("~/data").expanduser()
found = [hit.pid for hit in pan.search(limit=100)]
try:
    pan.open("10.5072/demo/hc-5001-2"); opened = "opened"
except LookupError as error:
    opened = type(error).__name__
try:
    (data / "open" / "mine").touch(); wrote = "wrote"
except OSError as error:
    wrote = error.strerror
names = sorted(p.name for p in data.iterdir())
deep = [str(p) for p in data.rglob("*LaB6*")]
print("answer =", json.dumps([names, deep, found, opened, wrote]))
"""
    names, deep, found, opened, wrote = json.loads(run_code(page, code.strip()).removeprefix("answer = "))
    page.screenshot(path=pictures / "bob.png")
    assert names == ["es-1402", "ma-6203", "open"]
    assert deep == []
    assert found
    assert not [pid for pid in found if "hc-5001" in pid]
    assert opened == "DatasetNotFound"
    assert wrote in ("Read-only file system", "Permission denied")


def test_an_anonymous_visitor_of_the_catalogue_sees_open_data_only(platform: Platform) -> None:
    settings = json.loads((platform.directory / "hub" / "hub.json").read_text())
    # The hub starts it and does not wait for it; so does nobody's first question, which comes after a login.
    with httpx.Client(transport=httpx.HTTPTransport(retries=6), timeout=20) as client:
        answer = client.get(f"http://127.0.0.1:{settings['catalogues'][0]['port']}/api/Datasets").json()
    assert answer
    assert all(dataset["isPublic"] for dataset in answer)


def test_a_wrong_password_is_refused(page: Page, platform: Platform) -> None:
    page.goto(platform.url)
    expect(page.get_by_text("isolates nobody from anybody")).to_be_visible()
    page.fill("input[name=username]", "alice")
    page.fill("input[name=password]", "not-the-password")
    page.click("input[type=submit], button[type=submit]")
    expect(page.get_by_text("Invalid username or password")).to_be_visible()


def test_an_unknown_person_is_refused(page: Page, platform: Platform) -> None:
    page.goto(platform.url)
    page.fill("input[name=username]", "eve")
    page.fill("input[name=password]", platform.password)
    page.click("input[type=submit], button[type=submit]")
    expect(page.get_by_text("Invalid username or password")).to_be_visible()
