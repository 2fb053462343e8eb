"""Who sees what: the access table, from groups and dates alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub_config.access import access_for
from hub_config.registry import Proposal, Registry

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=900)


def registry(**changes: object) -> Registry:
    closed = Proposal("hc-1", "closed", Path("/data/hc-1"), release_date=LATER)
    other = Proposal("ma-2", "other", Path("/data/ma-2"), release_date=LATER)
    free = Proposal("open", "open", Path("/data/open"), public=True)
    return Registry("facility", (closed, other, free))


def mounted(*groups: str) -> set[str]:
    return {m.name for m in access_for("alice", groups, registry(), NOW).mounts}


def test_a_member_sees_her_proposal_and_the_open_data() -> None:
    assert mounted("proposal-hc-1") == {"hc-1", "open"}


def test_a_person_without_groups_sees_open_data_only() -> None:
    assert mounted() == {"open"}


@pytest.mark.parametrize(
    "group", ["operators", "instructors", "hc-1", "proposal-", "proposal-hc", "PROPOSAL-HC-1", "*"]
)
def test_nothing_but_the_exact_group_opens_a_proposal(group: str) -> None:
    assert mounted(group) == {"open"}


def test_every_refusal_has_its_reason() -> None:
    refusals = access_for("alice", ["proposal-hc-1"], registry(), NOW).refusals
    assert [r.proposal for r in refusals] == ["ma-2"]
    assert "2029-05" in refusals[0].reason
    assert "alice" in refusals[0].reason


def test_each_proposal_has_a_mount_of_its_own_and_never_a_parent() -> None:
    mounts = access_for("alice", ["proposal-hc-1", "proposal-ma-2"], registry(), NOW).mounts
    sources = [m.source for m in mounts]
    assert len(set(sources)) == 3
    assert not any(a in b.parents for a in sources for b in sources)


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
