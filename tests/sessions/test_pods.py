"""What only a cluster has: its own rules about pods, which every session must keep, and what its nodes enforce."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sessions.cluster import Namespace
from tests.sessions.conftest import KUBERNETES, Running

pytestmark = pytest.mark.parametrize("running", [KUBERNETES], indirect=True)


@pytest.fixture
def where(running: Running) -> Namespace:
    assert running.platform.namespace is not None
    return running.platform.namespace


def copy_of(pod: dict[str, Any]) -> dict[str, Any]:
    """The same pod under another name, as somebody would hand it in."""
    metadata = {key: pod["metadata"][key] for key in ("labels", "annotations")} | {"name": "a-copy"}
    spec = {key: value for key, value in pod["spec"].items() if key not in ("nodeName", "serviceAccount")}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def test_pod_security_restricted_has_nothing_to_say(running: Running, where: Namespace) -> None:
    pods = where.get("pods")["items"]
    assert len(pods) >= len(running.people) + 2
    for pod in pods:
        pod["metadata"].setdefault("annotations", {})
        # A warning of the API server would fail this call.
        where.kubectl("create", "--dry-run=server", "-f", "-", said=json.dumps(copy_of(pod)))
    bad = copy_of(pods[0])
    bad["spec"]["hostNetwork"] = True
    with pytest.raises(AssertionError, match="violates PodSecurity"):
        where.kubectl("create", "--dry-run=server", "-f", "-", said=json.dumps(bad))


def test_the_node_says_that_data_are_read_only_with_all_below(running: Running, where: Namespace) -> None:
    for pod in where.pods():
        mounts = pod["status"]["containerStatuses"][0]["volumeMounts"]
        data = [one for one in mounts if one["mountPath"].startswith("/data/")]
        assert data
        assert {(one["readOnly"], one["recursiveReadOnly"]) for one in data} == {(True, "Enabled")}


def test_a_pod_says_whose_it_is_and_holds_no_way_to_the_cluster(running: Running, where: Namespace) -> None:
    pod = where.pod_of("alice")
    annotations = pod["metadata"]["annotations"]
    assert annotations["org.panosc.analysis/mounts"].split() == ["p1", "p2", "open"]
    assert annotations["org.panosc.analysis/embargoed"].split() == ["p1", "p2"]
    assert pod["metadata"]["labels"]["org.panosc.analysis/profile"] == "lab"
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert pod["spec"]["enableServiceLinks"] is False
    assert [volume for volume in pod["spec"]["volumes"] if "hostPath" in volume or "secret" in volume] == []
    mounts = pod["spec"]["containers"][0]["volumeMounts"]
    mounted = {one["subPath"] for one in mounts if one["mountPath"].startswith("/data")}
    assert mounted == {"p1", "p1/nested", "p2", "open"}


def test_the_desktop_and_programs_find_a_name_for_the_number(running: Running) -> None:
    code = """
import getpass, grp, json, os, pwd
print(json.dumps([pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(51001).gr_name, os.uname().nodename]))
"""
    assert running.people["alice"].asked(code) == ["alice", "p1", "session"]
