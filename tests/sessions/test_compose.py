"""The hub as a container of its own, as compose.yaml starts it: same sessions, and they outlive it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from hub_config.policy import Policy, read_policy
from hub_config.running import connected, end_sessions
from tests.sessions.conftest import require
from tests.sessions.facility import make_tree, policy_content
from tests.sessions.inside import Person, log_in_with_password
from tests.sessions.platform import HUB_IMAGE, write_policy

pytestmark = pytest.mark.docker


@dataclass
class Composed:
    """A project of docker-compose."""

    browsers: ExitStack

    policy: Policy
    command: list[str]
    environment: dict[str, str]

    def compose(self, *arguments: str) -> str:
        """Run docker-compose; returns what it printed."""
        done = subprocess.run(
            [*self.command, *arguments], env=self.environment, capture_output=True, text=True, check=False, timeout=180
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def log_in(self, person: str, start: int) -> Person:
        """Wait for the hub's `start`-th start, read the password off its log, log in."""
        url, deadline = f"http://127.0.0.1:{self.policy.hub.port}", time.monotonic() + 90
        while True:
            found = re.findall(r"Password\s+(?:\x1b\[1m)?([a-z0-9-]+)", self.compose("logs", "--no-color"))
            try:
                if len(found) >= start and httpx.get(f"{url}/hub/health", timeout=2).status_code == 200:
                    return log_in_with_password(url, person, found[-1], self.browsers)
            except httpx.HTTPError:
                pass
            assert time.monotonic() < deadline, self.compose("logs")
            time.sleep(0.5)


@pytest.fixture
def composed(repository: Path, tmp_path: Path) -> Iterator[Composed]:
    require("docker")
    program = next((p for p in ("docker-compose", "/usr/bin/docker-compose") if shutil.which(p)), None)
    if program is None:
        reason = "docker-compose is not installed (Debian: apt install docker-compose)"
        if "docker" in os.environ.get("PANOSC_REQUIRE", ""):
            pytest.fail(reason)
        pytest.skip(reason)
    make_tree(tmp_path / "facility")
    path = write_policy(tmp_path, policy_content(tmp_path / "facility"))
    policy = read_policy(path)
    policy.hub.state.mkdir(mode=0o700)
    environment = os.environ | {
        "PANOSC_POLICY": str(path), "PANOSC_STATE": str(policy.hub.state), "PANOSC_DATA": str(tmp_path),
        "PANOSC_TAG": HUB_IMAGE.rpartition(":")[2],
    }  # fmt: skip
    command = [program, "-p", policy.docker.prefix, "-f", str(repository / "compose.yaml")]
    running = Composed(ExitStack(), policy, command, environment)
    try:
        running.compose("up", "-d")
        yield running
    finally:
        running.browsers.close()
        running.compose("down", "--timeout", "20")
        client = connected()
        end_sessions(client, policy, HUB_IMAGE)
        for volume in client.volumes(filters={"name": f"{policy.docker.prefix}-home-"})["Volumes"] or ():
            client.remove_volume(volume["Name"])
        client.close()


def test_sessions_of_a_hub_in_a_container_outlive_it(composed: Composed) -> None:
    alice = composed.log_in("alice", 1)
    assert alice.start(options={"profile": "lab"}) is None
    look = "import json, os; print(json.dumps([sorted(os.listdir('/data')), os.getuid()]))"
    assert alice.asked(look) == [["open", "p1", "p2"], 20001]
    alice.run("kept = 41")
    composed.compose("restart", "--timeout", "20")
    again = composed.log_in("alice", 2)
    again.kernels = alice.kernels
    assert again.servers()[""]["ready"]
    assert again.run("print(kept + 1)").strip() == "42"
