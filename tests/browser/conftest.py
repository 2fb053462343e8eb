"""A real Chromium, and the platform as a newcomer starts it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@dataclass(frozen=True)
class Platform:
    """A running demo: where it is, how to get in, where it keeps things."""

    url: str
    password: str
    directory: Path
    process: subprocess.Popen[str]

    def home(self, person: str) -> Path:
        """The directory that `person` sees as ~."""
        return self.directory / "hub" / "homes" / person


def chromium() -> str | None:
    """The system's Chromium, if there is one."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium; without one the test is skipped, or fails where PANOSC_REQUIRE names the browser.

    Ended with its module: Playwright keeps an event loop running in this thread, and other tests start their own.
    """
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


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """`panosc-analysis demo` with a new facility, in a path with a space; ended as Ctrl-C ends it."""
    directory = tmp_path_factory.mktemp("the demo")
    command = [sys.executable, "-m", "panosc_analysis", "demo", "--directory", str(directory), "--port", "18000"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True, cwd=directory
    )
    said: list[str] = []
    try:
        yield Platform(*_address(process, said), directory, process)
    finally:
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
        assert process.returncode == 0, "".join(said) + rest
        assert len(family) > 3, "the hub, its proxy, its catalogue and sessions were running"
        assert [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []


def _address(process: subprocess.Popen[str], said: list[str]) -> tuple[str, str]:
    """Read the address and the password off the terminal, as a person does."""
    url = password = None
    deadline = time.monotonic() + 240
    assert process.stdout is not None
    while time.monotonic() < deadline and not (url and password):
        line = process.stdout.readline()
        assert line, "the demo ended before it gave an address:\n" + "".join(said)
        said.append(line)
        if found := re.match(r"\s*Open\s+(http\S+)", line):
            url = found[1]
        if found := re.match(r"\s*Password\s+(\S+)", line):
            password = found[1]
    assert url, "".join(said)
    assert password, "".join(said)
    return url, password


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A new window with no cookies."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    window = context.new_page()
    yield window
    context.close()
