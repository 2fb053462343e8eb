"""The viewer in a real browser, on its own page: it draws what silx would draw, and everything works by keyboard."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page as Window
from playwright.sync_api import expect
from silx.math.colormap import apply_colormap, get_colormap_lut, normalize

from panosc_analysis.documents import Document, serving
from panosc_analysis.nexus import create_file
from panosc_analysis.widgets import FileTree, Viewer, limits, show

pytestmark = pytest.mark.browser

GAP = 2**32 - 1
PIXELS = """canvas => {
    const copy = document.createElement('canvas'); copy.width = canvas.width; copy.height = canvas.height;
    const pen = copy.getContext('2d'); pen.drawImage(canvas, 0, 0);
    const data = pen.getImageData(0, 0, copy.width, copy.height).data;
    let text = '';
    for (let i = 0; i < data.length; i += 32768) text += String.fromCharCode(...data.subarray(i, i + 32768));
    return [copy.width, copy.height, btoa(text)]; }"""


@pytest.fixture
def opened(page: Window) -> Iterator[Callable[..., Viewer]]:
    """Opens a viewer on its page: opened(x, **options)."""
    with ExitStack() as stack:

        def open_page(x: Any, query: str = "", **options: Any) -> Viewer:
            made: list[Viewer] = []

            def document() -> Document:
                made.append(show(x, **options))
                return Document("test", (made[-1],))

            page.goto(stack.enter_context(serving(document)) + query)
            expect(page.locator(".panosc-viewer")).to_be_visible(timeout=60_000)
            (viewer,) = made
            if viewer.kind not in ("text", "table"):
                canvas = page.locator(".panosc-stage canvas").first
                expect(canvas).to_have_attribute("data-frame", str(viewer.frame), timeout=60_000)
            return viewer

        yield open_page


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stack with gaps, a beam stop, rings and a few Bragg peaks; more pixels than a window has."""
    path = tmp_path_factory.mktemp("viewer") / "detector.h5"
    rows, columns = np.mgrid[0:1030, 0:1065]
    far = np.hypot(rows - 480, columns - 530)
    random = np.random.default_rng(6)
    mean = 4 + 300 * np.exp(-(((far - 250) / 6) ** 2)) + 3e4 * np.exp(-far / 25)
    values = random.poisson(mean, (6, *mean.shape)).astype(np.uint32)
    values[:, 512:550], values[:, far < 12] = GAP, 0
    values[3, 700, 700] = 250_000
    with create_file(path) as file:
        data = file.create_group("data")
        data.attrs.update(NX_class="NXdata", signal="counts")
        data.create_dataset("counts", data=values, chunks=(1, *mean.shape), compression="gzip", compression_opts=1)
        data["counts"].attrs["units"] = "counts"
    return path


def pixels(page: Window) -> np.ndarray:
    width, height, text = page.locator(".panosc-stage canvas").first.evaluate(PIXELS)
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)


def box(page: Window) -> dict[str, float]:
    found: dict[str, float] = json.loads(page.locator(".panosc-stage canvas").first.get_attribute("data-plot") or "{}")
    return found


def at_cells(page: Window, shape: tuple[int, int], full: tuple[int, int], factors: tuple[int, int]) -> np.ndarray:
    """The colour in the middle of each cell of a pooled picture, first row at the bottom."""
    plot, image = box(page), pixels(page)
    rows, columns = (
        (np.minimum((np.arange(n) + 0.5) * f, t - 0.5)) / t for n, f, t in zip(shape, factors, full, strict=True)
    )
    y = np.floor(plot["top"] + (1 - rows) * plot["height"]).astype(int)
    x = np.floor(plot["left"] + columns * plot["width"]).astype(int)
    return image[np.clip(y, 0, image.shape[0] - 1)][:, np.clip(x, 0, image.shape[1] - 1), :3]


def drawn_with(page: Window, viewer: Viewer, **changes: Any) -> None:
    """Set traits, wait until the picture was drawn with them."""
    for name, value in changes.items():
        setattr(viewer, name, value)
    for name, value in changes.items():
        expect(page.locator(f"[data-trait={name}]")).to_have_value(value, timeout=30_000)
    page.evaluate("new Promise(requestAnimationFrame)")


