"""Files as documents: a tab of JupyterLab beside h5web, and the page of ``panosc-analysis show FILE --browser``."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from panosc_analysis.nexus import create_file
from tests.browser.laboratory import Laboratory, choose, laboratory

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

WAIT = 90_000  # ms that a busy machine may need
NARROW = {"width": 640, "height": 500}  # a window of 1280 × 1000 at 200 %


def write_scan(path: Path) -> Path:
    """An entry with a stack, a curve and a text."""
    with create_file(path) as file:
        file.attrs["default"] = "entry"
        entry = file.create_group("entry")
        entry.attrs.update(NX_class="NXentry", default="data")
        entry["title"], entry["note"] = "Rings", "cooled by hand"
        data = entry.create_group("data")
        data.attrs.update(NX_class="NXdata", signal="frames", axes=["angle", ".", "."])
        data["frames"] = np.random.default_rng(0).poisson(9, (4, 90, 120)).astype("u2")
        data["angle"] = np.arange(4.0)
        log = entry.create_group("temperature")
        log.attrs["NX_class"] = "NXlog"
        log["value"], log["time"] = np.linspace(100, 110, 30), np.arange(30.0)
    return path


def write_broken(path: Path) -> Path:
    whole = write_scan(path.with_name("whole.h5")).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    path.with_name("whole.h5").unlink()
    return path


def find_faults(page: Page, part: str) -> list[tuple[str, list[str]]]:
    """Serious and critical findings of axe-core within a part of the page."""
    violations = Axe().run(page, context=part).response["violations"]
    return [
        (found["id"], [node["html"][:200] for node in found["nodes"]])
        for found in violations
        if found["impact"] in ("serious", "critical")
    ]


def walk_with_the_keyboard(page: Page, document: Locator) -> None:
    """From the default plot through the frames, and through the tree to a log and to a text."""
    canvas = document.locator(".panosc-stage canvas").first
    expect(canvas).to_have_attribute("data-frame", "0", timeout=WAIT)
    expect(document.locator(".panosc-viewer[role=group]")).to_contain_text("Rings")
    canvas.focus()
    page.keyboard.press("]")
    expect(canvas).to_have_attribute("data-frame", "1", timeout=WAIT)
    document.get_by_role("treeitem").first.focus()  # the only entry, which is open from the beginning
    expect(document.get_by_role("treeitem", name=re.compile("^temperature"))).to_be_attached(timeout=WAIT)
    page.keyboard.press("t")
    chosen = document.locator("[role=treeitem]:focus")
    expect(chosen).to_contain_text("temperature")
    page.keyboard.press("Enter")
    expect(document.locator(".panosc-stage canvas[aria-label^=Curve]")).to_be_visible(timeout=WAIT)
    page.keyboard.press("n")
    expect(chosen).to_contain_text("note")
    page.keyboard.press("Enter")
    expect(document.locator(".panosc-viewer[role=group]")).to_contain_text("cooled by hand", timeout=WAIT)
    expect(document.locator(".panosc-details")).to_contain_text("/entry/note", timeout=WAIT)
    expect(chosen).to_contain_text("note")


def is_cut_off(part: Locator) -> bool:
    """Whether anything lies beyond the right edge, so that one has to scroll sideways."""
    return bool(part.evaluate("node => node.scrollWidth > node.clientWidth + 1"))


# JupyterLab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    directory = tmp_path_factory.mktemp("lab")
    (directory / "files").mkdir()
    write_scan(directory / "files" / "scan.nxs")
    write_scan(directory / "files" / "again.h5")
    write_broken(directory / "files" / "broken.h5")
    with h5py.File(directory / "files" / "nothing.h5", "w"):
        pass
    with laboratory(directory) as running:
        yield running


def file_item(page: Page, name: str) -> Locator:
    item = page.locator(".jp-DirListing-item", has_text=name)
    expect(item).to_be_visible(timeout=WAIT)
    return item


def test_a_double_click_opens_the_viewer_and_h5web_is_beside_it(page: Page, lab: Laboratory, pictures: Path) -> None:
    lab.open(page, "double-click")
    file_item(page, "scan.nxs").dblclick()
    document = page.locator(".panosc-Document")
    walk_with_the_keyboard(page, document)
    page.screenshot(path=pictures / "lab-tab.png")
    # A second file opens in the same kernel.
    item = file_item(page, "again.h5")
    item.click()
    page.keyboard.press("Enter")
    expect(page.locator(".panosc-Document >> visible=true").locator(".panosc-stage canvas").first).to_have_attribute(
        "data-frame", "0", timeout=WAIT
    )
    assert lab.kernels() == 1
    choose(page, item, "Open With")
    expect(page.locator(".lm-Menu-item", has_text="PaNOSC viewer")).to_be_visible(timeout=WAIT)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    choose(page, item, "View HDF5 file contents")
    expect(page.get_by_role("tab", name="NX Heatmap")).to_be_visible(timeout=WAIT)


def test_what_cannot_be_opened_says_why_and_what_to_do(page: Page, lab: Laboratory, pictures: Path) -> None:
    lab.open(page, "broken", "broken.h5")
    note = page.locator(".panosc-Document [role=alert]")
    expect(note).to_contain_text(re.compile("truncated|still being written"), timeout=WAIT)
    expect(note.get_by_role("button", name="Open again")).to_be_visible()
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        change_theme(page, theme)
        assert find_faults(page, ".panosc-Document") == []
    page.screenshot(path=pictures / "lab-tab-broken.png")
    broken = lab.directory / "broken.h5"
    half = broken.read_bytes()
    try:
        broken.write_bytes((lab.directory / "scan.nxs").read_bytes())
        note.get_by_role("button", name="Open again").press("Enter")
        expect(page.locator(".panosc-Document .panosc-stage canvas").first).to_have_attribute(
            "data-frame", "0", timeout=WAIT
        )
    finally:
        broken.write_bytes(half)


def test_a_file_without_anything_to_draw_shows_its_tree_and_what_comes_later(page: Page, lab: Laboratory) -> None:
    lab.open(page, "nothing", "nothing.h5")
    document = page.locator(".panosc-Document")
    expect(document.locator(".panosc-viewer[role=group]")).to_contain_text("nothing to plot", timeout=WAIT)
    expect(document.get_by_role("tree")).to_be_visible()
    document.get_by_label("Follow the file").check()
    with h5py.File(lab.directory / "nothing.h5", "a") as file:
        file["counts"] = np.arange(30.0)
    expect(document.locator(".panosc-stage canvas[aria-label^=Curve]")).to_be_visible(timeout=WAIT)


def change_theme(page: Page, theme: str) -> None:
    page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme)
    name = f"body[data-jp-theme-name='{theme}']"
    expect(page.locator(name)).to_be_attached(timeout=WAIT)
    page.wait_for_timeout(500)  # the theme's style sheet comes after its name


def test_the_tab_is_readable_in_both_themes_and_at_200_percent(page: Page, lab: Laboratory, pictures: Path) -> None:
    lab.open(page, "themes", "scan.nxs")
    document = page.locator(".panosc-Document")
    canvas = document.locator(".panosc-stage canvas").first
    expect(canvas).to_have_attribute("data-frame", "0", timeout=WAIT)
    for theme, name in (("JupyterLab Light", "light"), ("JupyterLab Dark", "dark")):
        change_theme(page, theme)
        faults = find_faults(page, ".panosc-Document")
        assert faults == [], f"{theme}: {json.dumps(faults, indent=1)}"
        page.screenshot(path=pictures / f"lab-tab-{name}.png")
    page.set_viewport_size({"width": NARROW["width"], "height": NARROW["height"]})
    page.wait_for_timeout(800)
    assert not is_cut_off(document)
    page.screenshot(path=pictures / "lab-tab-200.png")


def test_a_reload_brings_the_tab_back(page: Page, lab: Laboratory) -> None:
    lab.open(page, "reload", "scan.nxs")
    canvas = page.locator(".panosc-Document .panosc-stage canvas").first
    expect(canvas).to_have_attribute("data-frame", "0", timeout=WAIT)
    page.wait_for_timeout(2000)  # JupyterLab keeps its layout with a delay
    page.goto(f"{lab.url}/lab/workspaces/reload")
    expect(canvas).to_have_attribute("data-frame", "0", timeout=WAIT)


# The page of the command line


@pytest.fixture
def shown(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Address of the page of a file that ``panosc-analysis show`` serves, and the file."""
    path = write_scan(tmp_path / "scan.nxs")
    command = [sys.executable, "-m", "panosc_analysis", "show", str(path), "--browser"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), path
    finally:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said


