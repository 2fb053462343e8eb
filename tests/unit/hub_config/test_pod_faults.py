"""What a cluster says about a pod, in a person's words. The cluster's words are those of Kubernetes 1.34."""

from __future__ import annotations

from typing import Any

import pytest

from hub_config.spawning.pod_faults import fault_of, last_words_of, plain_words, refused, waits_for_claim


def pod(phase: str = "Pending", scheduled: str = "", state: Any = None, **status: Any) -> dict[str, Any]:
    conditions = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": scheduled}]
    states = [{"name": "notebook", "state": state}] if state else None
    return {
        "spec": {"containers": [{"image": "lab:1"}]},
        "status": {
            "phase": phase,
            "conditions": conditions if scheduled else [],
            "containerStatuses": states,
            **status,
        },
    }


def event(reason: str, message: str = "") -> dict[str, Any]:
    return {"reason": reason, "message": message, "type": "Warning"}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("0/1 nodes are available: 1 Insufficient memory. no new claims to deallocate", "no memory free"),
        ("0/3 nodes are available: 1 Insufficient cpu, 2 Insufficient memory.", "no processor cores and memory free"),
        ("0/1 nodes are available: 1 Insufficient nvidia.com/gpu.", "no GPU free"),
        ("0/1 nodes are available: 1 Too many pods.", "no place for the session"),
        ("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.", "No node of the cluster"),
        ("0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had untolerated "
         "taint(s).", "take none now"),
        ("0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had untolerated "
         "taint {node.kubernetes.io/disk-pressure: }.", "out of disk space"),
        ('0/1 nodes are available: persistentvolumeclaim "root-x" not found.', "The volume root-x is not there"),
    ],
)  # fmt: skip
def test_a_pod_without_a_place(said: str, words: str) -> None:
    fault = fault_of(pod(scheduled=said), [], autoscaling=False)
    assert fault is not None
    assert words in fault.message
    assert fault.said == said


def test_where_nodes_come_by_themselves_a_pod_waits_until_none_will() -> None:
    waiting = pod(scheduled="0/1 nodes are available: 1 Insufficient memory.")
    assert fault_of(waiting, [], autoscaling=True) is None
    assert fault_of(waiting, [event("TriggeredScaleUp")], autoscaling=True) is None
    assert fault_of(waiting, [event("NotTriggerScaleUp")], autoscaling=True) is not None


def test_a_claim_that_gets_its_volume_in_a_moment_is_no_fault() -> None:
    waiting = pod(scheduled="0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found")
    assert fault_of(waiting, [], autoscaling=False) is None
    assert waits_for_claim(waiting)


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"])
def test_an_image_that_cannot_be_had(reason: str) -> None:
    fault = fault_of(pod(state={"waiting": {"reason": reason, "message": "not found"}}), [], autoscaling=False)
    assert fault is not None
    assert "The image lab:1 cannot be had" in fault.message
    assert fault.patience == 0


def test_a_container_that_is_being_made_is_no_fault() -> None:
    assert fault_of(pod(state={"waiting": {"reason": "ContainerCreating"}}), [], autoscaling=False) is None
    assert fault_of(pod("Running", state={"running": {}}), [event("FailedMount", "x")], autoscaling=False) is None


@pytest.mark.parametrize(
    ("said", "is_fault"),
    [
        (
            'MountVolume.SetUp failed for volume "pt-root" : hostPath type check failed: /nowhere is not a directory',
            True,
        ),
        ('Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) jupyter-alice', False),
        ("persistentvolumeclaims \"x\" is forbidden: no relationship found between node 'vm' and this object", False),
    ],
)
def test_a_volume_that_is_not_mounted(said: str, is_fault: bool) -> None:
    fault = fault_of(pod(), [event("Scheduled"), event("FailedMount", said)], autoscaling=False)
    assert (fault is not None) is is_fault


def test_a_node_that_ran_out_of_disk_space_says_so() -> None:
    said = "The node was low on resource: ephemeral-storage. Threshold quantity: 1, available: 0."
    fault = fault_of(pod("Failed", reason="Evicted", message=said), [], autoscaling=False)
    assert fault is not None
    assert "ran out of disk space" in fault.message


def test_a_program_that_died_is_quoted() -> None:
    dead = pod(
        "Failed", state={"terminated": {"exitCode": 1, "message": "Writable below the data directory: /data/p1"}}
    )
    fault = fault_of(dead, [], autoscaling=False)
    assert fault is not None
    assert (fault.reason, last_words_of(dead)) == ("died", "Writable below the data directory: /data/p1")


def test_a_home_that_cannot_be_made_is_said() -> None:
    said = "The home users/20001 is not on the volume of homes, and number 20001 may not make it there."
    states = [{"name": "home", "state": {"terminated": {"exitCode": 1, "message": said}}}]
    fault = fault_of(pod("Failed", initContainerStatuses=states), [], autoscaling=False)
    assert fault is not None
    assert said in fault.message


@pytest.mark.parametrize(
    ("status", "said", "words"),
    [
        (403, 'pods "a" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2', "(pods=1)"),
        (403, 'pods "a" is forbidden: exceeded quota: all, requested: limits.memory=1Gi,pods=1, used: pods=2, limited: '
              "pods=2", "(limits.memory=1Gi,pods=1)"),
        (403, 'pods "a" is forbidden: violates PodSecurity "restricted:latest": privileged', "security rules"),
        (403, 'pods "a" is forbidden: maximum memory usage per Container is 256Mi, but', "larger or smaller"),
        (403, 'admission webhook "x" denied the request: no', "A rule of the cluster"),
        (422, "Pod \"a\" is invalid: spec", "status 422"),
        (403, 'User "system:serviceaccount:x:hub" cannot create resource "pods"', "may not start sessions"),
    ],
)  # fmt: skip
def test_a_refusal_of_the_api_server(status: int, said: str, words: str) -> None:
    assert words in refused(status, said).message


def test_the_page_speaks_plainly() -> None:
    assert plain_words(event("Pulling", 'Pulling image "lab:1"')) == "The image is being fetched …"
    assert plain_words(event("Unheard", "of")) == "of"
