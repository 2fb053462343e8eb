"""What the Dask cluster of a session may be: computed from the session's own pod, so that scheduler and workers are it.

Nothing here asks anybody. The pod says which numbers, groups, mounts and image the access table gave this session; the
policy's ``dask`` section says how much of the facility its clusters may use; the person can only ask for less.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hub_config.spawning.containers import DATA, HOME, LABEL
from hub_config.spawning.pods import EMBARGOED

if TYPE_CHECKING:
    from hub_config.policy import Dask

__all__ = ["Asked", "Refused", "Use", "cluster_config", "owner_name", "use_of"]

PROPOSALS = f"{LABEL}/proposals"
"""Annotation of a cluster's pods: the embargoed proposals that they see."""

GIB = 1 << 30
# What a session's pod may hand on to a worker. Secrets and tokens are the session's own.
SHARED_VOLUMES = frozenset({"persistentVolumeClaim", "nfs", "csi", "hostPath", "configMap", "downwardAPI", "emptyDir"})
# Isolated (-I), as a session starts, with the same look at its mounts: what could write to data does not run.
START = ["python", "-I", "-m", "hub_config.spawning.container", "--data", DATA, "--", "dask"]
# A pod's /tmp is memory: what was spilled there would count as much as before.
IN_MEMORY = {f"DASK_DISTRIBUTED__WORKER__MEMORY__{what}": "False" for what in ("TARGET", "SPILL")}


class Refused(ValueError):
    """A cluster that this session may not have; the message says why and what would help."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asked for, within the bounds of the policy.

    Parameters
    ----------
    worker_cores, worker_memory
        Of one worker; memory in GiB.
    workers
        At most so many; 0 for as many as the limits leave.
    idle_timeout
        Seconds.
    proposal
        See and count for this embargoed proposal only; empty for all of the session's.
    """

    worker_cores: float
    worker_memory: float
    workers: int
    idle_timeout: int
    proposal: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """What one running cluster may use at most, and for whom it counts."""

    person: str
    proposals: frozenset[str]
    cpu: float
    memory: int


def owner_name(person: str, server: str) -> str:
    """Name the owner of a cluster: a session, not a person; a slash occurs in no user name."""
    return f"{person}/{server}"


def use_of(owner: str, config: Mapping[str, Any]) -> Use:
    """Read from the record of a cluster what it may use; `config` is what `cluster_config` gave."""
    workers = config["cluster_max_workers"] or 0
    return Use(
        owner.split("/")[0],
        frozenset(config["worker_extra_pod_annotations"].get(PROPOSALS, "").split()),
        config["scheduler_cores_limit"] + workers * config["worker_cores_limit"],
        config["scheduler_memory_limit"] + workers * config["worker_memory_limit"],
    )


def cluster_config(
    pod: Mapping[str, Any], person: str, groups: Collection[str], asked: Asked, bounds: Dask, running: Iterable[Use]
) -> dict[str, Any]:
    """Decide about a new cluster of the session whose pod is `pod`; returns the configuration of dask-gateway.

    Parameters
    ----------
    pod
        The session's running pod, as Kubernetes' API describes it.
    person
        Its owner.
    groups
        Her hub groups now.
    asked
        What she asked for.
    bounds
        The policy's ``dask`` section.
    running
        What all running clusters may use.

    Raises
    ------
    Refused
        She is no longer a member of what the session sees, or the limits leave no room for one worker.
    """
    seen = _proposals(pod, groups, asked.proposal)
    worker_cpu = min(asked.worker_cores, bounds.worker.cpu)
    worker_memory = min(int(asked.worker_memory * GIB), bounds.worker.bytes)
    workers = _room(bounds, Use(person, seen, worker_cpu, worker_memory), asked.workers, list(running))
    pod_config, container_config = _as_the_session(pod, seen)
    annotations = _annotations(pod) | {PROPOSALS: " ".join(sorted(seen))}
    return {
        "namespace": pod["metadata"]["namespace"],
        "image": image_of(pod),
        "image_pull_policy": "IfNotPresent",
        "image_pull_secrets": pod["spec"].get("imagePullSecrets") or [],
        "environment": _environment(pod),
        "scheduler_cmd": [*START, "scheduler"],
        "worker_cmd": [*START, "worker"],
        "scheduler_cores": bounds.scheduler.cpu / bounds.overcommit,
        "scheduler_cores_limit": bounds.scheduler.cpu,
        "scheduler_memory": bounds.scheduler.bytes,
        "scheduler_memory_limit": bounds.scheduler.bytes,
        "worker_cores": worker_cpu / bounds.overcommit,
        "worker_cores_limit": worker_cpu,
        "worker_threads": max(1, int(worker_cpu)),
        "worker_memory": worker_memory,
        "worker_memory_limit": worker_memory,
        "cluster_max_workers": workers,
        "idle_timeout": float(min(asked.idle_timeout, bounds.idle_timeout)),
        # The oldest a cluster gets: Kubernetes ends the scheduler, and with it everything that belongs to it.
        "scheduler_extra_pod_config": {**pod_config, "activeDeadlineSeconds": bounds.max_age},
        "worker_extra_pod_config": pod_config,
        "scheduler_extra_container_config": container_config,
        "worker_extra_container_config": container_config,
        "scheduler_extra_pod_annotations": annotations,
        "worker_extra_pod_annotations": annotations,
    }


def _annotations(pod: Mapping[str, Any]) -> dict[str, str]:
    """Return what this package has written on the pod: whose it is, and small files that it mounts."""
    return {
        key: text for key, text in (pod["metadata"].get("annotations") or {}).items() if key.startswith(f"{LABEL}/")
    }


