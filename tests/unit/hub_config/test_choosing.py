"""The choice of a profile, the announcement, and the access table as people read it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hub_config.access import Access, Mount, Refusal
from hub_config.announcements import Announcement, announce
from hub_config.explaining import as_table, check_tree, explain
from hub_config.policy import Profile, read_policy
from hub_config.profiles import ChoiceRefused, chosen_profile, form, options_from_form
from panosc_analysis.cli import main

LAB, LARGE = Profile("lab", "JupyterLab"), Profile("large", "Large <b>")
ACCESS = Access("alice", None, (), (Mount(Path("/d/p1"), "p1", "member of p1"),), (), (LAB, LARGE),
                (Refusal("gpu", "for members of staff only"),))  # fmt: skip


def test_without_a_choice_the_first_profile_starts() -> None:
    assert chosen_profile({}, ACCESS) is LAB
    assert chosen_profile({"profile": None}, ACCESS) is LAB


@pytest.mark.parametrize(
    "options",
    [None, [], "lab", 3, {"profile": 3}, {"profile": ["lab"]}, {"profile": "Lab"}, {"profile": "lab "}, {"image": "x"},
     {"profile": "lab", "image": "x"}, {"": ""}, {"profile": "lab", "env": {}}],
)  # fmt: skip
def test_anything_else_than_an_offered_name_is_refused(options: object) -> None:
    with pytest.raises(ChoiceRefused) as refused:
        chosen_profile(options, ACCESS)
    assert refused.value.status == 400


def test_a_profile_for_others_says_for_whom() -> None:
    with pytest.raises(ChoiceRefused, match="staff") as refused:
        chosen_profile({"profile": "gpu"}, ACCESS)
    assert refused.value.status == 403


def test_nobody_is_left_without_a_reason() -> None:
    with pytest.raises(ChoiceRefused, match="Ask the operator") as refused:
        chosen_profile({}, replace(ACCESS, profiles=()))
    assert refused.value.status == 403


def test_forms_pass_everything_on_so_that_nothing_hides() -> None:
    assert options_from_form({"profile": ["lab"], "image": ["x"], "_xsrf": ["t"]}) == {"profile": "lab", "image": "x"}
    assert options_from_form({"profile": ["a", "b"]}) == {"profile": ["a", "b"]}


def test_the_form_escapes_and_checks_the_last_choice() -> None:
    text = form(ACCESS, "large")
    assert "Large &lt;b&gt;" in text
    assert 'value="large" checked' in text
    assert 'value="lab" checked' in form(ACCESS, "gone")
    assert form(replace(ACCESS, profiles=(LAB,))) == ""


def test_an_announcement_is_read_at_every_page(tmp_path: Path) -> None:
    shown = Announcement(tmp_path / "a.txt", always="")
    assert not shown
    announce(tmp_path / "a.txt", "<script>1</script>")
    assert str(shown) == "&lt;script&gt;1&lt;/script&gt;"
    announce(tmp_path / "a.txt", " ")
    assert not shown
    assert str(Announcement(tmp_path / "a.txt", "always")) == "always"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    for name in ("p1", "open", "forgotten"):
        (tmp_path / "data" / name).mkdir(parents=True)
    (tmp_path / "data" / "p1").chmod(0o757)
    path = tmp_path / "panosc.yaml"
    path.write_text("""
facility: F
roots: {data: {path: data}}
proposals:
  list:
    - {id: p1, directory: p1, gid: 51001, release_date: 2999-01-01, members: [alice]}
    - {id: gone, directory: gone, release_date: 2999-01-01}
    - {id: open, directory: open, public: true}
""")
    return path


def test_explain_says_what_and_why_and_why_not(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = as_table(explain(read_policy(policy), "alice", None))
    assert [m["name"] for m in table["mounts"]] == ["p1", "open"]
    assert table["gids"] == [51001]
    assert "2999" in table["refused"][0]["reason"]
    assert main(["access", "explain", "bob", "--policy", str(policy)]) == 0
    said = capsys.readouterr().out
    assert "p1" in said
    assert "bob is not a member" in said
    assert "uid 1000" in said


def test_check_compares_the_policy_with_the_disks(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    findings = {(f.grade, f.where.split(" ")[0]): f.message for f in check_tree(read_policy(policy))}
    assert "would not start" in findings["error", "gone"]
    assert "forgotten belongs to no proposal" in findings["warning", "root"]
    assert ("warning", "p1") in findings
    assert main(["access", "check", "--policy", str(policy)]) == 1
    assert "errors: 1" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["access explain x", "access check", "announce hello"])
def test_a_policy_with_a_fault_is_said_in_lines(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "panosc.yaml").write_text("facility: F\n")
    assert main([*command.split(), "--policy", str(tmp_path / "panosc.yaml")]) == 1
    assert "panosc.yaml:1:" in capsys.readouterr().err


def test_what_a_session_calls_work(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    from hub_config.lab.activity import dask_work, kernels_at_work

    class Kernel:
        def __init__(self, state: str) -> None:
            self.execution_state = state

    now = datetime.now(UTC)
    kernels: list[Any] = [Kernel("idle"), object()]
    assert kernels_at_work(kernels, now) is None
    assert kernels_at_work([*kernels, Kernel("busy")], now) == now
    mark = tmp_path / "mark"
    assert dask_work(mark) is None
    mark.touch()
    os.utime(mark, (100, 100))
    assert dask_work(mark) == datetime.fromtimestamp(100, UTC)


@pytest.mark.parametrize("desktop", [False, True])
def test_the_demo_writes_a_policy_that_holds(desktop: bool, tmp_path: Path) -> None:
    from panosc_analysis.cli.demo import demo_policy
    from panosc_analysis.cli.up import DESKTOP

    (tmp_path / "facility").mkdir()
    (tmp_path / "facility" / "facility.json").write_text('{"proposals": [{"id": "a", "directory": "a"}]}')
    policy = read_policy(demo_policy(tmp_path, DESKTOP if desktop else ""))
    assert [p.kind for p in policy.profiles] == ["lab", "desktop"][: 1 + desktop]
    assert policy.hub.state == tmp_path / "hub"


def test_in_a_hubs_pod_the_announcement_needs_no_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cluster.yaml").write_text(f"state: {tmp_path}\nroots: {{data: {{claim: data}}}}\n")
    monkeypatch.setenv("PANOSC_CLUSTER", str(tmp_path / "cluster.yaml"))
    assert main(["announce", "Hello"]) == 0
    assert str(Announcement(tmp_path / "announcement.txt")) == "Hello"
