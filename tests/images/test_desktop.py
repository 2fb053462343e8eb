"""The desktop as a person meets it: in a real browser, with her data, as a number that no passwd file knows."""

from __future__ import annotations

import contextlib
import http.client
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.images.container import TOKEN, Server, server

pytestmark = [pytest.mark.docker, pytest.mark.browser]

CONNECTED = "() => document.querySelector('#status')?.textContent === 'Connected'"
BACKGROUND = (42, 54, 66)
# Where the panel has its menu and the terminal.
MENU, TERMINAL = (60, 15), (157, 15)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A proposal's directory with one NeXus file that has a default plot."""
    folder = tmp_path_factory.mktemp("proposal")
    folder.chmod(0o755)
    y, x = np.mgrid[-100:100, -120:120]
    with h5py.File(folder / "scan.nxs", "w") as file:
        file.attrs["default"] = "entry"
        entry = file.create_group("entry")
        entry.attrs.update({"NX_class": "NXentry", "default": "data"})
        group = entry.create_group("data")
        group.attrs.update({"NX_class": "NXdata", "signal": "counts"})
        group["counts"] = (1000 * np.exp(-(((np.hypot(x, y) - 50) / 8) ** 2))).astype("i4")
    (folder / "scan.nxs").chmod(0o644)
    return folder


@pytest.fixture(scope="module")
def session(data: Path) -> Iterator[Server]:
    """A session of the desktop image; its home has ``data``, as the hub's sessions make it."""
    options = ["--tmpfs=/home/jovyan:rw,uid=54321,gid=54321,mode=700", f"--volume={data}:/data/2026001:ro", "--cpus=2"]
    with server("desktop", user="54321:54321", options=options) as running:
        running.shell("ln -s /data ~/data")
        yield running


@pytest.fixture(scope="module")
def desktop(session: Server, browser: Browser) -> Iterator[Page]:
    """The desktop's page, connected and drawn, with the clipboard allowed."""
    context = browser.new_context(viewport={"width": 1280, "height": 836})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{session.url}/desktop/?token={TOKEN}")
    page.wait_for_function(CONNECTED, timeout=30_000)
    until(lambda: {"xfce4-panel", "Desktop"} <= titles(session), "the panel and the desktop")
    yield page
    context.close()


@pytest.fixture
def fresh(desktop: Page, session: Server) -> Page:
    """The page with a desktop on which nothing is open: the one that comes when the last one ends."""
    before = session.shell("pgrep -x xfce4-session").strip()
    session.shell("pkill -x xfce4-session")
    until(lambda: session.shell("pgrep -x xfce4-session || true").strip() not in {"", before}, "a new desktop", 60)
    desktop.reload()
    desktop.wait_for_function(CONNECTED, timeout=60_000)
    until(lambda: {"xfce4-panel", "Desktop"} <= titles(session), "the panel and the desktop")
    until(lambda: geometry(session, "xfce4-panel")["width"] == 1280, "the panel's width")
    # Icons and launchers come a moment after their windows.
    time.sleep(1)
    return desktop


