"""A session in the lab image: what it needs, what it survives, what it refuses."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.images.container import Server, run, server

pytestmark = pytest.mark.docker

UID = "54321:54321"
HOME = "--tmpfs=/home/jovyan:rw,uid=54321,gid=54321,mode=700"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory as a facility mounts it, with one file."""
    folder = tmp_path_factory.mktemp("proposal")
    with h5py.File(folder / "scan.h5", "w") as file:
        file.create_dataset("counts", data=np.arange(12).reshape(3, 4))
    (folder / "scan.h5").chmod(0o666)
    folder.chmod(0o777)
    return folder


@pytest.fixture(scope="module")
def session(data: Path) -> Iterator[Server]:
    """JupyterLab of a person whose number no passwd file knows."""
    with server("lab", user=UID, options=[HOME, f"--volume={data}:/data/2026001:ro"]) as running:
        yield running


def test_a_number_without_a_name_gets_one() -> None:
    said = run("lab", "sh", "-c", "whoami; python -c 'import getpass; print(getpass.getuser())'", user=UID)
    assert said.split() == ["jovyan", "jovyan"]


def test_a_given_passwd_file_is_taken(tmp_path: Path) -> None:
    passwd = tmp_path / "passwd"
    passwd.write_text("root:x:0:0::/:/bin/sh\nmarie:x:54321:54321::/home/jovyan:/bin/bash\n")
    passwd.chmod(0o644)
    options = [f"--volume={passwd}:/etc/passwd:ro"]
    assert run("lab", "sh", "-c", "whoami; echo $LD_PRELOAD", user=UID, options=options).split() == ["marie"]


def test_kernel_reads_data_and_cannot_write(session: Server) -> None:
    code = """
import h5py, os
print(h5py.File("/data/2026001/scan.h5")["counts"][...].sum())
try:
    h5py.File("/data/2026001/scan.h5", "a")
except OSError as error:
    print("refused", "Read-only" in str(error))
print(os.getuid())
"""
    assert session.kernel_result(code).split() == ["66", "refused", "True", "54321"]


def test_kernels_talk_over_sockets_of_the_session(session: Server) -> None:
    session.kernel_result("print(1)")
    transports = session.shell("cat /tmp/jupyter/kernel-*.json")
    assert '"transport": "ipc"' in transports
    assert '"transport": "tcp"' not in transports
    # State 0A is LISTEN. But for the server only loopback (0100007F) is listened on.
    listening = session.shell("cat /proc/net/tcp /proc/net/tcp6 | awk '$4 == \"0A\" {print $2}'").split()
    beyond = {int(address[-4:], 16) for address in listening if not address.startswith("0100007F")}
    assert beyond == {8888}


def test_a_full_home_does_not_stop_a_session() -> None:
    """R9: the home is full to the last byte; the server starts, a kernel runs, and a notebook there stays whole."""
    home = "--tmpfs=/home/jovyan:rw,size=1m,uid=54321,gid=54321,mode=700"
    fill = "cp /usr/share/panosc/tutorials/*.ipynb ~/kept.ipynb; cat /dev/zero > ~/full; true"
    with server("lab", user=UID, options=[home]) as first:
        first.shell(fill)
        assert first.shell("df --output=avail ~ | tail -1").strip() == "0"
        assert first.kernel_result("print(6 * 7)").strip() == "42"
        before = first.shell("sha256sum ~/kept.ipynb")
        notebook = {"type": "notebook", "content": {"cells": [], "metadata": {"x": "y" * 2_000_000}, "nbformat": 4}}
        status, _ = first.status("/api/contents/kept.ipynb", method="PUT", body=notebook)
        assert status == 500
        assert first.shell("sha256sum ~/kept.ipynb") == before


def test_starts_in_a_home_that_was_full_before(tmp_path: Path) -> None:
    """The same with a home in which nothing of Jupyter's was ever made and nothing can be."""
    (tmp_path / "home").mkdir(mode=0o555)
    (tmp_path / "home").chmod(0o555)
    with server("lab", user=UID, options=[f"--volume={tmp_path / 'home'}:/home/jovyan:ro"]) as running:
        assert running.kernel_result("print(6 * 7)").strip() == "42"


