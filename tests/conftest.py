"""Fixtures that every kind of test may use."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("search API")
    group.addoption("--search-api-url", help="ask this live provider too in the client's contract tests")
    group.addoption("--search-api-dialect", default="common", help="which implementation it is (default: %(default)s)")
    group = parser.getgroup("Kubernetes")
    group.addoption("--charts", metavar="DIR", help="packages of the charts that ours depends on: tries a full install")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Let tests reach the live provider that was named, and only that."""
    url = config.getoption("--search-api-url")
    if url:
        config.option.allow_hosts = f"{config.option.allow_hosts},{urlsplit(url).hostname}"


ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of this checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real files of other facilities; skips where it is missing."""
    folder = Path(os.environ.get("PANOSC_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no shared data folder at {folder}")
    return folder


def chromium() -> str | None:
    """The system's Chromium, if there is one."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium; without one the test is skipped, or fails where PANOSC_REQUIRE names the browser.

    Ended with its module: Playwright keeps an event loop running in this thread, and other tests start their own.
    """
    from playwright.sync_api import sync_playwright

    path = chromium()
    if path is None:
        reason = "no Chromium on this machine (Debian: apt install chromium)"
        if "browser" in os.environ.get("PANOSC_REQUIRE", ""):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        instance = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield instance
        instance.close()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: PANOSC_PICTURES, or a temporary directory."""
    folder = Path(os.environ.get("PANOSC_PICTURES") or tmp_path_factory.mktemp("pictures"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A new window with no cookies."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    window = context.new_page()
    yield window
    context.close()
