"""What the doctor says about a cluster, from what a pod like a session's found."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub_config.cluster import Cluster, RootVolume, read_cluster
from hub_config.cluster.examining import (
    API,
    HUB,
    MUST_NOT,
    NODE,
    PROXY,
    Seen,
    judged,
    not_started,
    probe_pod,
    questions,
)
from hub_config.policy import Policy, read_policy

CATALOGUE = "catalogue F"


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    (tmp_path / "panosc.yaml").write_text(
        "facility: F\nroots: {visitor: {path: /data/visitor}, open: {path: /data/open}}\n"
    )
    return read_policy(tmp_path / "panosc.yaml")


@pytest.fixture
def cluster(policy: Policy, tmp_path: Path) -> Cluster:
    (tmp_path / "cluster.yaml").write_text(
        "roots: {visitor: {claim: data-visitor}, open: {claim: gpfs, sub_path: open}}\n"
        "catalogues: [{name: F, url: 'http://catalogue-visitor:8010/api'}]\n"
    )
    return read_cluster({"PANOSC_CLUSTER": str(tmp_path / "cluster.yaml"), "PANOSC_POLICY": str(policy.path)})


def found(**change: Any) -> dict[str, Any]:
    good = {"mounted": True, "writable": [], "refused": "Read-only file system"}
    closed = dict.fromkeys(MUST_NOT, "Connection refused")
    mounts = {"/data/visitor": good | change.pop("visitor", {}), "/data/open": good}
    return {"mounts": mounts, "reached": {HUB: "", CATALOGUE: "", **closed} | change}


def said(policy: Policy, cluster: Cluster, answers: dict[str, Any], how: str = "Enabled") -> list[Seen]:
    mounts = [{"mountPath": f"/data/{name}", "recursiveReadOnly": how} for name in policy.roots]
    return list(judged(answers, {"volumeMounts": mounts}, {"spec": {"nodeName": "n1"}}, policy, cluster))


def failures(seen: list[Seen]) -> list[tuple[str, str]]:
    assert all(one.mend for one in seen if one.state == "failed")
    return [(one.what, one.detail) for one in seen if one.state == "failed"]


def test_all_is_well(policy: Policy, cluster: Cluster) -> None:
    seen = said(policy, cluster, found())
    assert {one.state for one in seen} == {"ok"}
    assert [one.what for one in seen] == ["pods", "mount", "mount", "read-only", "reach", "reach", "network"]


@pytest.mark.parametrize(
    ("change", "what", "says"),
    [
        ({"visitor": {"mounted": False}}, "mount", "visitor is not mounted"),
        ({"visitor": {"writable": ["/data/visitor/scratch"]}}, "mount", "writable at /data/visitor/scratch"),
        ({"visitor": {"refused": ""}}, "mount", "a file could be made"),
        ({API: "", NODE: ""}, "network", "a session reaches the Kubernetes API, its node"),
        ({PROXY: ""}, "network", "the proxy's interface"),
        ({HUB: "timed out"}, "reach", "the hub: timed out"),
        ({CATALOGUE: "Name or service not known"}, "reach", "catalogue F: Name or service"),
    ],
)
def test_what_is_wrong_is_said(policy: Policy, cluster: Cluster, change: Any, what: str, says: str) -> None:
    [(about, detail)] = failures(said(policy, cluster, found(**change)))
    assert about == what
    assert says in detail


def test_a_node_that_does_not_say_so_is_not_believed(policy: Policy, cluster: Cluster) -> None:
    [(about, _)] = failures(said(policy, cluster, found(), "Disabled"))
    assert about == "read-only"
    refusal = not_started("…", "failed: recursive read-only mounts are not supported by the runtime handler", cluster)
    assert (refusal.what, refusal.state) == ("read-only", "failed")
    assert "recursive_read_only: false" in refusal.mend


def test_the_pod_is_one_that_the_network_takes_for_a_session(policy: Policy, cluster: Cluster) -> None:
    hub = {
        "app": "jupyterhub", "release": "panosc", "component": "hub", "pod-template-hash": "1",
        "hub.jupyter.org/network-access-proxy-api": "true", "app.kubernetes.io/name": "jupyterhub",
        "app.kubernetes.io/component": "hub",
    }  # fmt: skip
    pod = probe_pod(policy, cluster, hub, "n1")
    assert pod["metadata"]["labels"] == {
        "app": "jupyterhub", "release": "panosc", "component": "singleuser-server",
        "hub.jupyter.org/network-access-hub": "true", "app.kubernetes.io/name": "jupyterhub",
        "app.kubernetes.io/component": "singleuser-server",
    }  # fmt: skip
    [container] = pod["spec"]["containers"]
    keys = ("mountPath", "subPath", "readOnly", "recursiveReadOnly")
    assert [tuple(mount[key] for key in keys) for mount in container["volumeMounts"]] == [
        ("/data/visitor", "", True, "Enabled"), ("/data/open", "open", True, "Enabled"),
    ]  # fmt: skip
    assert pod["spec"]["nodeSelector"] == {"kubernetes.io/hostname": "n1"}
    assert cluster.roots["open"] == RootVolume("gpfs", "open")


@pytest.fixture
def doors() -> Iterator[dict[str, tuple[str, int]]]:
    """An address that answers and one that does not."""
    with socket.create_server(("127.0.0.1", 0)) as open_door, socket.create_server(("127.0.0.1", 0)) as closing:
        closed = closing.getsockname()
        closing.close()
        yield {"open": open_door.getsockname(), "closed": closed}


def test_the_pod_says_what_it_finds(doors: dict[str, tuple[str, int]], tmp_path: Path) -> None:
    asked = {"mounts": [str(tmp_path), "/proc"], "addresses": doors, "closed": ["closed"]}
    code = (
        "import json, sys; from pathlib import Path; from hub_config.spawning.probe import answers; "
        "print(json.dumps(answers(json.loads(sys.argv[1]), Path('/proc/self/mountinfo').read_text())))"
    )
    done = subprocess.run([sys.executable, "-c", code, json.dumps(asked)], capture_output=True, text=True, check=True)
    answers = json.loads(done.stdout)
    assert answers["reached"]["open"] == ""
    assert answers["reached"]["closed"]
    assert answers["mounts"][str(tmp_path)] == {"mounted": False, "writable": [], "refused": ""}
    assert answers["mounts"]["/proc"]["mounted"]
    assert "/proc" in answers["mounts"]["/proc"]["writable"]
    assert answers["mounts"]["/proc"]["refused"]
    assert os.listdir(tmp_path) == []


def test_it_knocks_where_sessions_must_and_must_not_be_let_in(policy: Policy, cluster: Cluster) -> None:
    asked = questions(policy, cluster)
    assert asked["addresses"][CATALOGUE] == ("catalogue-visitor", 8010)
    assert asked["addresses"][PROXY] == ("proxy-api", 8001)
    assert set(asked["closed"]) < set(asked["addresses"])
    assert asked["mounts"] == ["/data/visitor", "/data/open"]
