"""Clusters on Kubernetes: made from the session's pod, owned by it, closed to everybody else.

Its service account may read the sessions' pods and make network policies. That a cluster ends with its session is left
to Kubernetes: the session's pod owns it.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from aiohttp import web
from dask_gateway_server.backends.base import PublicException
from dask_gateway_server.backends.kubernetes.backend import KubeBackend
from dask_gateway_server.options import Float, Integer, Options, String
from kubernetes_asyncio import client
from kubespawner.slugs import is_valid_label, safe_slug
from traitlets import Instance, Unicode

from hub_config.dask import GIB, Asked, Refused, Use, cluster_config, use_of
from hub_config.gateway.network import network_policies
from hub_config.policy import Dask

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SessionBackend", "options"]

SESSION = {"component": "singleuser-server"}
PERSON, SERVER = "hub.jupyter.org/username", "hub.jupyter.org/servername"


class SessionBackend(KubeBackend):  # type: ignore[misc]  # dask-gateway ships no types
    """Makes clusters that are their session: its numbers, mounts and image, within the policy, ended with it."""

    bounds = Instance(Dask, args=(), config=True, help="The policy's dask section.")
    sessions_namespace = Unicode("default", config=True, help="Namespace of the sessions' pods.")
    gateway_namespace = Unicode("default", config=True, help="Namespace of this server and its proxy.")

    priority_class = Unicode(config=True, help="PriorityClass of the clusters' pods; empty for the cluster's default.")

    async def setup(self, app: Any) -> None:
        """Connect to Kubernetes."""
        await super().setup(app)
        self.network_client = client.NetworkingV1Api(api_client=self.api_client)
        self._one_at_a_time = asyncio.Lock()

    async def get_cluster_options(self, user: Any) -> Any:
        """Return what this session may choose: everything downwards from the policy's bounds."""
        try:
            pod = await self._session(user)
        except Refused as refused:
            raise web.HTTPUnprocessableEntity(reason=str(refused)) from refused
        return options(self.bounds, partial(self._decided, pod, await self._running()))

    def _decided(self, pod: Mapping[str, Any], running: list[Use], asked: Any, user: Any) -> dict[str, Any]:
        person = user.name.split("/")[0]
        return {
            key: self._with_operators(key, value)
            for key, value in cluster_config(pod, person, user.groups, Asked(**asked), self.bounds, running).items()
        }

    def _with_operators(self, key: str, value: Any) -> Any:
        """Keep what the operator configured for all pods, where it says nothing about what is decided here."""
        general = self.config.get("KubeClusterConfig", {}).get(key)
        if key.endswith("_extra_pod_config") and self.priority_class:
            value = {**value, "priorityClassName": self.priority_class}
        return {**general, **value} if isinstance(general, dict) and isinstance(value, dict) else value

    async def start_cluster(self, user: Any, cluster_options: Any) -> str:
        """Make a cluster that the session's pod owns, and the policies that keep everybody else out."""
        # One at a time, so that two requests cannot both take the last of a limit.
        async with self._one_at_a_time:
            chosen, config = await self.process_cluster_options(user, cluster_options)
            record = self.make_cluster_object(user.name, chosen, config)
            pod = await self._session_or_public(user)
            record["metadata"]["ownerReferences"] = [reference(pod, "v1", "Pod")]
            group = ("gateway.dask.org", self.crd_version, config.namespace, "daskclusters")
            made = await self.custom_client.create_namespaced_custom_object(*group, record)
            name = record["metadata"]["name"]
            try:
                await self._keep_others_out(name, config.namespace, pod, made)
            except Exception:
                await self.custom_client.delete_namespaced_custom_object(*group, name)
                raise
        self.log.info("Made cluster %s.%s for the session %s", config.namespace, name, user.name)
        return f"{config.namespace}.{name}"

    async def _keep_others_out(
        self, name: str, namespace: str, pod: Mapping[str, Any], made: Mapping[str, Any]
    ) -> None:
        labels = {"gateway.dask.org/cluster": name, "gateway.dask.org/instance": self.gateway_instance}
        session = {
            **SESSION,
            **{key: value for key, value in pod["metadata"]["labels"].items() if key in (PERSON, SERVER)},
        }
        for policy in network_policies(name, labels, session, self.gateway_namespace):
            policy["metadata"]["ownerReferences"] = [reference(made, made["apiVersion"], made["kind"])]
            await self.network_client.create_namespaced_network_policy(namespace, policy)

    async def _session(self, user: Any) -> dict[str, Any]:
        """Return the running pod of the session that asks.

        Raises
        ------
        Refused
            There is none.
        """
        person, server = user.name.split("/")
        selector = ",".join(
            f"{key}={value}" for key, value in (SESSION | {PERSON: safe_slug(person, is_valid=is_valid_label)}).items()
        )
        found = await self.core_client.list_namespaced_pod(self.sessions_namespace, label_selector=selector)
        for one in self.api_client.sanitize_for_serialization(found)["items"]:
            named = one["metadata"].get("annotations") or {}
            # The label is a slug; the annotations say the names as they are.
            mine = named.get(PERSON) == person and named.get(SERVER, "") == server
            if mine and one["status"].get("phase") == "Running" and "deletionTimestamp" not in one["metadata"]:
                return dict(one)
        raise Refused("Your session is not running, so it cannot have a cluster. Start it, and ask from inside it.")

    async def _session_or_public(self, user: Any) -> dict[str, Any]:
        try:
            return await self._session(user)
        except Refused as refused:
            raise PublicException(str(refused)) from refused

    async def _running(self) -> list[Use]:
        """Return what the clusters that have not ended may use; asked of Kubernetes, whose answer is the newest."""
        found = await self.custom_client.list_namespaced_custom_object(
            "gateway.dask.org",
            self.crd_version,
            self.sessions_namespace,
            "daskclusters",
            label_selector=self.label_selector,
        )
        return [
            use_of(one["spec"]["username"], one["spec"]["config"])
            for one in found["items"]
            if one.get("status", {}).get("phase", "Pending") in ("Pending", "Running")
            and "deletionTimestamp" not in one["metadata"]
        ]


def options(bounds: Dask, handler: Any) -> Options:
    """Return the options that a person has. What is not declared here cannot be asked for."""
    cores, memory, idle = bounds.worker.cpu, bounds.worker.bytes / GIB, bounds.idle_timeout
    return Options(
        Float("worker_cores", default=cores, min=min(0.1, cores), max=cores, label="Cores of a worker"),
        Float("worker_memory", default=memory, min=min(0.25, memory), max=memory, label="Memory of a worker (GB)"),
        Integer("workers", default=0, min=0, label="Workers at most (0: as many as there is room for)"),
        Integer("idle_timeout", default=idle, min=min(30, idle), max=idle, label="Idle seconds after which it ends"),
        String("proposal", default="", label="For this proposal only"),
        handler=handler,
    )


def reference(owner: Mapping[str, Any], version: str, kind: str) -> dict[str, Any]:
    """Say that something is to end with `owner`."""
    about = owner["metadata"]
    return {"apiVersion": version, "kind": kind, "name": about["name"], "uid": about["uid"]}
