"""A cluster's widget in a real browser, over real workers."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page as Window
from playwright.sync_api import expect

from panosc_analysis.documents import Document, serving
from panosc_analysis.reduction import start_cluster
from panosc_analysis.widgets import ClusterWidget

pytestmark = pytest.mark.browser


def test_a_cluster_is_scaled_adapted_and_closed_by_its_widget(page: Window, pictures: Path) -> None:
    with ExitStack() as stack:
        cluster = stack.enter_context(start_cluster("threads", workers=1, threads=1))
        page.goto(stack.enter_context(serving(lambda: Document("test", (ClusterWidget(cluster),)))))
        shown = page.locator(".panosc-cluster")
        expect(shown).to_contain_text("1 worker · 1 thread", timeout=60_000)
        expect(shown.get_by_role("link", name="Dashboard")).to_have_attribute("href", cluster.dashboard)
        shown.get_by_label("Workers").fill("3")
        shown.get_by_role("button", name="Scale").press("Enter")
        expect(shown).to_contain_text("3 workers · 3 threads", timeout=60_000)
        held = cluster.client.map(str, range(5))
        expect(shown).to_contain_text("5 of 5 tasks", timeout=60_000)
        page.screenshot(path=pictures / "cluster.png")
        assert len(held) == 5
        shown.get_by_label("or between").fill("4")
        shown.get_by_label("and", exact=True).fill("2")
        adapt = shown.get_by_role("button", name="Adapt")
        adapt.click()
        expect(shown.get_by_role("status")).to_contain_text("cannot be between 4 and 2", timeout=30_000)
        shown.get_by_label("or between").fill("1")
        adapt.click()
        expect(adapt).to_have_attribute("aria-pressed", "true", timeout=30_000)
        expect(shown.get_by_role("status")).to_be_hidden()
        found = Axe().run(page, context=".panosc-cluster")
        assert found.violations_count == 0, found.generate_report()
        shown.get_by_role("button", name="Close").click()
        expect(shown).to_contain_text("Closed", timeout=60_000)
        expect(shown.get_by_role("button", name="Scale")).to_be_hidden()
        assert not cluster.is_open
