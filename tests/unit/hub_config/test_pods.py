"""A session's pod as data: what it is made of, and what configuration cannot make of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from kubernetes_asyncio.client.models import V1Container, V1ObjectMeta, V1Pod, V1PodSpec, V1ResourceRequirements

from hub_config.access import Access, Mount
from hub_config.accounts import Account
from hub_config.cluster import Cluster, Placement, RootVolume
from hub_config.cluster.model import Homes
from hub_config.policy import Policy, Profile
from hub_config.spawning.kubernetes import _bind, _place
from hub_config.spawning.pods import NoVolume, PodParts, data_mounts, pod_parts

ROOT, OTHER = Path("/facility/visitor"), Path("/facility/visitor/in-house")
MOUNTS = (
    Mount(ROOT / "2026" / "p1", "p1", "member", embargoed=True),
    Mount(ROOT / "open{x}", "open", "open data"),
    Mount(OTHER / "q7", "q7", "member", embargoed=True),
)
GRANTED = Access("alice", Account(20001, 20000, ""), (51001, 51002), MOUNTS, (), (), ())
POLICY = Policy(Path("/etc/panosc/panosc.yaml"), "F", {"visitor": ROOT, "in-house": OTHER}, (), ())
CLUSTER = Cluster(
    policy=POLICY.path,
    roots={
        "visitor": RootVolume("visitor", "gpfs/visitor", ("2026/p1/raw", "2026/p1/raw/b", "2026/p10/raw")),
        "in-house": RootVolume("in-house"),
    },
)


def parts(granted: Access = GRANTED, cluster: Cluster = CLUSTER) -> PodParts:
    return pod_parts(
        granted, POLICY, cluster, profile="lab", server="", image="lab@sha256:00", home_claim="home-alice",
        settings="x = 1",
    )  # fmt: skip


def data_of(found: PodParts) -> dict[str, Any]:
    return {m["mountPath"]: m for m in found.mounts if m["mountPath"].startswith("/data")}


def test_each_proposal_is_a_mount_by_sub_path_and_never_a_parent() -> None:
    places = {target: (m["name"], m["subPath"]) for target, m in data_of(parts()).items()}
    assert places == {
        "/data/p1": ("data-0", "gpfs/visitor/2026/p1"),
        "/data/p1/raw": ("data-0", "gpfs/visitor/2026/p1/raw"),
        "/data/p1/raw/b": ("data-0", "gpfs/visitor/2026/p1/raw/b"),
        "/data/open": ("data-0", "gpfs/visitor/open{x}"),
        "/data/q7": ("data-1", "q7"),
    }


def test_data_are_read_only_twice_and_with_all_below_where_nodes_can() -> None:
    assert {(m["readOnly"], m["recursiveReadOnly"]) for m in data_of(parts()).values()} == {(True, "Enabled")}
    claims = [v["persistentVolumeClaim"] for v in parts().volumes if v["name"].startswith("data")]
    assert claims == [{"claimName": "visitor", "readOnly": True}, {"claimName": "in-house", "readOnly": True}]
    old = data_of(parts(cluster=dataclasses.replace(CLUSTER, recursive_read_only=False)))
    assert all(m["readOnly"] and "recursiveReadOnly" not in m for m in old.values())


def test_only_home_and_memory_can_be_written() -> None:
    assert [m["mountPath"] for m in parts().mounts if not m.get("readOnly")] == ["/home/jovyan", "/tmp", "/dev/shm"]
    assert not [v for v in parts().volumes if {"hostPath", "secret", "nfs"} & set(v)]


def test_numbers_are_the_persons_and_no_image_adds_a_group() -> None:
    context = parts().pod_security
    assert (context["runAsUser"], context["runAsGroup"], context["supplementalGroups"]) == (
        20001,
        20000,
        [51001, 51002],
    )
    assert context["supplementalGroupsPolicy"] == "Strict"
    assert context["runAsNonRoot"]
    assert context["fsGroup"] == 20000


def test_a_shared_home_is_the_persons_own_directory_and_nobody_elses_group() -> None:
    shared = dataclasses.replace(CLUSTER, homes=Homes(claim="homes", sub_path="users/{name}-{uid}"))
    for person, directory in (("alice", "alice"), ("..", "%2E."), ("a/../b", "a%2F..%2Fb"), ("é@x", "%C3%A9@x")):
        found = parts(dataclasses.replace(GRANTED, person=person), shared)
        home = next(m for m in found.mounts if m["mountPath"] == "/home/jovyan")
        assert home["subPath"] == f"users/{directory}-20001"
        assert found.init_containers[0]["command"][-2:] == [home["subPath"], "20001"]
        assert "fsGroup" not in found.pod_security
    assert parts().init_containers == []


def test_small_files_are_the_pods_own_annotations() -> None:
    found = parts()
    paths = {m["mountPath"]: m["subPath"] for m in found.mounts if m["name"] == "files"}
    assert paths == {"/etc/passwd": "passwd", "/etc/group": "group", "/etc/panosc/settings.toml": "settings"}
    assert found.annotations["org.panosc.analysis/settings"] == "x = 1"
    assert "alice:x:20001:20000::/home/jovyan:/bin/bash" in found.annotations["org.panosc.analysis/passwd"]
    assert found.annotations["org.panosc.analysis/embargoed"] == "p1 q7"


def test_a_root_without_a_volume_is_said() -> None:
    with pytest.raises(NoVolume, match="in-house"):
        data_mounts(GRANTED, POLICY, dataclasses.replace(CLUSTER, roots={"visitor": CLUSTER.roots["visitor"]}))
    stray = dataclasses.replace(GRANTED, mounts=(Mount(Path("/etc"), "etc", ""),))
    with pytest.raises(NoVolume, match="below no root"):
        data_mounts(stray, POLICY, CLUSTER)


def configured() -> V1Pod:
    """A pod as careless configuration would make it."""
    container = V1Container(
        name="notebook", image="i", security_context={"privileged": True}, volume_mounts=[{"mountPath": "/data"}],
        resources=V1ResourceRequirements(limits={"cpu": 1}),
    )  # fmt: skip
    spec = V1PodSpec(
        containers=[container, V1Container(name="other")], host_network=True, host_pid=True, restart_policy="OnFailure",
        automount_service_account_token=True, volumes=[{"hostPath": {"path": "/"}}], node_selector={"a": "1"},
        init_containers=[V1Container(name="root")], security_context={"runAsUser": 0}, tolerations=[{"key": "user"}],
    )  # fmt: skip
    return V1Pod(metadata=V1ObjectMeta(labels={"app": "jupyterhub"}, annotations={}), spec=spec)


def test_what_the_policy_decides_is_set_last() -> None:
    pod, found = configured(), parts()
    _bind(pod, found)
    spec, container = pod.spec, pod.spec.containers[0]
    assert (spec.security_context, container.security_context) == (found.pod_security, found.container_security)
    assert (spec.volumes, container.volume_mounts, spec.init_containers) == (found.volumes, found.mounts, None)
    assert [one.name for one in spec.containers] == ["notebook"]
    given = (spec.host_network, spec.host_pid, spec.automount_service_account_token, spec.enable_service_links)
    assert not any(given)
    assert spec.restart_policy == "Never"
    assert pod.metadata.labels["app"] == "jupyterhub"


def test_a_profiles_place_adds_to_the_clusters() -> None:
    gpu = Placement(node_selector={"pool": "gpu"}, tolerations=({"key": "gpu"},), resources={"nvidia.com/gpu": 1},
                    priority_class="high")  # fmt: skip
    cluster = dataclasses.replace(CLUSTER, placement=Placement(node_selector={"b": "2"}), profiles={"gpu": gpu})
    placed = cluster.placement_of(Profile("gpu", "GPU", image="own@sha256:1"))
    assert placed.image == "own@sha256:1"
    pod = configured()
    _place(pod, placed)
    assert pod.spec.node_selector == {"a": "1", "b": "2", "pool": "gpu"}
    assert pod.spec.tolerations == [{"key": "user"}, {"key": "gpu"}]
    assert pod.spec.containers[0].resources.limits == {"cpu": 1, "nvidia.com/gpu": "1"}
    assert pod.spec.priority_class_name == "high"


def test_images_by_digest_take_the_place_of_those_that_no_profile_names() -> None:
    from hub_config.policy.model import default_image

    cluster = dataclasses.replace(CLUSTER, images={"lab": "registry/lab@sha256:1"})
    assert cluster.placement_of(Profile("lab", "Lab", image=default_image("lab"))).image == "registry/lab@sha256:1"
    assert cluster.placement_of(Profile("lab", "Lab", image="own:2")).image == "own:2"
    desktop = Profile("d", "Desktop", kind="desktop", image=default_image("desktop"))
    assert cluster.placement_of(desktop).image == default_image("desktop")
