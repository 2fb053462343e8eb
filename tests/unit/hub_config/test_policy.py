"""panosc.yaml: what it accepts, and what it refuses with the line where it stands."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from hub_config.policy import Limits, PolicyError, policy_schema, read_policy
from hub_config.policy.watching import current_policy

HEAD = "facility: F\nroots:\n  data: {path: data}\n"


def read(folder: Path, text: str) -> object:
    (folder / "panosc.yaml").write_text(text)
    return read_policy(folder / "panosc.yaml")


def proposals(*rows: str) -> str:
    return HEAD + "proposals:\n  list:\n" + "".join(f"    - {row}\n" for row in rows)


def test_the_schema_is_a_schema() -> None:
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(policy_schema())


def test_a_whole_policy(tmp_path: Path) -> None:
    (tmp_path / "table.json").write_text(
        json.dumps({"proposals": [{"id": "ma-2", "directory": "data/ma-2", "release_date": "2029-05-13", "local": 1}]})
    )
    text = (
        HEAD
        + """
proposals:
  files: [table.json]
  list:
    - {id: hc-1, directory: hc-1, gid: 51001, release_date: 2029-05-13, members: [alice]}
    - {id: open, directory: open, public: true}
open_data: public
accounts: {source: file, file: passwd, minimum: 500}
limits: {memory: 2G}
profiles:
  lab: {title: JupyterLab}
  large: {title: Large, groups: [staff], limits: {cpu: 8}, image: lab@sha256:00}
