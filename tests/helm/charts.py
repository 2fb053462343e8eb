"""The chart as helm sees it: rendered with the charts it depends on, or with stand-ins that hold defaults alone."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

__all__ = ["GOOD", "Chart", "copied", "merged"]

CHART = Path(__file__).resolve().parents[2] / "helm" / "panosc-analysis"
# Of Kubernetes; the JupyterHub chart asks for at least 1.32.
VERSION = "1.34.0"
# What our templates read of the other charts' defaults. A stand-in has no template: nothing of those charts is claimed.
DEFAULTS: dict[str, dict[str, Any]] = {
    "jupyterhub": {
        "imagePullSecrets": [],
        "ingress": {"enabled": False, "hosts": [], "tls": []},
        "httpRoute": {"enabled": False, "hostnames": []},
        "hub": {"baseUrl": "/", "db": {"type": "sqlite-pvc"}},
        "proxy": {"https": {"enabled": False}},
    },
    "dask-gateway": {},
}
GOOD: dict[str, Any] = {
    "panosc": {
        "facility": "Example facility",
        "roots": {"visitor": {"path": "/data/visitor"}},
        "proposals": {
            "list": [
                {"id": "P-1", "directory": "p1", "gid": 4294967294, "release_date": "2999-01-01", "members": ["alice"]},
                {"id": "P-2", "directory": "p2", "public": True},
            ]
        },
    },
    "data": {"visitor": {"hostPath": {"path": "/srv/visitor"}}},
    "demoPeople": True,
}


@dataclass(frozen=True)
class Chart:
    """A copy of the chart in a directory, with its dependencies in it."""

    path: Path
    real: bool

    def run(self, command: str, values: Mapping[str, Any], *more: str) -> subprocess.CompletedProcess[str]:
        """Run ``helm lint`` or ``helm template`` with these values."""
        file = self.path.parent / "values.yaml"
        file.write_text(yaml.safe_dump(dict(values)), encoding="utf-8")
        name = ["panosc"] if command == "template" else []
        full = ["helm", command, *name, str(self.path), "-f", str(file), "--kube-version", VERSION, *more]
        return subprocess.run(full, capture_output=True, text=True, check=False, timeout=60)

    def rendered(self, values: Mapping[str, Any], *more: str) -> list[dict[str, Any]]:
        """The objects that an install with these values makes."""
        done = self.run("template", values, "--namespace", "analysis", *more)
        assert done.returncode == 0, done.stderr
        return [one for one in yaml.safe_load_all(done.stdout) if one]

    def refusal(self, values: Mapping[str, Any]) -> str:
        """What helm says when it refuses these values."""
        done = self.run("template", values)
        assert done.returncode != 0, "helm took the values"
        return done.stderr


def copied(directory: Path, charts: Path | None) -> Chart:
    """Copy the chart into `directory` with the packages from `charts`, or with stand-ins."""
    path = directory / "panosc-analysis"
    directory.mkdir(exist_ok=True)
    shutil.copytree(CHART, path, ignore=shutil.ignore_patterns("charts", "Chart.lock"))
    inside = path / "charts"
    inside.mkdir()
    wanted = {row["name"]: row["version"] for row in yaml.safe_load((CHART / "Chart.yaml").read_text())["dependencies"]}
    for name, version in wanted.items():
        if charts is not None:
            shutil.copy(charts / f"{name}-{version}.tgz", inside)
            continue
        (inside / name).mkdir()
        about = {"apiVersion": "v2", "name": name, "version": version}
        (inside / name / "Chart.yaml").write_text(yaml.safe_dump(about), encoding="utf-8")
        (inside / name / "values.yaml").write_text(yaml.safe_dump(DEFAULTS[name]), encoding="utf-8")
    return Chart(path, charts is not None)


def merged(values: Mapping[str, Any], *changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` with the changes laid over them, as helm does; ``None`` takes a key out."""
    out = dict(values)
    for change in changes:
        for key, value in change.items():
            if value is None:
                out.pop(key, None)
            elif isinstance(value, Mapping) and isinstance(out.get(key), Mapping):
                out[key] = merged(out[key], value)
            else:
                out[key] = value
    return out
