"""Whether a cluster keeps what a session relies on, seen from a pod like a session's: mounts, network, login provider.

The pod sees the roots as a number that is in no group, lives for seconds, and is removed. It is made with the hub's own
rights, which is also what a session needs.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from aiohttp import ClientError
from kubernetes_asyncio import client, config
from kubernetes_asyncio.client import ApiException

from hub_config.cluster.reading import check_against_policy, cluster_file, read_cluster
from hub_config.errors import HubConfigError
from hub_config.policy import read_policy
from hub_config.spawning.containers import DATA
from hub_config.spawning.pod_faults import fault_of, refused
from hub_config.spawning.pods import container_security

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hub_config.cluster import Cluster
    from hub_config.policy import Policy

__all__ = ["Seen", "examine", "judged", "probe_pod", "questions"]

NOBODY = 65534
PATIENCE = 90.0
# Where a session must be let in, and where not. What is refused here answers the hub, which asks it all the time.
HUB, PROXY, API, NODE, METADATA = "the hub", "the proxy's interface", "the Kubernetes API", "its node", "cloud metadata"
MUST_NOT = (PROXY, API, NODE, METADATA)
# Labels of the hub's pod that its sessions share.
RELEASE = ("app", "release", "app.kubernetes.io/name", "app.kubernetes.io/instance")
IN_THE_POD = "deployment/hub -- panosc-analysis doctor --kubernetes"
NO_POLICY = "Use a network plug-in that enforces NetworkPolicy, and leave network.denyByDefault on"


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that was looked at: what, how it is, in words, and what to do about it."""

    what: str
    state: Literal["ok", "note", "failed"]
    detail: str
    mend: str = ""


async def examine(environment: Mapping[str, str] | None = None, node: str | None = None) -> list[Seen]:
    """Look at the cluster from inside the hub's pod; takes some seconds, and starts one pod.

    Parameters
    ----------
    environment
        Names the policy and ``cluster.yaml``, as for the hub.
    node
        Node to look at; without it the cluster's scheduler chooses.
    """
    facts = cluster_file(environment)
    if not facts.exists():
        return [Seen("cluster", "failed", f"this is no hub's pod: there is no {facts}", f"kubectl exec {IN_THE_POD}")]
    try:
        cluster = read_cluster(environment)
        policy = read_policy(cluster.policy)
        check_against_policy(cluster, policy)
    except HubConfigError as error:
        return [Seen("policy", "failed", str(error), "Correct the values, then helm upgrade")]
    seen = [
        Seen("policy", "ok", f"{policy.facility}: {len(policy.proposals)} proposals below {', '.join(policy.roots)}")
    ]
    try:
        config.load_incluster_config()
    except config.ConfigException as error:
        return [*seen, Seen("cluster", "failed", f"this is no pod: {error}", f"kubectl exec {IN_THE_POD}")]
    async with client.ApiClient() as connection:
        seen += await _from_a_pod(client.CoreV1Api(connection), policy, cluster, node)
    return [*seen, await asyncio.to_thread(provider, policy)]


async def _from_a_pod(api: client.CoreV1Api, policy: Policy, cluster: Cluster, node: str | None) -> list[Seen]:
    own = os.environ.get("POD_NAMESPACE") or cluster.namespace or _own_namespace()
    namespace = cluster.namespace or own
    try:
        hub = await api.read_namespaced_pod(socket.gethostname(), own)
        pod = probe_pod(policy, cluster, hub.metadata.labels or {}, node)
        await api.create_namespaced_pod(namespace, pod)
    except ApiException as error:
        said = error.body or error.reason or ""
        return [Seen("pods", "failed", refused(error.status or 0, str(said)).message, str(said)[:400])]
    except (ClientError, OSError) as error:
        return [Seen("pods", "failed", f"the Kubernetes API does not answer: {error}", "Look at the control plane")]
    name = pod["metadata"]["name"]
    try:
        return await _outcome(api, namespace, name, policy, cluster)
    finally:
        await api.delete_namespaced_pod(name, namespace, grace_period_seconds=0)


