"""What breaks, and what must then hold: running sessions go on, people read why, nothing needs a restart by hand."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub_config.launcher import running_hub
from hub_config.running import connected
from hub_config.settings import write_settings
from hub_config.spawning.containers import COMMAND
from tests.sessions.conftest import require
from tests.sessions.facility import make_tree, policy_content, profiles
from tests.sessions.inside import Failure
from tests.sessions.platform import platform, write_policy

pytestmark = pytest.mark.docker


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    require("docker")
    make_tree(tmp_path / "facility")
    return write_policy(tmp_path, policy_content(tmp_path / "facility"))


def change(policy: Path, **sections: Any) -> None:
    """Change the policy while its hub runs, as an operator does."""
    policy.write_text(yaml.safe_dump(yaml.safe_load(policy.read_text()) | sections))


def test_a_hub_that_is_killed_finds_its_sessions_again(policy: Path) -> None:
    with platform("docker", policy, ("alice",)) as hub:
        person = hub.log_in("alice")
        assert person.start() is None
        person.run("kept = 41")
        os.kill(hub.pid, signal.SIGKILL)
        told = write_settings(hub.settings, hub.settings.state / "hub.json")
        address = (hub.settings.host, hub.settings.port)
        with running_hub(told, hub.settings.state / "logs" / "hub-again.log", address, 120, "docker"):
            assert person.servers()[""]["ready"]
            assert person.run("print(kept + 1)").strip() == "42"
            person.stop()
            assert person.start() is None


class Relay:
    """The daemon's socket by way of one that can be taken down, as a daemon that stops takes its own down."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.links: list[socket.socket] = []
        self.thread: threading.Thread | None = None
        self.wake: socket.socket

    def up(self) -> None:
        """Listen, and pass everything on to the real daemon."""
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(self.path))
        server.listen()
        ours, self.wake = socket.socketpair()
        self.thread = threading.Thread(target=self._serve, args=(server, ours))
        self.thread.start()

    def down(self) -> None:
        """Stop listening and cut every connection."""
        self.wake.close()
        if self.thread:
            self.thread.join()
        self.path.unlink()

    def _serve(self, server: socket.socket, wake: socket.socket) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(server, selectors.EVENT_READ)
            selector.register(wake, selectors.EVENT_READ)
            peers: dict[socket.socket, socket.socket] = {}
            while True:
                for key, _ in selector.select():
                    one = key.fileobj
                    assert isinstance(one, socket.socket)
                    if one is wake:
                        for link in (server, wake, *peers):
                            link.close()
                        return
                    if one is server:
                        client, daemon = server.accept()[0], socket.socket(socket.AF_UNIX)
                        daemon.connect("/var/run/docker.sock")
                        peers |= {client: daemon, daemon: client}
                        selector.register(client, selectors.EVENT_READ)
                        selector.register(daemon, selectors.EVENT_READ)
                        continue
                    self._pass_on(one, peers, selector)

    @staticmethod
    def _pass_on(
        one: socket.socket, peers: dict[socket.socket, socket.socket], selector: selectors.BaseSelector
    ) -> None:
        other = peers.get(one)
        if other is None:
            return
        try:
            data = one.recv(65536)
            if data:
                other.sendall(data)
                return
        except OSError:
            pass
        for link in (one, other):
            peers.pop(link)
            selector.unregister(link)
            link.close()


@contextmanager
def relay(path: Path) -> Iterator[Relay]:
    made = Relay(path)
    made.up()
    try:
        yield made
    finally:
        if path.exists():
            made.down()


def test_a_daemon_that_is_down_is_said_plainly_and_needs_no_restart_of_the_hub(policy: Path, tmp_path: Path) -> None:
    # A unix socket's path must be short.
    path = Path(f"/tmp/pt-{os.getpid()}-{time.monotonic_ns()}.sock")
    with relay(path) as daemon, platform("docker", policy, ("alice", "bob"), {"DOCKER_HOST": f"unix://{path}"}) as hub:
        alice, bob = hub.log_in("alice"), hub.log_in("bob")
        assert alice.start() is None
        alice.run("kept = 41")
        daemon.down()
        failure = bob.start()
        assert isinstance(failure, Failure)
        assert "Docker daemon of this facility does not answer" in failure.message
        assert "Try again in a minute" in failure.message
        page = bob.browser.get("/hub/spawn", timeout=60).text
        assert "Traceback" not in page
        assert alice.run("print(kept + 1)").strip() == "42"
        assert alice.servers()[""]["ready"]
        daemon.up()
        assert bob.start() is None
        assert bob.run("print(6 * 7)").strip() == "42"
        assert alice.servers()[""]["ready"]


