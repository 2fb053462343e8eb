"""A start in a cluster that cannot succeed: the person reads why, soon, and nothing is left of it."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.sessions.cluster import Namespace, kubectl
from tests.sessions.conftest import require
from tests.sessions.facility import make_tree, policy_content, profiles
from tests.sessions.inside import Failure, Person
from tests.sessions.platform import Platform, platform, write_policy

pytestmark = pytest.mark.kubernetes

PROFILES: dict[str, dict[str, Any]] = {
    "lab": {"title": "JupyterLab", "limits": {"memory": "512M", "cpu": 1}},
    "huge": {"title": "Larger than every node", "limits": {"memory": "900T"}},
    "gpu": {"title": "With a GPU"},
    "nowhere": {"title": "On a node that there is not"},
    "never": {"title": "With an image that there is not", "image": "panosc.test/never:1"},
    "full": {"title": "On a node whose disk is full"},
}
PLACEMENT = {
    "gpu": {"resources": {"nvidia.com/gpu": 1}},
    "nowhere": {"node_selector": {"panosc.test/pool": "none"}},
    "full": {"node_selector": {"panosc.test/pool": "full"}},
}
ROOTS = ("data", "nameless", "unmade", "unmounted")
# Seconds after the cluster's own word within which the person reads it.
SOON = 5.0


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A hub whose policy holds a profile or a proposal for each thing that can be wrong."""
    require("kubernetes")
    directory = tmp_path_factory.mktemp("starts")
    make_tree(directory / "facility")
    content = policy_content(directory / "facility", profiles=profiles(**PROFILES))
    # The hub does not see these: only the node finds out.
    content["roots"] |= {name: {"path": f"/elsewhere/{name}"} for name in ROOTS[1:]}
    for row in content["proposals"]["list"]:
        row["root"] = "data"
    content["proposals"]["list"] += [
        {"id": name, "root": name, "directory": "p", "members": [name], "release_date": "2999-01-01"}
        for name in ROOTS[1:]
    ]
    people = ("alice", *ROOTS[1:])
    accounts = "".join(f"{name}:x:{20001 + i}:{20001 + i}::/:/bin/sh\n" for i, name in enumerate(people))
    (directory / "passwd").write_text(accounts)
    claims = {name: {"claim": f"root-{name}"} for name in ROOTS}
    facts = {"profiles": PLACEMENT, "requests": {"cpu": 0.01, "memory": 0.1}, "roots": claims}
    with platform("kubernetes", write_policy(directory, content), people, facts=facts, visible=("data",)) as running:
        assert running.namespace is not None
        broken_volumes(running.namespace)
        yield running


def broken_volumes(where: Namespace) -> None:
    """Make a claim that no class of storage serves, and one whose directory is not there; `nameless` has none."""
    claim = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}}
    where.apply(
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "root-unmade"},
         "spec": {**claim, "storageClassName": "panosc-test-none"}},
    )  # fmt: skip
    where.volume("root-unmounted", Path("/nowhere/at/all"))


@contextmanager
def node_with_a_full_disk() -> Iterator[None]:
    """A node that nobody runs, marked as the kubelet marks one without disk space."""
    name = f"panosc-test-full-{time.monotonic_ns()}"
    taint = {"key": "node.kubernetes.io/disk-pressure", "effect": "NoSchedule"}
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"panosc.test/pool": "full"}},
            "spec": {"taints": [taint]}}  # fmt: skip
    kubectl("apply", "-f", "-", said=json.dumps(node))
    capacity = {"cpu": "64", "memory": "1Ti", "pods": "100"}
    conditions = [
        {"type": kind, "status": status, "reason": "test", "message": "test", "lastHeartbeatTime": None,
         "lastTransitionTime": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")}
        for kind, status in (("Ready", "True"), ("DiskPressure", "True"))
    ]  # fmt: skip
    status = {"status": {"capacity": capacity, "allocatable": capacity, "conditions": conditions}}
    try:
        kubectl("patch", "node", name, "--subresource=status", "--type=merge", "-p", json.dumps(status))
        until(lambda: taints_of(name) == {"node.kubernetes.io/disk-pressure"})
        yield
    finally:
        kubectl("delete", "node", name)


def taints_of(node: str) -> set[str]:
    """Keys of a node's taints; the cluster adds and takes away its own."""
    return {taint["key"] for taint in json.loads(kubectl("get", "node", node, "-o", "json"))["spec"].get("taints", ())}


def refused(hub: Platform, person: str, profile: str, say: Callable[[str], None] | None = None) -> str:
    """Start what cannot start; returns what the person reads. Nothing may be left."""
    assert hub.namespace is not None
    asked = hub.log_in(person)
    failure = asked.start(options={"profile": profile}, timeout=120)
    read = datetime.now(UTC)
    assert isinstance(failure, Failure), f"{profile} started"
    if say:
        said = first_word(hub.namespace, f"jupyter-{person}")
        say(f"start of {profile} by {person}: read {(read - said).total_seconds():.1f} s after the cluster said so")
    assert "Traceback" not in failure.message
    assert hub.left_of(person) == []
    return failure.message


def first_word(where: Namespace, pod: str) -> datetime:
    """When the cluster first warned about a pod in its last life."""
    events = [e for e in where.get("events")["items"] if e["involvedObject"]["name"] == pod and e["type"] == "Warning"]
    last = max(events, key=lambda event: _moment(event))
    return min(_moment(e) for e in events if e["involvedObject"]["uid"] == last["involvedObject"]["uid"])


def _moment(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event.get("eventTime") or event.get("firstTimestamp") or event["lastTimestamp"])


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ("huge", "The cluster has no memory free for a session like this"),
        ("gpu", "The cluster has no GPU free for a session like this"),
        ("nowhere", "No node of the cluster is there for sessions of this kind"),
        ("never", "The image panosc.test/never:1 cannot be had"),
    ],
)
def test_a_session_without_a_place_or_an_image(
    hub: Platform, say: Callable[[str], None], profile: str, words: str
) -> None:
    assert words in refused(hub, "alice", profile, say)