homes: {directory: /homes}
sessions: {named: 1, idle_timeout: 60, max_age: 0, fresh: 300}
hub: {address: 10.0.0.1, port: 80, public_url: "https://hub.example", state: s, announcement: Hello}
docker: {network: n, subnet: 10.9.0.0/24, prefix: p}
"""
    )
    policy = read(tmp_path, text)
    assert policy.proposals[0].directory == tmp_path / "data" / "hc-1"  # type: ignore[attr-defined]
    assert [p.id for p in policy.proposals] == ["hc-1", "open", "ma-2"]  # type: ignore[attr-defined]
    assert policy.proposals[0].release_date.year == 2029  # type: ignore[attr-defined]
    assert policy.accounts.file == tmp_path / "passwd"  # type: ignore[attr-defined]
    lab, large = policy.profiles  # type: ignore[attr-defined]
    assert (lab.limits, large.limits) == (Limits("2G"), Limits("2G", 8))
    assert (lab.limits.bytes, str(large.limits)) == (2 << 30, "8 cores · 2 GB")
    assert large.groups == {"staff"}
    assert lab.image.startswith("panosc-analysis/lab:")
    assert policy.hub.state == tmp_path / "s"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("facility: F\n", 1, "'roots' is a required"),
        ("roots: {data: {path: x}}\n", 1, "'facility' is a required"),
        (HEAD + "proposal: {}\n", 1, "'proposal' was unexpected"),
        (HEAD + "open_data: released\nopen_data: none\n", 5, "stands twice"),
        (HEAD + "open_data: all\n", 4, "open_data: 'all' is not one of"),
        (HEAD + "limits: {memory: 4096}\n", 4, "limits.memory"),
        (HEAD + "limits: {memory: 4Q}\n", 4, "limits.memory"),
        (HEAD + "limits: {cpu: 0}\n", 4, "limits.cpu"),
        (HEAD + "limits: {processes: 1}\n", 4, "limits.processes"),
        (HEAD + "accounts: {source: ldap}\n", 4, "accounts"),
        (HEAD + "accounts: {source: fixed, uid: 0, gid: 5}\n", 4, "accounts.uid"),
        (HEAD + "accounts: {source: fixed, uid: 1000}\n", 4, "'gid' is a required"),
        (HEAD + "accounts: {source: file}\n", 4, "'file' is a required"),
        (HEAD + "profiles: {}\n", 4, "profiles"),
        (HEAD + "profiles: {Lab: {title: x}}\n", 4, "Lab"),
        (HEAD + "profiles: {lab: {}}\n", 4, "'title' is a required"),
        (HEAD + "profiles: {lab: {title: x, user: root}}\n", 4, "'user' was unexpected"),
        (HEAD + "profiles: {lab: {title: x, kind: vm}}\n", 4, "profiles.lab.kind"),
        (HEAD + "homes: {directory: homes}\n", 4, "homes.directory"),
        (HEAD + "sessions: {fresh: 0}\n", 4, "sessions.fresh"),
        (HEAD + "hub: {public_url: hub.example}\n", 4, "hub.public_url"),
        (HEAD + "docker: {subnet: everything}\n", 4, "docker.subnet"),
        (HEAD + "x: [1\n", 5, "expected"),
        ("- a\n", 1, "is not of type 'object'"),
        ("", 1, "is not of type 'object'"),
        (proposals("{id: a}"), 6, "'directory' is a required"),
        (proposals("{id: a/b, directory: x}"), 6, "proposals.list[0].id"),
        (proposals("{id: '..', directory: x}"), 6, "proposals.list[0].id"),
        (proposals('{id: "a ", directory: x}'), 6, "proposals.list[0].id"),
        (proposals('{id: "a\\n", directory: x}'), 6, "proposals.list[0].id"),
        (proposals("{id: ä, directory: x}"), 6, "proposals.list[0].id"),
        (proposals("{id: a, directory: x, gid: 0}"), 6, "gid"),
        (proposals("{id: a, directory: x, public: 'yes'}"), 6, "public"),
        (proposals("{id: a, directory: x}", "{id: A, directory: y}"), 7, "there twice"),
        (proposals("{id: a, directory: ..}"), 6, "not below a root"),
        (proposals("{id: a, directory: .}"), 6, "a root itself is never mounted"),
        (proposals("{id: a, directory: /etc}"), 6, "not below a root"),
        (proposals("{id: a, directory: x/../../..}"), 6, "not below a root"),
        (proposals("{id: a, directory: x, root: other}"), 6, "no root 'other'"),
        (proposals("{id: a, directory: x}", "{id: b, directory: x/y}"), 4, "b lies inside a"),
        (proposals("{id: a, directory: x}", "{id: b, directory: x}"), 4, "same directory"),
        (HEAD + "proposals: {files: [gone.json]}\n", None, "No such file"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_line(tmp_path: Path, text: str, line: int | None, says: str) -> None:
    with pytest.raises(PolicyError) as refused:
        read(tmp_path, text)
    assert any(says in fault for fault in refused.value.faults), refused.value.faults
    if line is not None:
        assert f"panosc.yaml:{line}: " in str(refused.value)
    assert "nothing has been started" in str(refused.value)


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as refused:
        read(tmp_path, HEAD + "open_data: all\nlimits: {cpu: -1}\nhub: {port: 0}\n")
    assert len(refused.value.faults) == 3


def test_with_several_roots_a_proposal_says_which(tmp_path: Path) -> None:
    head = "facility: F\nroots: {a: {path: a}, b: {path: b}}\nproposals:\n  list:\n"
    with pytest.raises(PolicyError, match="one of a, b"):
        read(tmp_path, head + "    - {id: p, directory: p}\n")
    read(tmp_path, head + "    - {id: p, directory: p, root: b}\n")


@pytest.mark.parametrize(
    ("table", "directory", "lies"),
    [
        ("data/table.json", "p1", "data/p1"),  # among the data: beside it
        ("table.json", "data/p1", "data/p1"),
        ("office/table.json", "p1", "data/p1"),  # from elsewhere: below the only root
        ("office/table.json", "../data/p1", "data/p1"),
    ],
)
def test_a_directory_in_a_table_is_relative_to_it_or_to_the_only_root(
    tmp_path: Path, table: str, directory: str, lies: str
) -> None:
    (tmp_path / table).parent.mkdir(exist_ok=True)
    (tmp_path / table).write_text(json.dumps({"proposals": [{"id": "p1", "directory": directory}]}))
    policy = read(tmp_path, HEAD + f"proposals: {{files: [{table}]}}\n")
    assert policy.proposals[0].directory == tmp_path / lies  # type: ignore[attr-defined]


def test_a_directory_in_a_table_from_elsewhere_cannot_leave_the_root(tmp_path: Path) -> None:
    (tmp_path / "office").mkdir()
    (tmp_path / "office" / "table.json").write_text(json.dumps({"proposals": [{"id": "p1", "directory": "../../etc"}]}))
    with pytest.raises(PolicyError, match="not below a root"):
        read(tmp_path, HEAD + "proposals: {files: [office/table.json]}\n")


def test_a_link_that_leaves_the_root_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "p").symlink_to("/etc")
    with pytest.raises(PolicyError, match="not below a root"):
        read(tmp_path, proposals("{id: p, directory: p}"))


@pytest.mark.parametrize("date", ["", "soon", "2026-02-30", "[]", "null", "{a: 1}", "true"])
def test_an_unreadable_release_date_keeps_the_data_closed(tmp_path: Path, date: str) -> None:
    policy = read(tmp_path, proposals(f"{{id: a, directory: a, release_date: {date}}}".replace(": }", ": ''}")))
    [proposal] = policy.proposals  # type: ignore[attr-defined]
    assert proposal.release_date is None


def test_anchors_that_lead_back_to_themselves_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError):
        read(tmp_path, HEAD + "proposals: &p\n  list: [*p]\n")


def test_a_changed_file_is_read_anew_and_a_broken_one_never_passes(tmp_path: Path) -> None:
    path = tmp_path / "panosc.yaml"
    for name, text in (
        ("table.json", '{"proposals": []}'),
        ("panosc.yaml", HEAD + "proposals: {files: [table.json]}\n"),
    ):
        (tmp_path / name).write_text(text)
        os.utime(tmp_path / name, (1, 1))
    first = current_policy(path)
    assert current_policy(path) is first
    (tmp_path / "table.json").write_text('{"proposals": [{"id": "a", "directory": "data/a"}]}')
    assert [p.id for p in current_policy(path).proposals] == ["a"]
    path.write_text("facility: [")
    with pytest.raises(PolicyError):
        current_policy(path)
    with pytest.raises(PolicyError):
        current_policy(path)