async def _outcome(api: client.CoreV1Api, namespace: str, name: str, policy: Policy, cluster: Cluster) -> list[Seen]:
    """Wait for the pod's answers, or for the reason why there are none."""
    clock = asyncio.get_running_loop().time
    until = clock() + PATIENCE
    pod: dict[str, Any] = {}
    events: list[dict[str, Any]] = []
    while clock() < until:
        await asyncio.sleep(0.5)
        pod = api.api_client.sanitize_for_serialization(await api.read_namespaced_pod(name, namespace))
        if pod["status"].get("phase") == "Succeeded":
            [ended] = pod["status"]["containerStatuses"]
            return list(judged(json.loads(ended["state"]["terminated"]["message"]), ended, pod, policy, cluster))
        about = await api.list_namespaced_event(namespace, field_selector=f"involvedObject.name={name}")
        events = api.api_client.sanitize_for_serialization(about)["items"]
        fault = fault_of(pod, events, autoscaling=cluster.autoscaling)
        if fault is not None and (not fault.patience or clock() > until - PATIENCE + 15):
            return [not_started(fault.message, fault.said, cluster)]
    said = "; ".join(str(event.get("message")) for event in events[-2:])
    return [not_started(f"a pod like a session's did not run within {PATIENCE:.0f} s", said, cluster)]


def not_started(message: str, said: str, cluster: Cluster) -> Seen:
    """Say why there was no pod, and what that has to do with the mounts that it asked for."""
    if cluster.recursive_read_only and "recursive" in said.lower():
        mend = "Use containerd 2 or CRI-O 1.30 on all nodes, or set cluster.recursive_read_only: false"
        return Seen("read-only", "failed", f"this node cannot mount read-only with all that is below: {said}", mend)
    return Seen("pods", "failed", message, said[:400] or "kubectl get events")


def questions(policy: Policy, cluster: Cluster) -> dict[str, Any]:
    """Return what the pod is to look at and where it is to knock."""
    proxy = urlsplit(cluster.network.proxy if cluster.network else "http://proxy-api:8001")
    hub = urlsplit(cluster.network.hub if cluster.network else "http://hub:8081")
    api = (os.environ.get("KUBERNETES_SERVICE_HOST", "kubernetes.default.svc"), 443)
    addresses = {
        HUB: (hub.hostname, hub.port or 80), PROXY: (proxy.hostname, proxy.port or 80), API: api,
        NODE: ("$NODE", 10250), METADATA: ("169.254.169.254", 80),
    }  # fmt: skip
    for one in cluster.catalogues:
        url = urlsplit(one.url)
        addresses[f"catalogue {one.name}"] = (url.hostname, url.port or 80)
    return {"mounts": [f"{DATA}/{name}" for name in policy.roots], "addresses": addresses, "closed": MUST_NOT}


def probe_pod(policy: Policy, cluster: Cluster, hub: Mapping[str, str], node: str | None) -> dict[str, Any]:
    """Describe a pod that the network takes for a session, with the roots mounted as proposals are.

    Parameters
    ----------
    policy, cluster
        Roots, image, places.
    hub
        Labels of the hub's pod, of which sessions share those that name the release.
    node
        Its node.
    """
    release = {key: value for key, value in hub.items() if key in RELEASE}
    kind = {"component": "singleuser-server", "hub.jupyter.org/network-access-hub": "true"}
    if "app.kubernetes.io/component" in hub:
        kind["app.kubernetes.io/component"] = "singleuser-server"
    placed = cluster.placement_of(policy.profiles[0])
    selector = {**placed.node_selector, **({"kubernetes.io/hostname": node} if node else {})}
    volumes, mounts = [], []
    for number, name in enumerate(policy.roots):
        root = cluster.roots[name]
        volume = f"data-{number}"
        volumes.append({"name": volume, "persistentVolumeClaim": {"claimName": root.claim, "readOnly": True}})
        mount = {"name": volume, "mountPath": f"{DATA}/{name}", "subPath": root.sub_path, "readOnly": True}
        mounts.append(mount | ({"recursiveReadOnly": "Enabled"} if cluster.recursive_read_only else {}))
    container = {
        "name": "probe",
        "image": placed.image,
        "imagePullPolicy": cluster.pull_policy,
        "command": ["python", "-I", "-m", "hub_config.spawning.probe", json.dumps(questions(policy, cluster))],
        "env": [{"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}}],
        "securityContext": container_security(),
        "volumeMounts": mounts,
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "256Mi"}},
    }
    return {
        "metadata": {"name": f"doctor-{secrets.token_hex(4)}", "labels": {**release, **cluster.labels, **kind}},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "nodeSelector": selector,
            "tolerations": [dict(one) for one in placed.tolerations],
            "imagePullSecrets": [{"name": one} for one in cluster.pull_secrets],
            "securityContext": {
                "runAsNonRoot": True, "runAsUser": NOBODY, "runAsGroup": NOBODY,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
            "volumes": volumes,
        },
    }  # fmt: skip


