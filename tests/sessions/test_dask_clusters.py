"""Dask clusters on Kubernetes are their session: what it sees, who reaches them, when they end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.sessions.cluster import Namespace
from tests.sessions.conftest import require, unmount
from tests.sessions.facility import GID, MEMBERS, PROPOSALS, Tree, make_tree, policy_content
from tests.sessions.gateway import GATEWAY_ENVIRONMENT, cluster_pods, clusters_of, gateway_missing, start_gateway
from tests.sessions.inside import Person
from tests.sessions.platform import Platform, mounted_tmpfs, platform, write_policy
from tests.sessions.test_access_matrix import ENOENT, LOOK
from tests.sessions.test_write_attacks import ATTACKS

pytestmark = pytest.mark.kubernetes

DASK = {
    "worker": {"cpu": 1, "memory": "1G"},
    "scheduler": {"cpu": 1, "memory": "512M"},
    "person": {"cpu": 4, "memory": "4G"},
    "overcommit": 50,
    "clusters": 1,
}
# A cluster of one worker, whatever an earlier test left behind; a cell that runs it again changes nothing.
START = """
import time
import panosc_analysis as pan
try:
    cluster.state()
except Exception:
    cluster = pan.cluster(workers=1)
if len(cluster.state().workers) != 1:
    cluster.scale(1)
    while len(cluster.state().workers) != 1:
        time.sleep(0.2)
print(cluster.kind)
"""
# Runs code where the cluster's processes are: printed JSON comes back, from the scheduler first and then each worker.
THERE = """
def printed(code):
    import contextlib, io, json
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(code, {{}})
    return json.loads(out.getvalue())
import json
print(json.dumps([cluster.client.run_on_scheduler(printed, {code!r}), *cluster.client.run(printed, {code!r}).values()]))
"""
# Which of the addresses can be connected to from here.
REACHED = """
import json, socket
def reached(host, port):
    try:
        socket.create_connection((host, port), 3).close()
        return True
    except OSError:
        return False
print(json.dumps([reached(host, port) for host, port in {addresses!r}]))
"""


@dataclass
class Facility:
    """A hub with a gateway, and a session with a cluster of one worker for everybody."""

    platform: Platform
    namespace: Namespace
    people: dict[str, Person]
    tree: Tree

    def there(self, name: str, code: str) -> list[Any]:
        """Run code that prints JSON in the scheduler and every worker of somebody's cluster."""
        return list(self.people[name].asked(THERE.format(code=code), timeout=120))

    def pods_of(self, name: str, component: str = "") -> list[dict[str, Any]]:
        """The pods of somebody's cluster."""
        key = "org.panosc.analysis/person"
        return [one for one in cluster_pods(self.namespace, component) if one["metadata"]["annotations"][key] == name]

    def cluster_of(self, name: str) -> str:
        """Name of somebody's cluster, without its namespace."""
        return str(self.pods_of(name)[0]["metadata"]["labels"]["gateway.dask.org/cluster"])


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facility]:
    require("kubernetes")
    if reason := gateway_missing():
        pytest.skip(reason)
    directory = tmp_path_factory.mktemp("dask")
    tree = make_tree(directory / "facility")
    write_stack(directory / "facility" / "p1" / "stack.h5")
    nested = directory / "facility" / "p1" / "nested"
    with ExitStack() as stack:
        if mounted_tmpfs(nested):
            stack.callback(unmount, nested)
            nested.chmod(0o777)
            (nested / "below.txt").write_text("below a mount")
            (nested / "below.txt").chmod(0o666)
        roots = {"data": {"claim": "root-data", "mounted_below": ["p1/nested"]}}
        facts = {"environment": GATEWAY_ENVIRONMENT, "roots": roots}
        policy = write_policy(directory, policy_content(directory / "facility", dask=DASK))
        hub = stack.enter_context(platform("kubernetes", policy, tuple(MEMBERS), facts=facts))
        assert hub.namespace is not None
        stack.enter_context(start_gateway(hub.namespace, DASK))
        yield Facility(hub, hub.namespace, {name: hub.log_in(name) for name in MEMBERS}, tree)


