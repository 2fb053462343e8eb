"""The order of the house, held by machine."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"h5py", "numpy", "dask", "distributed", "ipywidgets", "matplotlib", "pyFAI", "silx", "pint"}


def loaded_by(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after `statement`."""
    code = f"{statement}\nimport json, sys; print(json.dumps(sorted({{m.partition('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "statement",
    [
        "import panosc_analysis",
        "import panosc_analysis.workbench",
        "import panosc_analysis.model, panosc_analysis.settings, panosc_analysis.filters",
        "from panosc_analysis.search import SearchClient, FederatedSearch, search",
        "import panosc_analysis.units",
        "import panosc_analysis.locate",
        "import panosc_analysis.cli",
        "import panosc_analysis.widgets",
    ],
)
def test_light_imports_stay_light(statement: str) -> None:
    assert loaded_by(statement) & HEAVY == set()


@pytest.mark.parametrize("statement", ["import panosc_analysis", "import panosc_analysis.cli"])
def test_a_first_import_does_not_even_load_the_http_client(statement: str) -> None:
    assert "httpx" not in loaded_by(statement)


def test_opening_files_brings_no_widgets_no_dask_and_no_qt() -> None:
    loaded = loaded_by("from panosc_analysis.nexus import open_file, default_plot, ArrayHandle")
    assert loaded & {"dask", "distributed", "ipywidgets", "PySide6", "PyQt6", "matplotlib", "pyFAI"} == set()


def test_the_session_starter_is_standard_library_only() -> None:
    loaded = loaded_by("import hub_config.spawning.session")
    assert loaded & {"jupyterhub", "traitlets", "yaml", "tornado", "numpy"} == set()


def test_the_search_function_keeps_its_name_when_the_room_is_loaded_later() -> None:
    code = "import panosc_analysis as pan; import panosc_analysis.search.federation; print(callable(pan.search))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_layers() -> None:
    script = Path(sys.executable).parent / "lint-imports"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([script, "--no-cache"], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_test_file_is_collected(repository: Path) -> None:
    """A file with tests under a name that pytest does not collect would never run."""
    lost = []
    for file in (repository / "tests").rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        has_tests = any(isinstance(n, ast.FunctionDef) and n.name.startswith("test") for n in ast.walk(tree))
        if has_tests and not re.fullmatch(r"test_\w+\.py", file.name):
            lost.append(str(file))
    assert lost == []


def test_the_architecture_page_names_every_module_and_only_those(repository: Path) -> None:
    page = (repository / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:src/panosc_analysis|hub_config)/[\w/]+\.py)`", page))
    existing = {
        str(p.relative_to(repository))
        for room in ("src/panosc_analysis", "hub_config")
        for p in (repository / room).rglob("*.py")
        if p.name != "__init__.py" or p.stat().st_size > 0
    }
    assert named == existing


def test_locks_name_no_index(repository: Path) -> None:
    """Locks must work with whatever package index a site uses."""
    for lock in (repository / "requirements").glob("*.txt"):
        lines = lock.read_text(encoding="utf-8").splitlines()
        named = [line for line in lines if re.match(r"--?(\w-)?(i|f|index|find|extra|trusted)", line) or " @ " in line]
        assert named == [], lock
    for folder, wanted in (("hub_config/proxy", "configurable-http-proxy"), ("tests/openid_provider", "oidc-provider")):
        packages = json.loads((repository / folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
        assert packages[f"node_modules/{wanted}"]["integrity"]
        assert [name for name, package in packages.items() if "resolved" in package] == []


def test_every_error_ends_with_what_to_try_next(repository: Path) -> None:
    """Every error of the tree is raised with a hint of its own."""
    from panosc_analysis import errors

    names = set(errors.__all__)
    for file in (repository / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                keywords = {k.arg for k in node.keywords}
                assert "hint" in keywords or None in keywords, f"{file}:{node.lineno}"
