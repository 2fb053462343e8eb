"""Three people, three proposals and open data: every cell proven from inside every session."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import pytest

from tests.sessions.conftest import Running
from tests.sessions.facility import MEMBERS, PROPOSALS

LOOK = """
import json, os
def attempt(path):
    try:
        return open(path).read()
    except OSError as error:
        return error.errno
proposals = {proposals!r}
data = os.path.expanduser("~/data")
mounts = [line.split() for line in open("/proc/self/mountinfo")]
print(json.dumps({{
    "listing": sorted(os.listdir(data)),
    "canary": {{p: attempt(f"{{data}}/{{p}}/canary.txt") for p in proposals}},
    "host": {{p: attempt(f"{root}/{{p}}/canary.txt") for p in proposals}},
    "sources": [fields[3] for fields in mounts],
    "writable": [fields[4] for fields in mounts
                 if (fields[4] + "/").startswith(os.path.realpath(data) + "/") and "ro" not in fields[5].split(",")],
    "ids": [os.getuid(), os.getgid(), sorted(os.getgroups())],
}}))
"""
ENOENT = 2


def test_everybody_sees_exactly_her_data(running: Running, say: Callable[[str], None]) -> None:
    cells = leaks = 0
    everything = (*PROPOSALS, "open")
    root = str(running.tree.root)
    for name, person in running.people.items():
        seen = person.asked(LOOK.format(proposals=everything, root=root))
        mine = {*MEMBERS[name], "open"}
        assert seen["listing"] == sorted(mine)
        assert seen["writable"] == []
        for proposal in everything:
            cells += 1
            if proposal in mine:
                assert seen["canary"][proposal] == f"canary of {proposal}"
                assert running.tree.mounted(seen["sources"], proposal)
                continue
            absent = seen["canary"][proposal] == ENOENT
            unmounted = not running.tree.mounted(seen["sources"], proposal)
            # A process of one account can reach what that account can: that backend isolates nobody, and says so.
            beyond = running.platform.kind == "local" or seen["host"][proposal] == ENOENT
            leaks += not (absent and unmounted and beyond)
    say(f"access matrix, {running.platform.kind}: {leaks} leaks of {cells} cells")
    assert cells == 12
    assert leaks == 0


def test_a_parent_of_the_proposals_is_mounted_nowhere(running: Running) -> None:
    for person in running.people.values():
        seen = person.asked(LOOK.format(proposals=(), root="/nowhere"))
        assert not running.tree.mounted(seen["sources"])


def test_a_session_runs_under_the_persons_own_numbers(running: Running) -> None:
    numbers = {
        name: person.asked(LOOK.format(proposals=(), root="/"))["ids"] for name, person in running.people.items()
    }
    if running.platform.kind == "local":
        # Processes of the hub's own account, which that backend says plainly.
        assert {tuple(ids[:2]) for ids in numbers.values()} == {(os.getuid(), os.getgid())}
        return
    assert numbers == {
        "alice": [20001, 20001, [20001, 51001, 51002]],
        "bob": [20002, 20002, [20002, 51002]],
        "carol": [20003, 20003, [20003, 51003]],
    }


def test_what_is_mounted_below_a_proposal_is_there(running: Running) -> None:
    if not running.nested:
        pytest.skip("only root can mount a file system below the data first")
    code = "import os; print(open(os.path.expanduser('~/data/p1/nested/below.txt')).read())"
    assert running.people["alice"].run(code).strip() == "below a mount"


def test_every_start_is_on_record_with_its_mounts(running: Running) -> None:
    lines = (running.platform.settings.state / "logs" / "audit.jsonl").read_text().splitlines()
    rows = {row["person"]: row for row in map(json.loads, lines) if row["event"] == "start"}
    assert {name: sorted(row["mounts"]) for name, row in rows.items()} == {
        name: sorted([*theirs, "open"]) for name, theirs in MEMBERS.items()
    }
