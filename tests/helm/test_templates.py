"""What the chart makes: the policy as written, volumes, pods that any namespace takes, rules that deny by default."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub_config.cluster import RootVolume, read_cluster
from hub_config.cluster.reading import check_against_policy
from hub_config.policy import read_policy
from tests.helm.charts import GOOD, Chart, merged

Object = dict[str, Any]
PODS = ("Deployment", "Job", "DaemonSet", "StatefulSet")
# What the Pod Security standard `restricted` lets a pod mount.
VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret",
}  # fmt: skip


def found(objects: list[Object], kind: str, name: str = "") -> Object:
    """The one object of that kind and name."""
    [one] = [o for o in objects if o["kind"] == kind and (not name or o["metadata"]["name"] == name)]
    return one


def pods(objects: list[Object]) -> Iterator[tuple[str, Object]]:
    """Every pod that these objects start, with a name for it."""
    for one in objects:
        spec = one.get("spec", {})
        if one["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        elif one["kind"] not in PODS:
            continue
        yield f"{one['kind']} {one['metadata']['name']}", spec["template"]["spec"]


def faults(pod: Object) -> Iterator[str]:
    """What of a pod the Pod Security standard `restricted` refuses."""
    outer = pod.get("securityContext", {})
    for volume in pod.get("volumes", ()):
        if not (set(volume) - {"name"}) <= VOLUMES:
            yield f"volume {volume}"
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(key):
            yield key
    for one in [*pod["containers"], *pod.get("initContainers", ())]:
        own = one.get("securityContext", {})
        if own.get("allowPrivilegeEscalation") is not False:
            yield f"{one['name']}: allowPrivilegeEscalation"
        if own.get("capabilities") != {"drop": ["ALL"]}:
            yield f"{one['name']}: capabilities"
        if own.get("runAsNonRoot", outer.get("runAsNonRoot")) is not True:
            yield f"{one['name']}: runAsNonRoot"
        if own.get("seccompProfile", outer.get("seccompProfile")) != {"type": "RuntimeDefault"}:
            yield f"{one['name']}: seccompProfile"


def test_hub_and_catalogue_read_the_policy_as_it_was_written(chart: Chart, tmp_path: Path) -> None:
    table = json.dumps({"proposals": [{"id": "P-3", "directory": "/data/visitor/p3", "gid": 51003}]})
    values = merged(GOOD, {"panosc": {"proposals": {"files": ["office.json"]}}, "policyFiles": {"office.json": table}})
    files = found(chart.rendered(values), "ConfigMap", "panosc-policy")["data"]
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    policy = read_policy(tmp_path / "panosc.yaml")
    assert [(p.id, p.gid) for p in policy.proposals] == [("P-1", 4294967294), ("P-2", None), ("P-3", 51003)]
    assert policy.proposals[0].release_date is not None
    assert policy.roots == {"visitor": Path("/data/visitor")}


@pytest.mark.parametrize(
    ("volume", "source"),
    [
        ({"hostPath": {"path": "/gpfs/v"}}, {"hostPath": {"path": "/gpfs/v", "type": "Directory"}}),
        (
            {"nfs": {"server": "nas", "path": "/v"}, "mountOptions": ["nfsvers=4.2"]},
            {"nfs": {"server": "nas", "path": "/v", "readOnly": True}, "mountOptions": ["nfsvers=4.2"]},
        ),
        (
            {"csi": {"driver": "d", "volumeHandle": "h", "volumeAttributes": {"a": "b"}}},
            {"csi": {"driver": "d", "volumeHandle": "h", "volumeAttributes": {"a": "b"}, "readOnly": True}},
        ),
    ],
)
def test_a_root_becomes_one_volume_that_only_this_release_claims(
    chart: Chart, volume: Mapping[str, Any], source: Mapping[str, Any]
) -> None:
    objects = chart.rendered({**GOOD, "data": {"visitor": volume}})
    made = found(objects, "PersistentVolume")["spec"]
    assert {k: made[k] for k in source} == source
    assert made["persistentVolumeReclaimPolicy"] == "Retain"
    assert made["accessModes"] == ["ReadOnlyMany"]
    claim = found(objects, "PersistentVolumeClaim", "data-visitor")
    assert (made["claimRef"]["namespace"], made["claimRef"]["name"]) == ("analysis", claim["metadata"]["name"])
    assert claim["spec"]["volumeName"] == found(objects, "PersistentVolume")["metadata"]["name"]


def test_an_existing_claim_is_used_as_it_is(chart: Chart) -> None:
    objects = chart.rendered({**GOOD, "data": {"visitor": {"existingClaim": "gpfs"}}})
    assert [o for o in objects if o["kind"] == "PersistentVolume"] == []
    index = dict(pods(objects))["CronJob catalogue-visitor"]
    claims = [v["persistentVolumeClaim"] for v in index["volumes"] if "persistentVolumeClaim" in v]
    assert {"claimName": "gpfs", "readOnly": True} in claims


def test_every_pod_passes_the_standard_restricted(chart: Chart) -> None:
    values = {**GOOD, "dask-gateway": {"enabled": True}}
    looked = {name: list(faults(pod)) for name, pod in pods(chart.rendered(values))}
    assert {name: one for name, one in looked.items() if one} == {}
    assert {"Deployment catalogue-visitor", "CronJob catalogue-visitor", "Job catalogue-visitor-first"} <= set(looked)


def test_the_catalogue_lies_below_a_number_that_may_read_the_proposals(chart: Chart) -> None:
    values = merged(GOOD, {"catalogue": {"uid": 4000000000, "supplementalGroups": [61000]}})
    index = dict(pods(chart.rendered(values)))["CronJob catalogue-visitor"]
    assert index["securityContext"]["runAsUser"] == 4000000000
    assert index["securityContext"]["supplementalGroups"] == [61000, 4294967294]


def test_nothing_is_reached_that_no_rule_allows(chart: Chart) -> None:
    rule = {"to": [{"ipBlock": {"cidr": "203.0.113.5/32"}}], "ports": [{"port": 443}]}
    objects = chart.rendered({**GOOD, "network": {"sessions": [rule]}})
    deny = found(objects, "NetworkPolicy", "deny-by-default")["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    egress = found(objects, "NetworkPolicy", "sessions")["spec"]["egress"]
    assert rule in egress
    everywhere = [one for one in egress if not one.get("to")]
    assert everywhere == []


def test_homes_outlive_the_release_and_say_so(chart: Chart) -> None:
    volume = {"nfs": {"server": "nas", "path": "/homes"}}
    objects = chart.rendered({**GOOD, "homes": {"kind": "shared", "volume": volume}})
    kept = {
        (o["kind"], o["metadata"]["name"])
        for o in objects
        if o["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep"
    }
    assert kept >= {
        ("ConfigMap", "homes-of-people-are-kept"), ("PersistentVolumeClaim", "homes"),
        ("PersistentVolume", "panosc-analysis-homes"),
    }  # fmt: skip
    assert "readOnly" not in found(objects, "PersistentVolume", "panosc-analysis-homes")["spec"]["nfs"]


def test_quota_limits_and_budgets_are_made_where_they_are_asked_for(chart: Chart) -> None:
    asked = {"resourceQuota": {"hard": {"pods": "500"}}, "limitRange": [{"type": "Container"}]}
    objects = chart.rendered({**GOOD, **asked, "podDisruptionBudgets": {"sessions": False, "catalogue": False}})
    assert found(objects, "ResourceQuota")["spec"] == asked["resourceQuota"]
    assert found(objects, "LimitRange")["spec"] == {"limits": asked["limitRange"]}
    assert [o for o in objects if o["kind"] == "PodDisruptionBudget"] == []
    names = {o["metadata"]["name"] for o in chart.rendered(GOOD) if o["kind"] == "PodDisruptionBudget"}
    assert names == {"sessions", "catalogue-visitor"}


def test_monitoring_is_made_where_it_is_asked_for(chart: Chart) -> None:
    metrics = {"serviceMonitor": {"enabled": True, "labels": {"release": "p"}}, "dashboard": {"enabled": True}}
    objects = chart.rendered({**GOOD, "metrics": metrics})
    monitors = [o for o in objects if o["kind"] == "ServiceMonitor"]
    assert {o["metadata"]["labels"]["release"] for o in monitors} == {"p"}
    services = {o["metadata"]["name"] for o in objects if o["kind"] == "Service"}
    assert "catalogue-visitor" in services
    board = found(objects, "ConfigMap", "panosc-dashboard")
    [text] = board["data"].values()
    titles = [panel["title"] for panel in json.loads(text)["panels"]]
    assert len(titles) == len(set(titles)) >= 8


CONTRADICTIONS: dict[str, tuple[Mapping[str, Any], str]] = {
    "a root without data": (merged(GOOD, {"panosc": {"roots": {"open": {"path": "/o"}}}}), "data.open is missing"),
    "a root that is nowhere": (merged(GOOD, {"panosc": {"roots": {"visitor": {"path": "data"}}}}), "no absolute path"),
    "data without a root": (
        merged(GOOD, {"data": {"open": {"existingClaim": "open"}}}), "data.open: there is no panosc.roots.open",
    ),
    "nobody may log in": ({**GOOD, "demoPeople": False}, "panosc.identity is missing"),
    "demo people in the open": (
        merged(GOOD, {"jupyterhub": {"proxy": {"service": {"type": "LoadBalancer"}}}}), "share one password",
    ),
    "demo people behind an ingress": (
        merged(GOOD, {"jupyterhub": {"ingress": {"enabled": True}}}), "share one password",
    ),
    "demo people beside an institute": (
        merged(GOOD, {"panosc": {"identity": {"provider": "egi", "callback_url": "https://a.example/hub/oauth_callback"}}}),
        "panosc.identity says who logs in",
    ),
    "another name for the hub": (
        merged(GOOD, {"jupyterhub": {"fullnameOverride": "hub2"}}), "jupyterhub.fullnameOverride",
    ),
    "a file that is the chart's own": ({**GOOD, "policyFiles": {"panosc.yaml": "x"}}, "policyFiles.panosc.yaml"),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_contradiction_is_refused_with_its_place(chart: Chart, name: str) -> None:
    values, said = CONTRADICTIONS[name]
    assert said in chart.refusal(values)


def test_the_hub_is_told_where_volumes_catalogues_and_clusters_are(chart: Chart, tmp_path: Path) -> None:
    change = {
        "panosc": {"roots": {"open": {"path": "/data/open"}}, "proposals": {"list": []}},
        "data": {"open": {"existingClaim": "gpfs", "subPath": "open", "mountedBelow": ["p2/nested"]}},
        "homes": {"kind": "shared", "volume": {"existingClaim": "all-homes"}},
        "cluster": {"requests": {"cpu": 0.2}, "profiles": {"lab": {"node_selector": {"pool": "gpu"}}}},
        "dask-gateway": {"enabled": True},
    }
    files = found(chart.rendered(merged(GOOD, change)), "ConfigMap", "panosc-policy")["data"]
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    names = {"PANOSC_CLUSTER": str(tmp_path / "cluster.yaml"), "PANOSC_POLICY": str(tmp_path / "panosc.yaml")}
    cluster = read_cluster(names)
    check_against_policy(cluster, read_policy(cluster.policy))
    assert cluster.roots == {
        "visitor": RootVolume("data-visitor"), "open": RootVolume("gpfs", "open", ("p2/nested",)),
    }  # fmt: skip
    assert [(one.name, one.url) for one in cluster.catalogues] == [
        ("Example facility (open)", "http://catalogue-open:8010/api"),
        ("Example facility (visitor)", "http://catalogue-visitor:8010/api"),
    ]
    assert (cluster.homes.claim, cluster.homes.sub_path) == ("all-homes", "{uid}")
    assert cluster.demo is not None
    assert cluster.demo.operators == ("oskar",)
    assert (cluster.requests.cpu, cluster.profiles["lab"].node_selector) == (0.2, {"pool": "gpu"})
    assert cluster.environment["DASK_GATEWAY__ADDRESS"] == "http://traefik-dask-gateway"


@pytest.mark.parametrize("name", ["trial", "facility"])
def test_the_examples_hold(chart: Chart, repository: Path, name: str) -> None:
    values = yaml.safe_load((repository / "helm" / "examples" / f"{name}.yaml").read_text(encoding="utf-8"))
    objects = chart.rendered(values)
    looked = {pod: list(faults(spec)) for pod, spec in pods(objects)}
    assert {pod: one for pod, one in looked.items() if one} == {}
    images = {c["image"] for _, spec in pods(objects) for c in spec["containers"] if "traefik" not in c["image"]}
    assert all(("@sha256:" in image) == (name == "facility") for image in images), images
