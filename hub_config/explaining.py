"""Who gets what and why, and why not: the access table as people read it, and what a policy finds on disk."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from hub_config.access import Access, Person, access_for

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from hub_config.policy import Policy
    from hub_config.registry import Proposal

__all__ = ["Finding", "as_table", "check_tree", "explain"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the tree that an operator should know; an ``error`` keeps people from their data."""

    grade: Literal["error", "warning"]
    where: str
    message: str


def explain(policy: Policy, name: str, groups: Collection[str] | None, now: datetime | None = None) -> Access:
    """Decide what `name` would get if she logged in now.

    Parameters
    ----------
    policy
        The rules.
    name
        Name in the hub.
    groups
        Hub groups; ``None`` takes the proposals whose tables name her as a member.
    now
        Moment of the decision.
    """
    moment = now or datetime.now(UTC)
    if groups is None:
        groups = [p.group for p in policy.proposals if name in p.members]
    claims: dict[str, object] = {}
    return access_for(Person(name, frozenset(groups), confirmed=moment, claims=claims), policy, moment)


def as_table(access: Access) -> dict[str, Any]:
    """Return the decision as plain values, for programs."""
    account = access.account
    return {
        "person": access.person,
        "uid": account.uid if account else None,
        "gid": account.gid if account else None,
        "account": account.reason if account else access.no_account,
        "gids": list(access.gids),
        "mounts": [{"name": m.name, "source": str(m.source), "reason": m.reason} for m in access.mounts],
        "refused": [{"name": r.name, "reason": r.reason} for r in access.refusals],
        "profiles": [
            {"name": p.name, "title": p.title, "image": p.image, "limits": str(p.limits)} for p in access.profiles
        ],
        "refused_profiles": [{"name": r.name, "reason": r.reason} for r in access.refused_profiles],
    }


def check_tree(policy: Policy) -> list[Finding]:
    """Compare a policy with the directories it names. Changes nothing; costs one look at each directory.

    Returns
    -------
    list of Finding
        Errors first: what people would miss, and what would show them more than their own.
    """
    findings = [finding for proposal in policy.proposals for finding in _check(proposal, policy)]
    findings += _unlisted(policy)
    with_group = sum(p.gid is not None for p in policy.proposals)
    if with_group > 16:
        message = f"{with_group} proposals have a gid; NFS with AUTH_SYS passes on only 16 of a person's groups"
        findings.append(Finding("warning", "proposals", message))
    return sorted(findings, key=lambda one: (one.grade != "error", one.where))


def _check(proposal: Proposal, policy: Policy) -> Iterator[Finding]:
    where = f"{proposal.id} ({proposal.directory})"
    try:
        found = proposal.directory.stat()
    except OSError as error:
        yield Finding("error", where, f"{error.strerror}; sessions of its members would not start")
        return
    if not stat.S_ISDIR(found.st_mode):
        yield Finding("error", where, "is not a directory")
        return
    if not any(root in proposal.directory.resolve().parents for root in policy.roots.values()):
        yield Finding("error", where, "leads out of the roots through a link")
    if proposal.gid is not None and found.st_gid != proposal.gid and not found.st_mode & stat.S_IROTH:
        yield Finding(
            "error", where, f"belongs to group {found.st_gid}, not {proposal.gid}: its members cannot read it"
        )
    closed = not proposal.is_open(datetime.now(UTC))
    if closed and found.st_mode & stat.S_IROTH:
        message = "is embargoed and readable for everybody on this host; the mounts alone protect it (chmod o-rwx)"
        yield Finding("warning", where, message)
    if found.st_mode & stat.S_IWOTH:
        yield Finding("warning", where, "is writable for everybody on this host (chmod o-w)")


def _unlisted(policy: Policy) -> Iterator[Finding]:
    listed = {one.directory for one in policy.proposals}
    for name, root in policy.roots.items():
        try:
            entries = sorted(os.scandir(root), key=lambda one: one.name)
        except OSError as error:
            yield Finding("error", f"root {name} ({root})", str(error.strerror))
            continue
        for entry in entries:
            path = root / entry.name
            known = path in listed or any(path in one.parents for one in listed)
            if entry.is_dir(follow_symlinks=False) and not known and not entry.name.startswith("."):
                yield Finding("warning", f"root {name}", f"{entry.name} belongs to no proposal: nobody sees it")
