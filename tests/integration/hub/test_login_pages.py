"""What people see: logging in at their institute, being turned away, and an institute that does not answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.openid_provider import USERINFO

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

PEOPLE = {"alice": {"name": "Alice Example", "groups": ["/proposals/2026-1"]}, "mallory": {"groups": ["/nobody"]}}


@pytest.fixture(scope="module")
def hub(start_hub: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with start_hub(tmp_path_factory.mktemp("hub"), PEOPLE, identity={"login_name": "Facility account"}) as running:
        yield running


def sign_in(page: Page, hub: Any, person: str) -> None:
    page.goto(f"{hub.url}/hub/login")
    page.get_by_role("button", name="Facility account").click()
    page.get_by_label("Name").fill(person)
    page.get_by_role("button", name="Log in").click()


def test_a_login_ends_at_a_running_session(hub: Any, page: Page, pictures: Path) -> None:
    page.goto(f"{hub.url}/hub/login")
    page.screenshot(path=pictures / "login.png")
    sign_in(page, hub, "alice")
    page.wait_for_url("**/user/**", timeout=30_000)
    assert '"PROPOSALS": "2026-1"' in page.content()
    page.goto(f"{hub.url}/hub/home")
    page.get_by_text("Alice Example").wait_for()
    page.screenshot(path=pictures / "home.png")


def test_who_logs_out_is_logged_out_at_the_institute_too(hub: Any, page: Page) -> None:
    sign_in(page, hub, "alice")
    page.wait_for_url("**/user/**", timeout=30_000)
    page.goto(f"{hub.url}/hub/home")
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("button", name="Yes, sign me out").click()
    page.wait_for_load_state()
    page.goto(f"{hub.url}/hub/login")
    page.get_by_role("button", name="Facility account").click()
    page.get_by_label("Name").wait_for()


def test_a_name_is_text_and_nothing_else(hub: Any, page: Page) -> None:
    name = "<img src=x onerror=document.title='owned'>"
    hub.provider.set_claims("eve", {"name": name, "groups": ["/proposals/2026-1"]})
    sign_in(page, hub, "eve")
    page.wait_for_url("**/user/**", timeout=30_000)
    page.goto(f"{hub.url}/hub/home")
    page.get_by_text(name).wait_for()
    assert page.title() != "owned"


def test_who_is_turned_away_reads_why(hub: Any, page: Page, pictures: Path) -> None:
    sign_in(page, hub, "mallory")
    page.get_by_text("none of the groups").wait_for()
    page.screenshot(path=pictures / "turned-away.png")
    page.get_by_role("button", name="Use another account").wait_for()


def test_an_institute_that_does_not_answer_is_named_as_the_reason(hub: Any, page: Page, pictures: Path) -> None:
    hub.provider.fault(USERINFO, status=200, body="<html>Maintenance</html>", content_type="text/html")
    try:
        sign_in(page, hub, "alice")
        page.get_by_text("does not answer").wait_for()
        page.screenshot(path=pictures / "no-answer.png")
    finally:
        hub.provider.mend(USERINFO)