def until(happened: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Wait until `happened`."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"{what} did not appear"
        time.sleep(0.2)


def double_click(page: Page, point: tuple[float, float], happened: Callable[[], bool], what: str) -> None:
    """Double-click until `happened`: on a busy machine two clicks may arrive too far apart to be one."""
    for _ in range(4):
        # Sooner, or without moving, the first of these clicks would count as the third of the last ones.
        page.mouse.move(*place(page, 900, 600))
        time.sleep(1.5)
        page.mouse.dblclick(*point)
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            if happened():
                return
            time.sleep(0.2)
    raise AssertionError(f"{what} did not appear")


def x11(session: Server, command: str) -> str:
    """Run a command inside, on the desktop's display."""
    display = session.shell("ls /tmp/.X11-unix").split()[0].replace("X", ":")
    return session.shell(command, DISPLAY=display)


def titles(session: Server) -> set[str]:
    """Titles of all windows."""
    try:
        return set(re.findall(r'^ +0x\w+ "([^"]+)"', x11(session, "xwininfo -root -tree"), re.MULTILINE))
    except (AssertionError, IndexError):
        return set()


def geometry(session: Server, title: str) -> dict[str, int]:
    """Place and size of a window."""
    told = x11(session, f"xwininfo -name '{title}'")
    found = {
        "x": r"Absolute upper-left X: +(\d+)", "y": r"Absolute upper-left Y: +(\d+)",
        "width": r"Width: (\d+)", "height": r"Height: (\d+)",
    }  # fmt: skip
    return {k: int(re.search(pattern, told)[1]) for k, pattern in found.items()}  # type: ignore[index]


def place(page: Page, x: int, y: int) -> tuple[float, float]:
    """Where a point of the desktop is on the page."""
    box = page.locator("#screen canvas").bounding_box()
    assert box is not None
    return box["x"] + x, box["y"] + y


def picture(page: Page, file: Path) -> Image.Image:
    """Take a screenshot."""
    page.screenshot(path=file)
    return Image.open(file).convert("RGB")


def test_draws_a_quiet_desktop(fresh: Page, session: Server, pictures: Path) -> None:
    assert fresh.title() == "Desktop"
    until(lambda: picture(fresh, pictures / "desktop.png").getpixel((640, 600)) == BACKGROUND, "the background")
    shown = picture(fresh, pictures / "desktop.png")
    colours = shown.crop((0, 80, 1280, 836)).getcolors(100_000)
    assert colours is not None
    assert max(colours)[1] == BACKGROUND
    assert 0.9 < max(colours)[0] / (1280 * 756) < 1, "icons, and nothing that asks something"
    assert session.shell("ls ~/Desktop").split() == ["data"]
    assert session.shell("ls ~/Desktop/data/").split() == ["2026001"]


def test_double_click_on_a_nexus_file_opens_silx(fresh: Page, session: Server, pictures: Path) -> None:
    # The second icon of the desktop is ~/data; a double-click opens the file manager there.
    double_click(fresh, place(fresh, 70, 180), lambda: "data - Thunar" in titles(session), "the file manager")
    thunar = geometry(session, "data - Thunar")
    first = place(fresh, thunar["x"] + 210, thunar["y"] + 100)
    double_click(fresh, first, lambda: "2026001 - Thunar" in titles(session), "the proposal's directory")
    double_click(fresh, first, lambda: "Silx viewer" in titles(session), "silx")
    assert "silx view /" in session.shell("ps -eo args").replace("/opt/panosc/bin/", "")
    # silx draws the file's default plot: viridis has this yellow at its top.
    until(lambda: yellow(picture(fresh, pictures / "desktop-silx.png")) > 500, "the picture")


def yellow(shown: Image.Image) -> int:
    """Pixels in the colours of viridis' upper end."""
    red, green, blue = (np.asarray(c).astype(int) for c in shown.split())
    return int(((red > 180) & (green > 200) & (blue < 80)).sum())


def test_pymca_starts_from_its_menu_entry(fresh: Page, session: Server) -> None:
    fresh.mouse.click(*place(fresh, *MENU))
    time.sleep(0.5)
    fresh.mouse.click(*place(fresh, 40, 68))
    until(lambda: any(t.startswith("PyMca") for t in titles(session)), "PyMca", 60)
    session.shell("pkill -f '[b]in/pymca'")


@pytest.mark.parametrize("name", ["a.nxs", "a.h5", "a.hdf5", "a.cxi", "a.nexus", "a.edf"])
def test_files_of_facilities_belong_to_silx(session: Server, name: str) -> None:
    # The first bytes of an HDF5 file: the name alone must not be what decides against a wrong type.
    session.shell(f"printf '\\211HDF\\r\\n\\032\\n' > /tmp/{name}")
    kind = session.shell(f"gio info -a standard::content-type /tmp/{name}").split()[-1]
    assert session.shell(f"xdg-mime query default {kind}", XDG_CURRENT_DESKTOP="XFCE").strip() == "silx-view.desktop"


@pytest.mark.parametrize("entry", ["silx-view", "pymca", "pyfai-calib2"])
def test_menu_entries_are_valid(session: Server, entry: str) -> None:
    file = f"/usr/share/applications/{entry}.desktop"
    session.shell(f"desktop-file-validate {file}")
    session.shell(f"command -v $(sed -n 's/^Exec=\\([^ ]*\\).*/\\1/p' {file})")


def test_clipboard_both_ways(fresh: Page, session: Server) -> None:
    fresh.mouse.click(*place(fresh, *TERMINAL))
    until(lambda: "Terminal" in titles(session), "the terminal")
    terminal = geometry(session, "Terminal")
    time.sleep(1)
    fresh.evaluate("navigator.clipboard.writeText('echo from-the-browser > /tmp/pasted')")
    fresh.evaluate("window.dispatchEvent(new Event('focus'))")
    fresh.mouse.click(*place(fresh, terminal["x"] + 300, terminal["y"] + 200))
    time.sleep(0.5)
    fresh.keyboard.press("Control+Shift+V")
    time.sleep(0.5)
    fresh.keyboard.press("Enter")
    until(lambda: "from-the-browser" in session.shell("cat /tmp/pasted 2>/dev/null || true"), "what was pasted")

    fresh.keyboard.type("clear; printf '\\nfrom-the-desktop\\n'; touch /tmp/printed\n")
    until(lambda: "printed" in session.shell("ls /tmp"), "what was typed")

    def copied() -> bool:
        fresh.mouse.dblclick(*place(fresh, terminal["x"] + 40, terminal["y"] + 22))
        fresh.keyboard.press("Control+Shift+C")
        # Long enough for the next double-click not to count as the rest of this one.
        time.sleep(1.5)
        return bool(fresh.evaluate("navigator.clipboard.readText()") == "from-the-desktop")

    until(copied, "what was copied")
    assert fresh.locator("#clipboard-text").input_value() == "from-the-desktop"


def test_follows_the_size_of_the_window(desktop: Page, session: Server, pictures: Path) -> None:
    for width, height in ((900, 636), (1600, 936), (1280, 836)):
        desktop.set_viewport_size({"width": width, "height": height})
        wanted = re.compile(f"dimensions: +{width}x{height - 36} ")
        until(lambda wanted=wanted: wanted.search(x11(session, "xdpyinfo")) is not None, "the size")
        until(lambda width=width: geometry(session, "xfce4-panel")["width"] == width, "the panel's width")
    desktop.screenshot(path=pictures / "desktop-resized.png")


def test_leaves_no_logs_in_the_home_and_opens_no_port(desktop: Page, session: Server) -> None:
    assert ".vnc" not in session.shell("ls -a ~").split()
    assert session.shell("find ~ -name '*.log'").strip() == ""
    listening = session.shell("cat /proc/net/tcp /proc/net/tcp6 | awk '$4 == \"0A\" {print $2}'").split()
    beyond = {int(address[-4:], 16) for address in listening if not address.startswith("0100007F")}
    assert beyond == {8888}
    assert not [address for address in listening if 5900 <= int(address[-4:], 16) < 6100], "neither VNC nor X"
    assert session.shell("stat -c %a /tmp/jupyter-server-proxy-*/socket").strip() == "600"


@pytest.mark.parametrize("path", ["/desktop/", "/desktop-websockify/", "/desktop/static/dist/viewer.js"])
def test_nobody_else_gets_in(desktop: Page, session: Server, path: str) -> None:
    upgrade = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Protocol": "binary",
    }  # fmt: skip
    headers = upgrade if "websockify" in path else {}
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", session.port, timeout=20)) as connection:
        connection.request("GET", path, headers=headers)
        with connection.getresponse() as answer:
            assert answer.status == 403 or (answer.status == 302 and answer.headers["Location"].startswith("/login"))


def test_kernels_have_no_display(session: Server) -> None:
    assert session.kernel_result("import os; print(os.environ.get('DISPLAY'))").strip() == "None"


def test_opens_from_the_launcher_of_jupyterlab(session: Server, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 836})
    lab = context.new_page()
    tile = lab.locator('.jp-LauncherCard[title^="Desktop"]')
    for _ in range(3):
        lab.goto(f"{session.url}/lab?token={TOKEN}")
        tile.wait_for(timeout=60_000)
        # Chromium drops what it is loading when a network appears or goes, as with every container that starts on
        # this machine; JupyterLab then says that its theme is missing.
        if lab.locator(".jp-Dialog", has_text="Error Loading Theme").count() == 0:
            break
    with context.expect_page(timeout=60_000) as opened:
        tile.click()
    opened.value.wait_for_function(CONNECTED, timeout=60_000)
    context.close()
