"""What is in the images, and what is not."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from tests.images.container import NAMES, ROOT, docker, image, python, run, tag

pytestmark = pytest.mark.docker

EVERY_IMAGE = pytest.mark.parametrize("name", NAMES)

# Every source file has bytecode made for exactly this file, or is no Python of this version.
BYTECODE = """
import importlib.util, json, pathlib, struct, sysconfig
without, count = [], 0
for source in pathlib.Path(sysconfig.get_path("purelib")).rglob("*.py"):
    count += 1
    try:
        code = pathlib.Path(importlib.util.cache_from_source(source)).read_bytes()
        flags, modified, size = struct.unpack("<III", code[4:16])
        told = source.stat()
        good = flags != 0 or (modified == int(told.st_mtime) and size == told.st_size)
    except FileNotFoundError:
        good = False
    if not good:
        try:
            compile(source.read_bytes(), source, "exec", dont_inherit=True)
            without.append(str(source))
        except (SyntaxError, ValueError):
            pass
print(json.dumps([count, without]))
"""

# What is installed, and which pins of a lock, read from standard input, apply here.
VERSIONS = """
import importlib.metadata as m, json, re, sys
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name as name
pins = [Requirement(p.strip()) for p in re.findall(r"^([A-Za-z0-9][^\\\\\\n]*==[^\\\\\\n]*)", sys.stdin.read(), re.M)]
wanted = {name(p.name): str(p.specifier)[2:] for p in pins if p.marker is None or p.marker.evaluate()}
print(json.dumps([wanted, {name(d.name): d.version for d in m.distributions()}]))
"""

BODY = re.compile(r"-----BEGIN CERTIFICATE-----\s+(\S+)")


@EVERY_IMAGE
def test_labels_say_what_it_is(name: str) -> None:
    labels = json.loads(docker("image", "inspect", "--format", "{{json .Config.Labels}}", image(name)))
    assert labels["org.opencontainers.image.title"] == f"panosc-analysis {name}"
    assert labels["org.opencontainers.image.version"] == tag()
    assert labels["org.opencontainers.image.licenses"] == "BSD-3-Clause"
    assert len(labels["org.opencontainers.image.description"]) > 20
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?|unknown", labels["org.opencontainers.image.revision"])


@EVERY_IMAGE
def test_runs_as_nobody_special(name: str) -> None:
    user, _, group = docker("image", "inspect", "--format", "{{.Config.User}}", image(name)).strip().partition(":")
    assert int(user) >= 100
    assert int(group) >= 100
    assert run(name, "id", "-u").strip() == user
    found = run(name, "find", "/", "-xdev", "-perm", "/6000", "-type", "f", user="0").split()
    assert not [f for f in found if "panosc" in f or "local" in f], "a set-uid program of ours"


@EVERY_IMAGE
def test_own_code_with_its_data_files(name: str) -> None:
    program = """
import json
from importlib.metadata import version
from importlib.resources import files
import panosc_analysis, hub_config
wanted = [files("hub_config") / "lab" / "settings" / "overrides.json", files("panosc_analysis.search") / "panet.tsv"]
wanted += [next(f for f in (files("panosc_analysis.widgets")).rglob("*.js"))]
print(json.dumps([version("panosc-analysis"), all(w.is_file() for w in wanted)]))
"""
    assert python(name, program) == [tag(), True]
    assert ".ipynb" in run(name, "ls", "/usr/share/panosc/tutorials")


@EVERY_IMAGE
def test_versions_are_the_locks(name: str) -> None:
    lock = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    wanted, installed = json.loads(run(name, "python", "-c", VERSIONS, text=lock))
    assert len(wanted) > 60
    assert installed.pop("panosc-analysis") == tag()
    assert installed == wanted
    assert "rfc3987-syntax" not in installed


@EVERY_IMAGE
def test_bytecode_is_compiled(name: str) -> None:
    count, without = python(name, BYTECODE)
    assert count > 3000
    assert without == []


@EVERY_IMAGE
def test_no_leftovers_of_the_build(name: str) -> None:
    # find in one go: lists and archives of apt, caches of pip, uv and npm, the build's secret
    places = [
        "/var/lib/apt/lists", "/var/cache/apt/archives", "/root/.cache", "/root/.npm", "/home/jovyan/.cache",
        "/run/secrets", "/tmp", "/var/tmp", "/var/log/apt", "/source", "/dist",
    ]  # fmt: skip
    program = f'for d in {" ".join(places)}; do [ ! -d "$d" ] || find "$d" -type f; done'
    found = docker("run", "--rm", "--user=0", "--entrypoint=sh", image(name), "-c", program).split()
    assert [f for f in found if Path(f).name != "lock"] == []
    assert run(name, "sh", "-c", "command -v pip uv gcc g++ || true").strip() == ""


@EVERY_IMAGE
def test_no_authority_and_no_secret_of_the_build(name: str) -> None:
    """Certificates are Debian's and certifi's; none that only this machine trusts, no key, no name of an index."""
    program = """
