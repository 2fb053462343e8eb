"""A session's container as data: what it is made of, and what it can never be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hub_config.access import Access, Mount
from hub_config.accounts import Account
from hub_config.policy import Docker, Limits, Profile
from hub_config.spawning.container import prepare
from hub_config.spawning.containers import container, group_file, passwd_file
from hub_config.spawning.homes import home_of
from hub_config.spawning.mounted import nested_mounts
from hub_config.spawning.network import SessionNetwork, filter_rules
from hub_config.spawning.session import SessionRefused

ACCOUNT = Account(20001, 20000, "")
MOUNTS = (Mount(Path("/data/p1"), "p1", "member", embargoed=True), Mount(Path("/data/open{x}"), "open", "open data"))
GRANTED = Access("alice", ACCOUNT, (51001, 51002), MOUNTS, (), (), ())
PROFILE = Profile("lab", "Lab", image="lab@sha256:00", limits=Limits("2G", 1.5, 300))


def made(nested: Any = None, granted: Access = GRANTED) -> Any:
    return container(
        granted, PROFILE, name="p-alice", server="", home={"Type": "volume", "Source": "home"},
        files={"/etc/passwd": Path("/state/passwd")}, network="sessions", nested=nested,
    )  # fmt: skip


def test_a_container_is_hardened_whatever_was_granted() -> None:
    host, create = made().host, made().create
    assert host["cap_drop"] == ["ALL"]
    assert "cap_add" not in host
    assert host["security_opt"] == ["no-new-privileges:true"]
    assert host["read_only"] is True
    assert "privileged" not in host
    assert host["network_mode"] == "sessions"
    assert create["user"] == "20001:20000"
    assert host["group_add"] == ["51001", "51002"]
    assert (host["mem_limit"], host["memswap_limit"], host["pids_limit"]) == (2 << 30, 2 << 30, 300)
    assert host["cpu_quota"] / host["cpu_period"] == 1.5


def test_everything_but_the_home_is_mounted_read_only() -> None:
    mounts = made().host["mounts"]
    assert [m["Target"] for m in mounts if not m.get("ReadOnly")] == ["/home/jovyan"]
    assert "ro" in made().host["tmpfs"]["/data"].split(",")


def test_each_proposal_is_a_bind_of_its_own_below_data() -> None:
    binds = {m["Target"]: m["Source"] for m in made().host["mounts"] if m["Target"].startswith("/data")}
    assert binds == {"/data/p1": "/data/p1", "/data/open": "/data/open{x}"}


def test_a_new_daemon_must_make_binds_read_only_recursively() -> None:
    data = [m for m in made(None).host["mounts"] if m["Target"].startswith("/data")]
    assert all(m["BindOptions"]["ReadOnlyForceRecursive"] for m in data)


def test_for_an_old_daemon_every_file_system_is_a_bind_of_its_own() -> None:
    data = [m for m in made({"p1": [Path("a"), Path("a/b")]}).host["mounts"] if m["Target"].startswith("/data")]
    assert [m["Target"] for m in data] == ["/data/p1", "/data/p1/a", "/data/p1/a/b", "/data/open"]
    assert all(m["ReadOnly"] and m["BindOptions"]["NonRecursive"] for m in data)


def test_nobody_without_a_number_gets_a_container() -> None:
    with pytest.raises(ValueError, match="numbers"):
        made(granted=Access("alice", None, (), (), (), (), ()))


@pytest.mark.parametrize(
    ("person", "name"),
    [("alice", "alice"), ("root", "scientist"), ("a:b", "scientist"), ("x\ny", "scientist"), ("f" * 64, "scientist"),
     ("9a", "scientist"), ("a b", "scientist"), ("", "scientist")],
)  # fmt: skip
def test_names_in_passwd_are_plain(person: str, name: str) -> None:
    lines = passwd_file(person, ACCOUNT).splitlines()
    assert lines[1].split(":")[:4] == [name, "x", "20001", "20000"]
    assert len(lines) == 2


def test_groups_are_called_as_their_proposals() -> None:
    assert group_file(GRANTED, ACCOUNT, {51001: "p1"}).splitlines() == [
        "root:x:0:", "users:x:20000:", "p1:x:51001:", "group51002:x:51002:",
    ]  # fmt: skip


def test_homes_are_volumes_or_directories() -> None:
    assert home_of("alice", "pan", None).mount["Source"] == "pan-home-alice"
    assert home_of("alice", "pan", Path("/homes")).mount["Source"] == "/homes/alice"


MOUNTINFO = """\
20 1 254:0 / / rw - ext4 /dev/vda rw
21 20 0:30 / /data/p1/a\\040b rw - tmpfs tmpfs rw
22 20 0:31 / /data/p1/a\\040b/c rw - tmpfs tmpfs rw
23 20 0:32 / /data/p10/x rw - tmpfs tmpfs rw
24 20 0:33 / /data/p1 rw - nfs server:/p1 rw
"""


def test_mount_points_below_a_directory() -> None:
    assert nested_mounts(Path("/data/p1"), MOUNTINFO) == [Path("a b"), Path("a b/c")]
    assert nested_mounts(Path("/data/p2"), MOUNTINFO) == []


def test_the_host_answers_sessions_on_the_doors_and_nowhere_else() -> None:
    version4, version6 = filter_rules(SessionNetwork(Docker().network, "pan-1", "172.30.0.1"), [8081, 8010])
    lines = [line for line in version4.splitlines() if line.startswith("-A")]
    assert lines[0].endswith("--ctstate ESTABLISHED,RELATED -j ACCEPT")
    assert [line for line in lines if "--dport" in line] == [
        f"-A PANOSC-pan-1 -d 172.30.0.1/32 -p tcp --dport {port} -j ACCEPT" for port in (8081, 8010)
    ]
    assert lines[-1] == "-A PANOSC-pan-1 -j REJECT"
    assert "ACCEPT" not in version6


READ_ONLY = "64 63 0:5 / /data ro - tmpfs tmpfs rw\n65 64 254:0 /p1 /data/p1 ro - ext4 /dev/vda rw\n"


def test_a_session_prepares_its_home_once(tmp_path: Path) -> None:
    tutorials = tmp_path / "tutorials"
    tutorials.mkdir()
    (tutorials / "one.ipynb").write_text("{}")
    home = tmp_path / "home"
    home.mkdir()
    prepare(Path("/data"), home, tutorials, READ_ONLY)
    assert (home / "data").readlink() == Path("/data")
    assert (home / "tutorials" / "one.ipynb").exists()
    (home / "tutorials" / "one.ipynb").unlink()
    prepare(Path("/data"), home, tutorials, READ_ONLY)
    assert not (home / "tutorials" / "one.ipynb").exists(), "what a person threw away does not come back"


def test_a_session_whose_data_could_be_written_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(SessionRefused, match="/data/p1"):
        prepare(Path("/data"), tmp_path, None, READ_ONLY.replace("/data/p1 ro", "/data/p1 rw"))
    assert not (tmp_path / "data").exists()


def test_what_is_in_the_place_of_the_data_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(SessionRefused, match="Move it elsewhere"):
        prepare(Path("/data"), tmp_path, None, READ_ONLY)
