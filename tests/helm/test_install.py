"""The life of a release on a real cluster: install, log in, work, upgrade, roll back, uninstall, come back.

Needs the charts that ours depends on (``--charts DIR``, or what ``helm dependency build`` has fetched), a cluster that
``KUBECONFIG`` names, and the images on its nodes.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from panosc_analysis.demo import make_facility
from tests.browser.test_journey import run_all, wait_for_kernel
from tests.helm.charts import Chart
from tests.helm.release import Release, trial_values, way_in
from tests.integration.hub.conftest import eventually
from tests.sessions.cluster import namespace
from tests.sessions.conftest import require
from tests.sessions.inside import Person, log_in_with_password

pytestmark = [
    pytest.mark.kubernetes, pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning"),
]  # fmt: skip

KNOCK = """
import json, socket
def reached(host, port):
    try:
        socket.create_connection((host, port), timeout=4).close()
    except OSError as error:
        return error.strerror or str(error)
    return ""
print(json.dumps({{name: reached(*address) for name, address in {addresses!r}.items()}}))
"""
DASK = """
import json, os
from dask_gateway import Gateway
with Gateway() as gateway, gateway.new_cluster() as cluster:
    cluster.scale(1)
    with cluster.get_client() as client:
        client.wait_for_workers(1, timeout=90)
        seen = list(client.run(lambda: [os.getuid(), sorted(os.listdir("/data"))]).values())
        print(json.dumps([seen, client.submit(sum, range(10)).result()]))
"""


@pytest.fixture
def release(chart: Chart, tmp_path: Path) -> Iterator[Release]:
    """The chart with a demo facility, not yet installed."""
    require("kubernetes")
    if not chart.real:
        pytest.skip("--charts names no folder with the charts jupyterhub and dask-gateway")
    facility = tmp_path / "facility"
    make_facility(facility, "small")
    with namespace() as where:
        made = Release(chart, where, facility, trial_values(facility))
        yield made
        where.kubectl("delete", "pods", "-l", "component=singleuser-server", "--ignore-not-found")
        made.helm("uninstall")


def tutorial(page: Page, url: str, password: str, pictures: Path) -> float:
    """Log in as somebody new and run the first notebook to its end; returns the seconds until Lab was there."""
    started = time.monotonic()
    page.goto(url)
    expect(page.get_by_text("demo people")).to_be_visible()
    page.screenshot(path=pictures / "kubernetes-login.png")
    page.fill("input[name=username]", "alice")
    page.fill("input[name=password]", password)
    page.click("input[type=submit], button[type=submit]")
    page.wait_for_url(re.compile("/user/alice/lab/tree/tutorials/"), timeout=120_000)
    expect(page.locator(".jp-NotebookPanel .jp-Notebook")).to_be_visible(timeout=60_000)
    seconds = time.monotonic() - started
    wait_for_kernel(page, type("Site", (), {"url": url}), "alice")  # type: ignore[arg-type]
    run_all(page, 5)
    expect(page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']")).to_have_count(0)
    page.wait_for_timeout(1000)
    page.screenshot(path=pictures / "kubernetes-tutorial.png")
    return seconds


def knocked(person: Person, release: Release) -> dict[str, str]:
    """Where a session is let in (an empty reason) and where not."""
    where = release.namespace
    alice = where.pod_of("alice")["status"]
    api = where.kubectl("get", "svc", "kubernetes", "-n", "default", "-o", "jsonpath={.spec.clusterIP}")
    addresses = {
        "hub": ("hub", 8081), "catalogue": ("catalogue-demo", 8010), "gateway": ("traefik-dask-gateway", 80),
        "another session": (alice["podIP"], 8888), "proxy's interface": ("proxy-api", 8001),
        "Kubernetes": (api, 443), "gateway's server": ("api-dask-gateway", 8000), "node": (alice["hostIP"], 10250),
        "metadata": ("169.254.169.254", 80),
    }  # fmt: skip
    return dict(person.asked(KNOCK.format(addresses=addresses)))


def watched(person: Person, act: Callable[[], Any]) -> tuple[int, int]:
    """Do something while the person's session is asked again and again; returns how often, and how often in vain."""
    headers = {"Authorization": f"token {person.token}"}
    asked = failed = 0
    acting = Thread(target=act)
    acting.start()
    while acting.is_alive():
        answer = httpx.get(f"{person.session_url()}/api/kernels", headers=headers, timeout=20)
        asked, failed = asked + 1, failed + (answer.status_code != 200)
        time.sleep(0.2)
    acting.join()
    return asked, failed


