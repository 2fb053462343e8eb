"""The browser's modules: their own tests, and that they are what the sources say."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import panosc_analysis


def node(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    binary = Path(sys.prefix) / "bin" / "node"
    return subprocess.run([binary, *arguments], capture_output=True, text=True, check=False, timeout=120)


def test_the_modules_pass_their_own_tests(repository: Path) -> None:
    tests = sorted((repository / "extensions" / "viewer" / "tests").glob("*.mjs"))
    done = node("--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", "--test", *tests)
    assert done.returncode == 0, done.stdout


def test_what_is_installed_was_built_from_the_sources(repository: Path, tmp_path: Path) -> None:
    script = repository / "extensions" / "viewer" / "build.mjs"
    done = node("--disable-warning=ExperimentalWarning", script, tmp_path / "page", tmp_path / "labextension")
    assert done.returncode == 0, done.stderr
    installed = {
        tmp_path / "page": Path(str(files("panosc_analysis.documents") / "static")),
        tmp_path / "labextension": Path(sys.prefix) / "share/jupyter/labextensions/@panosc-analysis/viewer",
    }
    for built, there in installed.items():
        assert contents(there) == contents(built), f"{there}: run make install"


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_the_extension_has_the_version_of_the_package(repository: Path) -> None:
    description = json.loads((repository / "extensions/viewer/package.json").read_text())
    assert description["version"] == panosc_analysis.__version__
