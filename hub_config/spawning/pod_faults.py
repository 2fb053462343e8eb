"""Why a pod does not start, in a person's words, read from what the cluster says about it. Asks nobody."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Fault", "fault_of", "last_words_of", "plain_words", "refused", "waits_for_claim"]

Object = dict[str, Any]

OPERATOR = "Tell the operator."
AGAIN = "Try again in some minutes; if it stays like this, tell the operator."
# Reasons with which a container waits for what will not come by itself soon.
IMAGE = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError")
CREATION = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError", "CrashLoopBackOff")
VOLUME = ("FailedMount", "FailedAttachVolume", "FailedMapVolume")
UNBOUND = "unbound immediate PersistentVolumeClaims"
# What passes by itself: a volume that the node where it was before still holds, what a node does not know yet.
PASSING = ("Multi-Attach", "not registered", "failed to sync", "no relationship found")


@dataclass(frozen=True, slots=True)
class Fault:
    """What keeps a pod from starting.

    Parameters
    ----------
    reason
        Two or three words.
    message
        What the person reads: what happened, what to do.
    said
        What the cluster said, for the log.
    patience
        Seconds that it must last before it counts: some things pass.
    """

    reason: str
    message: str
    said: str = ""
    patience: float = 0.0


def fault_of(pod: Object, events: Sequence[Object], *, autoscaling: bool) -> Fault | None:
    """Say what keeps `pod` from starting; ``None`` while it may still start.

    Parameters
    ----------
    pod
        As the API describes it.
    events
        About it, in order.
    autoscaling
        New nodes may come, so having no place yet is no fault until the autoscaler has said no.
    """
    return _ended(pod) or _waiting(pod) or _no_place(pod, events, autoscaling=autoscaling) or _no_volume(pod, events)


def last_words_of(pod: Object) -> str:
    """Return what the pod's program said last, or why the node ended it."""
    said = [
        str(state["terminated"].get("message") or "")
        for _, state in _states(pod)
        if state.get("terminated", {}).get("exitCode")
    ]
    return "\n".join(filter(None, [*said, str(pod["status"].get("message") or "")]))


def waits_for_claim(pod: Object) -> bool:
    """Whether the scheduler waits for a claim to get its volume, which may be a moment or for ever."""
    return UNBOUND in str(_condition(pod, "PodScheduled").get("message"))


def _states(pod: Object) -> Iterator[tuple[str, Object]]:
    status = pod["status"]
    for one in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        yield str(one["name"]), dict(one["state"])


def _condition(pod: Object, kind: str) -> Object:
    found = (dict(c) for c in pod["status"].get("conditions") or () if c["type"] == kind)
    return next(found, {})


def _ended(pod: Object) -> Fault | None:
    if pod["status"].get("phase") not in ("Failed", "Succeeded"):
        return None
    reason, said = str(pod["status"].get("reason") or ""), last_words_of(pod)
    for name, state in _states(pod):
        if name == "home" and state.get("terminated", {}).get("exitCode"):
            return Fault("no home", f"{said or 'The home could not be made.'} {OPERATOR}", said)
    if reason == "Evicted":
        return Fault("evicted", f"{_pressure(said)} Try again; if it stays like this, tell the operator.", said)
    if reason:
        return Fault("refused by the node", f"The node refused the session ({reason}). {OPERATOR}", said)
    return Fault("died", said, said)


def _pressure(said: str) -> str:
    short = re.search(r"low on resource: ([a-z-]+)", said)
    what = {"memory": "memory", "ephemeral-storage": "disk space", "nodefs": "disk space", "imagefs": "disk space"}
    short_of = what.get(short[1], "resources") if short else "resources"
    return f"The node on which the session started ran out of {short_of} and ended it."


def _waiting(pod: Object) -> Fault | None:
    for _, state in _states(pod):
        waiting = state.get("waiting", {})
        reason, said = str(waiting.get("reason") or ""), str(waiting.get("message") or "")
        if reason in IMAGE:
            image = pod["spec"]["containers"][0]["image"]
            return Fault("image missing", f"The image {image} cannot be had. {OPERATOR}", said)
        if reason in CREATION:
            what = _of_a_directory(said) or "The node cannot make the session's container."
            return Fault("not created", f"{what} {OPERATOR}", said)
    return None


def _of_a_directory(said: str) -> str:
    return "A directory of your data or your home cannot be mounted." if "subPath" in said else ""


