"""A person's whole way in a real browser: her institute's login, the choice, JupyterLab, the desktop, in containers."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from panosc_analysis.demo import make_facility
from tests.openid_provider import OpenIDProvider, openid_provider, subject
from tests.sessions.conftest import require
from tests.sessions.facility import profiles
from tests.sessions.platform import Platform, platform, write_policy

pytestmark = [pytest.mark.docker, pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

PEOPLE = {
    "alice": {"name": "Alice Lovelace", "groups": ["/proposals/hc-5001", "/proposals/es-1402", "/users"]},
    "bob": {"name": "Bob Boyle", "groups": ["/proposals/ma-6203", "/users"]},
    "dora": {"name": "Dora Crowfoot", "groups": ["/proposals/ma-6203", "/users"]},
    "erin": {"name": "Erin Abbott", "groups": ["/proposals/ma-6203", "/users"]},
    "mallory": {"name": "Mallory", "groups": ["/proposals"]},
}
FILE = "~/data/ma-6203/ID21/20260521/RAW_DATA/basalt_map_0003.h5"
WINDOWS = "DISPLAY=:$(ls /tmp/.X11-unix | head -1 | tr -d X) xwininfo -root -tree"


@dataclass
class Facility:
    """A hub in front of an institute's provider."""

    hub: Platform
    provider: OpenIDProvider

    def container(self, person: str, server: str = "") -> str:
        """Name of the container of a session."""
        names = subprocess.run(
            ["docker", "ps", "--filter", f"label=org.panosc.analysis.person={subject(person)}",
             "--filter", f"label=org.panosc.analysis.server={server}", "--format", "{{.Names}}"],
            capture_output=True, text=True, check=True,
        ).stdout.split()  # fmt: skip
        assert len(names) == 1, names
        return names[0]

    def shell(self, person: str, server: str, command: str) -> str:
        """Run a command inside a session."""
        call = ["docker", "exec", self.container(person, server), "sh", "-c", command]
        return subprocess.run(call, capture_output=True, text=True, check=False).stdout


@pytest.fixture(scope="module")
def facility(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facility]:
    """The demo facility behind a real OpenID provider."""
    require("docker")
    directory = tmp_path_factory.mktemp("institute")
    make_facility(directory / "facility", size="small")
    content = {
        "facility": "PaNOSC demo facility",
        "roots": {"facility": {"path": str(directory / "facility")}},
        "proposals": {"files": ["facility/facility.json"]},
        "accounts": {"source": "fixed", "uid": 20001, "gid": 20001},
        "sessions": {"reconcile": 2, "fresh": 10},
        "profiles": profiles(
            lab={"title": "JupyterLab", "description": "Notebooks, terminals and the data viewer"},
            desktop={"title": "Remote desktop", "description": "silx view, PyMca and a terminal", "kind": "desktop"},
        ),
    }
    path = write_policy(directory, content)
    port = int(re.search(r"port: (\d+)", path.read_text())[1])  # type: ignore[index]
    callback = f"http://127.0.0.1:{port}/hub/oauth_callback"
    with openid_provider(PEOPLE, [callback]) as provider:
        identity = {
            "provider": "keycloak", "issuer": provider.issuer, "callback_url": callback,
            "login_name": "the institute", "hub_groups": {"users": ["/users"]}, "allowed_groups": ["users"],
            "refresh": {"age": 2},
        }  # fmt: skip
        path = write_policy(
            directory, {**content, "identity": identity, "hub": {"state": str(directory / "state"), "port": port}}
        )
        secrets = {
            "JUPYTERHUB_CRYPT_KEY": os.urandom(32).hex(),
            "PANOSC_OIDC_CLIENT_ID": provider.client_id,
            "PANOSC_OIDC_CLIENT_SECRET": provider.client_secret,
        }
        with platform("docker", path, (), secrets, with_catalogue=True) as running:
            yield Facility(running, provider)


def log_in(page: Page, facility: Facility, person: str) -> None:
    """From the hub's address through the provider's login page and back."""
    page.goto(facility.hub.url)
    page.get_by_role("link", name=re.compile("the institute")).or_(
        page.get_by_role("button", name=re.compile("the institute"))
    ).first.click()
    page.fill("input[name=login]", person)
    page.press("input[name=login]", "Enter")
    page.wait_for_url(re.compile(re.escape(facility.hub.url)), timeout=30_000)


