"""The form of a step in a real browser: labels, messages beside the fields, a run, by keyboard alone."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page as Window
from playwright.sync_api import expect

import panosc_analysis as pan
from panosc_analysis.documents import Document, serving
from panosc_analysis.widgets import ReductionForm

pytestmark = pytest.mark.browser


def test_a_form_is_filled_in_and_run_by_keyboard(page: Window, pictures: Path, tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    values = np.random.default_rng(0).poisson(5, (20, 6, 9)).astype("u2")
    with h5py.File(path, "w") as file:
        file.create_group("entry/data").attrs.update({"NX_class": "NXdata", "signal": "data"})
        file["entry"].attrs["NX_class"] = "NXentry"
        file["entry/data"].create_dataset("data", data=values, chunks=(1, 6, 9))
    made: list[ReductionForm[Any]] = []

    def document() -> Document:
        made.append(pan.form("rebin", path))
        return Document("test", (made[-1].form,))

    with ExitStack() as stack:
        page.goto(stack.enter_context(serving(document)))
        form = page.get_by_role("form", name="Rebinned stack")
        frames = form.get_by_label("Frames that become one")
        expect(frames).to_have_value("1", timeout=60_000)
        frames.focus()
        frames.fill("none at all")
        page.keyboard.press("Tab")
        expect(form.locator("#" + (frames.get_attribute("id") or "") + "-said")).to_have_text(
            "Use a whole number from 1.", timeout=30_000
        )
        expect(frames).to_have_attribute("aria-invalid", "true")
        expect(form.get_by_role("button", name="Reduce")).to_be_disabled()
        page.screenshot(path=pictures / "form-error.png")
        found = Axe().run(page, context=".panosc-form")
        assert found.violations_count == 0, found.generate_report()
        frames.fill("5")
        page.keyboard.press("Tab")
        expect(form.get_by_role("button", name="Reduce")).to_be_enabled(timeout=30_000)
        form.get_by_text("Code", exact=True).press("Enter")
        expect(form.locator("pre")).to_contain_text("data.reduce('rebin', frames=5)", timeout=30_000)
        page.screenshot(path=pictures / "form.png")
        frames.press("Enter")
        for _ in range(1200):  # the button says that it runs, which may be for a moment only
            if made[0].result is not None:
                break
            page.wait_for_timeout(100)
        expect(form.get_by_role("button", name="Reduce", exact=True)).to_be_enabled(timeout=120_000)
        page.set_viewport_size({"width": 390, "height": 900})
        page.screenshot(path=pictures / "form-narrow.png")
        found = Axe().run(page, context=".panosc-form")
        assert found.violations_count == 0, found.generate_report()
    (shown,) = made
    assert shown.running is not None
    expected = values.astype("i8").reshape(4, 5, 6, 9).sum(axis=1)
    np.testing.assert_array_equal(shown.running.wait(120)["binned"].values, expected)
