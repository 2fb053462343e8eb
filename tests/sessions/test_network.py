"""Where a container's session can go: the hub, and nowhere else."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from hub_config.running import connected
from tests.sessions.conftest import Running

pytestmark = pytest.mark.parametrize("running", [pytest.param("docker", marks=pytest.mark.docker)], indirect=True)

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


@contextmanager
def listening_everywhere() -> Iterator[int]:
    """A server of the host that listens on every address, as databases and exporters often do."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        stop = threading.Event()

        def accept() -> None:
            server.settimeout(0.2)
            while not stop.is_set():
                try:
                    server.accept()[0].close()
                except TimeoutError:
                    continue

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield int(server.getsockname()[1])
        finally:
            stop.set()
            thread.join()


def address_of(container: str, network: str) -> str:
    """The address of a session's container."""
    client = connected()
    try:
        return str(client.inspect_container(container)["NetworkSettings"]["Networks"][network]["IPAddress"])
    finally:
        client.close()


def test_a_session_reaches_the_hub_and_nothing_else(running: Running, say: Callable[[str], None]) -> None:
    settings, docker = running.platform.settings, running.platform.policy.docker
    bob = address_of(f"{docker.prefix}-bob", docker.network)
    # Something of bob's that listens on every address, as a Dask scheduler may.
    running.people["bob"].run("import socket; dask = socket.create_server(('0.0.0.0', 8787))")
    hub_url = httpx_works(running)
    with listening_everywhere() as port:
        places = {
            "bob's Lab": (bob, 8888),
            "bob's Dask": (bob, 8787),
            "the proxy's interface": (settings.internal, settings.proxy_port),
            "the hub's front door": (settings.internal, settings.port),
            "a port of the host": (settings.internal, port),
            "a port of the host by another address": ("172.17.0.1", port),
            "the metadata address": ("169.254.169.254", 80),
            "another machine": ("192.0.2.1", 80),
            "the Docker daemon": (settings.internal, 2375),
        }
        places["the hub"] = (settings.internal, settings.hub_port)
        reached = running.people["alice"].asked(REACH.format(places=places, port=port, link=link_local(docker.network)))
        assert reached.pop("the hub"), "the probe itself must be able to say yes"
        with socket.create_connection(("127.0.0.1", port), timeout=3):
            pass  # it does listen
    say(f"network, docker: {sum(reached.values())} of {len(reached)} forbidden destinations reached")
    assert [name for name, there in reached.items() if there] == []
    assert len(reached) >= 12
    assert hub_url


def httpx_works(running: Running) -> bool:
    """Whether the hub answers a session, asked from inside it with its own token."""
    code = (
        "import json, os, urllib.request as r; "
        "q = r.Request(os.environ['JUPYTERHUB_API_URL'] + '/user', "
        "headers={'Authorization': 'token ' + os.environ['JUPYTERHUB_API_TOKEN']}); "
        "print(r.urlopen(q, timeout=10).read().decode())"
    )
    return bool(json.loads(running.people["alice"].run(code))["name"] == "alice")


def link_local(network: str) -> str:
    """The bridge's link-local address, which every interface with IPv6 has."""
    from pathlib import Path

    from hub_config.policy import Docker
    from hub_config.spawning.network import _wanted

    bridge = _wanted(Docker(network=network)).bridge
    for line in Path("/proc/net/if_inet6").read_text().splitlines():
        address, *_, name = line.split()
        if name == bridge:
            return ":".join(address[i : i + 4] for i in range(0, 32, 4))
    return "fe80::1"


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
    docker = running.platform.policy.docker
    client = connected()
    try:
        host = client.inspect_container(f"{docker.prefix}-alice")["HostConfig"]
    finally:
        client.close()
    limits = running.platform.policy.profiles[0].limits
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


def test_other_peoples_sessions_do_not_open(running: Running) -> None:
    import httpx

    alice, bob = running.people["alice"], running.people["bob"]
    for path in ("/api/contents", "/lab", "/proxy/8787/", "/desktop-websockify/"):
        answer = httpx.get(f"{bob.session_url()}{path}", headers={"Authorization": f"token {alice.token}"}, timeout=30)
        assert answer.status_code in (302, 403, 404), (path, answer.status_code)
        assert httpx.get(f"{bob.session_url()}{path}", timeout=30).status_code in (302, 403), path
