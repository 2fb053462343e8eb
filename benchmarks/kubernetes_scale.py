"""A thousand people on one hub: starts, stops, the hub's memory and what it asks of the API server.

Needs a test cluster whose nodes can be simulated with KWOK: pods that tolerate ``panosc.test/simulated`` become Running
there without a process behind them, all with one address, where this program answers for every session:

    .venv/bin/python -m benchmarks.kubernetes_scale --users 1000 --minutes 6 --nodes COMMAND

`COMMAND N ADDRESS` makes N such nodes. Everything else is real: hub, proxy, spawner, API server, scheduler.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx

from tests.sessions.cluster import Namespace, kubectl
from tests.sessions.facility import make_tree, policy_content
from tests.sessions.platform import Platform, platform, write_policy

PODS_PER_NODE = 100
SIMULATED = "panosc.test/simulated"
# What a hub does for a session, as verbs and resources of the API server's own counters.
OURS = {
    ("POST", "pods"), ("DELETE", "pods"), ("GET", "pods"), ("LIST", "pods"), ("LIST", "events"),
    ("POST", "persistentvolumeclaims"), ("GET", "persistentvolumeclaims"),
}  # fmt: skip
MEMORY = """
import os, re
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        command = open(f"/proc/{pid}/cmdline").read().split(chr(0))
    except OSError:
        continue
    if any(word.endswith("bin/jupyterhub") for word in command[:3]):
        status = open(f"/proc/{pid}/status").read()
        ticks = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
        cpu = (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")
        print(*re.findall(r"Vm(?:RSS|HWM):\\s+(\\d+)", status), cpu)
"""


class Session(BaseHTTPRequestHandler):
    """Answers for every session: the only thing that a hub asks of one that has just started."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps({"version": version("jupyterhub")}).encode()
        self.send_response(200)
        for name, value in (("X-JupyterHub-Version", version("jupyterhub")), ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=6, help="over which the people arrive, evenly")
    parser.add_argument("--nodes", required=True, help="command that makes simulated nodes")
    parser.add_argument("--address", default="10.245.0.1", help="address of this machine that pods reach")
    given = parser.parse_args()
    subprocess.run([given.nodes, str(given.users // PODS_PER_NODE + 1), given.address], check=True)
    server = ThreadingHTTPServer((given.address, 8888), Session)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    directory = Path(tempfile.mkdtemp(prefix="panosc-scale-"))
    make_tree(directory / "facility")
    content = policy_content(directory / "facility", sessions={"idle_timeout": 0, "max_age": 0})
    content |= {"accounts": {"source": "fixed", "uid": 20000, "gid": 20000}}
    taint = {"key": SIMULATED, "operator": "Exists", "effect": "NoSchedule"}
    facts = {
        "placement": {"node_selector": {SIMULATED: "true"}, "tolerations": [taint]},
        "homes": {"claim": "root-data"},
    }
    try:
        with platform("kubernetes", write_policy(directory, content), (), facts=facts) as hub:
            assert hub.namespace is not None
            asyncio.run(measure(hub, hub.namespace, given.users, given.minutes * 60))
    finally:
        kubectl("delete", "nodes", "-l", f"{SIMULATED}=true", timeout=300)
        server.shutdown()


async def measure(hub: Platform, where: Namespace, users: int, seconds: float) -> None:
    """Let the people come, and all go again; print the figures."""
    while httpx.get(f"{hub.url}/hub/health").status_code != 200:  # the proxy learns its first route a moment later
        await asyncio.sleep(0.5)
    operator = hub.log_in("oskar")
    names = [f"user{number:04d}" for number in range(users)]
    headers = {"Authorization": f"token {operator.token}"}
    limits = httpx.Limits(max_connections=400, max_keepalive_connections=100)
    async with httpx.AsyncClient(base_url=f"{hub.url}/hub/api", headers=headers, timeout=120, limits=limits) as api:
        for first in range(0, users, 200):
            (await api.post("/users", json={"usernames": names[first : first + 200]})).raise_for_status()
        (await api.post("/groups/proposal-p1/users", json={"users": names})).raise_for_status()
        rows = [("with no session", *process(where))]
        before, began = requests(), time.monotonic()
        starts = await all_of(names, seconds, lambda name: started(api, name))
        rows.append((f"with {users} sessions", *process(where)))
        took, asked = time.monotonic() - began, requests() - before
        reports, reporting = await reported(api, names)
        rows.append((f"after {len(reports)} reports of activity in {reporting:.0f} s", *process(where)))
        before, ended = requests(), time.monotonic()
        stops = await all_of(names, seconds / 3, lambda name: stopped(api, name))
        rows.append(("after all have ended", *process(where)))
        gone = requests() - before
    print(f"{users} people in {seconds:.0f} s; load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores\n")
    print("| what | errors | median (s) | p95 (s) | most (s) | API requests each |\n|---|---|---|---|---|---|")
    for what, done, count in (("start", starts, asked), ("report of activity", reports, 0), ("stop", stops, gone)):
        good = sorted(second for second in done if isinstance(second, float))
        p95 = statistics.quantiles(good, n=20)[-1]
        errors = len(done) - len(good)
        print(
            f"| {what} | {errors} | {statistics.median(good):.2f} | {p95:.2f} | {good[-1]:.2f} | {count / users:.1f} |"
        )
    spent = rows[2][3] - rows[1][3]
    print(f"\nA report of activity costs the hub {1000 * spent / len(reports):.1f} ms of CPU.")
    print(f"\nAll had started {took:.0f} s after the first asked, and ended in {time.monotonic() - ended:.0f} s.\n")
    print("| the hub's process | memory (MB) | most so far (MB) | CPU so far (s) |\n|---|---|---|---|")
    for what, most, now, cpu in rows:
        print(f"| {what} | {now / 1024:.0f} | {most / 1024:.0f} | {cpu:.0f} |")
    for wrong in [one for one in (*starts, *stops) if isinstance(one, str)][:5]:
        print("error:", wrong)


async def all_of(names: list[str], seconds: float, act: Callable[[str], Awaitable[float | str]]) -> list[float | str]:
    """Do something for everybody, evenly over the time, however long each takes."""

    async def later(number: int, name: str) -> float | str:
        await asyncio.sleep(seconds * number / len(names))
        try:
            return await act(name)
        except (httpx.HTTPError, AssertionError, ValueError) as error:
            return f"{name}: {error!r}"

    return await asyncio.gather(*(later(number, name) for number, name in enumerate(names)))


async def started(api: httpx.AsyncClient, name: str) -> float:
    """Start a session and follow its progress as the spawn page does; returns the seconds until it is ready."""
    began = time.monotonic()
    answer = await api.post(f"/users/{name}/server", json={"profile": "lab"})
    assert answer.status_code in (201, 202), f"{answer.status_code} {answer.text}"
    if answer.status_code == 202:
        async with api.stream("GET", f"/users/{name}/server/progress") as events:
            async for line in events.aiter_lines():
                event = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
                assert not event.get("failed"), event
                if event.get("ready"):
                    break
            else:
                raise AssertionError("the progress ended before the session was ready")
    return time.monotonic() - began


async def reported(api: httpx.AsyncClient, names: list[str]) -> tuple[list[float | str], float]:
    """Report activity a thousand times, as a thousand sessions do in a minute."""
    count, began = 1000, time.monotonic()

    async def report(name: str) -> float:
        asked, now = time.monotonic(), datetime.now(UTC).isoformat()
        body = {"servers": {"": {"last_activity": now}}, "last_activity": now}
        (await api.post(f"/users/{name}/activity", json=body)).raise_for_status()
        return time.monotonic() - asked

    done = await all_of([names[number % len(names)] for number in range(count)], 60, report)
    return done, time.monotonic() - began


async def stopped(api: httpx.AsyncClient, name: str) -> float:
    """Stop a session; returns the seconds until it is gone."""
    began = time.monotonic()
    answer = await api.delete(f"/users/{name}/server")
    assert answer.status_code in (202, 204), f"{answer.status_code} {answer.text}"
    while answer.status_code == 202 and (await api.get(f"/users/{name}")).json()["servers"]:
        await asyncio.sleep(1)
    return time.monotonic() - began


def process(where: Namespace) -> tuple[float, float, float]:
    """Return the hub's highest and present memory (kB), and its CPU time."""
    most, now, cpu = where.kubectl("exec", "deployment/hub", "-c", "hub", "--", "python", "-c", MEMORY).split()[:3]
    return float(most), float(now), float(cpu)


def requests() -> int:
    """Return how many requests of the kinds that a hub makes the API server has answered, whoever made them."""
    total = 0
    for line in kubectl("get", "--raw", "/metrics").splitlines():
        if line.startswith("apiserver_request_total{") and 'subresource=""' in line:
            labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
            if (labels["verb"], labels["resource"]) in OURS:
                total += int(float(line.rsplit(" ", 1)[1]))
    return total


if __name__ == "__main__":
    main()
