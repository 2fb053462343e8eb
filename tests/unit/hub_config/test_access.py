"""Who gets what: the access table, from groups, dates and rules alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub_config.access import Access, Person, access_for
from hub_config.people import person_known_to_the_hub, person_signed_in
from hub_config.policy import Accounts, Policy, Profile, Sessions
from hub_config.registry import Proposal

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=900)
LAB, GPU = Profile("lab", "JupyterLab"), Profile("gpu", "With a GPU", groups=frozenset({"staff"}))


def policy(**changes: Any) -> Policy:
    closed = Proposal("HC-1", "closed", Path("/data/hc-1"), gid=5001, release_date=LATER)
    other = Proposal("ma-2", "other", Path("/data/ma-2"), gid=5002, release_date=LATER)
    free = Proposal("open", "open", Path("/data/open"), public=True)
    past = Proposal("past", "released", Path("/data/past"), gid=5003, release_date=NOW - timedelta(days=1))
    settings: dict[str, Any] = {
        "path": Path("panosc.yaml"), "facility": "F", "roots": {"data": Path("/data")},
        "proposals": (closed, other, free, past), "profiles": (LAB, GPU),
    }  # fmt: skip
    return Policy(**settings | changes)


def access(*groups: str, rule: Policy | None = None, **changes: Any) -> Access:
    person = Person("alice", frozenset(groups), **{"confirmed": NOW} | changes)
    return access_for(person, rule or policy(), NOW)


def mounted(*groups: str, **changes: Any) -> set[str]:
    return {m.name for m in access(*groups, **changes).mounts}


def test_a_member_sees_her_proposal_and_the_open_data() -> None:
    assert mounted("proposal-hc-1") == {"HC-1", "open", "past"}


def test_a_person_without_groups_sees_open_data_only() -> None:
    assert mounted() == {"open", "past"}


@pytest.mark.parametrize(
    "group", ["operators", "instructors", "hc-1", "HC-1", "proposal-", "proposal-hc", "proposal-HC-1", "*"]
)
def test_nothing_but_the_exact_group_opens_a_proposal(group: str) -> None:
    assert mounted(group) == {"open", "past"}


def test_every_refusal_has_its_reason() -> None:
    refusals = access("proposal-hc-1").refusals
    assert [r.name for r in refusals] == ["ma-2"]
    assert "2029-05" in refusals[0].reason
    assert "alice" in refusals[0].reason


def test_each_proposal_has_a_mount_of_its_own_and_never_a_parent() -> None:
    sources = [m.source for m in access("proposal-hc-1", "proposal-ma-2").mounts]
    assert len(set(sources)) == 4
    assert not any(a in b.parents for a in sources for b in sources)


def test_supplementary_groups_are_those_of_the_mounts() -> None:
    assert access().gids == (5003,)
    assert access("proposal-hc-1").gids == (5001, 5003)


def test_only_membership_makes_a_mount_embargoed() -> None:
    assert access("proposal-hc-1", "proposal-open").embargoed == ("HC-1",)


@pytest.mark.parametrize(("rule", "names"), [("released", {"open", "past"}), ("public", {"open"}), ("none", set())])
def test_the_facility_says_what_is_open(rule: Any, names: set[str]) -> None:
    assert mounted(rule=policy(open_data=rule)) == names


@pytest.mark.parametrize(
    ("confirmed", "sees"),
    [(NOW, True), (NOW - timedelta(seconds=599), True), (NOW - timedelta(seconds=601), False), (None, False)],
)
def test_embargoed_data_need_a_recent_confirmation(confirmed: datetime | None, sees: bool) -> None:
    rule = policy(sessions=Sessions(fresh=600))
    found = access("proposal-hc-1", rule=rule, confirmed=confirmed)
    assert ("HC-1" in {m.name for m in found.mounts}) is sees
    assert {"open", "past"} <= {m.name for m in found.mounts}
    if not sees:
        assert "confirmed" in found.refusals[0].reason


def test_a_badly_identified_member_sees_open_data_only() -> None:
    found = access("proposal-hc-1", assured=False)
    assert {m.name for m in found.mounts} == {"open", "past"}
    assert "identity" in found.refusals[0].reason


def test_profiles_are_offered_by_group() -> None:
    assert access().profiles == (LAB,)
    assert "staff" in access().refused_profiles[0].reason
    assert access("staff").profiles == (LAB, GPU)


@pytest.mark.parametrize(
    ("release", "is_open"),
    [
        (NOW - timedelta(seconds=1), True),
        (NOW, True),
        (NOW + timedelta(seconds=1), False),
        (None, False),
        (datetime(9999, 12, 31, tzinfo=UTC), False),
        (datetime(2026, 11, 23, 14, tzinfo=datetime.strptime("+03:00", "%z").tzinfo), True),
    ],
)
def test_the_embargo_ends_at_its_moment(release: datetime | None, is_open: bool) -> None:
    assert Proposal("p", "", Path("/p"), release_date=release).is_open(NOW) is is_open


@pytest.mark.parametrize(
    ("claims", "number"),
    [
        ({"uid": 20001, "gid": 20000}, (20001, 20000)),
        ({"uid": "20001", "gid": "20000"}, (20001, 20000)),
        ({"uid": 0, "gid": 20000}, None),
        ({"uid": 999, "gid": 20000}, None),
        ({"uid": 20001, "gid": 0}, None),
        ({"uid": True, "gid": 20000}, None),
        ({"uid": -5, "gid": 20000}, None),
        ({"uid": "２０００１", "gid": 20000}, None),
        ({"uid": 2**32 - 1, "gid": 20000}, None),
        ({"uid": 20001.0, "gid": 20000}, None),
        ({"uid": [20001], "gid": 20000}, None),
        ({"uid": 20001}, None),
        ({}, None),
    ],
)
def test_numbers_from_claims_are_checked(claims: Mapping[str, object], number: tuple[int, int] | None) -> None:
    found = access(rule=policy(accounts=Accounts("claim")), claims=claims)
    assert (found.account and (found.account.uid, found.account.gid)) == number
    assert bool(found.no_account) is (number is None)


def test_numbers_from_a_file_or_the_system(tmp_path: Path) -> None:
    file = tmp_path / "passwd"
    file.write_text("root:x:0:0::/root:/bin/sh\nalice:x:20001:20000:A:/home/alice:/bin/sh\nbad:x:y:z\n")
    listed = policy(accounts=Accounts("file", file=file))
    found = access(rule=listed).account
    assert found is not None
    assert (found.uid, found.gid) == (20001, 20000)
    for name in ("root", "bad", "nobody-there", ""):
        assert access_for(Person(name, frozenset()), listed, NOW).account is None
    assert access_for(Person("x", frozenset(), claims={"account": "alice"}), listed, NOW).account == found
    gone = policy(accounts=Accounts("file", file=tmp_path / "gone"))
    assert "cannot be read" in access(rule=gone).no_account
    system = policy(accounts=Accounts("system"))
    assert "below 1000" in access_for(Person("root", frozenset()), system, NOW).no_account
    assert "no account" in access_for(Person("nobody\0", frozenset()), system, NOW).no_account


@pytest.mark.parametrize(
    "state",
    [None, {}, {"panosc": None}, {"panosc": []},
     {"panosc": {"refreshed_at": "now"}}, {"panosc": {"refreshed_at": True}},
     {"panosc": {"refreshed_at": 1e300}}, {"panosc": {"refreshed_at": -1}}, {"panosc": {"refreshed_at": float("nan")}}],
)  # fmt: skip
def test_what_is_malformed_in_auth_state_confirms_nothing(state: Any) -> None:
    assert person_signed_in("alice", ["proposal-hc-1"], state).confirmed is None


def test_what_the_last_refresh_left_confirms() -> None:
    state = {"panosc": {"refreshed_at": NOW.timestamp(), "claims": {"uid": 5}, "withheld": ["IAP/medium"]}}
    person = person_signed_in("alice", ["g"], state)
    assert (person.confirmed, person.claims, person.assured) == (NOW, {"uid": 5}, False)
    assert person_known_to_the_hub("alice", ["g"], NOW).confirmed == NOW
