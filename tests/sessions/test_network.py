"""Where a session in a container or pod can go: the hub and the catalogue, and nowhere else."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable

import pytest

from hub_config.running import connected
from tests.sessions.conftest import DOCKER, KUBERNETES, Running
from tests.sessions.network import forbidden, listening_everywhere, needed, of_ipv6

pytestmark = pytest.mark.parametrize("running", [DOCKER, KUBERNETES], indirect=True)

REACH = """
import json, socket
def reached(family, host, port):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(3)
        try:
            s.connect((host, port) if family == socket.AF_INET else (host, port, 0, 2))
        except OSError:
            return False
        return True
def resolved(name):
    try:
        return bool(socket.getaddrinfo(name, 80))
    except OSError:
        return False
out = {{name: reached(socket.AF_INET, *place) for name, place in {places!r}.items()}}
out["host over IPv6"] = any(reached(socket.AF_INET6, a, {port}) for a in ("::1", "fe80::1", "{link}"))
out["names of other sites"] = resolved("www.panosc.eu")
try:
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    out["raw packets"] = True
except OSError:
    out["raw packets"] = False
print(json.dumps(out))
"""


def test_a_session_reaches_the_hub_and_nothing_else(running: Running, say: Callable[[str], None]) -> None:
    # Something of bob's that listens on every address, as a Dask scheduler may.
    running.people["bob"].run("import socket; dask = socket.create_server(('0.0.0.0', 8787))")
    assert httpx_works(running)
    with listening_everywhere() as port:
        must_not, must = forbidden(running, port), needed(running)
        with socket.create_connection(("127.0.0.1", port), timeout=3):
            pass  # it does listen
        code = REACH.format(places=must_not | must, port=port, link=of_ipv6(running))
        reached = running.people["alice"].asked(code)
    there = [name for name in must if reached.pop(name)]
    if running.platform.kind == "kubernetes":
        # Every pod may ask the cluster's DNS, which passes other questions on.
        reached.pop("names of other sites")
    kind = running.platform.kind
    say(f"network, {kind}: {sum(reached.values())} of {len(reached)} forbidden destinations reached, "
        f"{len(there)} of {len(must)} needed ones")  # fmt: skip
    assert there == list(must), "the probe itself must be able to say yes"
    assert [name for name, found in reached.items() if found] == []
    assert len(reached) >= 12


def httpx_works(running: Running) -> bool:
    """Whether the hub answers a session, asked from inside it with its own token."""
    code = (
        "import json, os, urllib.request as r; "
        "q = r.Request(os.environ['JUPYTERHUB_API_URL'] + '/user', "
        "headers={'Authorization': 'token ' + os.environ['JUPYTERHUB_API_TOKEN']}); "
        "print(r.urlopen(q, timeout=10).read().decode())"
    )
    return bool(json.loads(running.people["alice"].run(code))["name"] == "alice")


def test_a_session_holds_no_way_to_the_host(running: Running) -> None:
    code = """
import json, os
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
def write(path):
    try:
        open(path, "w").write("1")
        return True
    except OSError:
        return False
print(json.dumps({
    "capabilities": [status[k].strip() for k in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb")],
    "privileges": status["NoNewPrivs"].strip(), "seccomp": status["Seccomp"].strip(),
    "sockets": [p for p in ("/var/run/docker.sock", "/run/docker.sock", "/var/run/secrets") if os.path.exists(p)],
    "written": [p for p in ("/new", "/usr/new", "/etc/passwd", "/etc/panosc/settings.toml", "/proc/sys/kernel/hostname",
                            "/sys/kernel/uevent_helper", "/proc/sysrq-trigger") if write(p)],
    "devices": sorted(os.listdir("/dev")),
}))
"""
    seen = running.people["alice"].asked(code)
    assert set(seen["capabilities"]) == {"0" * 16}
    assert seen["privileges"] == "1"
    assert seen["seccomp"] == "2"
    assert seen["sockets"] == []
    assert seen["written"] == []
    assert not any(name.startswith(("sd", "vd", "nvme", "mem", "kmsg")) for name in seen["devices"])


def test_limits_are_those_of_the_profile(running: Running) -> None:
    limits = running.platform.policy.profiles[0].limits
    if running.platform.namespace is not None:
        pod = running.platform.namespace.pod_of("alice")
        found = pod["spec"]["containers"][0]
        assert found["resources"]["limits"] == {"cpu": f"{limits.cpu:g}", "memory": str(limits.bytes)}
        assert found["securityContext"]["readOnlyRootFilesystem"]
        # How many processes a pod may have is said to the kubelet (podPidsLimit); a pod cannot say it.
        assert memory_limit(running) in (limits.bytes, None)
        return
    docker = running.platform.policy.docker
    client = connected()
    try:
        host = client.inspect_container(f"{docker.prefix}-alice")["HostConfig"]
    finally:
        client.close()
    assert (host["Memory"], host["MemorySwap"]) == (limits.bytes, limits.bytes)
    assert host["CpuQuota"] / host["CpuPeriod"] == limits.cpu
    assert host["PidsLimit"] == limits.processes
    assert host["ReadonlyRootfs"]
    assert not host["Privileged"]
    bomb = """
import json, os, time
children = []
try:
    while len(children) < 2000:
        child = os.fork()
        if child == 0:
            time.sleep(20)
            os._exit(0)
        children.append(child)
    print(json.dumps("no limit"))
except OSError as error:
    print(json.dumps(len(children)))
finally:
    for child in children:
        os.kill(child, 9)
        os.waitpid(child, 0)
"""
    started = running.people["bob"].asked(bomb)
    assert started < limits.processes


def memory_limit(running: Running) -> int | None:
    """The limit as the session itself reads it, where the machine has control groups of the first kind."""
    code = """
import json, os
path = "/sys/fs/cgroup/memory/memory.limit_in_bytes"
print(json.dumps(int(open(path).read()) if os.path.exists(path) else None))
"""
    found = running.people["alice"].asked(code)
    return None if found is None else int(found)


def test_other_peoples_sessions_do_not_open(running: Running) -> None:
    import httpx

    alice, bob = running.people["alice"], running.people["bob"]
    for path in ("/api/contents", "/lab", "/proxy/8787/", "/desktop-websockify/"):
        answer = httpx.get(f"{bob.session_url()}{path}", headers={"Authorization": f"token {alice.token}"}, timeout=30)
        assert answer.status_code in (302, 403, 404), (path, answer.status_code)
        assert httpx.get(f"{bob.session_url()}{path}", timeout=30).status_code in (302, 403), path