@pytest.fixture
def facility(started: Facility) -> Facility:
    """Everybody with a session and a cluster of one worker, in whatever order the tests run."""
    with ThreadPoolExecutor(len(started.people)) as pool:
        assert list(pool.map(with_cluster, started.people.values())) == ["gateway"] * len(started.people)
    return started


def with_cluster(person: Person) -> str:
    """Have a session with a cluster."""
    if not person.servers().get("", {}).get("ready"):
        failure = person.start(options={"profile": "lab"})
        assert failure is None, failure
    return person.run(START, timeout=180).strip()


def write_stack(file: Path) -> None:
    """Write images that only the members of a proposal may read."""
    import os

    import h5py
    import numpy as np

    values = np.random.default_rng(3).poisson(5, (50, 128, 128)).astype("u2").repeat(40, axis=0)
    with h5py.File(file, "w") as out:
        out.create_dataset("data", data=values, chunks=(1, 128, 128), compression="gzip")
    os.chown(file, 0, GID + 1)
    file.chmod(0o660)


def eventually(condition: Callable[[], bool], timeout: float, what: str) -> float:
    """Wait for something; returns how long it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < timeout, what
        time.sleep(0.2)
    return time.monotonic() - began


def test_everybodys_workers_see_exactly_her_data(facility: Facility, say: Callable[[str], None]) -> None:
    cells = leaks = 0
    everything = (*PROPOSALS, "open")
    for name in facility.people:
        mine = {*MEMBERS[name], "open"}
        processes = facility.there(name, LOOK.format(proposals=everything, root=str(facility.tree.root)))
        assert len(processes) == 2
        for seen in processes:
            assert seen["listing"] == sorted(mine)
            assert seen["writable"] == []
            assert not facility.tree.mounted(seen["sources"])
            for proposal in everything:
                cells += 1
                if proposal in mine:
                    assert seen["canary"][proposal] == f"canary of {proposal}"
                    assert facility.tree.mounted(seen["sources"], proposal)
                    continue
                absent = seen["canary"][proposal] == seen["host"][proposal] == ENOENT
                leaks += not (absent and not facility.tree.mounted(seen["sources"], proposal))
    say(f"access matrix, Dask schedulers and workers: {leaks} leaks of {cells} cells")
    assert cells == 24
    assert leaks == 0


def test_a_cluster_runs_under_the_persons_own_numbers(facility: Facility) -> None:
    for name, ids in {
        "alice": [20001, 20001, [20001, 51001, 51002]],
        "bob": [20002, 20002, [20002, 51002]],
        "carol": [20003, 20003, [20003, 51003]],
    }.items():
        assert [seen["ids"] for seen in facility.there(name, LOOK.format(proposals=(), root="/"))] == [ids, ids]


def test_no_write_attack_succeeds_from_a_worker(facility: Facility, say: Callable[[str], None]) -> None:
    before = facility.tree.checksum()
    found = facility.there("alice", ATTACKS)
    assert [done["succeeded"] for done in found] == [[], []]
    say(f"write attacks, Dask scheduler and worker: 0 of {sum(done['tried'] for done in found)} succeeded")
    assert facility.tree.checksum() == before


def test_only_the_owners_session_reaches_scheduler_and_dashboard(facility: Facility) -> None:
    pods = facility.pods_of("alice")
    addresses = [(pod["status"]["podIP"], port) for pod in pods for port in (8786, 8787, 8788)]
    scheduler = next(pod for pod in pods if pod["metadata"]["name"].startswith("dask-scheduler"))["status"]["podIP"]
    own = dict(zip(addresses, facility.people["alice"].asked(REACHED.format(addresses=addresses)), strict=True))
    assert [address for address, reached in own.items() if reached] == [(scheduler, 8786), (scheduler, 8787)]
    assert not any(facility.people["bob"].asked(REACHED.format(addresses=addresses)))
    for answers in facility.there("bob", REACHED.format(addresses=addresses)):
        assert not any(answers)
    name = f"{facility.namespace.name}.{facility.cluster_of('alice')}"
    look = f"""