def _no_place(pod: Object, events: Sequence[Object], *, autoscaling: bool) -> Fault | None:
    condition = _condition(pod, "PodScheduled")
    if condition.get("status") != "False" or condition.get("reason") != "Unschedulable":
        return None
    said = str(condition.get("message") or "")
    missing = re.search(r'persistentvolumeclaim "([^"]+)" (not found|is being deleted)', said)
    if missing:
        return Fault("volume missing", f"The volume {missing[1]} is not there. {OPERATOR}", said)
    if waits_for_claim(pod):
        return None
    if autoscaling and not any(event.get("reason") == "NotTriggerScaleUp" for event in events):
        return None
    return Fault("no place", _placeless(said), said, patience=2.0)


def _placeless(said: str) -> str:
    short = sorted(set(re.findall(r"Insufficient ([a-z0-9./-]*[a-z0-9])", said)))
    wait = "Try again later, choose a smaller session, or end one that you do not need."
    if "disk-pressure" in said and not short:
        return f"The cluster's nodes are out of disk space, so no session can start now. {OPERATOR}"
    if short:
        names = {"cpu": "processor cores", "memory": "memory", "pods": "room for sessions"}
        what = " and ".join(names.get(one, one.rpartition("/")[2].upper() or one) for one in short)
        return f"The cluster has no {what} free for a session like this. {wait}"
    if "untolerated taint" in said or "unschedulable" in said:
        return f"The nodes for sessions of this kind take none now: they are full, or being looked after. {AGAIN}"
    if "affinity" in said or "selector" in said:
        return f"No node of the cluster is there for sessions of this kind now. {OPERATOR}"
    return f"The cluster has no place for the session. {wait}"


def _no_volume(pod: Object, events: Sequence[Object]) -> Fault | None:
    if pod["status"].get("phase") != "Pending":
        return None
    for event in reversed(events):
        said, reason = str(event.get("message") or ""), str(event.get("reason") or "")
        if reason in VOLUME and not any(one in said for one in PASSING):
            name = re.search(r'volume "([^"]+)"', said)
            what = f"The volume {name[1]}" if name else "A volume"
            return Fault("volume not mounted", f"{what} of your data or your home cannot be mounted. {OPERATOR}",
                         said, patience=3.0)  # fmt: skip
        if reason == "FailedCreatePodSandBox":
            return Fault("no network", f"The node cannot give the session a network. {OPERATOR}", said, patience=4.0)
    return None


def refused(status: int, said: str) -> Fault:
    """Say why the API server did not take a pod or a claim: a quota, a limit, a rule, or a fault of ours.

    Parameters
    ----------
    status
        HTTP status.
    said
        The API server's message.
    """
    if "exceeded quota" in said:
        asked = re.search(r"requested: ([^,]+(?:,[a-z][^=]*=[^,]+)*), used", said)
        what = f" ({asked[1]})" if asked else ""
        message = (
            f"What this cluster gives to all sessions together is used up{what}. Try again later, or tell the operator."
        )
    elif "violates PodSecurity" in said:
        message = f"The cluster's security rules refuse this session. {OPERATOR}"
    elif re.search(r"(maximum|minimum) .* usage per", said):
        message = f"This kind of session is larger or smaller than the cluster allows for one. {OPERATOR}"
    elif "denied the request" in said or "ValidatingAdmissionPolicy" in said:
        message = f"A rule of the cluster refuses this session. {OPERATOR}"
    elif status in (401, 403):
        message = f"The hub may not start sessions in this cluster. {OPERATOR}"
    else:
        message = f"The cluster refused the session (status {status}). {OPERATOR}"
    return Fault("refused by the cluster", message, said)


PROGRESS = {
    "FailedScheduling": "Looking for a place in the cluster …",
    "TriggeredScaleUp": "The cluster gets a new node for the session; this takes some minutes …",
    "Scheduled": "A place was found.",
    "SuccessfulAttachVolume": "The home is there.",
    "Pulling": "The image is being fetched …",
    "Pulled": "The image is there.",
    "Created": "The session is ready to start.",
    "Started": "The session is starting …",
    "FailedMount": "Waiting for a volume …",
    "FailedAttachVolume": "Waiting for a volume …",
}


def plain_words(event: Object) -> str:
    """Say an event as the person who waits reads it; one that has no words of ours is shown as it is."""
    return PROGRESS.get(str(event.get("reason")), str(event.get("message") or ""))
