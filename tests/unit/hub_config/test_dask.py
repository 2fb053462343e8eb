"""What the cluster of a session may be, decided from the session's pod without any cluster."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from traitlets.config import Config

from hub_config.dask import GIB, Asked, Refused, Use, cluster_config, image_of, owner_name, use_of
from hub_config.errors import HubConfigError
from hub_config.gateway.authenticator import session_of_token
from hub_config.gateway.backend import SessionBackend, options
from hub_config.gateway.configuring import bounds_from, configure_gateway
from hub_config.gateway.network import network_policies
from hub_config.lab.dashboards import may_be_shown
from hub_config.policy import Dask, Share

DIGEST = "registry.example/lab@sha256:" + "ab" * 32
POD: dict[str, Any] = {
    "metadata": {
        "name": "session-alice",
        "namespace": "sessions",
        "uid": "1-2-3",
        "annotations": {
            "hub.jupyter.org/username": "alice",
            "org.panosc.analysis/embargoed": "p1 P2",
            "org.panosc.analysis/passwd": "alice:x:20001:",
        },
    },
    "spec": {
        "securityContext": {"runAsUser": 20001, "runAsGroup": 20001, "supplementalGroups": [51001, 51002],
                            "runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
            {"name": "home", "persistentVolumeClaim": {"claimName": "home-alice"}},
            {"name": "tmp", "emptyDir": {}},
            {"name": "settings", "configMap": {"name": "settings"}},
            {"name": "files", "downwardAPI": {"items": []}},
            {"name": "certificate", "secret": {"secretName": "of-the-session"}},
            {"name": "token", "projected": {"sources": []}},
        ],
        "containers": [
            {
                "name": "notebook",
                "image": "registry.example/lab:1",
                "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                    "capabilities": {"drop": ["ALL"]}},
                "env": [{"name": "JUPYTERHUB_API_TOKEN", "value": "secret"}, {"name": "TZ", "value": "Europe/Paris"}],
                "volumeMounts": [
                    *({"name": "data", "mountPath": f"/data/{one}", "subPath": one, "readOnly": True,
                       "recursiveReadOnly": "Enabled"} for one in ("p1", "P2", "open")),
                    {"name": "data", "mountPath": "/data/P2/nested", "subPath": "P2/nested", "readOnly": True},
                    {"name": "home", "mountPath": "/home/jovyan"},
                    {"name": "files", "mountPath": "/etc/passwd", "subPath": "passwd"},
                    {"name": "tmp", "mountPath": "/tmp"},
                    {"name": "settings", "mountPath": "/etc/panosc/settings.toml", "subPath": "settings.toml"},
                    {"name": "certificate", "mountPath": "/certificate"},
                    {"name": "token", "mountPath": "/var/run/secrets/token"},
                ],
            }
        ],
    },
    "status": {"phase": "Running", "containerStatuses": [{"name": "notebook", "imageID": DIGEST}]},
}  # fmt: skip
GROUPS = {"proposal-p1", "proposal-p2"}
ALL = Asked(worker_cores=2, worker_memory=8, workers=0, idle_timeout=1800)


def decide(asked: Asked = ALL, bounds: Dask | None = None, running: list[Use] | None = None) -> dict[str, Any]:
    return cluster_config(POD, "alice", GROUPS, asked, bounds or Dask(), running or [])


def paths(container: dict[str, Any]) -> list[str]:
    return [mount["mountPath"] for mount in container["volumeMounts"]]


def test_scheduler_and_workers_are_the_session() -> None:
    made = decide()
    for kind in ("scheduler", "worker"):
        pod, container = made[f"{kind}_extra_pod_config"], made[f"{kind}_extra_container_config"]
        assert pod["securityContext"] == POD["spec"]["securityContext"]
        assert container["securityContext"] == POD["spec"]["containers"][0]["securityContext"]
        assert pod["automountServiceAccountToken"] is False
        assert [m for m in container["volumeMounts"] if m["mountPath"].startswith("/data")] == [
            m for m in POD["spec"]["containers"][0]["volumeMounts"] if m["mountPath"].startswith("/data")
        ]
    assert made["image"] == DIGEST
    assert made["namespace"] == "sessions"


def test_a_worker_starts_only_after_the_sessions_own_look_at_its_mounts() -> None:
    made = decide()
    for kind in ("scheduler", "worker"):
        assert made[f"{kind}_cmd"][:6] == ["python", "-I", "-m", "hub_config.spawning.container", "--data", "/data"]
        assert made[f"{kind}_cmd"][-2:] == ["dask", kind]


def test_nothing_secret_of_the_session_reaches_a_worker() -> None:
    made = decide()
    assert not {"certificate", "token", "JUPYTERHUB_API_TOKEN"} & set(json.dumps(made).split('"'))
    assert made["environment"].items() >= {"HOME": "/home/jovyan", "TZ": "Europe/Paris"}.items()
    volumes = {volume["name"]: volume for volume in made["worker_extra_pod_config"]["volumes"]}
    assert volumes.keys() == {"data", "tmp", "settings", "files", "scratch-home"}


def test_small_files_that_are_annotations_come_along() -> None:
    made = decide()
    for kind in ("scheduler", "worker"):
        assert made[f"{kind}_extra_pod_annotations"]["org.panosc.analysis/passwd"] == "alice:x:20001:"
        assert "/etc/passwd" in paths(made[f"{kind}_extra_container_config"])


def test_a_home_that_only_one_node_can_mount_stays_with_the_session() -> None:
    assert decide()["worker_extra_container_config"]["volumeMounts"][-1] == {
        "name": "scratch-home",
        "mountPath": "/home/jovyan",
    }
    pod = copy.deepcopy(POD)
    home = next(m for m in pod["spec"]["containers"][0]["volumeMounts"] if m["name"] == "home")
    home["subPath"] = "20001"
    made = cluster_config(pod, "alice", GROUPS, ALL, Dask(), [])
    assert home in made["worker_extra_container_config"]["volumeMounts"]


def test_a_pod_of_another_hub_gets_no_cluster() -> None:
    pod = copy.deepcopy(POD)
    del pod["metadata"]["annotations"]["org.panosc.analysis/embargoed"]
    with pytest.raises(Refused, match="End it and start it again"):
        cluster_config(pod, "alice", GROUPS, ALL, Dask(), [])


def test_a_session_that_lost_a_membership_gets_no_cluster() -> None:
    with pytest.raises(Refused, match=r"no longer a member of P2.*start it again"):
        cluster_config(POD, "alice", {"proposal-p1"}, ALL, Dask(), [])


def test_one_proposal_may_be_seen_instead_of_all() -> None:
    made = decide(Asked(2, 8, 0, 1800, "p1"))
    assert [p for p in paths(made["worker_extra_container_config"]) if p.startswith("/data")] == [
        "/data/p1",
        "/data/open",
    ]
    assert use_of("alice/", made).proposals == {"p1"}
    with pytest.raises(Refused, match="does not see the embargoed proposal p3; it sees P2, p1"):
        decide(Asked(2, 8, 0, 1800, "p3"))


@given(st.floats(0.1, 1000), st.floats(0.25, 1e5), st.integers(0, 10**6), st.integers(10, 10**8), st.integers(0, 3))
def test_nobody_gets_more_than_the_policy_says(cores: float, memory: float, workers: int, idle: int, mine: int) -> None:
    bounds = Dask(clusters=5, max_age=3600)
    running = [Use("alice", frozenset({"p1"}), 3.0, 6 * GIB)] * mine
    try:
        made = decide(Asked(cores, memory, workers, idle), bounds, running)
    except Refused:
        return
    use = use_of("alice/", made)
    assert made["cluster_max_workers"] >= 1
    assert made["worker_cores_limit"] <= 2
    assert made["worker_memory_limit"] <= 8 * GIB
    assert made["idle_timeout"] <= 1800
    assert made["scheduler_extra_pod_config"]["activeDeadlineSeconds"] == 3600
    assert use.cpu + sum(one.cpu for one in running) <= 16.02
    assert use.memory + sum(one.memory for one in running) <= 64 * GIB
    assert not workers or made["cluster_max_workers"] <= workers


def test_limits_hold_for_a_person_whatever_session_she_asks_from() -> None:
    held = use_of(owner_name("alice", "second"), decide(bounds=Dask(person=Share(9, "32G"))))
    with pytest.raises(Refused, match=r"Your clusters hold 7 of 9 cores"):
        decide(bounds=Dask(person=Share(9, "32G")), running=[held])
    with pytest.raises(Refused, match="1 of 1 clusters"):
        decide(bounds=Dask(clusters=1), running=[held])
    other = cluster_config(POD, "bob", GROUPS, ALL, Dask(person=Share(9, "32G")), [held])
    assert other["cluster_max_workers"] == 3


def test_limits_hold_for_a_proposal_whoever_asks() -> None:
    bounds = Dask(proposal=Share(8, "64G"))
    held = [Use("bob", frozenset({"p1"}), 7.0, GIB)]
    with pytest.raises(Refused, match="Clusters for p1 hold 7 of 8 cores"):
        decide(bounds=bounds, running=held)
    assert decide(Asked(2, 8, 0, 1800, "P2"), bounds, held)["cluster_max_workers"] == 3


def test_what_is_reserved_is_the_limit_divided_by_the_overcommitment() -> None:
    made = decide(bounds=Dask(overcommit=4))
    assert (made["worker_cores"], made["worker_cores_limit"]) == (0.5, 2)
    assert (made["scheduler_cores"], made["scheduler_cores_limit"]) == (0.25, 1)


def test_an_image_without_a_digest_is_named_as_the_session_names_it() -> None:
    pod = copy.deepcopy(POD)
    pod["status"]["containerStatuses"][0]["imageID"] = "sha256:" + "ab" * 32
    assert image_of(pod) == "registry.example/lab:1"


def test_what_is_not_declared_cannot_be_asked_for() -> None:
    choice = options(Dask(), None)
    assert {field["field"] for field in choice.get_specification()} == {
        "worker_cores", "worker_memory", "workers", "idle_timeout", "proposal",
    }  # fmt: skip
    for request in (
        {"image": "evil"}, {"worker_extra_pod_config": {}}, {"namespace": "kube-system"}, {"worker_cores": 3},
        {"worker_memory": 9}, {"idle_timeout": 10**6}, {"workers": -1}, {"environment": {"LD_PRELOAD": "x"}},
        {"scheduler_cmd": ["sh"]}, {"worker_cores": "2; rm"}, {"proposal": ["p1"]},
    ):  # fmt: skip
        with pytest.raises((ValueError, TypeError)):
            choice.parse_options(request)


@pytest.mark.parametrize(
    ("model", "session"),
    [
        ({"kind": "user", "name": "alice", "scopes": ["read:users:name", "access:servers!server=alice/"]}, ""),
        ({"kind": "user", "name": "alice", "scopes": ["access:servers!server=alice/big"]}, "big"),
        ({"kind": "user", "name": "alice", "scopes": ["access:servers!user=alice"]}, None),
        ({"kind": "user", "name": "alice", "scopes": ["access:servers!server=alicia/"]}, None),
        ({"kind": "user", "name": "alice", "scopes": ["access:servers"]}, None),
        ({"kind": "service", "name": "alice", "scopes": ["access:servers!server=alice/"]}, None),
        ({"kind": "user", "name": "alice", "scopes": []}, None),
        ({"kind": "user", "name": "alice",
          "scopes": ["access:servers!server=alice/", "access:servers!server=alice/b"]}, None),
    ],
)  # fmt: skip
def test_only_the_token_of_one_session_says_which_session_asks(model: dict[str, Any], session: str | None) -> None:
    assert session_of_token(model) == session


def test_only_the_owners_session_reaches_the_dashboard() -> None:
    owner = {"hub.jupyter.org/username": "alice", "hub.jupyter.org/servername": ""}
    policies = network_policies("abc", {"gateway.dask.org/cluster": "abc"}, owner, "gateway")
    reaching = [
        rule for policy in policies for rule in policy["spec"].get("ingress", ())
        if any(port["port"] == 8787 for port in rule.get("ports", ()))
    ]  # fmt: skip
    assert [rule["from"] for rule in reaching] == [[{"podSelector": {"matchLabels": owner}}]]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{worker: {cpu: 0}}", "worker.cpu"),
        ("{worker: {memory: 8GB}}", "worker.memory"),
        ("{wokers: 3}", "wokers"),
        ("{clusters: -1}", "clusters"),
        ("{overcommit: 0.5}", "overcommit"),
        ("{idle_timeout: 1}", "idle_timeout"),
        ("[1]", "dask"),
    ],
)
def test_a_wrong_section_stops_the_server(text: str, says: str) -> None:
    with pytest.raises(HubConfigError, match=says):
        bounds_from({"PANOSC_DASK": text})


def test_a_section_without_anything_is_the_usual_one() -> None:
    assert bounds_from({}) == Dask()
    assert bounds_from({"PANOSC_DASK": "{person: {cpu: 4}}"}) == Dask(person=Share(4, "64G"))


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("localhost", True), ("127.0.0.1", True), (f"dask-{'0a' * 16}.sessions", True),
        ("hub", False), ("169.254.169.254", False), ("kubernetes.default", False), (f"dask-{'0a' * 16}", False),
        (f"dask-{'0a' * 16}.sessions.evil.example", False), (f"dask-{'0a' * 16}.sessions\n", False),
        (f"x.dask-{'0a' * 16}.sessions", False), (f"dask-{'0A' * 16}.sessions", False), ("::1", False),
    ],
)  # fmt: skip
def test_labs_proxy_shows_dashboards_of_clusters_and_nothing_else(host: str, *, shown: bool) -> None:
    assert may_be_shown(None, host) is shown


def test_what_operators_say_of_all_pods_stays_where_the_session_says_nothing() -> None:
    general = {"affinity": {"nodeAffinity": {}}, "securityContext": {"runAsUser": 0}}
    config = Config(KubeClusterConfig={"worker_extra_pod_config": general})
    configure_gateway(config, {"PANOSC_DASK_PRIORITY_CLASS": "interruptible", "PANOSC_NAMESPACE": "here"})
    backend = SessionBackend(config=config)
    found = backend._with_operators("worker_extra_pod_config", decide()["worker_extra_pod_config"])
    assert found["affinity"] == {"nodeAffinity": {}}
    assert found["securityContext"]["runAsUser"] == 20001
    assert found["priorityClassName"] == "interruptible"
    assert backend._with_operators("image", "lab") == "lab"