import httpx
print(httpx.get("http://traefik/clusters/{name}/status", timeout=20).status_code)
"""
    assert int(facility.people["bob"].run(look)) >= 400


def test_the_dashboard_is_shown_inside_the_owners_lab_and_nowhere_else(facility: Facility) -> None:
    alice, bob = facility.people["alice"], facility.people["bob"]
    link = alice.run("print(cluster.dashboard)").strip()
    assert link.startswith("/user/alice/proxy/dask-")
    tokens = {person.name: {"Authorization": f"token {person.token}"} for person in (alice, bob)}
    shown = httpx.get(f"{facility.platform.url}{link}", headers=tokens["alice"], timeout=60)
    assert shown.status_code == 200
    assert "Dask" in shown.text
    by_bob = link.replace("/user/alice/", "/user/bob/")
    refused = [httpx.get(f"{facility.platform.url}{link}", headers=tokens["bob"], timeout=60),
               httpx.get(f"{facility.platform.url}{by_bob}", headers=tokens["bob"], timeout=90)]  # fmt: skip
    assert all(answer.status_code >= 400 for answer in refused)


def test_a_worker_reaches_nothing_but_its_cluster(facility: Facility) -> None:
    where = facility.namespace
    outside = [(where.address("hub"), 8081), (where.address("proxy-api"), 8001), ("10.96.0.1", 443), ("1.1.1.1", 53),
               ("169.254.169.254", 80), (facility.pods_of("alice")[0]["status"]["hostIP"], 10250),
               (where.pod_of("bob")["status"]["podIP"], 8888)]  # fmt: skip
    for answers in facility.there("bob", REACHED.format(addresses=outside)):
        assert not any(answers), dict(zip(outside, answers, strict=True))


# What a refused cluster leaves is collected first: where that happens while a new loop starts, both wait for one lock.
GATEWAY = """
import gc, os
from dask_gateway import Gateway
gc.collect()
def said(act):
    try:
        return repr(act())
    except Exception as error:
        return f"refused: {{error}}"
with Gateway() as gateway:
    print(said(lambda: {act}))
gateway._asynchronous = True  # else it complains when it is collected
"""


def test_nobody_else_can_use_stop_or_see_a_cluster(facility: Facility) -> None:
    name = f"{facility.namespace.name}.{facility.cluster_of('alice')}"
    for act in ("gateway.get_cluster({0!r})", "gateway.connect({0!r})", "gateway.stop_cluster({0!r})",
                "gateway.scale_cluster({0!r}, 2)"):  # fmt: skip
        answer = facility.people["bob"].run(GATEWAY.format(act=act.format(name)))
        assert answer.startswith("refused")
        assert "403" in answer
    assert facility.people["bob"].run(GATEWAY.format(act="[c.name for c in gateway.list_clusters()]")).count(".") == 1
    # Her own token, which is not a session's, gives nothing either.
    alice = facility.people["alice"]
    alice.run(
        f"import os; kept = os.environ['JUPYTERHUB_API_TOKEN']; os.environ['JUPYTERHUB_API_TOKEN'] = {alice.token!r}"
    )
    answer = alice.run(GATEWAY.format(act="gateway.list_clusters()"))
    alice.run("os.environ['JUPYTERHUB_API_TOKEN'] = kept")
    assert "use the token that a session of the hub has" in answer


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("worker_cores=2", "worker_cores"),
        ("worker_memory=2", "worker_memory"),
        ("idle_timeout=10**6", "idle_timeout"),
        ("image='evil'", "Unknown fields"),
        ("worker_extra_pod_config={}", "Unknown fields"),
        ("environment={'A': 'b'}", "Unknown fields"),
        ("workers=1", "1 of 1 clusters"),
    ],
)
def test_a_person_can_ask_for_less_and_never_for_more(facility: Facility, asked: str, says: str) -> None:
    answer = facility.people["carol"].run(GATEWAY.format(act=f"gateway.submit({asked})"))
    assert answer.startswith("refused")
    assert says in answer
    assert len(clusters_of(facility.namespace)) == len(facility.people)


REDUCE = """
from panosc_analysis.nexus import ArrayHandle
from panosc_analysis.reduction import reduce
handle = ArrayHandle("/data/p1/stack.h5", "data")
def bits(**more):
    result = reduce(handle, ["statistics"], **more)
    return {name: result[name].values.tobytes() for name in result}