def undisturbed(person: Person, release: Release, act: Callable[[], Any]) -> tuple[int, int]:
    """Do something to the release; the session, its kernel and the proxy are the same afterwards."""
    before = (release.namespace.pod_of("bob")["metadata"]["uid"], release.pod("proxy"))
    person.run("kept = 41")
    counted = watched(person, act)
    assert person.run("print(kept + 1)").strip() == "42"
    assert (release.namespace.pod_of("bob")["metadata"]["uid"], release.pod("proxy")) == before
    return counted


def announced(release: Release, day: str) -> dict[str, Any]:
    """A change of what the hub reads only when it starts."""
    hub = {"announcement": f"The storage is maintained on {day}."}
    return {"panosc": {**release.values["panosc"], "hub": hub}}


def test_the_life_of_a_release(
    release: Release, page: Page, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = release.put("install")
    assert "port-forward service/proxy-public" in notes
    assert "doctor --kubernetes" in notes
    kept = release.secret("hub")
    password = release.secret("panosc-demo")["password"]
    figures: dict[str, Any] = {}
    with ExitStack() as stack:
        url = stack.enter_context(way_in(release.namespace))
        figures["from the login page to Lab"] = tutorial(page, url, password, pictures)

        status, said = release.doctor()
        assert status == 0, said
        assert "failed" not in said

        bob = log_in_with_password(url, "bob", password, stack)
        assert bob.start(options={"profile": "lab"}) is None
        reached = knocked(bob, release)
        assert {name for name, why in reached.items() if not why} == {"hub", "catalogue", "gateway"}, reached
        workers, total = bob.asked(DASK, timeout=150)
        assert (workers, total) == ([[1000, ["es-1402", "ma-6203", "open"]]], 45)

        figures["upgrade"] = undisturbed(bob, release, lambda: release.put("upgrade", announced(release, "Tuesday")))
        assert "maintained on Tuesday" in httpx.get(f"{url}/hub/login", timeout=20).text
        # Nothing of the hub's pod changes now: it starts again by itself once it sees the change.
        release.put("upgrade", announced(release, "Wednesday"))
        figures["until a change is seen"] = eventually(
            lambda: "maintained on Wednesday" in httpx.get(f"{url}/hub/login", timeout=20).text, seconds=240
        )
        figures["rollback"] = undisturbed(bob, release, lambda: release.helm("rollback", "1"))
        same = {key: value for key, value in release.secret("hub").items() if key != "values.yaml"}
        assert same == {key: kept[key] for key in same}
        assert release.secret("panosc-demo")["password"] == password
        bob.run("open('kept-in-home', 'w').write('x')")

    gone = release.helm("uninstall")
    assert "homes-of-people-are-kept" in gone
    assert release.namespace.pod_of("bob")["status"]["phase"] == "Running"
    release.namespace.kubectl("delete", "pods", "-l", "component=singleuser-server")
    release.namespace.kubectl("wait", "--for=delete", "pvc/data-demo", "pvc/catalogue-demo", "--timeout=60s")
    release.put("install")
    with ExitStack() as stack:
        url = stack.enter_context(way_in(release.namespace))
        bob = log_in_with_password(url, "bob", release.secret("panosc-demo")["password"], stack)
        assert bob.start(options={"profile": "lab"}) is None
        assert bob.run("print(open('kept-in-home').read())").strip() == "x"
    with capsys.disabled():
        print(f"\n{json.dumps({**release.times, **figures}, indent=1, default=str)}")


def test_the_doctor_sees_a_network_that_lets_sessions_out(release: Release) -> None:
    release.put("install", {"dask-gateway": {"enabled": False}})
    sessions = {"matchLabels": {"component": "singleuser-server"}}
    release.namespace.apply(
        {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "open"},
         "spec": {"podSelector": sessions, "policyTypes": ["Egress"], "egress": [{}]}}
    )  # fmt: skip
    status, said = release.doctor()
    assert status == 1
    assert re.search(r"failed\s+network\s+a session reaches .*the Kubernetes API", said), said
    assert "enforces NetworkPolicy" in said