@pytest.mark.parametrize(
    "path",
    ["/api/contents", "/api/kernels", "/jupyterlab_h5web/meta?file=x.h5", "/proxy/8888/api", "/lab", "/files/x"],
)
def test_nothing_without_a_token(session: Server, path: str) -> None:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", session.port, timeout=20)) as connection:
        connection.request("GET", path)
        with connection.getresponse() as answer:
            assert answer.status == 403 or (answer.status == 302 and answer.headers["Location"].startswith("/login"))


@pytest.mark.parametrize("target", ["169.254.169.254:80", "hub:8081", "[::1]:8888", "172.17.0.1:80"])
def test_the_proxy_reaches_nothing_else(session: Server, target: str) -> None:
    assert session.status(f"/proxy/{target}/")[0] in {403, 404}


def test_the_proxy_reaches_the_sessions_own_servers(session: Server) -> None:
    session.shell("cd /data && (setsid python -m http.server --bind 127.0.0.1 8099 >/dev/null 2>&1 &)")
    session.shell("for i in $(seq 50); do (: </dev/tcp/127.0.0.1/8099) 2>/dev/null && break; sleep 0.1; done; true")
    for _ in range(50):
        status, text = session.status("/proxy/8099/")
        if status == 200:
            break
    assert "2026001" in text


def test_lab_asks_nobody_and_installs_nothing(session: Server) -> None:
    status, page = session.status("/lab")
    assert status == 200
    settings = json.loads(
        page.partition('<script id="jupyter-config-data" type="application/json">')[2].partition("</script>")[0]
    )
    assert settings["news"] == {"disabled": True}
    status, _ = session.status("/lab/api/extensions", method="POST", body={"cmd": "install", "extension_name": "x"})
    assert status >= 400
    _, answer = session.status("/lab/api/settings/@jupyterlab/apputils-extension:sanitizer")
    assert json.loads(answer)["schema"]["properties"]["allowCommandLinker"]["default"] is False


def test_the_settings_of_every_session_are_those_of_the_package(session: Server) -> None:
    assert "hub_config.lab.activity | extension was successfully loaded" in session.logs()
    assert "jupyter_lsp" not in session.logs()


def test_what_a_person_sets_does_not_open_her_session(tmp_path: Path) -> None:
    """Settings in the home come after the image's: nobody can talk her into a file that opens her session to others."""
    settings = tmp_path / "home" / ".jupyter" / "jupyter_server_config.py"
    settings.parent.mkdir(parents=True)
    settings.write_text(
        "c.ServerApp.allow_unauthenticated_access = True\n"
        "c.LabApp.extension_manager = 'pypi'\n"
        "c.KernelManager.transport = 'tcp'\n"
        "c.ServerProxy.host_allowlist = ['127.0.0.1', '172.17.0.1']\n"
    )
    for one in (tmp_path / "home", *(tmp_path / "home").rglob("*")):
        one.chmod(0o777)
    with server("lab", user=UID, options=[f"--volume={tmp_path / 'home'}:/home/jovyan"]) as running:
        assert "Extension Manager is 'readonly'" in running.logs()
        running.kernel_result("print(1)")
        assert '"transport": "ipc"' in running.shell("cat /tmp/jupyter/kernel-*.json")
        assert running.status("/proxy/172.17.0.1:9/")[0] == 403


def test_dask_stays_inside(session: Server) -> None:
    code = """
import dask, panosc_analysis as pan
from panosc_analysis.reduction.clusters import local_cluster
with local_cluster() as client:
    print(client.submit(sum, [1, 2, 3]).result())
    print(dask.config.get("temporary-directory"), client.scheduler_info()["address"].split(":")[1])
"""
    assert session.kernel_result(code).split() == ["6", "/tmp", "//127.0.0.1"]


def test_dasks_dashboard_is_reached_through_the_session(session: Server) -> None:
    prefix = run(
        "lab",
        "sh",
        "-c",
        "echo $DASK_DISTRIBUTED__DASHBOARD__LINK",
        options=["--env=JUPYTERHUB_SERVICE_PREFIX=/user/a/b/"],
    )
    assert prefix.strip() == "/user/a/b/proxy/{port}/status"
    code = """
from panosc_analysis.reduction.clusters import local_cluster
client = local_cluster()
print(client.dashboard_link)
"""
    port = session.kernel_result(code).strip().rpartition(":")[2].partition("/")[0]
    status, page = session.status(f"/proxy/{port}/status")
    assert status == 200
    assert "<title>Dask" in page
