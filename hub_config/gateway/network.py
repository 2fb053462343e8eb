"""Who may talk to a cluster: its own pods, the gateway, and the one session that owns it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["network_policies"]

# The cluster's name service is at one of these, on a pod or on the node; a public one is a way out.
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.20.10/32")
SCHEDULER_PORT, DASHBOARD_PORT, SERVICE_PORT, GATEWAY_PORT = 8786, 8787, 8788, 8000


def network_policies(cluster: str, labels: Mapping[str, str], session: Mapping[str, str], gateway: str) -> list[Any]:
    """Let a cluster's pods talk among themselves, to the gateway and to the one session that owns them; nobody else.

    Parameters
    ----------
    cluster
        Name of the cluster, without its namespace.
    labels
        Labels that all its pods have.
    session
        Labels that the owner's session has, and no other.
    gateway
        Namespace of dask-gateway.
    """
    own = {"podSelector": {"matchLabels": dict(labels)}}
    scheduler = {"matchLabels": {**labels, "app.kubernetes.io/component": "dask-scheduler"}}
    owner = {"podSelector": {"matchLabels": dict(session)}}
    server, proxy = _gateway_pods(gateway, "gateway"), _gateway_pods(gateway, "traefik")
    name_service = {
        "to": [{"ipBlock": {"cidr": block}} for block in PRIVATE],
        "ports": [{"protocol": kind, "port": 53} for kind in ("UDP", "TCP")],
    }
    talk = {
        "podSelector": own["podSelector"],
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [own]}],
        "egress": [{"to": [own]}, {"to": [server], "ports": _ports(GATEWAY_PORT)}, name_service],
    }
    enter = {
        "podSelector": scheduler,
        "policyTypes": ["Ingress"],
        "ingress": [
            {"from": [owner], "ports": _ports(SCHEDULER_PORT, DASHBOARD_PORT)},
            # Through the proxy only the scheduler's own port, which asks for the cluster's certificate.
            {"from": [proxy], "ports": _ports(SCHEDULER_PORT)},
            {"from": [server], "ports": _ports(SERVICE_PORT)},
        ],
    }
    leave = {
        "podSelector": owner["podSelector"],
        "policyTypes": ["Egress"],
        "egress": [{"to": [{"podSelector": scheduler}], "ports": _ports(SCHEDULER_PORT, DASHBOARD_PORT)}],
    }
    return [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": f"dask-{cluster}-{what}", "labels": dict(labels)},
            "spec": spec,
        }
        for what, spec in (("pods", talk), ("scheduler", enter), ("session", leave))
    ]


def _gateway_pods(namespace: str, component: str) -> dict[str, Any]:
    chosen = {"app.kubernetes.io/name": "dask-gateway", "app.kubernetes.io/component": component}
    return {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "podSelector": {"matchLabels": chosen},
    }


def _ports(*numbers: int) -> list[dict[str, Any]]:
    return [{"protocol": "TCP", "port": number} for number in numbers]
