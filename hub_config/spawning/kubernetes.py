"""Sessions as pods: exactly the data of this person, under her numbers; a start that cannot succeed says why."""

from __future__ import annotations

import asyncio
import contextlib
import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import ClientError
from kubernetes_asyncio.client import ApiException
from kubespawner import KubeSpawner
from traitlets import Instance, Unicode

from hub_config.cluster import Cluster
from hub_config.spawning.containers import ENVIRONMENT
from hub_config.spawning.failing import StartFailed, last_words
from hub_config.spawning.governed import GovernedSpawner
from hub_config.spawning.pod_faults import Fault, fault_of, last_words_of, plain_words, refused, waits_for_claim
from hub_config.spawning.pods import NoVolume, PodParts, pod_parts
from hub_config.spawning.readiness import wait_for_port
from hub_config.spawning.reflecting import STEADY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from hub_config.access import Access
    from hub_config.cluster import Placement

__all__ = ["KubernetesSession"]

DOWN = (
    "The cluster of this facility does not answer, so no session can be started or stopped now. Running sessions "
    "go on. Try again in a minute; if it stays like this, tell the operator."
)
# How often what the hub knows of a pod is looked at while it starts; asks nobody.
LOOK = 0.25
# How often the events of a claim are asked for while a pod waits for its volume.
ASK = 2.0
# How long the API server may take for what it answers at once when it is well.
ANSWER = 10.0