@pytest.mark.parametrize("query", ["?panosc-webgl=on", "?panosc-webgl=off"], ids=["webgl", "canvas"])
def test_colours_are_those_of_silx_on_every_scale(page: Window, opened: Any, detector: Path, query: str) -> None:
    viewer = opened(detector, query, frame=3, colormap="gray")
    kind = page.evaluate("panoscSurface.kind")
    assert kind == ("canvas" if query.endswith("off") else "WebGL2")
    plot = box(page)
    made = viewer._answers.renderer.picture(3, (round(plot["height"]), round(plot["width"])))
    pooled, full = made.pooled, viewer.content.frame_shape
    assert pooled.masked is not None
    lut = get_colormap_lut("gray")[:, 0].astype(int)
    for scale in limits.SCALES:
        for how in ("minmax", "auto"):
            drawn_with(page, viewer, scale=scale, limits=how)
            seen = at_cells(page, pooled.values.shape, full, pooled.factors)
            low, high = made.statistics.limits(scale, how)
            levels = normalize(pooled.values.astype("f8"), norm=scale, vmin=low, vmax=high, gamma=viewer.gamma).data
            kept = ~pooled.masked
            assert np.abs(seen[..., 0].astype(int) - lut[levels])[kept].max() <= 1, (scale, how)
            colours = apply_colormap(
                pooled.values.astype("f8"), "gray", norm=scale, vmin=low, vmax=high, gamma=viewer.gamma
            )
            drawn = kept & (colours[..., 3] == 255)
            assert np.abs(seen.astype(int) - colours[..., :3])[drawn].max() <= 1, (scale, how)
    assert len(np.unique(seen[pooled.masked].reshape(-1, 3), axis=0)) < 40, "the pattern of masked pixels"


@pytest.mark.shared_data
def test_colours_on_a_real_frame(page: Window, opened: Any, shared_data: Path) -> None:
    path = shared_data / "nexus" / "punx" / "S2p5min_00070_00001.h5"
    if not path.exists():
        pytest.skip(f"no {path}")
    viewer = opened(path, colormap="gray", scale="log")
    plot = box(page)
    made = viewer._answers.renderer.picture(0, (round(plot["height"]), round(plot["width"])))
    for scale in limits.SCALES:
        drawn_with(page, viewer, scale=scale)
        seen = at_cells(page, made.pooled.values.shape, viewer.content.frame_shape, made.pooled.factors)
        low, high = made.statistics.limits(scale, "auto")
        levels = normalize(made.pooled.values.astype("f8"), norm=scale, vmin=low, vmax=high, gamma=0.5).data
        # The last cells are cut by the frame's edge and narrower than a pixel.
        off = np.abs(seen[..., 0].astype(int) - levels)[:-1, :-1]
        assert off[~made.pooled.masked[:-1, :-1]].max() <= 1, scale


def test_zooming_in_fetches_the_part_at_full_resolution(
    page: Window, opened: Any, detector: Path, pictures: Path
) -> None:
    viewer = opened(detector, frame=3, scale="log")
    canvas = page.locator(".panosc-stage canvas").first
    canvas.focus()
    plot, corner = box(page), canvas.bounding_box()
    assert corner is not None
    x = corner["x"] + plot["left"] + plot["width"] * 700.5 / 1065
    y = corner["y"] + plot["top"] + plot["height"] * (1 - 700.5 / 1030)
    page.mouse.move(x, y)
    for _ in range(12):
        page.mouse.wheel(0, -100)
    expect(canvas).to_have_attribute("data-part", re.compile(r"^(6\d\d|7\d\d),"), timeout=30_000)
    first_row, last_row, first_column, last_column = map(int, (canvas.get_attribute("data-part") or "").split(","))
    assert first_row <= 700 < last_row
    assert first_column <= 700 < last_column
    assert last_row - first_row < 200
    expect(page.locator(".panosc-readout")).to_contain_text(re.compile("x 700.*y 700.*250.000.*counts"), timeout=30_000)
    page.screenshot(path=pictures / "viewer-zoomed.png")
    page.wait_for_timeout(400)
    assert viewer._part == [first_row, last_row, first_column, last_column]
    page.keyboard.press("0")
    expect(canvas).to_have_attribute("data-part", "0,1030,0,1065", timeout=30_000)