def until(happened: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Wait until `happened`."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.3)


def coloured(file: Path) -> int:
    """Pixels that are neither grey nor the desktop's blue: those of a colour map."""
    red, green, blue = (np.asarray(c).astype(int) for c in Image.open(file).convert("RGB").split())
    return int((((green - red > 40) | (red - blue > 40)) & (green > 60)).sum())


def test_login_choice_and_tutorial_in_a_container(page: Page, facility: Facility, pictures: Path) -> None:
    log_in(page, facility, "alice")
    # The form says what there is to choose, and what the session will see.
    expect(page.get_by_text("What shall start?")).to_be_visible(timeout=30_000)
    expect(page.locator("code", has_text="hc-5001")).to_be_visible()
    expect(page.locator("code", has_text="ma-6203")).to_have_count(0)
    page.screenshot(path=pictures / "choice.png")
    page.get_by_text("JupyterLab", exact=True).click()
    page.locator("input[type=submit], button[type=submit]").last.click()
    page.wait_for_url(re.compile(r"/lab/tree/tutorials/01"), timeout=90_000)
    expect(page.locator(".jp-NotebookPanel .jp-Notebook")).to_be_visible(timeout=60_000)
    until(lambda: kernel_is_ready(page, facility), "a kernel")
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    expect(page.locator(".jp-CodeCell .jp-InputPrompt:text-is('[5]:')")).to_be_attached(timeout=120_000)
    expect(page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']")).to_have_count(0)
    page.locator(".jp-Notebook .jp-Cell").first.click()
    expect(page.locator(".panosc-viewer canvas").first).to_be_visible(timeout=30_000)
    page.wait_for_timeout(1000)
    page.screenshot(path=pictures / "tutorial-in-a-container.png")
    assert "behenate.nxs" in facility.shell("alice", "", "ls ~/results")
    # A desktop beside it, by a link, in the same home.
    page.goto(f"{facility.hub.url}/hub/spawn/{subject('alice')}/desktop?opt-profile=desktop")
    page.wait_for_url(re.compile("/desktop/"), timeout=60_000)
    assert "behenate.nxs" in facility.shell("alice", "desktop", "ls ~/results")


def kernel_is_ready(page: Page, facility: Facility) -> bool:
    """Whether the notebook's kernel is connected and idle; JupyterLab shows "idle" before there is one."""
    kernels = page.request.get(f"{facility.hub.url}/user/{subject('alice')}/api/kernels").json()
    return bool(kernels and kernels[0]["connections"] and kernels[0]["execution_state"] == "idle")


def test_the_desktop_shows_a_file_of_her_proposal_in_silx(page: Page, facility: Facility, pictures: Path) -> None:
    page.set_viewport_size({"width": 1280, "height": 836})
    log_in(page, facility, "dora")
    page.get_by_text("Remote desktop", exact=True).click()
    page.locator("input[type=submit], button[type=submit]").last.click()
    page.wait_for_url(re.compile("/desktop/"), timeout=60_000)
    page.wait_for_function("() => document.querySelector('#status')?.textContent === 'Connected'", timeout=60_000)
    until(lambda: "xfce4-panel" in facility.shell("dora", "", WINDOWS), "the panel")
    page.wait_for_timeout(2000)
    canvas = page.locator("#screen canvas").bounding_box()
    assert canvas is not None
    page.mouse.click(canvas["x"] + 157, canvas["y"] + 15)
    until(lambda: '"Terminal"' in facility.shell("dora", "", WINDOWS), "the terminal")
    page.wait_for_timeout(1500)
    page.keyboard.type(f"silx view {FILE} 2>/dev/null &\n", delay=20)
    until(lambda: "Silx viewer" in facility.shell("dora", "", WINDOWS), "silx")

    def drawn() -> bool:
        page.screenshot(path=pictures / "desktop.png")
        return coloured(pictures / "desktop.png") > 20_000

    until(drawn, "the picture in silx", 90)


def test_mallory_is_told_why_she_is_not_let_in(page: Page, facility: Facility, pictures: Path) -> None:
    log_in(page, facility, "mallory")
    page.screenshot(path=pictures / "refused.png")
    assert "/user/" not in page.url
    assert "Traceback" not in page.content()
    expect(page.locator("body")).to_contain_text(re.compile("allowed|not a member|group", re.IGNORECASE))


def test_a_revoked_proposal_ends_the_session_that_sees_it(page: Page, facility: Facility) -> None:
    log_in(page, facility, "bob")
    page.get_by_text("JupyterLab", exact=True).click()
    page.locator("input[type=submit], button[type=submit]").last.click()
    page.wait_for_url(re.compile("/lab"), timeout=90_000)
    assert "ma-6203" in facility.shell("bob", "", "ls /data")
    first = facility.container("bob")
    facility.provider.set_claims("bob", {"name": "Bob Boyle", "groups": ["/users"]})
    running = ["docker", "ps", "-q", "--filter", f"name=^{first}$"]
    until(lambda: not subprocess.run(running, capture_output=True, text=True, check=True).stdout, "the end", 60)
    page.goto(f"{facility.hub.url}/hub/spawn/{subject('bob')}?opt-profile=lab")
    page.wait_for_url(re.compile("/lab"), timeout=90_000)
    assert facility.shell("bob", "", "ls /data").split() == ["open"]


def test_while_the_institute_is_silent_nobody_gets_embargoed_data_anew(page: Page, facility: Facility) -> None:
    log_in(page, facility, "erin")
    page.get_by_text("JupyterLab", exact=True).click()
    page.locator("input[type=submit], button[type=submit]").last.click()
    page.wait_for_url(re.compile("/lab"), timeout=90_000)
    assert facility.shell("erin", "", "ls /data").split() == ["ma-6203", "open"]
    facility.provider.fault(status=500)
    try:
        page.wait_for_timeout(13_000)
        page.goto(f"{facility.hub.url}/hub/spawn/{subject('erin')}/second?opt-profile=lab")
        page.wait_for_url(re.compile("/second/lab"), timeout=90_000)
        assert facility.shell("erin", "second", "ls /data").split() == ["open"]
        # What runs goes on.
        assert facility.shell("erin", "", "ls /data").split() == ["ma-6203", "open"]
        assert page.request.get(f"{facility.hub.url}/user/{subject('erin')}/api/status").ok
    finally:
        facility.provider.mend()