class KubernetesSession(GovernedSpawner, KubeSpawner):  # type: ignore[misc]  # KubeSpawner ships no types
    """Starts a hardened pod with the person's numbers and her proposals below ``/data``.

    What configuration says about KubeSpawner holds for labels, places and priorities; numbers, mounts and bounds are
    set last and come from the policy alone.
    """

    cluster = Instance(Cluster, config=True, help="What is known about this cluster.")
    settings_file = Unicode(config=True, help="This package's settings for sessions, given to each.")

    _claim_is_new = False
    _placed: Placement | None = None

    def start(self) -> asyncio.Future[str]:
        """Start the pod; the future is done once the session listens.

        Raises
        ------
        StartFailed
            It cannot start, and why; nothing of it is left.
        """
        self._start_future = asyncio.ensure_future(self._launched())
        return self._start_future

    async def _launched(self) -> str:
        granted, _, _ = self.decided()
        with said_plainly(self):
            await self._directories_there(granted)
            await self._know_the_present()
            self._claim_is_new = await self._without_home()
            if self._claim_is_new:
                self.begin_with_the_tutorial()
            url = await self._started_or_told_why()
        pod = self._pod()
        ip = str(pod["status"]["podIP"]) if pod else ""
        if not await wait_for_port(ip, self.port, alive=self._alive, timeout=self.start_timeout - 5):
            said = last_words_of(self._pod() or pod)
            await self._removed()
            raise last_words(self.user.name, said)
        self.started(str(pod["status"]["containerStatuses"][0]["imageID"]))
        return url

    async def load_user_options(self) -> None:
        """Do nothing: `decide` has checked the options, and KubeSpawner's own profiles are not in use."""

    async def _without_home(self) -> bool:
        """Say whether this start makes the person's home; a hub that was restarted does not remember her claim."""
        if not self.storage_pvc_ensure or self._pvc_exists:
            return False
        return not await self._check_pvc_exists(self.pvc_name, self.namespace)

    async def _started_or_told_why(self) -> str:
        """Let KubeSpawner start the pod, and end it as soon as it is known that it cannot start."""
        tasks = [asyncio.ensure_future(super()._start()), asyncio.ensure_future(self._faulty())]
        try:
            async with asyncio.timeout(self.start_timeout - 10):
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if tasks[0] in done:
                return str(tasks[0].result())
            fault: Fault = tasks[1].result()
        except TimeoutError:
            seconds = self.start_timeout - 10
            message = (
                f"The session was not ready after {seconds} s. Try again; if it stays like this, tell the operator."
            )
            fault = Fault("too slow", message, str((self._pod() or {}).get("status")))
        except BaseException:
            await self._removed()
            raise
        finally:
            for task in tasks:
                task.cancel()
        await self._removed()
        self.log.error("The session %s cannot start, %s: %s", self.pod_name, fault.reason, fault.said)
        if fault.reason == "died":
            raise last_words(self.user.name, fault.said)
        raise StartFailed(fault.message, reason=fault.reason, status_code=500)

    async def _faulty(self) -> Fault:
        """Return what keeps the pod from starting, once it has lasted; never returns while it may still start."""
        clock, seen, since, asked = asyncio.get_running_loop().time, "", 0.0, 0.0
        while True:
            await asyncio.sleep(LOOK)
            pod = self._pod()
            fault = fault_of(pod, self.events, autoscaling=self.cluster.autoscaling) if pod else None
            if pod and fault is None and waits_for_claim(pod) and clock() - asked > ASK:
                asked, fault = clock(), await self._claim_fault()
            if fault is None:
                if not (pod and waits_for_claim(pod)):
                    seen = ""
                continue
            if fault.reason != seen:
                seen, since = fault.reason, clock()
            if clock() - since >= fault.patience:
                return fault

    async def _claim_fault(self) -> Fault | None:
        """Ask why a claim of this pod has no volume; ``None`` while nobody complains."""
        fields = "involvedObject.kind=PersistentVolumeClaim,type=Warning"
        with contextlib.suppress(ApiException, ClientError, OSError, TimeoutError):
            found = await self.api.list_namespaced_event(self.namespace, field_selector=fields)
            claims = {self.pvc_name, *(root.claim for root in self.cluster.roots.values()), self.cluster.homes.claim}
            for event in found.items:
                if event.involved_object.name in claims and event.reason in ("ProvisioningFailed", "FailedBinding"):
                    message = f"The volume {event.involved_object.name} cannot be made. Tell the operator."
                    return Fault("no volume", message, event.message, patience=0.0)
        return None

    async def _directories_there(self, granted: Access) -> None:
        """Refuse a mount whose directory is not there, where the hub can see: the node would make it among the data."""
        roots = [root for root in self.policy().roots.values() if root.is_dir()]
        mine = [m for m in granted.mounts if any(root in m.source.parents for root in roots)]

        def missing() -> list[str]:
            return [m.name for m in mine if not m.source.is_dir()]

        async with asyncio.timeout(ANSWER):
            if names := await asyncio.to_thread(missing):
                message = f"The data of {', '.join(names[:5])} are not where they should be. Tell the operator."
                raise StartFailed(message, reason="data missing", status_code=500)

    async def _know_the_present(self) -> None:
        """Make sure that what the hub knows about pods is what is so now; a watch that waits to try again tries now."""
        async with asyncio.timeout(ANSWER):
            await self._start_watching_pods()
            await self._start_watching_events()
            if not self.pod_reflector.answering:
                await self._start_watching_pods(replace=True)
            if self.event_reflector and not self.event_reflector.answering:
                await self._start_watching_events(replace=True)

    async def _start_reflector(self, kind: str, reflector_class: type, replace: bool = False, **kwargs: Any) -> Any:
        key = self._get_reflector_key(kind)
        before = self.reflectors.get(key)
        try:
            return await super()._start_reflector(kind, STEADY[reflector_class], replace, **kwargs)
        except BaseException:
            # One that never loaded knows no pods: with it the hub would take every session for dead.
            self.reflectors.pop(key, None)
            if before is not None and before.first_load_future.done() and not before.first_load_future.exception():
                self.reflectors[key] = before
            raise

    async def stop(self, now: bool = False) -> None:
        """End the session and remove its pod; the home stays."""
        with said_plainly(self):
            await super().stop(now)
        self.stopped()

    async def poll(self) -> int | None:
        """Return ``None`` while the session runs; also while the cluster cannot be asked, since it may well run."""
        try:
            code: int | None = await super().poll()
        except (ApiException, ClientError, OSError, TimeoutError, StartFailed) as error:
            self.log.warning("The cluster does not answer: %r", error)
            return None
        if code is not None and self.pod_reflector and not self.pod_reflector.answering and self._pod() is None:
            return None
        return code

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """Yield what happens to the pod, in words for the person who waits."""
        async for event in super().progress():
            raw = event.get("raw_event")
            yield event | {"message": plain_words(raw)} if raw else event

    async def get_pod_manifest(self) -> Any:
        """Return the pod: what configuration says about places and labels, and last what was decided."""
        granted, profile, _ = self.decided()
        placed = self.cluster.placement_of(profile)
        limits, share = profile.limits, self.cluster.requests
        self.image, self.mem_limit, self.cpu_limit = placed.image, limits.bytes, limits.cpu
        self.mem_guarantee, self.cpu_guarantee = int(limits.bytes * share.memory), limits.cpu * share.cpu
        pod = await super().get_pod_manifest()
        parts = pod_parts(
            granted, self.policy(), self.cluster,
            profile=profile.name, server=self.name, image=placed.image, home_claim=self.pvc_name,
            settings=Path(self.settings_file).read_text(encoding="utf-8"),
        )  # fmt: skip
        _place(pod, placed)
        _bind(pod, parts)
        return pod

    def get_env(self) -> dict[str, str]:
        """Return the session's environment."""
        env: dict[str, str] = super().get_env()
        return env | ENVIRONMENT

    def _pod(self) -> Any:
        return self.pod_reflector.pods.get(f"{self.namespace}/{self.pod_name}") if self.pod_reflector else None

    async def _alive(self) -> bool:
        pod = self._pod()
        return pod is not None and pod["status"].get("phase") == "Running"

    async def _removed(self) -> None:
        """Leave nothing of a start that failed: neither the pod nor a claim that got no volume."""
        with contextlib.suppress(StartFailed, ApiException, ClientError, OSError, TimeoutError):
            await self.stop(now=True)
            if self._claim_is_new:
                claim = await self.api.read_namespaced_persistent_volume_claim(self.pvc_name, self.namespace)
                if claim.status.phase == "Pending":
                    await self.api.delete_namespaced_persistent_volume_claim(self.pvc_name, self.namespace)
                    self._pvc_exists = False