def test_the_whole_way_with_the_keyboard(page: Window, opened: Any, detector: Path, pictures: Path) -> None:
    viewer = opened(detector)
    canvas = page.locator(".panosc-stage canvas").first
    # A tool is chosen by arrow keys, a region drawn from the cursor.
    page.get_by_role("radio", name="Move").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Rectangle")).to_have_attribute("aria-checked", "true")
    canvas.focus()
    for key in (
        "Shift+ArrowDown",
        "Shift+ArrowDown",
        "Enter",
        "Shift+ArrowDown",
        "Shift+ArrowRight",
        "Shift+ArrowRight",
    ):
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    results = page.get_by_role("region", name="Results")
    expect(results).to_contain_text("Centre of mass", timeout=30_000)
    expect(results.locator("dd").first).to_have_text("231", timeout=30_000)
    for _ in range(100):  # the question about it may be answered before the trait is there
        if viewer.roi is not None:
            break
        page.wait_for_timeout(100)
    assert viewer.statistics().pixels == 231
    results.get_by_role("button", name="Curve over the stack").press("Enter")
    expect(results.locator("figcaption")).to_have_text("Mean over the stack", timeout=30_000)
    # Frames by brackets and by the slider; limits by the histogram's handles.
    canvas.focus()
    page.keyboard.press("]")
    expect(page.locator(".panosc-position")).to_contain_text("Frame 1 / 5", timeout=30_000)
    page.get_by_role("slider", name="Frame").press("End")
    expect(canvas).to_have_attribute("data-frame", "5", timeout=30_000)
    page.get_by_role("button", name="Histogram").press("Enter")
    handle = page.get_by_role("slider", name="Value of the last colour")
    expect(handle).to_be_visible()
    page.wait_for_timeout(500)
    handle.press("PageDown")
    expect(page.get_by_label("Limits")).to_have_value("fixed", timeout=30_000)
    page.screenshot(path=pictures / "viewer-keyboard.png", full_page=True)
    for _ in range(100):
        if viewer.limits == "fixed":
            break
        page.wait_for_timeout(100)
    assert (viewer.frame, viewer.limits) == (5, "fixed")


def part(page: Window) -> list[int]:
    """First row, row after the last, first column, column after the last of what is drawn."""
    text = page.locator(".panosc-stage canvas").first.get_attribute("data-part") or ""
    return [int(number) for number in text.split(",")]


def until(page: Window, is_so: Callable[[], bool]) -> None:
    for _ in range(300):
        if is_so():
            return
        page.wait_for_timeout(100)
    raise AssertionError("did not come about in half a minute")


def test_the_whole_way_with_the_mouse(page: Window, opened: Any, detector: Path) -> None:
    viewer = opened(detector, scale="log")
    canvas = page.locator(".panosc-stage canvas").first
    corner = canvas.bounding_box()
    assert corner is not None

    def drag(start: tuple[int, int], end: tuple[int, int]) -> None:
        page.mouse.move(corner["x"] + start[0], corner["y"] + start[1])
        page.mouse.down()
        page.mouse.move(corner["x"] + end[0], corner["y"] + end[1], steps=4)
        page.mouse.up()

    # A polygon, corner by corner; then one of its handles is moved.
    page.get_by_role("radio", name="Polygon").click()
    for x, y in ((150, 100), (300, 120), (250, 300)):
        canvas.click(position={"x": x, "y": y}, delay=20)
        page.wait_for_timeout(600)  # two clicks in a hurry would be a double one
    canvas.dblclick(position={"x": 140, "y": 260})
    until(page, lambda: viewer.roi is not None)
    first = viewer.roi
    assert first is not None
    assert (first.kind, len(first.points)) == ("polygon", 4)
    drag((300, 120), (360, 150))
    until(page, lambda: viewer.roi != first)
    assert viewer.roi is not None
    assert [a == b for a, b in zip(viewer.roi.points, first.points, strict=True)] == [True, False, True, True]
    # Into a box, along, and back.
    page.keyboard.down("Shift")
    drag((420, 350), (530, 460))
    page.keyboard.up("Shift")
    until(page, lambda: part(page)[1] - part(page)[0] < 700)
    zoomed = part(page)
    drag((450, 400), (400, 330))
    until(page, lambda: part(page) != zoomed)
    canvas.dblclick(position={"x": 450, "y": 400})
    until(page, lambda: part(page) == [0, 1030, 0, 1065])
    page.get_by_role("button", name="Remove").click()
    until(page, lambda: viewer.roi is None)
    # A limit by its handle, then what is shown as code and as a file.
    page.get_by_role("button", name="Histogram").click()
    handle = page.get_by_role("slider", name="Value of the last colour")
    until(page, lambda: float(handle.get_attribute("aria-valuenow") or 0) > 0)
    grip = handle.bounding_box()
    assert grip is not None
    page.mouse.move(grip["x"] + 6, grip["y"] + 40)
    page.mouse.down()
    page.mouse.move(grip["x"] - 150, grip["y"] + 40, steps=4)
    page.mouse.up()
    until(page, lambda: viewer.limits == "fixed")
    page.get_by_text("Take", exact=True).click()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy code").click()
    until(page, lambda: page.evaluate("navigator.clipboard.readText()") == viewer.code)
    with page.expect_download() as download:
        page.get_by_role("button", name="NumPy file").click()
    np.testing.assert_array_equal(np.load(download.value.path()), viewer.content.read(0))