def _held(pod: Mapping[str, Any]) -> frozenset[str]:
    """Return the embargoed proposals that the session sees."""
    named = _annotations(pod).get(EMBARGOED)
    if named is None:
        raise Refused("This session was not started by this hub as it is now. End it and start it again.")
    return frozenset(named.split())


def _proposal_of(mount: Mapping[str, Any]) -> str:
    """Return which proposal a mount shows, or a part of; empty for all other mounts."""
    path: str = mount["mountPath"]
    return path.removeprefix(f"{DATA}/").split("/")[0] if path.startswith(f"{DATA}/") else ""


def _home_of_one_pod(mount: Mapping[str, Any]) -> bool:
    """Whether this is a home on a volume of its own, which only one node may mount; shared ones are directories."""
    return mount["mountPath"] == HOME and not mount.get("subPath")


def _proposals(pod: Mapping[str, Any], groups: Collection[str], only: str) -> frozenset[str]:
    """Return the embargoed proposals that the cluster is to see: the session's, or one of them."""
    held = _held(pod)
    if lost := sorted(one for one in held if f"proposal-{one.lower()}" not in groups):
        raise Refused(
            f"You are no longer a member of {', '.join(lost)}, which this session sees. "
            "End the session and start it again; a new one can have a cluster."
        )
    if not only:
        return held
    if only not in held:
        mine = f"it sees {', '.join(sorted(held))}" if held else "it sees open data only"
        raise Refused(f"This session does not see the embargoed proposal {only}; {mine}.")
    return frozenset({only})


def _room(bounds: Dask, one: Use, wanted: int, running: list[Use]) -> int:
    """Return how many workers like `one` there may be, by the person's limits and by each proposal's."""
    mine = [use for use in running if use.person == one.person]
    if len(mine) >= bounds.clusters:
        raise Refused(
            f"You have {len(mine)} of {bounds.clusters} clusters. Close one first with `cluster.close()`, "
            "or end the session that has it."
        )
    shares = [("Your clusters", bounds.person, mine)]
    shares += [
        (f"Clusters for {name}", bounds.proposal, [use for use in running if name in use.proposals])
        for name in sorted(one.proposals)
    ]
    least, why = wanted or 1 << 31, ""
    for whose, share, uses in shares:
        cpu = share.cpu - bounds.scheduler.cpu - sum(use.cpu for use in uses)
        memory = share.bytes - bounds.scheduler.bytes - sum(use.memory for use in uses)
        # A hundredth of a core more than there is does no harm; a worker less for a rounding error would.
        room = max(0, min(int((cpu + 0.01) // one.cpu), memory // one.memory))
        if room < least:
            least, why = room, _told(whose, share.cpu, share.bytes, uses)
    if least < 1:
        raise Refused(f"There is no room for a worker: {why}. Close a cluster, or ask for smaller workers.")
    return least


def _told(whose: str, cpu: float, memory: int, uses: list[Use]) -> str:
    used_cpu, used_memory = sum(use.cpu for use in uses), sum(use.memory for use in uses)
    return f"{whose} hold {used_cpu:g} of {cpu:g} cores and {used_memory / GIB:.1f} of {memory / GIB:g} GB"


def _session_container(pod: Mapping[str, Any]) -> dict[str, Any]:
    return next((one for one in pod["spec"]["containers"] if one["name"] == "notebook"), pod["spec"]["containers"][0])


def image_of(pod: Mapping[str, Any]) -> str:
    """Return the very image the session runs, by its digest where the node knows one."""
    container = _session_container(pod)
    for status in pod.get("status", {}).get("containerStatuses") or ():
        if status["name"] == container["name"] and "@sha256:" in status.get("imageID", ""):
            return str(status["imageID"])
    return str(container["image"])


def _environment(pod: Mapping[str, Any]) -> dict[str, str]:
    """Hand on where things are; never a token."""
    given = {row["name"]: row.get("value") for row in _session_container(pod).get("env") or ()}
    named = {name: given[name] for name in ("PANOSC_SETTINGS", "TZ") if given.get(name)}
    return {"HOME": HOME, "OMP_NUM_THREADS": "1", **IN_MEMORY, **named}


def _as_the_session(pod: Mapping[str, Any], seen: frozenset[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what makes a pod and its container be the session: numbers, rights, mounts."""
    spec, container = pod["spec"], _session_container(pod)
    sources = {one["name"]: one for one in spec.get("volumes") or () if SHARED_VOLUMES & one.keys()}
    left_out = _held(pod) - seen
    mounts = [
        mount
        for mount in container.get("volumeMounts") or ()
        if mount["name"] in sources and _proposal_of(mount) not in left_out and not _home_of_one_pod(mount)
    ]
    if not any(mount["mountPath"] == HOME for mount in mounts):
        sources["scratch-home"] = {"name": "scratch-home", "emptyDir": {"sizeLimit": "1Gi"}}
        mounts.append({"name": "scratch-home", "mountPath": HOME})
    used = {mount["name"] for mount in mounts}
    pod_config = {
        "securityContext": spec["securityContext"],
        "volumes": [source for name, source in sources.items() if name in used],
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "hostname": "dask",
        "terminationGracePeriodSeconds": 5,
        **{key: spec[key] for key in ("tolerations", "nodeSelector", "runtimeClassName") if spec.get(key)},
    }
    return pod_config, {"securityContext": container["securityContext"], "volumeMounts": mounts}