def test_a_session_that_dies_at_its_start_says_why(policy: Path) -> None:
    with platform("docker", policy, ("alice", "bob")) as hub:
        alice = hub.log_in("alice")
        assert alice.start() is None
        alice.stop()
        (policy.parent / "passwd").write_text("alice:x:30001:30001::/:/bin/sh\n")
        failure = alice.start()
        assert isinstance(failure, Failure)
        assert "/home/jovyan is not writable for the number 30001" in failure.message
        page = alice.browser.post(
            "/hub/spawn", data={"_xsrf": alice.browser.cookies.get("_xsrf", path="/hub/"), "profile": "lab"}
        ).text
        deadline = time.monotonic() + 20
        while "not writable" not in page:
            # A page says so while it waits; the hub answers with the reason when it is asked again.
            assert time.monotonic() < deadline, page
            page = alice.browser.get("/hub/spawn-pending/alice").text
            time.sleep(0.2)
        client = connected()
        try:
            left = client.containers(all=True, filters={"name": f"{hub.policy.docker.prefix}-alice"})
        finally:
            client.close()
        assert left == []


def test_who_has_no_account_or_no_image_reads_so(policy: Path) -> None:
    with platform("docker", policy, ("alice", "stranger")) as hub:
        failure = hub.log_in("stranger").start()
        assert isinstance(failure, Failure)
        assert "no numeric account for you" in failure.message
        assert "passwd" not in failure.message
        change(policy, profiles={"lab": {"title": "Lab", "image": "panosc-analysis/lab:never-made"}})
        failure = hub.log_in("alice").start()
        assert isinstance(failure, Failure)
        assert "panosc-analysis/lab:never-made is not on this host" in failure.message


def test_a_policy_with_a_fault_starts_nothing_until_it_is_mended(policy: Path) -> None:
    text = policy.read_text()
    with platform("docker", policy, ("alice",)) as hub:
        alice = hub.log_in("alice")
        policy.write_text(text + "open_data: everything\n")
        failure = alice.start()
        assert isinstance(failure, Failure)
        assert "policy has a fault" in failure.message
        policy.write_text(text)
        assert alice.start() is None


def test_a_proposal_taken_away_is_gone_at_the_next_start(policy: Path) -> None:
    with platform("docker", policy, ("alice",)) as hub:
        alice = hub.log_in("alice")
        assert alice.start() is None
        look = "import json, os; print(json.dumps(sorted(os.listdir('/data'))))"
        assert alice.asked(look) == ["open", "p1", "p2"]
        alice.stop()
        content = yaml.safe_load(policy.read_text())
        content["proposals"]["list"] = [p for p in content["proposals"]["list"] if p["id"] != "p1"]
        policy.write_text(yaml.safe_dump(content))
        assert alice.start() is None
        assert alice.asked(look) == ["open", "p2"]


def test_two_hundred_proposals_and_groups(policy: Path, tmp_path: Path) -> None:
    root, rows = tmp_path / "facility", []
    for index in range(200):
        directory = root / f"many-{index:03}"
        directory.mkdir(mode=0o750)
        if os.getuid() == 0:
            os.chown(directory, 0, 60000 + index)
        (directory / "here").write_text(str(index))
        rows.append({"id": f"many-{index:03}", "directory": f"many-{index:03}", "gid": 60000 + index,
                     "release_date": "2999-01-01", "members": ["alice"]})  # fmt: skip
    change(policy, proposals={"list": rows})
    with platform("docker", policy, ("alice",)) as hub:
        alice = hub.log_in("alice")
        assert alice.start() is None
        code = """
import json, os
print(json.dumps([len(os.listdir("/data")), len(os.getgroups()),
                  sum(int(open(f"/data/many-{i:03}/here").read()) for i in range(200))]))
"""
        assert alice.asked(code) == [200, 201, sum(range(200))]


def test_a_session_whose_data_could_be_written_refuses_to_start(tmp_path: Path) -> None:
    require("docker")
    image = profiles(lab={})["lab"]["image"]
    (tmp_path / "p1").mkdir()
    call = [
        "docker", "run", "--rm", "--network=none", "--read-only", "--tmpfs=/home/jovyan:uid=1000", "--tmpfs=/data:ro",
        f"--volume={tmp_path / 'p1'}:/data/p1:MODE", image, *COMMAND[:-1], "echo", "started",
    ]  # fmt: skip
    for mode, started in (("ro", True), ("rw", False)):
        done = subprocess.run([c.replace("MODE", mode) for c in call], capture_output=True, text=True, check=False)
        assert (done.returncode == 0) is started, done.stderr
        assert ("started" in done.stdout) is started
    assert "Writable below the data directory: /data/p1" in done.stderr