def test_a_line_gives_its_profile(page: Window, opened: Any, detector: Path) -> None:
    viewer = opened(detector)
    page.get_by_role("radio", name="Line").click()
    canvas = page.locator(".panosc-stage canvas").first
    corner = canvas.bounding_box()
    assert corner is not None
    page.mouse.move(corner["x"] + 150, corner["y"] + 100)
    page.mouse.down()
    page.mouse.move(corner["x"] + 400, corner["y"] + 300, steps=4)
    page.mouse.up()
    expect(page.get_by_role("img", name="Profile")).to_be_visible(timeout=30_000)
    for _ in range(100):
        if viewer._profile:
            break
        page.wait_for_timeout(100)
    assert (viewer._profile["kind"], len(viewer._profile["points"])) == ("line", 2)


def test_frames_come_from_the_cache_without_the_kernel(page: Window, opened: Any, detector: Path) -> None:
    viewer = opened(detector)
    asked: list[int] = []
    answer = viewer.answer

    def counted(message: dict[str, Any]) -> Any:
        asked.append(message.get("frame", -1)) if message.get("kind") == "frame" else None
        return answer(message)

    viewer.answer = counted
    slider = page.get_by_role("slider", name="Frame")
    slider.press("ArrowRight")
    expect(page.locator(".panosc-stage canvas").first).to_have_attribute("data-frame", "1", timeout=30_000)
    for _ in range(200):
        if {2, 3, 4, 5} <= set(asked):
            break
        page.wait_for_timeout(50)
    assert sorted(asked) == [1, 2, 3, 4, 5], "the frames ahead were fetched, each once"
    page.wait_for_timeout(300)
    for frame in range(2, 6):
        slider.press("ArrowRight")
        expect(page.locator(".panosc-stage canvas").first).to_have_attribute("data-frame", str(frame), timeout=30_000)
    assert len(asked) == 5


def test_a_growing_file_is_followed_and_its_last_frame_shown(page: Window, opened: Any, tmp_path: Path) -> None:
    path = tmp_path / "growing.h5"
    with h5py.File(path, "w", libver="latest") as file:
        stack = file.create_dataset("stack", (2, 80, 90), "u2", maxshape=(None, 80, 90), chunks=(1, 80, 90))
        file.swmr_mode = True
        viewer = opened(path, follow=True)
        stack.resize(7, axis=0)
        stack[6] = 1
        stack.flush()
        expect(page.locator(".panosc-position")).to_contain_text("Frame 6 / 6", timeout=60_000)
        expect(page.locator(".panosc-stage canvas").first).to_have_attribute("data-frame", "6", timeout=60_000)
        assert viewer.content.shape == (7, 80, 90)


def test_axes_are_exchanged_without_a_new_cell(page: Window, opened: Any) -> None:
    viewer = opened(np.arange(3 * 40 * 60).reshape(3, 40, 60))
    page.get_by_text("More", exact=True).click()
    page.locator("label", has_text=re.compile("^Upwards")).locator("select").select_option(label="frame")
    expect(page.get_by_role("slider", name="Frame")).to_have_attribute("max", "39", timeout=30_000)
    page.get_by_role("slider", name="Frame").press("End")
    expect(page.locator(".panosc-stage canvas").first).to_have_attribute("data-frame", "39", timeout=30_000)
    assert (viewer.order, viewer.n_frames) == ([1, 0, 2], 40)


