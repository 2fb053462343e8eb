"""``panosc-analysis doctor``: what of this installation works, what does not, and how to mend it."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import tempfile
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from panosc_analysis.cli.arguments import Commands, add_json, print_json, styled
from panosc_analysis.errors import PanoscError, SettingsError
from panosc_analysis.settings import Provider, Settings, load_settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

EXAMPLE = "example: panosc-analysis doctor"
ROLES = {
    "search": ("httpx", "pint"),
    "nexus": ("numpy", "h5py", "hdf5plugin", "silx"),
    "reduction": ("dask", "distributed", "pyFAI"),
    "widgets": ("anywidget", "ipywidgets", "matplotlib"),
    "server": ("fastapi", "uvicorn"),
    "hub": ("jupyterhub", "yaml", "psutil"),
    "lab": ("jupyterlab", "jupyterlab_h5web", "ipykernel"),
}
DISTRIBUTIONS = {"yaml": "PyYAML", "jupyterlab_h5web": "jupyterlab-h5web"}
MARKS = {"ok": ("ok", "32"), "note": ("note", "33"), "failed": ("failed", "31")}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: Literal["ok", "note", "failed"]
    detail: str
    mend: str = ""


def add_command(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "doctor", help="say what works here, what does not, and how to mend it", epilog=EXAMPLE
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "--kubernetes", action="store_true", help="look at the cluster, from the hub's pod: mounts, network, provider"
    )
    parser.add_argument("--node", metavar="NAME", help="with --kubernetes: look at this node")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print every finding; 1 if something failed."""
    findings = list(cluster(arguments.node) if arguments.kubernetes else examine())
    if arguments.json:
        print_json([asdict(f) for f in findings])
    else:
        for f in findings:
            word, colour = MARKS[f.state]
            print(f"{styled(f'{word:<7}', colour)}{f.what:<12} {f.detail}")
            if f.mend:
                print(f"{'':<19} → {f.mend}")
    return 1 if any(f.state == "failed" for f in findings) else 0


def examine() -> Iterator[Finding]:
    """Look at everything, the foundations first. Asks the configured providers; changes nothing."""
    yield Finding("python", "ok", f"{sys.version.split()[0]} at {sys.executable}")
    yield from packages()
    yield from (decoding(), cores(), scratch())
    try:
        settings = load_settings()
    except SettingsError as error:
        yield Finding("settings", "failed", error.message, error.hint)
        return
    yield from providers(settings)
    yield from roots(settings)
    yield from hub()


def packages() -> Iterator[Finding]:
    """Import what each role needs."""
    for role, modules in ROLES.items():
        broken = {}
        for module in modules:
            try:
                importlib.import_module(module)
            except ImportError as error:
                broken[module] = str(error)
        if broken:
            detail = "; ".join(f"{module}: {why}" for module, why in broken.items())
            yield Finding(role, "note", detail, f"pip install 'panosc-analysis[{role}]' if you need it")
        else:
            versions = ", ".join(f"{m} {metadata.version(DISTRIBUTIONS.get(m, m))}" for m in modules)
            yield Finding(role, "ok", versions)


def decoding() -> Finding:
    """Write and read back an array with the filter that fast detectors use."""
    try:
        import hdf5plugin
        import numpy as np

        from panosc_analysis.nexus import create_file, open_file
    except ImportError as error:
        return Finding("filters", "note", f"not tried: {error}", "pip install 'panosc-analysis[nexus]'")
    frame = np.arange(4096, dtype=np.uint32).reshape(64, 64)
    try:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "filter.h5"
            with create_file(path) as file:
                file.create_dataset("frame", data=frame, chunks=frame.shape, **hdf5plugin.Bitshuffle())
            with open_file(path) as file:
                same = bool((file["frame"][()] == frame).all())
    except PanoscError as error:
        return Finding("filters", "failed", error.message, error.hint)
    if same:
        return Finding("filters", "ok", "bitshuffle-LZ4 written and read back")
    return Finding("filters", "failed", "bitshuffle-LZ4 reads wrong numbers", "Install hdf5plugin and h5py anew")


