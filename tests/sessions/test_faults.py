"""What breaks, and what must then hold: running sessions go on, people read why, nothing needs a restart by hand."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub_config.spawning.containers import COMMAND
from tests.sessions.conftest import DOCKER, KUBERNETES, require
from tests.sessions.facility import make_tree, policy_content, profiles
from tests.sessions.faults import Breakable, forwarder, relay
from tests.sessions.inside import Failure, Person
from tests.sessions.platform import Platform, platform, write_policy

PEOPLE = ("alice", "bob", "carol", "dora", "erin", "frank", "grace", "heidi")
LOOK = "import json, os; print(json.dumps(sorted(os.listdir('/data'))))"
# The API server counts as gone for longer than KubeSpawner's own watches live.
OUTAGE = {"docker": 2, "kubernetes": 60}
SILENT = {"docker": "Docker daemon of this facility does not answer", "kubernetes": "cluster of this facility does not"}
NO_IMAGE = {"docker": "never-made is not on this host", "kubernetes": "never-made cannot be had"}


@dataclass
class Fragile:
    """A hub, its policy, and what it asks to start sessions."""

    hub: Platform
    policy: Path
    backend: Breakable

    def change(self, **sections: Any) -> None:
        """Change the policy while the hub runs, as an operator does."""
        self.policy.write_text(yaml.safe_dump(yaml.safe_load(self.policy.read_text()) | sections))


@pytest.fixture(scope="module", params=[DOCKER, KUBERNETES])
def module(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fragile]:
    require(request.param)
    directory = tmp_path_factory.mktemp(f"faults-{request.param}")
    make_tree(directory / "facility")
    content = policy_content(directory / "facility")
    (directory / "passwd").write_text("".join(f"{n}:x:{20001 + i}:{20001 + i}::/:\n" for i, n in enumerate(PEOPLE)))
    for row in content["proposals"]["list"]:
        row["members"] = [*row.get("members", ()), *PEOPLE[3:]] if row["id"] in ("p1", "p2") else row.get("members", [])
    policy = write_policy(directory, content)
    with ExitStack() as stack:
        if request.param == "docker":
            backend: Any = stack.enter_context(relay())
            environment = {"DOCKER_HOST": f"unix://{backend.path}"}
        else:
            address = os.environ.get("PANOSC_CLUSTER_HOST", "10.245.0.1")
            backend = stack.enter_context(forwarder(address, address, 6443))
            environment = {"KUBERNETES_SERVICE_HOST": address, "KUBERNETES_SERVICE_PORT": str(backend.port)}
        hub = stack.enter_context(platform(request.param, policy, (*PEOPLE, "stranger"), environment))
        yield Fragile(hub, policy, backend)


@pytest.fixture
def fragile(module: Fragile) -> Iterator[Fragile]:
    """The hub; its policy is as it was after each test, and nobody's session is left."""
    before = module.policy.read_text()
    yield module
    module.policy.write_text(before)
    for person in module.hub.people.values():
        person.stop()


def test_a_hub_that_is_killed_finds_its_sessions_again(fragile: Fragile, say: Callable[[str], None]) -> None:
    people = [fragile.hub.log_in(name) for name in ("alice", "bob")]
    for person in people:
        assert person.start() is None
        person.run("kept = 41")
    killed = time.monotonic()
    fragile.hub.kill_hub()
    back = time.monotonic() - killed
    found = [person.servers().get("", {}).get("ready") for person in people]
    say(f"hub killed, {fragile.hub.kind}: {found.count(True)} of {len(found)} sessions found again after {back:.1f} s")
    assert all(found)
    assert [person.run("print(kept + 1)").strip() for person in people] == ["42", "42"]
    people[0].stop()
    assert people[0].start() is None


def test_a_backend_that_is_down_is_said_plainly_and_needs_no_restart_of_the_hub(fragile: Fragile) -> None:
    alice, bob = fragile.hub.log_in("alice"), fragile.hub.log_in("bob")
    assert alice.start() is None
    alice.run("kept = 41")
    fragile.backend.down()
    since = time.monotonic()
    try:
        failure = bob.start()
        assert isinstance(failure, Failure)
        assert SILENT[fragile.hub.kind] in failure.message
        assert "Try again in a minute" in failure.message
        page = bob.browser.get("/hub/spawn", timeout=60).text
        assert "Traceback" not in page
        while time.monotonic() - since < OUTAGE[fragile.hub.kind]:
            assert alice.run("print(kept + 1)").strip() == "42"
            assert alice.servers()[""]["ready"]
            time.sleep(2)
    finally:
        fragile.backend.up()
    assert bob.start() is None
    assert bob.run("print(6 * 7)").strip() == "42"
    assert alice.servers()[""]["ready"]
    assert alice.run("print(kept + 1)").strip() == "42"
    for person in (alice, bob):
        person.stop()
        assert fragile.hub.left_of(person.name) == []


