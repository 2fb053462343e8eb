"""A hub in a pod ends in order when its settings have changed, and leaves its sessions alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub_config.renewing import SCOPES, at_the_start
from tests.integration.hub.conftest import eventually
from tests.openid_provider import subject

PEOPLE: dict[str, dict[str, Any]] = {"alice": {"groups": ["/proposals/2026-1", "/users"]}}
POLICY = "facility: F\nroots: {visitor: {path: /data/visitor}}\nproposals: {list: [{id: p1, directory: p1}]}\n"
CLUSTER = "roots: {visitor: {claim: data-visitor}}\ndemo: {people: [alice]}\n"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    policy, cluster = tmp_path / "panosc.yaml", tmp_path / "cluster.yaml"
    policy.write_text(POLICY)
    cluster.write_text(CLUSTER)
    return policy, cluster


@pytest.fixture
def hub(start_hub: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with start_hub(tmp_path_factory.mktemp("hub"), PEOPLE, scopes={"renewing": list(SCOPES)}) as running:
        yield running


@pytest.mark.parametrize(
    ("policy", "cluster", "differs"),
    [
        (POLICY + "sessions: {idle_timeout: 60}\n", CLUSTER, True),
        (POLICY + "hub: {announcement: Hello}\n", CLUSTER, True),
        (POLICY, CLUSTER + "start_timeout: 60\n", True),
        (POLICY.replace("directory: p1", "directory: p1, members: [bob]"), CLUSTER, False),
        (POLICY + "profiles: {lab: {title: Lab}}\n", CLUSTER, False),
    ],
)
def test_a_new_start_is_needed_for_what_is_read_at_the_start(
    files: tuple[Path, Path], policy: str, cluster: str, differs: bool
) -> None:
    before = at_the_start(*files)
    files[0].write_text(policy)
    files[1].write_text(cluster)
    assert (at_the_start(*files) != before) == differs


def test_the_hub_ends_in_order_and_its_session_goes_on(hub: Any, files: tuple[Path, Path]) -> None:
    browser, _ = hub.log_in("alice")
    assert hub.start_session("alice", hub.token(browser, "alice")) == 201
    pid = hub.user("alice")["servers"][""]["state"]["pid"]
    told = {"JUPYTERHUB_API_TOKEN": hub.services["renewing"], "JUPYTERHUB_API_URL": f"{hub.url}/hub/api"}
    command = [sys.executable, "-m", "hub_config.renewing", "--policy", str(files[0]), "--cluster", str(files[1])]
    watching = subprocess.Popen(
        [*command, "--interval", "0.3"], env=os.environ | told, stderr=subprocess.PIPE, text=True
    )
    try:
        assert watching.stderr is not None
        assert "Watching" in watching.stderr.readline()
        # With a fault in it the hub would not start again, so it goes on.
        files[0].write_text(POLICY + "sessions: {idle_timeout: soon}\n")
        said = "".join(watching.stderr.readline() for _ in range(3))
        assert "idle_timeout: 'soon' is not" in said
        assert hub.process.poll() is None
        files[0].write_text(POLICY + "sessions: {idle_timeout: 60}\n")
        eventually(lambda: hub.process.poll() is not None, seconds=60)
    finally:
        watching.kill()
        watching.communicate()
    assert hub.process.poll() == 0, hub.log
    os.kill(pid, 0)  # alive
    hub.process.start()
    assert hub.user("alice")["servers"][""]["ready"]
    assert subject("alice") in hub.log
