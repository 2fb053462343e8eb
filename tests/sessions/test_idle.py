"""Idle sessions end, and sessions at work do not, whatever the work is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.sessions.conftest import DOCKER, KUBERNETES, require
from tests.sessions.facility import make_tree, policy_content, profiles
from tests.sessions.inside import Person
from tests.sessions.platform import Platform, platform, write_policy

IDLE = 15


@pytest.fixture(scope="module", params=["local", DOCKER, KUBERNETES])
def hub(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    require(request.param)
    directory = tmp_path_factory.mktemp(f"idle-{request.param}")
    make_tree(directory / "facility")
    sessions = {"named": 3, "idle_timeout": IDLE, "max_age": 3600}
    with platform(
        request.param, write_policy(directory, policy_content(directory / "facility", sessions=sessions)), ("alice",)
    ) as running:
        yield running


def is_running(person: Person, server: str) -> bool:
    return bool(person.servers().get(server, {}).get("ready"))


def test_only_the_idle_session_ends(hub: Platform) -> None:
    person = hub.log_in("alice")
    for server in ("idle", "kernel", "dask"):
        assert person.start(server, {"profile": "lab"}) is None
    person.run("kept = 1", "idle")
    # Without a word for longer than the idle time, and with nobody connected.
    person.begin(f"import time; time.sleep({4 * IDLE})", "kernel")
    person.run(
        "from distributed import Client\n"
        "client = Client(n_workers=1, threads_per_worker=1, dashboard_address=None)\n"
        "import time\n"
        f"futures = [client.submit(time.sleep, {4 * IDLE}, pure=False) for _ in range(2)]",
        "dask",
    )
    begun = time.monotonic()
    while is_running(person, "idle"):
        assert time.monotonic() - begun < 3 * IDLE, "the idle session goes on"
        time.sleep(0.5)
    while time.monotonic() - begun < 2.5 * IDLE:
        assert is_running(person, "kernel")
        assert is_running(person, "dask")
        time.sleep(0.5)
    for server in ("kernel", "dask"):
        person.stop(server)


@pytest.mark.docker
@pytest.mark.browser
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_desktop_lives_by_its_keyboard_and_mouse_and_not_by_its_picture(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    require("docker")
    directory = tmp_path_factory.mktemp("idle-desktop")
    make_tree(directory / "facility")
    content = policy_content(
        directory / "facility",
        sessions={"named": 3, "idle_timeout": IDLE, "max_age": 3600},
        profiles=profiles(desktop={"title": "Desktop", "kind": "desktop"}),
    )
    with platform("docker", write_policy(directory, content), ("alice",)) as hub:
        person = hub.log_in("alice")
        context = browser.new_context(extra_http_headers={"Authorization": f"token {person.token}"})
        pages = {}
        for server in ("watched", "used"):
            assert person.start(server) is None
            pages[server] = context.new_page()
            pages[server].goto(f"{person.session_url(server)}/desktop/?token={person.token}")
            pages[server].wait_for_function(CONNECTED, timeout=60_000)
        begun = time.monotonic()
        while is_running(person, "watched"):
            assert time.monotonic() - begun < 4 * IDLE, "a picture that nobody touches keeps the session alive"
            use(pages["used"])
        while time.monotonic() - begun < 2.5 * IDLE:
            assert is_running(person, "used")
            use(pages["used"])
        context.close()


CONNECTED = "() => document.querySelector('#status')?.textContent === 'Connected'"


def use(page: Page) -> None:
    """Move the mouse a little, as somebody who works does."""
    for x in (300, 420):
        page.mouse.move(x, 400)
        page.wait_for_timeout(700)


def test_every_session_ends_at_its_age_whatever_it_does(tmp_path: Path) -> None:
    make_tree(tmp_path / "facility")
    sessions = {"idle_timeout": 3600, "max_age": 12}
    policy = write_policy(tmp_path, policy_content(tmp_path / "facility", sessions=sessions))
    with platform("local", policy, ("alice",)) as hub:
        person = hub.log_in("alice")
        assert person.start() is None
        person.begin("import time; time.sleep(600)")
        begun = time.monotonic()
        while is_running(person, ""):
            assert time.monotonic() - begun < 60, "the session outlives its age"
            time.sleep(0.5)