def shown_on_the_page(person: Person, words: str) -> None:
    """Start a session from the page, and wait until it says `words`."""
    form = {"_xsrf": person.browser.cookies.get("_xsrf", path="/hub/"), "profile": "lab"}
    page = person.browser.post("/hub/spawn", data=form).text
    deadline = time.monotonic() + 40
    while words not in page:
        # A page says so while it waits; the hub answers with the reason when it is asked again.
        assert time.monotonic() < deadline, page
        page = person.browser.get(f"/hub/spawn-pending/{person.name}").text
        time.sleep(0.2)


def test_a_session_that_dies_at_its_start_says_why(fragile: Fragile) -> None:
    carol = fragile.hub.log_in("carol")
    assert carol.start() is None
    assert carol.run("import pathlib; pathlib.Path.home().joinpath('data').unlink(); print(1)").strip() == "1"
    carol.run("import pathlib; pathlib.Path.home().joinpath('data').mkdir()")
    carol.stop()
    failure = carol.start()
    assert isinstance(failure, Failure)
    assert "/home/jovyan/data is in the place of the facility's data" in failure.message
    shown_on_the_page(carol, "is in the place of")
    assert fragile.hub.left_of("carol") == []


def test_a_home_that_belongs_to_another_number_is_said(fragile: Fragile) -> None:
    if fragile.hub.kind == "kubernetes":
        pytest.skip("this cluster's volumes are writable for everybody")
    erin = fragile.hub.log_in("erin")
    assert erin.start() is None
    erin.stop()
    passwd = fragile.policy.parent / "passwd"
    before = passwd.read_text()
    passwd.write_text("erin:x:30001:30001::/:/bin/sh\n")
    try:
        failure = erin.start()
    finally:
        passwd.write_text(before)
    assert isinstance(failure, Failure)
    assert "/home/jovyan is not writable for the number 30001" in failure.message


def test_who_has_no_account_or_no_image_reads_so(fragile: Fragile) -> None:
    failure = fragile.hub.log_in("stranger").start()
    assert isinstance(failure, Failure)
    assert "no numeric account for you" in failure.message
    assert "passwd" not in failure.message
    fragile.change(profiles={"lab": {"title": "Lab", "image": "panosc-analysis/lab:never-made"}})
    failure = fragile.hub.log_in("dora").start()
    assert isinstance(failure, Failure)
    assert NO_IMAGE[fragile.hub.kind] in failure.message
    assert fragile.hub.left_of("dora") == []


def test_a_policy_with_a_fault_starts_nothing_until_it_is_mended(fragile: Fragile) -> None:
    text = fragile.policy.read_text()
    dora = fragile.hub.log_in("dora")
    fragile.policy.write_text(text + "open_data: everything\n")
    failure = dora.start()
    assert isinstance(failure, Failure)
    assert "policy has a fault" in failure.message
    fragile.policy.write_text(text)
    assert dora.start() is None


def test_a_proposal_taken_away_is_gone_at_the_next_start(fragile: Fragile) -> None:
    frank = fragile.hub.log_in("frank")
    assert frank.start() is None
    assert frank.asked(LOOK) == ["open", "p1", "p2"]
    frank.stop()
    content = yaml.safe_load(fragile.policy.read_text())
    content["proposals"]["list"] = [p for p in content["proposals"]["list"] if p["id"] != "p1"]
    fragile.policy.write_text(yaml.safe_dump(content))
    assert frank.start() is None
    assert frank.asked(LOOK) == ["open", "p2"]


def test_data_that_are_not_there_are_said_and_not_made(fragile: Fragile) -> None:
    content = yaml.safe_load(fragile.policy.read_text())
    content["proposals"]["list"].append({"id": "p9", "directory": "p9", "public": True})
    fragile.policy.write_text(yaml.safe_dump(content))
    failure = fragile.hub.log_in("dora").start()
    assert isinstance(failure, Failure)
    assert "p9" in failure.message
    assert not (fragile.policy.parent / "facility" / "p9").exists()
    assert fragile.hub.left_of("dora") == []


def test_two_hundred_proposals_and_groups(fragile: Fragile) -> None:
    root, rows = fragile.policy.parent / "facility", []
    for index in range(200):
        directory = root / f"many-{index:03}"
        directory.mkdir(mode=0o750)
        if os.getuid() == 0:
            os.chown(directory, 0, 60000 + index)
        (directory / "here").write_text(str(index))
        rows.append({"id": f"many-{index:03}", "directory": f"many-{index:03}", "gid": 60000 + index, "public": True})
    fragile.change(proposals={"list": rows})
    grace = fragile.hub.log_in("grace")
    assert grace.start() is None
    code = """
import json, os
print(json.dumps([len(os.listdir("/data")), len(os.getgroups()),
                  sum(int(open(f"/data/many-{i:03}/here").read()) for i in range(200))]))
"""
    assert grace.asked(code) == [200, 201, sum(range(200))]


@pytest.mark.docker
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