def test_values_that_differ_by_rounding_only_are_a_line(page: Window, opened: Any) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    opened(np.exp(1j * np.linspace(0, 9, 100)))
    assert len(np.unique(pixels(page).reshape(-1, 4), axis=0)) > 2
    assert problems == []


THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
KINDS: dict[str, Callable[[], Any]] = {
    "curve": lambda: np.sin(np.arange(300) / 20),
    "image": lambda: np.random.default_rng(0).poisson(5, (80, 120)),
    "dimensions": lambda: np.random.default_rng(0).poisson(5, (3, 4, 40, 60)),
    "table": lambda: np.array([(1.5, b"first"), (2.5, b"second")], [("value", "f8"), ("name", "S9")]),
    "text": lambda: 42.5,
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_readable_and_accessible(page: Window, opened: Any, kind: str, pictures: Path) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    opened(KINDS[kind](), title=f"A {kind}")
    expect(page.locator(".panosc-viewer")).to_contain_text(f"A {kind}")
    for details in page.locator("details").all():
        details.locator("summary").click()
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        found = findings(page)
        assert found == [], f"{theme}: {json.dumps(found, indent=1)}"
        page.screenshot(path=pictures / f"viewer-{kind}-{theme}.png", full_page=True)
    page.set_viewport_size({"width": 390, "height": 800})
    page.wait_for_timeout(400)
    # The same as 200 % on a window of twice the width.
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, "nothing is cut off on a narrow screen"
    page.screenshot(path=pictures / f"viewer-{kind}-narrow.png", full_page=True)
    assert problems == []


def findings(page: Window) -> list[dict[str, Any]]:
    """Serious and critical findings of axe-core."""
    return [
        {"id": found["id"], "nodes": [node["html"][:200] for node in found["nodes"]]}
        for found in Axe().run(page).response["violations"]
        if found["impact"] in ("serious", "critical")
    ]


@pytest.fixture(scope="module")
def large_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100 000 nodes and 3 000 external links, half of them broken."""
    path = tmp_path_factory.mktemp("tree") / "large.h5"
    with h5py.File(path, "w", libver="latest") as file:
        for i in range(100):
            group = file.create_group(f"group{i:03}")
            first = group.create_dataset("n0000", data=np.arange(100).reshape(10, 10))
            for j in range(1, 1000):
                group[f"n{j:04}"] = first
        links = file.create_group("links")
        for i in range(3000):
            links[f"l{i:04}"] = h5py.ExternalLink("gone.h5" if i % 2 else path.name, "/group000/n0000")
    return path


def test_the_tree_of_a_large_file_by_the_keyboard(page: Window, large_file: Path, pictures: Path) -> None:
    made: list[FileTree] = []

    def document() -> Document:
        made.append(FileTree(large_file))
        return Document("tree", (made[-1],))

    with serving(document) as address:
        page.goto(address)
        tree = page.get_by_role("tree")
        expect(tree).to_be_visible(timeout=60_000)
        page.get_by_role("treeitem").first.focus()
        page.keyboard.press("l")  # on to the links
        page.keyboard.press("ArrowRight")
        item = page.get_by_role("treeitem", name=re.compile("^l0001"))
        expect(item).to_contain_text("broken link to gone.h5", timeout=30_000)
        assert (item.get_attribute("aria-level"), item.get_attribute("aria-setsize")) == ("2", "3000")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowRight")  # follows the link, which leads to an array
        expect(page.get_by_role("treeitem", name=re.compile("^l0000"))).to_contain_text("10 × 10", timeout=30_000)
        page.keyboard.press("Enter")
        expect(page.locator(".panosc-details")).to_contain_text("/links/l0000", timeout=30_000)
        page.keyboard.press("End")
        page.keyboard.press("Enter")  # the next piece
        expect(page.get_by_role("treeitem", name=re.compile("^l0399"))).to_be_attached(timeout=30_000)
        expect(page.locator(":focus")).to_contain_text("l0200")
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        expect(page.get_by_role("treeitem", name=re.compile("^l0000"))).to_be_hidden()
        assert findings(page) == []
        page.screenshot(path=pictures / "tree.png", full_page=True)
        assert made[0].selected == "/links/l0000"
