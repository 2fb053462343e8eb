"""Whether there is a cluster for tests, and a hub of our image in it, in a namespace of its own."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from string import Template
from typing import Any

import yaml

__all__ = ["Namespace", "cluster_missing", "image", "namespace"]

MANIFESTS = Path(__file__).parent / "hub.yaml"
LEVELS = ("enforce", "warn", "audit")
HUB_UID = 990


def image(kind: str) -> str:
    """Name of an image of this run, which ``$PANOSC_IMAGES_TAG`` names."""
    return f"panosc-analysis/{kind}:{os.environ.get('PANOSC_IMAGES_TAG') or version('panosc-analysis')}"


def kubectl(*arguments: str, said: str | None = None, timeout: float = 120) -> str:
    """Run kubectl; returns what it prints. A warning of the API server counts as a failure."""
    done = subprocess.run(
        ["kubectl", *arguments], input=said, capture_output=True, text=True, check=False, timeout=timeout
    )
    assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
    said_of_force = "Immediate deletion does not wait"
    warnings = [row for row in done.stderr.splitlines() if row.startswith("Warning") and said_of_force not in row]
    assert not warnings, warnings
    return done.stdout


def cluster_missing() -> str:
    """Why there can be no pods here; empty if there can."""
    if not os.environ.get("KUBECONFIG"):
        return "no KUBECONFIG names a cluster for tests"
    if not shutil.which("kubectl"):
        return "kubectl is not installed"
    if os.getuid() != 0:
        return "only root can make the directories that the test's pods see"
    try:
        found = json.loads(kubectl("get", "nodes", "-o", "json", timeout=20))
    except (AssertionError, subprocess.TimeoutExpired, ValueError) as error:
        return f"no cluster answers: {error}"
    names = {name.removeprefix("docker.io/") for node in found["items"] for one in node["status"].get("images") or ()
             for name in one["names"] or ()}  # fmt: skip
    missing = [one for one in map(image, ("lab", "hub")) if one not in names]
    return f"not on the cluster's nodes: {', '.join(missing)}" if missing else ""


class Namespace:
    """A namespace that enforces Pod Security ``restricted``, and what was made for it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def apply(self, *objects: Mapping[str, Any] | str) -> None:
        """Create or change objects; texts are YAML."""
        texts = [one if isinstance(one, str) else json.dumps(one) for one in objects]
        self.kubectl("apply", "-f", "-", said="\n---\n".join(texts))

    def kubectl(self, *arguments: str, **keywords: Any) -> str:
        """Run kubectl in this namespace."""
        return kubectl("-n", self.name, *arguments, **keywords)

    def get(self, *what: str) -> Any:
        """Objects as the API server describes them."""
        return json.loads(self.kubectl("get", *what, "-o", "json"))

    def pods(self) -> list[dict[str, Any]]:
        """The sessions' pods."""
        return list(self.get("pods", "-l", "component=singleuser-server")["items"])

    def pod_of(self, person: str, server: str = "") -> dict[str, Any]:
        """The pod of one session."""
        key, of = "org.panosc.analysis/person", "org.panosc.analysis/server"
        rows = [pod for pod in self.pods() if pod["metadata"]["annotations"][key] == person]
        rows = [pod for pod in rows if pod["metadata"]["annotations"][of] == server]
        assert len(rows) == 1, rows
        return rows[0]

    def volume(self, claim: str, directory: Path, *, size: str = "1Gi") -> None:
        """Let pods see a directory of this machine by a claim, as `restricted` demands."""
        name = f"{self.name}-{claim}"
        modes = {"accessModes": ["ReadWriteMany"], "storageClassName": ""}
        self.apply(
            {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name, "labels": {"test": self.name}},
             "spec": {**modes, "capacity": {"storage": size}, "persistentVolumeReclaimPolicy": "Retain",
                      "claimRef": {"namespace": self.name, "name": claim},
                      "hostPath": {"path": str(directory), "type": "Directory"}}},
            {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": claim},
             "spec": {**modes, "volumeName": name, "resources": {"requests": {"storage": size}}}},
        )  # fmt: skip
        self.kubectl("wait", f"pvc/{claim}", "--for=jsonpath={.status.phase}=Bound", "--timeout=60s")

    def address(self, service: str) -> str:
        """A service's address."""
        return str(self.get("service", service)["spec"]["clusterIP"])


@contextmanager
def namespace() -> Iterator[Namespace]:
    """Make a namespace with a name of its own; at the end it and its volumes are gone."""
    made = Namespace(f"pt-{secrets.token_hex(4)}")
    labels = {f"pod-security.kubernetes.io/{level}": "restricted" for level in LEVELS}
    made.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": made.name, "labels": labels}})
    try:
        yield made
    finally:
        made.kubectl("delete", "deployments,pods", "--all", "--grace-period=2", "--timeout=60s")
        # What is left holds nothing of this machine; the cluster removes it in its own time.
        kubectl("delete", "namespace", made.name, "--wait=false")
        kubectl("delete", "pv", "-l", f"test={made.name}", "--wait=false")


def start_hub(
    where: Namespace,
    directory: Path,
    *,
    facts: Mapping[str, Any],
    secret: Mapping[str, str],
    environment: Mapping[str, str],
    sidecar: Mapping[str, Any] | None = None,
) -> None:
    """Run hub and proxy; returns once both are ready.

    Parameters
    ----------
    where
        Its namespace.
    directory
        Holds the policy, the facility and the state; hub and host see it under the same path.
    facts
        ``cluster.yaml``.
    secret
        More environment, as a Secret.
    environment
        More environment.
    sidecar
        A container beside the hub's.
    """
    (directory / "state").mkdir(exist_ok=True)
    for one in (directory / "state", *(directory / "state").rglob("*")):
        os.chown(one, HUB_UID, HUB_UID)
    directory.chmod(0o755)
    (directory / "cluster.yaml").write_text(yaml.safe_dump(dict(facts), sort_keys=False))
    where.volume("facility", directory)
    where.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hub"},
                 "stringData": {"CONFIGPROXY_AUTH_TOKEN": secrets.token_hex(16), **secret}})  # fmt: skip
    env = {"PANOSC_CLUSTER": str(directory / "cluster.yaml"), "PANOSC_POLICY": str(directory / "panosc.yaml")}
    values = {
        "hub_image": image("hub"),
        "directory": str(directory),
        "environment": json.dumps([{"name": k, "value": v} for k, v in (env | dict(environment)).items()]),
        "sidecar": f"- {json.dumps(sidecar)}" if sidecar else "",
    }
    where.apply(Template(MANIFESTS.read_text()).substitute(values))
    for name in ("proxy", "hub"):
        try:
            where.kubectl("rollout", "status", f"deployment/{name}", "--timeout=120s", timeout=150)
        except AssertionError as error:
            logs = where.kubectl("logs", f"deployment/{name}", "--tail=40", "--all-containers")
            raise AssertionError(f"{error}\n{logs}") from error
