"""The chart's own parts on a real cluster, without the charts it depends on: data, index, catalogue, homes, rules."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from panosc_analysis.demo import make_facility
from tests.helm.charts import Chart, copied
from tests.helm.release import Release, trial_values, way_in
from tests.sessions.cluster import namespace
from tests.sessions.conftest import require

pytestmark = pytest.mark.kubernetes


@pytest.fixture
def own_parts(chart: Chart, tmp_path: Path) -> Iterator[Release]:
    """A release with stand-ins for the other charts, so that there is no hub to ask about anybody."""
    require("kubernetes")
    facility = tmp_path / "facility"
    make_facility(facility, "tiny")
    with namespace() as where:
        values = {**trial_values(facility), "dask-gateway": {"enabled": False}}
        made = Release(copied(tmp_path / "alone", None), where, facility, values)
        yield made
        made.helm("uninstall", "--wait")


def test_the_catalogue_comes_up_in_a_restricted_namespace_and_shows_open_data_only(own_parts: Release) -> None:
    where = own_parts.namespace
    own_parts.put("install")
    [volume] = where.get("pv", "-l", "app.kubernetes.io/component=data")["items"]
    assert (volume["status"]["phase"], volume["spec"]["claimRef"]["name"]) == ("Bound", "data-demo")
    password = own_parts.secret("panosc-demo")
    with way_in(where, "catalogue-demo") as url:
        shown = httpx.get(f"{url}/api/Datasets", timeout=30).json()
        assert shown
        assert all(one["isPublic"] for one in shown)
        # Nobody can be asked whose token this is, so it gives nothing.
        asked = httpx.get(f"{url}/api/Datasets", headers={"Authorization": "Bearer x"}, timeout=30)
        assert asked.status_code >= 400 or all(one["isPublic"] for one in asked.json())

    facts = {"panosc": {**own_parts.values["panosc"], "open_data": "public"}}
    own_parts.put("upgrade", facts)
    assert own_parts.secret("panosc-demo") == password
    assert "open_data: public" in where.get("configmap", "panosc-policy")["data"]["panosc.yaml"]
    assert "homes-of-people-are-kept" in own_parts.helm("uninstall", "--wait")
    own_parts.put("install")
    assert until_bound(own_parts)


def until_bound(release: Release) -> bool:
    """Wait for the claim to find its volume again."""
    deadline = time.monotonic() + 60
    while release.namespace.get("pvc", "data-demo")["status"]["phase"] != "Bound":
        assert time.monotonic() < deadline
        time.sleep(0.5)
    return True
