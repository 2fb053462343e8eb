"""A dask-gateway beside a hub in a cluster, and what its workers look like from outside."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from string import Template
from typing import Any

from tests.sessions.cluster import Namespace, image, kubectl

__all__ = ["GATEWAY_ENVIRONMENT", "cluster_pods", "gateway_missing", "start_gateway"]

MANIFESTS = Path(__file__).with_name("gateway.yaml")
TRAEFIK = os.environ.get("PANOSC_TRAEFIK_IMAGE", "panosc.test/traefik:3.6")
# What the chart tells every session.
GATEWAY_ENVIRONMENT = {
    "DASK_GATEWAY__ADDRESS": "http://traefik",
    "DASK_GATEWAY__PROXY_ADDRESS": "gateway://traefik:8786",
    "DASK_GATEWAY__AUTH__TYPE": "jupyterhub",
}
KINDS = {
    "gateway.dask.org": ["DaskCluster"],
    "traefik.io": [
        "IngressRoute", "IngressRouteTCP", "IngressRouteUDP", "Middleware", "MiddlewareTCP", "ServersTransport",
        "ServersTransportTCP", "TLSOption", "TLSStore", "TraefikService",
    ],
}  # fmt: skip


def gateway_missing() -> str:
    """Why there can be no dask-gateway here; empty if there can. Asked when it is known that there is a cluster."""
    nodes = json.loads(kubectl("get", "nodes", "-o", "json"))["items"]
    names = [name for node in nodes for one in node["status"]["images"] for name in one["names"] or ()]
    there = any(name.removeprefix("docker.io/") == TRAEFIK for name in names)
    return "" if there else f"not on the cluster's nodes: {TRAEFIK} ($PANOSC_TRAEFIK_IMAGE names another)"


def definition(group: str, kind: str) -> dict[str, Any]:
    """Return the definition of a kind of object that takes anything, as dask-gateway's own does."""
    plural = f"{kind.lower()}s"
    anything = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()},
            "versions": [{"name": "v1alpha1", "served": True, "storage": True, "schema": anything,
                          "subresources": {"status": {}} if kind == "DaskCluster" else {}}],
        },
    }  # fmt: skip


@contextmanager
def start_gateway(where: Namespace, dask: Mapping[str, Any]) -> Iterator[None]:
    """Run server, controller and Traefik; yields once all are ready. `dask` is the policy's section."""
    known = kubectl("get", "crd", "-o", "name")
    new = [definition(group, kind) for group, kinds in KINDS.items() for kind in kinds]
    new = [one for one in new if one["metadata"]["name"] not in known]
    where.apply(*new) if new else None
    for one in new:
        kubectl("wait", f"crd/{one['metadata']['name']}", "--for=condition=Established", "--timeout=60s")
    values = {"namespace": where.name, "hub_image": image("hub"), "traefik_image": TRAEFIK, "dask": json.dumps(dask)}
    try:
        where.apply(Template(MANIFESTS.read_text()).substitute(values))
        for name in ("gateway", "controller", "traefik"):
            try:
                where.kubectl("rollout", "status", f"deployment/{name}", "--timeout=120s", timeout=150)
            except AssertionError as error:
                raise AssertionError(f"{error}\n{where.kubectl('logs', f'deployment/{name}', '--tail=40')}") from error
        yield
    finally:
        for name in ("gateway", "controller"):
            print(where.kubectl("logs", f"deployment/{name}", "--tail=60"))
        kubectl("delete", "clusterrole,clusterrolebinding", "-l", f"test={where.name}")


def cluster_pods(where: Namespace, component: str = "") -> list[dict[str, Any]]:
    """The pods of Dask clusters that are there: schedulers, workers or both."""
    label = f"app.kubernetes.io/component={component}" if component else "gateway.dask.org/cluster"
    pods = where.get("pods", "-l", label)["items"]
    return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]


def clusters_of(where: Namespace) -> list[dict[str, Any]]:
    """The records of clusters that have not ended."""
    rows = where.get("daskclusters.gateway.dask.org")["items"]
    return [one for one in rows if one.get("status", {}).get("phase", "Pending") in ("Pending", "Running")]