def test_a_node_whose_disk_is_full_takes_no_session(hub: Platform) -> None:
    with node_with_a_full_disk():
        # Which taint a node has the scheduler no longer says.
        assert "take none now: they are full" in refused(hub, "alice", "full")


@pytest.mark.parametrize(
    ("person", "words"),
    [
        ("nameless", "The volume root-nameless is not there"),
        ("unmade", "The volume root-unmade cannot be made"),
        ("unmounted", "of your data or your home cannot be mounted"),
    ],
)
def test_a_volume_that_cannot_be_mounted(hub: Platform, say: Callable[[str], None], person: str, words: str) -> None:
    assert words in refused(hub, person, "lab", say)


def test_a_quota_that_is_used_up(hub: Platform) -> None:
    assert hub.namespace is not None
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "pods"}, "spec": {"hard": {"pods": "2"}}}
    hub.namespace.apply(quota)
    try:
        until(lambda: hub.namespace.get("resourcequota", "pods").get("status", {}).get("used"))  # type: ignore[union-attr]
        words = refused(hub, "alice", "lab")
    finally:
        hub.namespace.kubectl("delete", "resourcequota", "pods")
    assert "What this cluster gives to all sessions together is used up (pods=1)" in words


def test_a_session_larger_than_the_namespace_allows(hub: Platform) -> None:
    assert hub.namespace is not None
    limit = [{"type": "Container", "max": {"memory": "256Mi"}}]
    hub.namespace.apply(
        {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"}, "spec": {"limits": limit}}
    )
    try:
        words = refused(hub, "alice", "lab")
    finally:
        hub.namespace.kubectl("delete", "limitrange", "small")
    assert "larger or smaller than the cluster allows" in words


def test_a_rule_of_the_cluster(hub: Platform) -> None:
    assert hub.namespace is not None
    name = hub.namespace.name
    rule = {
        "matchConstraints": {"resourceRules": [
            {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]},
        "validations": [{"expression": "false", "message": "no pods on Sundays"}],
    }  # fmt: skip
    here = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}
    kind = "ValidatingAdmissionPolicy"
    hub.namespace.apply(
        {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": name}, "spec": rule},
        {"apiVersion": "admissionregistration.k8s.io/v1", "kind": f"{kind}Binding", "metadata": {"name": name},
         "spec": {"policyName": name, "validationActions": ["Deny"], "matchResources": here}},
    )  # fmt: skip
    try:
        until(lambda: forbidden_now(hub.namespace))
        words = refused(hub, "alice", "lab")
    finally:
        kubectl("delete", f"{kind}Binding,{kind}", name)
        until(lambda: not forbidden_now(hub.namespace))
    assert "A rule of the cluster refuses this session" in words


def forbidden_now(where: Namespace | None) -> bool:
    """Whether the rule is in force; the API server takes a moment for that."""
    assert where is not None
    container = {"name": "asked", "image": "panosc.test/never:1",
                 "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}  # fmt: skip
    bounds = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "asked"},
           "spec": {"securityContext": bounds, "containers": [container]}}  # fmt: skip
    call = ["kubectl", "-n", where.name, "create", "--dry-run=server", "--validate=false", "-f", "-"]
    done = subprocess.run(call, input=json.dumps(pod), capture_output=True, text=True, check=False)
    return "no pods on Sundays" in done.stderr


def until(happened: Callable[[], object], seconds: float = 60) -> None:
    """Wait until `happened`."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.3)


def test_after_all_that_a_session_starts(hub: Platform) -> None:
    alice: Person = hub.log_in("alice")
    assert alice.start(options={"profile": "lab"}) is None
    assert alice.run("print(6 * 7)").strip() == "42"
    alice.stop()


def test_the_page_says_what_the_cluster_does_and_why_it_failed(hub: Platform) -> None:
    alice = hub.log_in("alice")
    form = {"_xsrf": alice.browser.cookies.get("_xsrf", path="/hub/"), "profile": "never"}
    page = alice.browser.post("/hub/spawn", data=form).text
    deadline = time.monotonic() + 60
    while "cannot be had" not in page:
        assert time.monotonic() < deadline, page
        page = alice.browser.get("/hub/spawn-pending/alice").text
        time.sleep(0.3)
    assert "Traceback" not in page
