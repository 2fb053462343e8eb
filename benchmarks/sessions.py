"""How long a person waits: from asking for a session to JupyterLab or the desktop, and to the reason if it dies.

Runs a whole hub with Docker sessions on a small facility of its own:

    .venv/bin/python -m benchmarks.sessions --rounds 7

Two policies take turns, so that 5 and 200 proposals are compared in one run under the same load.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml
from playwright.sync_api import sync_playwright

from tests.conftest import ARGUMENTS, chromium
from tests.sessions.facility import make_tree, policy_content, profiles
from tests.sessions.inside import Failure, Person
from tests.sessions.platform import Platform, platform, write_policy

CONNECTED = "() => document.querySelector('#status')?.textContent === 'Connected'"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    directory = Path(tempfile.mkdtemp(prefix="panosc-bench-"))
    try:
        figures = measure(directory, rounds)
    finally:
        shutil.rmtree(directory)
    print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, {rounds} rounds\n")
    print(f"| {'from asking until':42} | median (s) | min–max (s) |\n|{'-' * 44}|------------|-------------|")
    for name, seconds in figures.items():
        print(f"| {name:42} | {statistics.median(seconds):10.2f} | {min(seconds):.2f}–{max(seconds):.2f} |")
    few, many = (statistics.median(figures[f"JupyterLab is ready, {n} proposals"]) for n in (5, 200))
    print(f"\n200 proposals and groups take {many / few:.2f} times as long as 5.")


def measure(directory: Path, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of every round, by what was waited for."""
    make_tree(directory / "facility")
    policies = {count: contents(directory / "facility", count) for count in (5, 200)}
    path = write_policy(directory, policies[5])
    own = {key: yaml.safe_load(path.read_text())[key] for key in ("hub", "docker")}
    figures: dict[str, list[float]] = {f"JupyterLab is ready, {count} proposals": [] for count in policies}
    figures |= {"the desktop is connected in Chromium": [], "the reason why a session died": []}
    with platform("docker", path, ("alice",)) as hub:
        alice = hub.log_in("alice")
        for number in range(-1, rounds):
            for count, content in policies.items():
                path.write_text(yaml.safe_dump({**content, **own}, sort_keys=False))
                keep(figures[f"JupyterLab is ready, {count} proposals"], started(alice, "lab"), number)
                stop(alice)
            keep(figures["the desktop is connected in Chromium"], connected(hub, alice), number)
            stop(alice)
            accounts = directory / "passwd"
            right = accounts.read_text()
            accounts.write_text("alice:x:30001:30001::/:/bin/sh\n")
            keep(figures["the reason why a session died"], started(alice, "lab", dies=True), number)
            accounts.write_text(right)
    return figures


def contents(root: Path, count: int) -> dict[str, Any]:
    """A policy with `count` proposals, all of them alice's."""
    rows = []
    for index in range(count):
        (root / f"many-{index:03}").mkdir(exist_ok=True)
        rows.append({"id": f"many-{index:03}", "directory": f"many-{index:03}", "gid": 60000 + index,
                     "release_date": "2999-01-01", "members": ["alice"]})  # fmt: skip
    kinds = profiles(lab={"title": "Lab"}, desktop={"title": "Desktop", "kind": "desktop"})
    return policy_content(root, proposals={"list": rows}, profiles=kinds)


def keep(seconds: list[float], one: float, number: int) -> None:
    """The first round only warms up."""
    if number >= 0:
        seconds.append(one)


def started(person: Person, profile: str, *, dies: bool = False) -> float:
    """Seconds from the request to the answer that counts."""
    begun = time.perf_counter()
    failure = person.start(options={"profile": profile})
    seconds = time.perf_counter() - begun
    assert isinstance(failure, Failure) is dies, failure
    return seconds


def connected(hub: Platform, person: Person) -> float:
    """Seconds from the request to the desktop's picture in Chromium, whose start does not count."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        context = browser.new_context(extra_http_headers={"Authorization": f"token {person.token}"})
        page = context.new_page()
        begun = time.perf_counter()
        assert person.start(options={"profile": "desktop"}) is None
        page.goto(f"{person.session_url()}/desktop/?token={person.token}")
        page.wait_for_function(CONNECTED, timeout=60_000)
        seconds = time.perf_counter() - begun
        browser.close()
    return seconds


def stop(person: Person) -> None:
    """Stop, and let the machine come to rest."""
    person.stop()
    time.sleep(1)


if __name__ == "__main__":
    main()