"""


def test_the_same_reduction_gives_the_same_bits_whatever_it_runs_on(facility: Facility) -> None:
    alice = facility.people["alice"]
    alice.run(REDUCE + "there = bits(tasks=8)", timeout=180)
    assert alice.run("here = bits(threads=2); print(here == there)", timeout=120).strip() == "True"
    compare = """
with pan.cluster("local", workers=1) as second:
    print(bits(tasks=5) == there)
"""
    assert alice.run(compare, timeout=180).strip() == "True"


def test_a_killed_worker_costs_time_and_nothing_else(facility: Facility) -> None:
    alice = facility.people["alice"]
    code = """
cluster.scale(2)
cluster.wait(2, 150)
def die():
    import os, signal
    os.kill(os.getpid(), signal.SIGKILL)
with cluster.client.as_current():
    whole = bits(tasks=4)
    killed = []
    def kill(progress):
        if not killed and progress.done < progress.total:
            address = next(iter(cluster.client.scheduler_info()["workers"]))
            killed.append(address)
            cluster.client.run(die, workers=[address], on_error="ignore")
    after = bits(tasks=64, buffer=1, progress=kill)
print(bool(killed), after == whole)
"""
    assert alice.run(REDUCE + code, timeout=300).strip() == "True True"


def test_a_killed_scheduler_is_said_and_another_cluster_can_be_had(facility: Facility) -> None:
    bob = facility.people["bob"]
    old = facility.cluster_of("bob")
    code = """
def die():
    import os, signal
    os.kill(os.getpid(), signal.SIGKILL)
try:
    cluster.client.run_on_scheduler(die)
except Exception:
    pass
try:
    cluster.client.submit(sum, [1], pure=False).result(timeout=60)
    print("answered")
except Exception as error:
    print("lost")
try:
    cluster.state()
except pan.errors.PanoscError as error:
    print(error.hint)
"""
    answer = bob.run("import panosc_analysis.errors\n" + code, timeout=180)
    assert answer.splitlines()[0] == "lost"
    assert "pan.cluster()" in answer

    def gone() -> bool:
        return not any(
            p["metadata"]["labels"]["gateway.dask.org/cluster"] == old for p in cluster_pods(facility.namespace)
        )

    eventually(gone, 60, "the workers of a scheduler that is gone go on")
    assert bob.run("cluster.close()\n" + START, timeout=180).strip() == "gateway"


def test_a_cluster_ends_when_it_is_idle_or_too_old(facility: Facility, say: Callable[[str], None]) -> None:
    (scheduler,) = facility.pods_of("bob", "dask-scheduler")
    assert scheduler["spec"]["activeDeadlineSeconds"] == 86400
    bob = facility.people["bob"]
    bob.run("cluster.close()", timeout=60)
    eventually(lambda: not facility.pods_of("bob"), 60, "a closed cluster goes on")
    bob.run(GATEWAY.format(act="gateway.submit(idle_timeout=30)"))
    eventually(lambda: bool(facility.pods_of("bob")), 60, "the scheduler does not come")
    took = eventually(lambda: not facility.pods_of("bob"), 120, "an idle cluster goes on")
    say(f"a cluster that may be idle for 30 s ends after {took:.0f} s")


def test_who_lost_a_membership_gets_no_cluster_and_the_session_takes_its_cluster_with_it(
    facility: Facility, say: Callable[[str], None]
) -> None:
    carol = facility.people["carol"]
    operator = facility.platform.log_in("oskar")
    carol.run("cluster.close()", timeout=60)
    eventually(lambda: not facility.pods_of("carol"), 60, "a closed cluster goes on")
    answer = operator.api("DELETE", "/groups/proposal-p3/users", json={"users": ["carol"]})
    assert answer.status_code == 200
    try:
        refused = carol.run(GATEWAY.format(act="gateway.submit()"))
        assert "no longer a member of p3" in refused
    finally:
        operator.api("POST", "/groups/proposal-p3/users", json={"users": ["carol"]})
    assert carol.run(START, timeout=180).strip() == "gateway"
    assert facility.pods_of("carol")
    carol.stop()
    took = eventually(lambda: not facility.pods_of("carol"), 60, "a cluster outlives its session")
    say(f"clusters of a stopped session end after {took:.0f} s")