def _place(pod: Any, placed: Placement) -> None:
    """Send the pod to the nodes of its profile, with what it needs there."""
    spec, container = pod.spec, pod.spec.containers[0]
    spec.node_selector = {**(spec.node_selector or {}), **placed.node_selector} or None
    spec.tolerations = [*(spec.tolerations or ()), *map(dict, placed.tolerations)] or None
    spec.priority_class_name = placed.priority_class or spec.priority_class_name
    spec.runtime_class_name = placed.runtime_class or spec.runtime_class_name
    container.resources.limits.update({name: str(amount) for name, amount in placed.resources.items()})


def _bind(pod: Any, parts: PodParts) -> None:
    """Set what the policy decides, whatever else was configured."""
    spec, container = pod.spec, pod.spec.containers[0]
    pod.metadata.labels.update(parts.labels)
    pod.metadata.annotations.update(parts.annotations)
    spec.security_context, container.security_context = parts.pod_security, parts.container_security
    spec.volumes, container.volume_mounts = parts.volumes, parts.mounts
    spec.init_containers, spec.containers = parts.init_containers or None, [container]
    spec.automount_service_account_token = spec.enable_service_links = False
    spec.host_network = spec.host_pid = spec.host_ipc = spec.share_process_namespace = None
    # What died stays dead and says why; its last words go where the hub can read them without a further right.
    spec.restart_policy, spec.hostname = "Never", "session"
    container.termination_message_policy = "FallbackToLogsOnError"


@contextmanager
def said_plainly(spawner: KubernetesSession) -> Iterator[None]:
    """Turn what Kubernetes says into what a person can use; the log keeps Kubernetes' own words."""
    try:
        yield
    except StartFailed:
        raise
    except ApiException as error:
        said = _message(error)
        spawner.log.error("The cluster refused (%s): %s", error.status, said)
        if error.status == 429 or error.status >= 500:
            raise StartFailed(DOWN, reason="The cluster does not answer", status_code=503) from error
        fault = refused(error.status, said)
        raise StartFailed(fault.message, reason=fault.reason, status_code=500) from error
    except (ClientError, OSError, TimeoutError) as error:
        spawner.log.error("The cluster does not answer: %r", error)
        raise StartFailed(DOWN, reason="The cluster does not answer", status_code=503) from error
    except NoVolume as error:
        spawner.log.error("A pod cannot be described: %s", error)
        message = "The hub does not know the volume of your data. Tell the operator."
        raise StartFailed(message, reason="no volume", status_code=500) from error


def _message(error: ApiException) -> str:
    """Return what the API server says in its answer."""
    try:
        return str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        return str(error.body or error.reason)
