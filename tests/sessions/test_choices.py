"""What a person may choose of her session, by form, by link and by REST; and what nobody may."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator

import pytest

from tests.sessions.conftest import DOCKER, KUBERNETES, require
from tests.sessions.facility import make_tree, policy_content, profiles
from tests.sessions.inside import Failure
from tests.sessions.platform import Platform, platform, write_policy

PROFILES = {
    "lab": {"title": "JupyterLab", "limits": {"memory": "1G", "cpu": 1}},
    "large": {"title": "Large Lab", "limits": {"memory": "2G", "cpu": 2}},
    "gpu": {"title": "With a GPU", "groups": ["staff"]},
}


@pytest.fixture(scope="module", params=["local", DOCKER, KUBERNETES])
def hub(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    require(request.param)
    directory = tmp_path_factory.mktemp(f"choices-{request.param}")
    make_tree(directory / "facility")
    policy = write_policy(
        directory, policy_content(directory / "facility", profiles=profiles(**PROFILES), sessions={"named": 2})
    )
    with platform(request.param, policy, ("alice", "bob")) as running:
        yield running


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        ({"profile": "gpu"}, 403, "staff"),
        ({"profile": "none"}, 400, "lab, large"),
        ({"profile": ["lab"]}, 400, "named by a text"),
        ({"profile": {"image": "evil"}}, 400, "named by a text"),
        ({"image": "evil/image:latest"}, 400, "Only a profile"),
        ({"profile": "lab", "image": "evil/image:latest"}, 400, "Only a profile"),
        ({"profile": "lab", "mounts": ["/"]}, 400, "Only a profile"),
        ({"profile": "lab", "user": "0:0"}, 400, "Only a profile"),
        ({"profile": "lab", "environment": {"LD_PRELOAD": "x"}}, 400, "Only a profile"),
    ],
)
def test_nothing_but_an_offered_profile_can_be_chosen(hub: Platform, options: object, status: int, says: str) -> None:
    person = hub.log_in("alice")
    failure = person.start(options=options)
    assert isinstance(failure, Failure)
    assert failure.status == status
    assert says in failure.message
    assert not person.servers().get("", {}).get("ready")


def test_named_servers_run_beside_each_other_up_to_the_limit(hub: Platform) -> None:
    person = hub.log_in("bob")
    for server, profile in (("a", "lab"), ("b", "large")):
        assert person.start(server, {"profile": profile}) is None
    assert person.run("print(6 * 7)", "a").strip() == "42"
    assert person.run("print(6 * 7)", "b").strip() == "42"
    third = person.start("c", {"profile": "lab"})
    assert isinstance(third, Failure)
    assert third.status == 400
    if hub.kind == "docker":
        limits = "import json; print(json.dumps(int(open('/sys/fs/cgroup/memory/memory.limit_in_bytes').read())))"
        if os.path.exists("/sys/fs/cgroup/memory"):
            assert (person.asked(limits, "a"), person.asked(limits, "b")) == (1 << 30, 2 << 30)
    for server in ("a", "b"):
        person.stop(server)


def test_the_form_offers_what_she_may_have_and_says_what_she_will_see(hub: Platform) -> None:
    person = hub.log_in("alice")
    browser = person.browser
    page = browser.get("/hub/spawn").text
    assert re.findall(r'name="profile" value="(\w+)"', page) == ["lab", "large"]
    assert "Not open to you" in page
    assert all(f"<code>{name}</code>" in page for name in ("p1", "p2", "open"))
    assert "<code>p3</code>" not in page


def test_a_link_starts_what_it_names(hub: Platform) -> None:
    person = hub.log_in("alice")
    browser = person.browser
    answer = browser.get("/hub/spawn/alice/viewer?opt-profile=large", follow_redirects=False)
    assert answer.status_code == 302, answer.text
    deadline = time.monotonic() + 60
    while not person.servers()["viewer"]["ready"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert person.servers()["viewer"]["user_options"] == {"profile": "large"}
    refused = browser.get("/hub/spawn/alice/other?opt-image=evil", follow_redirects=False)
    assert refused.status_code != 302 or "spawn-pending" not in refused.headers["location"]
    person.stop("viewer")


def test_an_announcement_is_on_every_page_at_once(hub: Platform) -> None:
    from hub_config.announcements import announce

    file = hub.settings.state / "announcement.txt"
    person = hub.log_in("alice")
    browser = person.browser
    announce(file, "Storage down <b>Tuesday</b>")
    for page in ("/hub/home", "/hub/token", "/hub/spawn"):
        assert "Storage down &lt;b&gt;Tuesday" in browser.get(page).text, page
    announce(file, "")
    assert "Storage down" not in browser.get("/hub/home").text


def test_the_record_names_the_profile(hub: Platform) -> None:
    rows = [json.loads(line) for line in (hub.settings.state / "logs" / "audit.jsonl").read_text().splitlines()]
    assert all(row["profile"] in PROFILES for row in rows if row["event"] == "start")