def cores() -> Finding:
    """Count the processors this process may use."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Finding("cores", "ok", f"{available} of {os.cpu_count()}")


def scratch() -> Finding:
    """Look for room for results and temporary files."""
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free / 1e9
    if free < 1:
        return Finding("disk", "failed", f"{free:.1f} GB free in {folder}", "Make room, or set TMPDIR")
    return Finding("disk", "ok", f"{free:.0f} GB free in {folder}")


def providers(settings: Settings) -> Iterator[Finding]:
    """Ask each provider for one dataset."""
    if not settings.providers:
        hint = "Name one in the settings file, in PANOSC_PROVIDERS, or with --provider"
        yield Finding("providers", "note", "no search API is configured", hint)
        return
    from panosc_analysis.search import SearchClient

    for provider in settings.providers:
        with SearchClient(provider, timeout=settings.timeout, answer_limit=settings.answer_limit) as client:
            try:
                client.find_datasets(limit=1)
            except PanoscError as error:
                yield Finding("provider", "failed", f"{provider.name}: {error.message}", error.hint)
            else:
                yield Finding("provider", "ok", f"{provider.name} answers at {provider.url}")
                yield from dialect(provider)


def dialect(provider: Provider) -> Iterator[Finding]:
    """Compare the dialect that is configured for a provider with the one its answers look like."""
    from panosc_analysis.search.detection import detect

    try:
        found = detect(provider)
    except PanoscError:
        return  # it has just answered a simpler question; that is what matters
    if found.dialect not in {provider.dialect, "common"}:
        sure = "looks like" if found.measured else "may be"
        said = f"{provider.name} is asked as {provider.dialect}, and {sure} {found.dialect}: {found.because}"
        yield Finding("dialect", "note", said, f'Set dialect = "{found.dialect}" for it, and fewer rows are read')


def roots(settings: Settings) -> Iterator[Finding]:
    """Look whether the data directories are there and cannot be written."""
    if not settings.roots:
        hint = "Name one in the settings file, in PANOSC_DATA_ROOTS, or with --root"
        yield Finding("data", "note", "no data directory is configured", hint)
    for root in settings.roots:
        if not root.path.is_dir():
            yield Finding("data", "failed", f"{root.path} is not there", "Mount it, or correct the settings")
        elif os.access(root.path, os.W_OK):
            yield Finding("data", "note", f"{root.path} is writable for you", "Mount it read-only")
        else:
            yield Finding("data", "ok", f"{root.path}, read-only")


def hub() -> Iterator[Finding]:
    """Look for what a hub on this machine needs."""
    try:
        from hub_config.configurer import node_and_proxy
        from hub_config.errors import HubConfigError
        from hub_config.spawning.session import can_mount
    except ImportError as error:
        yield Finding("proxy", "note", f"not tried: {error}", "pip install 'panosc-analysis[hub]' to run a hub here")
        return
    yield _tried("proxy", lambda: " ".join(node_and_proxy()), HubConfigError)
    if can_mount():
        yield Finding("mounts", "ok", "sessions can mount data read-only")
    else:
        mend = "Allow unprivileged user namespaces, or use a deployment with containers"
        yield Finding("mounts", "note", "no mount namespaces: only file modes protect data from local sessions", mend)


def cluster(node: str | None) -> Iterator[Finding]:
    """Look at the cluster that this hub's sessions run in, from a pod like theirs."""
    try:
        from hub_config.cluster.examining import examine as examine_cluster
    except ImportError as error:
        yield Finding("cluster", "failed", f"not tried: {error}", "kubectl exec deployment/hub -- panosc-analysis …")
        return
    import asyncio

    for seen in asyncio.run(examine_cluster(node=node)):
        yield Finding(**asdict(seen))


def _tried(what: str, attempt: Callable[[], str], failure: type[Exception]) -> Finding:
    try:
        return Finding(what, "ok", attempt())
    except failure as error:
        message, _, mend = str(error).partition(". ")
        return Finding(what, "failed", message, mend)
