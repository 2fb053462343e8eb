"""A wrong value is refused with its path, by the schema that checks panosc.yaml; good ones are taken."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.helm.charts import CHART, GOOD, Chart, merged

IDENTITY = {
    "provider": "keycloak",
    "issuer": "https://login.example.org",
    "callback_url": "https://a.example.org/hub/oauth_callback",
}


def policy(**change: Any) -> dict[str, Any]:
    return merged(GOOD, {"panosc": change})


def proposal(**change: Any) -> dict[str, Any]:
    row = merged({"id": "P-1", "directory": "p1"}, change)
    return policy(proposals={"list": [row]})


def data(**volume: Any) -> dict[str, Any]:
    return {**GOOD, "data": {"visitor": volume}}


BAD: dict[str, tuple[Mapping[str, Any], str]] = {
    "no policy": ({**GOOD, "panosc": {}}, "/panosc"),
    "policy is a text": ({**GOOD, "panosc": "panosc.yaml"}, "/panosc"),
    "no facility": (policy(facility=None), "/panosc"),
    "empty facility": (policy(facility=""), "/panosc/facility"),
    "unknown section": (policy(proposal={}), "/panosc"),
    "no root": ({**GOOD, "panosc": {"facility": "x", "roots": {}}}, "/panosc/roots"),
    "root without path": (policy(roots={"visitor": {"path": None}}), "/panosc/roots/visitor"),
    "root's name": (policy(roots={"Visitor": {"path": "/x"}}), "/panosc/roots"),
    "root with a typing error": (policy(roots={"visitor": {"paht": "/x"}}), "/panosc/roots/visitor"),
    "proposals as a list": (policy(proposals=[]), "/panosc/proposals"),
    "proposal without directory": (proposal(directory=None), "/panosc/proposals/list/0"),
    "proposal's id": (proposal(id="../p2"), "/panosc/proposals/list/0/id"),
    "proposal's gid is root's": (proposal(gid=0), "/panosc/proposals/list/0/gid"),
    "proposal's gid is a text": (proposal(gid="users"), "/panosc/proposals/list/0/gid"),
    "public is a text": (proposal(public="yes"), "/panosc/proposals/list/0/public"),
    "members is a name": (proposal(members="alice"), "/panosc/proposals/list/0/members"),
    "unknown column": (proposal(embargo="2030-01-01"), "/panosc/proposals/list/0"),
    "open data": (policy(open_data="everything"), "/panosc/open_data"),
    "accounts without source": (policy(accounts={"uid": 1000}), "/panosc/accounts"),
    "fixed account without number": (policy(accounts={"source": "fixed"}), "/panosc/accounts"),
    "account of root": (policy(accounts={"source": "fixed", "uid": 0, "gid": 0}), "/panosc/accounts/uid"),
    "account number too large": (policy(accounts={"source": "fixed", "uid": 2**32, "gid": 1}), "/panosc/accounts/uid"),
    "profile without title": (policy(profiles={"lab": {"kind": "lab"}}), "/panosc/profiles/lab"),
    "profile's kind": (policy(profiles={"lab": {"title": "Lab", "kind": "vnc"}}), "/panosc/profiles/lab/kind"),
    "profile's groups": (policy(profiles={"lab": {"title": "Lab", "groups": "staff"}}), "/panosc/profiles/lab/groups"),
    "no profile": (policy(profiles={}), "/panosc/profiles"),
    "memory without unit": (policy(limits={"memory": "4"}), "/panosc/limits/memory"),
    "memory as a number": (policy(limits={"memory": 4}), "/panosc/limits/memory"),
    "no core": (policy(limits={"cpu": 0}), "/panosc/limits/cpu"),
    "too few processes": (policy(limits={"processes": 8}), "/panosc/limits/processes"),
    "named servers": (policy(sessions={"named": -1}), "/panosc/sessions/named"),
    "idle timeout": (policy(sessions={"idle_timeout": "2h"}), "/panosc/sessions/idle_timeout"),
    "public address": (policy(hub={"public_url": "analysis.example.org"}), "/panosc/hub/public_url"),
    "identity without provider": (policy(identity={"callback_url": IDENTITY["callback_url"]}), "/panosc/identity"),
    "unknown provider": (policy(identity={**IDENTITY, "provider": "google"}), "/panosc/identity/provider"),
    "secret in the values": (
        policy(identity={**IDENTITY, "client_secret": "s3cret"}),
        "/panosc/identity/client_secret",
    ),
    "callback": (
        policy(identity={**IDENTITY, "callback_url": "https://a.example.org/"}),
        "/panosc/identity/callback_url",
    ),
    "mutable name": (
        policy(identity={**IDENTITY, "user_name": {"claim": "email"}}),
        "/panosc/identity/user_name/claim",
    ),
    "age of memberships": (policy(identity={**IDENTITY, "refresh": {"age": 0}}), "/panosc/identity/refresh/age"),
    "two places of data": (data(hostPath={"path": "/x"}, existingClaim="x"), "/data/visitor"),
    "no place of data": (data(capacity="1Ti"), "/data/visitor"),
    "relative host path": (data(hostPath={"path": "data"}), "/data/visitor/hostPath/path"),
    "the host's root": (data(hostPath={"path": "/"}), "/data/visitor/hostPath/path"),
    "nfs without server": (data(nfs={"path": "/x"}), "/data/visitor/nfs"),
    "csi without handle": (data(csi={"driver": "x"}), "/data/visitor/csi"),
    "claim's name": (data(existingClaim="My Claim"), "/data/visitor/existingClaim"),
    "unknown volume": (data(gluster={"path": "/x"}), "/data/visitor"),
    "kind of homes": ({**GOOD, "homes": {"kind": "volumes"}}, "/homes/kind"),
    "size of homes": ({**GOOD, "homes": {"capacity": "ten"}}, "/homes/capacity"),
    "catalogue as root": ({**GOOD, "catalogue": {"uid": 0}}, "/catalogue/uid"),
    "schedule": ({**GOOD, "catalogue": {"index": {"schedule": "often"}}}, "/catalogue/index/schedule"),
    "egress to everywhere": ({**GOOD, "network": {"sessions": [{"ports": [{"port": 443}]}]}}, "/network/sessions/0"),
    "quota": ({**GOOD, "resourceQuota": {"pods": "10"}}, "/resourceQuota"),
    "interval": ({**GOOD, "metrics": {"serviceMonitor": {"interval": "often"}}}, "/metrics/serviceMonitor/interval"),
    "unknown value": ({**GOOD, "demo": True}, ""),
    "demo people": ({**GOOD, "demoPeople": "yes"}, "/demoPeople"),
}

FULL = policy(
    roots={"open": {"path": "/data/open"}},
    open_data="public",
    accounts={"source": "claim", "minimum": 2000},
    profiles={
        "large": {
            "title": "Large",
            "groups": ["staff"],
            "image": "registry.example.org/lab@sha256:" + "0" * 64,
            "limits": {"cpu": 0.5, "memory": "1.5T"},
        }
    },
    sessions={"named": 0, "idle_timeout": 0},
    identity={
        **IDENTITY,
        "group_claim": {"claim": "groups", "proposal_prefix": "/proposals/"},
        "client_secret": "file:/etc/panosc/identity/secret",
    },
)
TAKEN: dict[str, Mapping[str, Any]] = {
    "as small as can be": GOOD,
    "much of it": {
        **FULL,
        "demoPeople": False,
        "data": {
            "visitor": {"nfs": {"server": "nas", "path": "/v"}, "mountOptions": ["nfsvers=4.2"]},
            "open": {"existingClaim": "open"},
        },
        "homes": {
            "kind": "shared",
            "volume": {"csi": {"driver": "d", "volumeHandle": "h", "volumeAttributes": {"a": "b"}}, "capacity": "2Ti"},
        },
        "network": {"sessions": [{"to": [{"ipBlock": {"cidr": "203.0.113.5/32"}}], "ports": [{"port": 443}]}]},
        "resourceQuota": {"hard": {"pods": "500"}},
        "limitRange": [{"type": "Container", "default": {"memory": "1Gi"}}],
        "metrics": {
            "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
            "dashboard": {"enabled": True},
        },
    },
    "no catalogue": {**GOOD, "catalogue": {"enabled": False}},
}


def refusals(values: Mapping[str, Any]) -> Iterator[str]:
    """Paths at which the committed schema refuses `values`."""
    validator = Draft202012Validator(json.loads((CHART / "values.schema.json").read_text(encoding="utf-8")))
    todo = list(validator.iter_errors(dict(values)))
    while todo:
        error = todo.pop()
        yield "".join(f"/{part}" for part in error.absolute_path)
        todo.extend(error.context or ())


def test_the_committed_schema_is_what_the_generator_writes(repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(repository / "helm" / "values-schema"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", BAD)
def test_a_bad_value_is_refused_at_its_path(name: str) -> None:
    values, path = BAD[name]
    assert path in set(refusals(values))


@pytest.mark.parametrize("name", TAKEN)
def test_good_values_are_taken(name: str) -> None:
    assert list(refusals(TAKEN[name])) == []


@pytest.mark.parametrize("name", TAKEN)
def test_helm_takes_good_values(chart: Chart, name: str) -> None:
    done = chart.run("lint", TAKEN[name], "--strict")
    assert done.returncode == 0, done.stdout
    assert chart.rendered(TAKEN[name])


def test_helm_refuses_every_bad_value_with_its_path(chart: Chart) -> None:
    taken = {}
    for name, (values, path) in BAD.items():
        said = chart.refusal(values)
        # helm gives a name that is none without the place it stands at.
        if f"at '{path}" not in said and "invalid propertyName 'Visitor'" not in said:
            taken[name] = said
    assert taken == {}
    assert len(BAD) >= 40
