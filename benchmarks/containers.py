"""How long a container takes from ``docker run`` until a person can work in it. Real daemon, real Chromium, medians.

    .venv/bin/python benchmarks/containers.py --rounds 9

JupyterLab starts as under a hub, against an address that answers as a hub's API does then; the desktop starts in a
plain server with a token and is opened in Chromium. Both run hardened: no capabilities, read-only root, 1.5
cores, 2 GB. What the hub itself adds is not in these figures.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import re
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
import tomllib
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
HARDENED = (
    "--cap-drop=ALL", "--security-opt=no-new-privileges:true", "--read-only", "--pids-limit=512", "--memory=2g",
    "--cpus=1.5", "--shm-size=256m", "--tmpfs=/tmp:rw,nosuid,nodev,size=512m,mode=1777",
    "--tmpfs=/home/jovyan:rw,uid=1000,gid=1000", "--user=1000:1000",
)  # fmt: skip
CONNECTED = "() => document.querySelector('#status')?.textContent === 'Connected'"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    tag = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    with hub_api() as api, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        rows = []
        for number in range(rounds + 1):
            row = lab(f"panosc-analysis/lab:{tag}", api) | desktop(f"panosc-analysis/desktop:{tag}", browser)
            print(json.dumps({k: round(v, 2) for k, v in row.items()}), file=sys.stderr, flush=True)
            # The first round warms the page cache; it is printed, not counted.
            rows += [row] if number else []
        browser.close()
    for name in rows[0]:
        values = sorted(row[name] for row in rows)
        print(f"| {name} | {statistics.median(values):.2f} | {values[0]:.2f}–{values[-1]:.2f} |")


def lab(image: str, api: str) -> dict[str, float]:
    environment = {
        "API_URL": f"{api}/hub/api", "API_TOKEN": "x", "CLIENT_ID": "jupyterhub-user-a", "USER": "a", "BASE_URL": "/",
        "SERVICE_PREFIX": "/user/a/", "SERVICE_URL": "http://0.0.0.0:8888/user/a/", "SERVER_NAME": "", "HOST": "",
        "OAUTH_CALLBACK_URL": "/user/a/oauth_callback", "ACTIVITY_URL": f"{api}/hub/api/users/a/activity",
    }  # fmt: skip
    options = [f"--env=JUPYTERHUB_{k}={v}" for k, v in environment.items()]
    start = time.perf_counter()
    with container(image, options, ["jupyterhub-singleuser"]) as (name, address):
        started = time.perf_counter() - start
        until(lambda: answers(f"http://{address}/user/a/api"))
        ready = time.perf_counter() - start
        return {"Lab: docker run returns": started, "Lab: it answers": ready, "Lab: memory (MB)": memory(name)}


def desktop(image: str, browser: Browser) -> dict[str, float]:
    command = ["jupyter", "lab", "--ip=0.0.0.0", "--no-browser", "--IdentityProvider.token=x"]
    start = time.perf_counter()
    with container(image, ["--hostname=session"], command) as (name, address):
        until(lambda: answers(f"http://{address}/api"))
        page = browser.new_page(viewport={"width": 1280, "height": 836})
        page.goto(f"http://{address}/desktop/?token=x")
        page.wait_for_function(CONNECTED, timeout=60_000)
        connected = time.perf_counter() - start
        until(lambda: "xfce4-panel" in windows(name))
        drawn = time.perf_counter() - start
        time.sleep(2)
        used = memory(name)
        page.close()
    return {"desktop: connected": connected, "desktop: panel there": drawn, "desktop: memory (MB)": used}


@contextmanager
def container(image: str, options: list[str], command: list[str]) -> Iterator[tuple[str, str]]:
    """Run hardened; gives its name and where its port 8888 is."""
    name = docker("run", "--detach", "--publish=127.0.0.1::8888", *HARDENED, *options, image, *command)
    try:
        yield name, docker("port", name, "8888").split()[0]
    finally:
        docker("rm", "--force", name)


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout.strip()


def windows(name: str) -> str:
    command = ["docker", "exec", "--env=DISPLAY=:0", name, "xwininfo", "-root", "-tree"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def memory(name: str) -> float:
    used = docker("stats", "--no-stream", "--format", "{{.MemUsage}}", name)
    return float(re.match(r"([\d.]+)MiB", used)[1]) * 1.048576  # type: ignore[index]


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.02)


class HubAPI(BaseHTTPRequestHandler):
    """What a server asks its hub when it starts: which version it is, and to take note of activity."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b'{"version": "6.1.1"}'
        self.send_response(200)
        for header in (("X-JupyterHub-Version", "6.1.1"), ("Content-Type", "application/json")):
            self.send_header(*header)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def hub_api() -> Iterator[str]:
    subnet = docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Subnet}}")
    gateway = str(ipaddress.ip_network(subnet)[1])
    with socket.create_server((gateway, 0)) as free:
        port = free.getsockname()[1]
    server = ThreadingHTTPServer((gateway, port), HubAPI)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{gateway}:{port}"
    finally:
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    main()