def test_the_page_by_the_keyboard(page: Page, shown: tuple[str, Path], pictures: Path) -> None:
    page.goto(shown[0])
    walk_with_the_keyboard(page, page.locator("main"))
    expect(page).to_have_title(re.compile(r"scan\.nxs"))
    page.screenshot(path=pictures / "page-keyboard.png")


def test_the_page_is_readable_in_both_themes_and_at_200_percent(
    page: Page, shown: tuple[str, Path], pictures: Path
) -> None:
    page.goto(shown[0])
    expect(page.locator(".panosc-stage canvas").first).to_have_attribute("data-frame", "0", timeout=WAIT)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        faults = find_faults(page, "body")
        assert faults == [], f"{theme}: {json.dumps(faults, indent=1)}"
        page.screenshot(path=pictures / f"page-{theme}.png", full_page=True)
    page.set_viewport_size({"width": NARROW["width"], "height": NARROW["height"]})
    page.wait_for_timeout(500)
    assert not is_cut_off(page.locator("html"))
    page.screenshot(path=pictures / "page-200.png", full_page=True)


def test_a_page_whose_file_has_broken_since_says_so(page: Page, shown: tuple[str, Path], pictures: Path) -> None:
    address, path = shown
    write_broken(path)
    page.goto(address)
    expect(page.get_by_role("alert")).to_contain_text(re.compile("truncated|still being written"), timeout=WAIT)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        assert find_faults(page, "body") == []
    page.screenshot(path=pictures / "page-broken.png")


def test_a_broken_file_is_refused_on_the_terminal(tmp_path: Path) -> None:
    path = write_broken(tmp_path / "broken.h5")
    command = [sys.executable, "-m", "panosc_analysis", "show", str(path), "--browser"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert re.search("truncated|still being written", done.stderr)