import json, pathlib, re
certificates, keys = {}, []
body = re.compile(rb"-----BEGIN CERTIFICATE-----\\s+(\\S+)")
key = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\\s+[A-Za-z0-9+/]{40}")
for top in ("/etc", "/opt", "/usr", "/var", "/home", "/root", "/srv", "/run"):
    for file in pathlib.Path(top).rglob("*"):
        if file.is_symlink() or not file.is_file() or file.stat().st_size > 5e6:
            continue
        data = file.read_bytes()
        if b"-----BEGIN" in data and not data.startswith(b"\x7fELF"):
            certificates[str(file)] = [b.decode("ascii", "replace") for b in body.findall(data)]
            keys += [str(file)] * bool(key.search(data))
print(json.dumps([certificates, keys]))
"""
    certificates, keys = python(name, program, user="0")
    debian = {
        b
        for file, bodies in certificates.items()
        if file.startswith("/usr/share/ca-certificates/mozilla")
        for b in bodies
    }
    assert len(debian) > 100
    assert set(certificates["/etc/ssl/certs/ca-certificates.crt"]) <= debian
    bundle = Path(os.environ.get("SSL_CERT_FILE") or "/etc/ssl/certs/ca-certificates.crt").read_text(encoding="ascii")
    certifi = {b for file, bodies in certificates.items() if file.endswith("certifi/cacert.pem") for b in bodies}
    only_here = set(BODY.findall(bundle)) - debian - certifi
    inside = {b for bodies in certificates.values() for b in bodies}
    assert not only_here & inside
    assert keys == []
    variables = json.loads(docker("image", "inspect", "--format", "{{json .Config.Env}}", image(name)))
    assert not [
        v for v in variables if re.search(r"TOKEN|PASSW|SECRET|KEY|INDEX|_proxy|TTPS?_PROXY|CERT", v.partition("=")[0])
    ]


@EVERY_IMAGE
def test_every_filter_of_hdf5_writes_and_reads(name: str) -> None:
    """The filters are lightened by what only debuggers need; all of them still work."""
    program = """
import io, json
import h5py, hdf5plugin, numpy as np
data = np.linspace(0, 1, 4096, dtype="f4").reshape(64, 64)
worst = {}
for filter in hdf5plugin.get_filters():
    # These two are for images of integers.
    given = np.arange(4096, dtype="u2").reshape(64, 64) if filter.filter_name in {"fcidecomp", "htj2k"} else data
    with h5py.File(io.BytesIO(), "w") as file:
        file.create_dataset("x", data=given, chunks=(64, 64), **filter())
        worst[filter.filter_name] = float(np.abs(file["x"][...].astype("f8") - given).max())
print(json.dumps(worst))
"""
    worst = python(name, program)
    assert {"bshuf", "blosc", "blosc2", "lz4", "zstd", "zfp", "sz3", "sperr"} <= set(worst)
    assert max(worst[exact] for exact in ("bshuf", "blosc", "blosc2", "bzip2", "fcidecomp", "lz4", "zstd")) == 0
    assert max(worst.values()) < 0.1


def test_hub_image_runs_the_hub() -> None:
    """Everything the hub is made of can be imported and started, without a right and with a read-only root."""
    program = """
import importlib, json, pkgutil, subprocess
import hub_config
from hub_config.configurer import node_and_proxy
names = [m.name for m in pkgutil.walk_packages(hub_config.__path__, "hub_config.")]
for name in names:
    # What lies here is for a hub to load, which gives it its configuration.
    if not name.startswith("hub_config.deployments.") and not name.startswith("hub_config.lab"):
        importlib.import_module(name)
import dockerspawner, kubespawner, oauthenticator.generic, jupyterhub_idle_culler, psycopg
import panosc_analysis.catalogue.app
proxy = subprocess.run([*node_and_proxy(), "--version"], capture_output=True, text=True, check=True).stdout.strip()
hub = subprocess.run(["jupyterhub", "--version"], capture_output=True, text=True, check=True).stdout.strip()
print(json.dumps([len(names), proxy, hub]))
"""
    count, proxy, hub = python("hub", program)
    assert count > 10
    assert int(proxy.split(".")[0]) >= 5
    assert int(hub.split(".")[0]) >= 6
    assert "usage: panosc-analysis" in run("hub", "panosc-analysis", "--help")
