"""Containers of the images, started as sessions are: no capabilities, a read-only root, bounded."""

from __future__ import annotations

import json
import os
import subprocess
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("lab", "desktop", "hub")
TOKEN = "a-token-for-tests"
HARDENED = (
    "--cap-drop=ALL", "--security-opt=no-new-privileges:true", "--read-only", "--pids-limit=512", "--memory=2g",
    "--shm-size=256m", "--tmpfs=/tmp:rw,nosuid,nodev,size=512m,mode=1777",
)  # fmt: skip


def tag() -> str:
    """Tag of the images: the version of this checkout."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def image(name: str) -> str:
    """Whole name of an image of this run, which ``$PANOSC_IMAGES_TAG`` names."""
    return f"panosc-analysis/{name}:{os.environ.get('PANOSC_IMAGES_TAG') or tag()}"


def docker(*arguments: str, text: str | None = None, timeout: float = 120) -> str:
    """Run the client; returns what it printed, and fails with what it complained of."""
    done = subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, check=False, timeout=timeout, input=text
    )
    assert done.returncode == 0, f"docker {' '.join(arguments)}\n{done.stdout}{done.stderr}"
    return done.stdout


def missing() -> str | None:
    """What keeps these tests from running here, if anything does."""
    try:
        docker("version", "--format", "{{.Server.Version}}")
    except (OSError, AssertionError) as error:
        return f"no Docker daemon answers ({type(error).__name__}); .ci/docker starts one"
    known = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()
    absent = [image(name) for name in NAMES if image(name) not in known]
    return f"not built: {', '.join(absent)}; images/build makes them" if absent else None


def run(name: str, *command: str, user: str = "", options: Sequence[str] = (), text: str | None = None) -> str:
    """Run one command in a new hardened container of the image `name`; returns what it printed."""
    who = [f"--user={user}"] if user else []
    return docker("run", "--rm", "--interactive", *HARDENED, *who, *options, image(name), *command, text=text)


def python(name: str, program: str, *, user: str = "", options: Sequence[str] = ()) -> Any:
    """Run a Python program in a new container of the image `name`; returns what it printed as JSON."""
    return json.loads(run(name, "python", "-c", program, user=user, options=options))


@dataclass(frozen=True)
class Server:
    """A Jupyter server that runs in a container, as one session."""

    name: str
    port: int

    @property
    def url(self) -> str:
        """Where it listens on this machine."""
        return f"http://127.0.0.1:{self.port}"

    def status(self, path: str, *, method: str = "GET", body: Any = None, token: str = TOKEN) -> tuple[int, str]:
        """Ask it; returns the status and the text of the answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"token {token}", "Content-Type": "application/json"} if token else {}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode("utf-8", "replace")

    def shell(self, command: str, **environment: str) -> str:
        """Run a shell command in the container."""
        variables = [f"--env={k}={v}" for k, v in environment.items()]
        return docker("exec", *variables, self.name, "sh", "-c", command)

    def logs(self) -> str:
        """Return what the session said."""
        done = subprocess.run(["docker", "logs", self.name], capture_output=True, text=True, check=True)
        return done.stdout + done.stderr

    def kernel_result(self, code: str) -> str:
        """Start a kernel through the server, run `code` in it and return what it printed."""
        status, answer = self.status("/api/kernels", method="POST", body={"name": "python3"})
        assert status == 201, answer
        program = (
            "import sys; from jupyter_client import BlockingKernelClient as C; c = C(connection_file=sys.argv[1]); "
            "c.load_connection_file(); c.start_channels(); c.wait_for_ready(timeout=60); "
            "c.execute_interactive(sys.argv[2], timeout=60)"
        )
        file = f"/tmp/jupyter/kernel-{json.loads(answer)['id']}.json"
        return docker("exec", self.name, "python", "-c", program, file, code)


@contextmanager
def server(
    name: str, *, user: str, options: Sequence[str] = (), environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Start JupyterLab in a hardened container of the image `name`, wait until it answers; gone at the end."""
    given = [f"--env={k}={v}" for k, v in (environment or {}).items()]
    ident = docker(
        "run", "--detach", *HARDENED, f"--user={user}", "--publish=127.0.0.1::8888", "--hostname=session",
        *given, *options,
        image(name), "jupyter", "lab", "--ip=0.0.0.0", "--no-browser", f"--IdentityProvider.token={TOKEN}",
    ).strip()  # fmt: skip
    try:
        port = int(docker("port", ident, "8888").split()[0].rpartition(":")[2])
        running = Server(ident, port)
        _wait(running)
        yield running
    finally:
        docker("rm", "--force", ident)


def _wait(running: Server) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if running.status("/api")[0] == 200:
                return
        except OSError:
            pass
        state = docker("inspect", "--format", "{{.State.Status}}", running.name).strip()
        assert state == "running", f"the session ended:\n{running.logs()}"
        time.sleep(0.1)
    raise AssertionError(f"the session does not answer:\n{running.logs()}")