def judged(
    found: Mapping[str, Any], container: Mapping[str, Any], pod: Mapping[str, Any], policy: Policy, cluster: Cluster
) -> Iterator[Seen]:
    """Turn what the pod found into plain words.

    Parameters
    ----------
    found
        Answers of `hub_config.spawning.probe`.
    container, pod
        What the API says about it.
    policy, cluster
        What was asked for.
    """
    yield Seen("pods", "ok", f"one like a session's ran on {pod['spec']['nodeName']}")
    for name in policy.roots:
        yield _mount(name, found["mounts"][f"{DATA}/{name}"])
    yield _recursive(container, cluster)
    reached: dict[str, str] = found["reached"]
    for name, why in reached.items():
        if name not in MUST_NOT:
            mend = "Look at its pod; let sessions reach it by a NetworkPolicy, and look at the cluster's DNS"
            yield Seen("reach", "failed", f"{name}: {why}", mend) if why else Seen("reach", "ok", name)
    open_doors = [name for name in MUST_NOT if not reached[name]]
    if open_doors:
        yield Seen("network", "failed", f"a session reaches {', '.join(open_doors)}", NO_POLICY)
    else:
        yield Seen("network", "ok", f"closed to sessions: {', '.join(MUST_NOT)}")


def _mount(name: str, found: Mapping[str, Any]) -> Seen:
    if not found["mounted"]:
        return Seen(
            "mount", "failed", f"root {name} is not mounted", f"Look at the claim and the volume of data.{name}"
        )
    if found["writable"]:
        detail = f"root {name}: writable at {', '.join(found['writable'])}"
        return Seen("mount", "failed", detail, "Use nodes that mount read-only recursively; sessions do not start so")
    if not found["refused"]:
        return Seen("mount", "failed", f"root {name}: a file could be made in it", "Mount and export it read-only")
    return Seen("mount", "ok", f"root {name}, read-only with all that is mounted below it")


def _recursive(container: Mapping[str, Any], cluster: Cluster) -> Seen:
    if not cluster.recursive_read_only:
        detail = "cluster.recursive_read_only is off: each session looks at its own mounts and refuses to start"
        return Seen("read-only", "note", detail, "With containerd 2 or CRI-O 1.30 on all nodes, turn it on")
    data = [one for one in container.get("volumeMounts", ()) if one["mountPath"].startswith(f"{DATA}/")]
    if data and all(one.get("recursiveReadOnly") == "Enabled" for one in data):
        return Seen("read-only", "ok", "enforced by the node, recursively")
    mend = "Use Kubernetes 1.33 with containerd 2 or CRI-O 1.30, or set cluster.recursive_read_only: false"
    return Seen("read-only", "failed", "the node does not say that it mounts read-only recursively", mend)


def provider(policy: Policy) -> Seen:
    """Ask the login provider for its discovery document."""
    if policy.identity is None:
        return Seen("provider", "note", "none: demo people log in with one password", "Set panosc.identity")
    from hub_config.identity.provider import discover
    from hub_config.identity.settings import identity_settings

    try:
        settings = identity_settings(policy.identity, os.environ)
        discover(settings.issuer, timeout=settings.refresh.timeout)
    except HubConfigError as error:
        return Seen("provider", "failed", str(error), "panosc-analysis identity check says more")
    return Seen("provider", "ok", f"{settings.issuer} answers")


def _own_namespace() -> str:
    with open("/var/run/secrets/kubernetes.io/serviceaccount/namespace", encoding="utf-8") as file:
        return file.read().strip()
