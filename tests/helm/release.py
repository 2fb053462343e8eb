"""A release of the chart in a namespace of its own, and the way in that its notes name."""

from __future__ import annotations

import base64
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.helm.charts import Chart
from tests.sessions.cluster import Namespace, image

__all__ = ["Release", "way_in"]


@dataclass
class Release:
    """helm's release ``panosc``; every helm command is timed, and none may print a warning."""

    chart: Chart
    namespace: Namespace
    facility: Path
    values: dict[str, Any]
    times: dict[str, float] = field(default_factory=dict)

    def helm(self, command: str, *more: str) -> str:
        """Run helm on the release; returns what it says."""
        started = time.monotonic()
        # An uninstall with sessions leaves the claims that they use until they have ended.
        wait = [] if command == "uninstall" else ["--wait", "--timeout", "180s"]
        full = ["helm", command, "panosc", *more, "--namespace", self.namespace.name, *wait]
        done = subprocess.run(full, capture_output=True, text=True, check=False, timeout=240)
        assert done.returncode == 0, done.stderr
        assert "warning" not in done.stderr.lower(), done.stderr
        self.times[f"helm {command}"] = time.monotonic() - started
        return done.stdout + done.stderr

    def put(self, command: str, change: Mapping[str, Any] | None = None) -> str:
        """Install or upgrade with the values, and what is changed of them."""
        file = self.chart.path.parent / "release.yaml"
        file.write_text(yaml.safe_dump({**self.values, **(change or {})}), encoding="utf-8")
        table = f"policyFiles.facility\\.json={self.facility / 'facility.json'}"
        return self.helm(command, str(self.chart.path), "-f", str(file), "--set-file", table)

    def secret(self, name: str) -> dict[str, str]:
        """A secret's content."""
        return {k: base64.b64decode(v).decode() for k, v in self.namespace.get("secret", name)["data"].items()}

    def doctor(self) -> tuple[int, str]:
        """Run the command that the notes name; returns its status and what it prints."""
        command = ["kubectl", "--namespace", self.namespace.name, "exec", "deployment/hub", "--"]
        done = subprocess.run(
            [*command, "panosc-analysis", "doctor", "--kubernetes"],
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        return done.returncode, done.stdout

    def pod(self, component: str) -> str:
        """Identity of the one pod of a component: another one after a restart."""
        pods = self.namespace.get("pods", "-l", f"app.kubernetes.io/component={component}")["items"]
        [one] = [p for p in pods if "deletionTimestamp" not in p["metadata"]]
        return str(one["metadata"]["uid"])


def trial_values(facility: Path) -> dict[str, Any]:
    """Values of somebody who tries the chart: data of this machine, demo people, images that are on the nodes."""
    name, _, tag = image("hub").partition(":")
    hub = {"name": name, "tag": tag}
    return {
        "panosc": {
            "facility": "Example facility",
            "roots": {"demo": {"path": "/data/demo"}},
            "proposals": {"files": ["facility.json"]},
            "profiles": {"lab": {"title": "JupyterLab", "limits": {"memory": "1G", "cpu": 1}}},
            "accounts": {"source": "fixed", "uid": 1000, "gid": 1000},
            "dask": {"worker": {"cpu": 1, "memory": "1G"}, "scheduler": {"cpu": 1, "memory": "1G"}, "overcommit": 20},
        },
        "data": {"demo": {"hostPath": {"path": str(facility)}}},
        "homes": {"capacity": "1Gi"},
        "demoPeople": True,
        "cluster": {"images": {kind: image(kind) for kind in ("lab", "desktop")}, "requests": {"cpu": 0.02}},
        "jupyterhub": {"hub": {"image": hub}, "proxy": {"chp": {"image": hub}}},
        "dask-gateway": {
            "enabled": True,
            "gateway": {"image": hub},
            "controller": {"image": hub},
            "traefik": {"image": {"name": "panosc.test/traefik", "tag": "3.6"}},
        },
    }


@contextmanager
def way_in(namespace: Namespace, service: str = "proxy-public") -> Iterator[str]:
    """Forward a port of this machine to a service, as the notes say; returns the address."""
    command = ["kubectl", "--namespace", namespace.name, "port-forward", f"service/{service}", ":http"]
    forwarding = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert forwarding.stdout is not None
        line = forwarding.stdout.readline()
        found = re.search(r"127\.0\.0\.1:(\d+)", line)
        assert found, line
        yield f"http://127.0.0.1:{found[1]}"
    finally:
        forwarding.terminate()
        forwarding.communicate(timeout=20)
