from __future__ import annotations

import io
import subprocess
import sys

import pytest

from panosc_analysis.reduction import CancelToken, Progress
from panosc_analysis.widgets import ReductionProgress, counting_progress, reduction_progress, text_progress
from panosc_analysis.widgets.quantities import THIN
from panosc_analysis.widgets.terminal import duration


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_line_on_a_terminal_is_rewritten_and_ended() -> None:
    out = Terminal()
    with text_progress(out) as report:
        report(Progress(250, 1000, 123.456, 6.1))
        report(Progress(1000, 1000, 125.0, 0.0))
    first, last = out.getvalue().split("\r\x1b[K")[1:]
    assert " 25% 250/1" + THIN + "000 frames" in first
    assert f"123{THIN}frames/s · 6 s left" in first
    assert "100%" in last
    assert last.endswith("\n")


def test_a_log_file_gets_the_last_state_only() -> None:
    out = io.StringIO()
    with counting_progress(out) as report:
        for i in range(11):
            report(i, 10, "files")
    assert out.getvalue().count("\n") == 1
    assert "100% 10/10 files" in out.getvalue()


def test_an_interrupted_line_is_ended() -> None:
    out = Terminal()
    with pytest.raises(KeyboardInterrupt), text_progress(out) as report:
        report(Progress(1, 10, 0.0, None))
        raise KeyboardInterrupt
    assert out.getvalue().endswith("\n")


def test_nothing_said_nothing_written() -> None:
    out = Terminal()
    with counting_progress(out):
        pass
    assert out.getvalue() == ""


def test_times_are_written_for_people() -> None:
    assert [duration(s) for s in (0.2, 59, 125, 4800)] == ["0 s", "59 s", "2 min 05 s", "1 h 20 min"]


def test_the_widget_shows_and_cancels() -> None:
    cancel = CancelToken()
    widget = ReductionProgress(cancel)
    widget(Progress(250, 1000, 123.456, 6.1))
    assert (widget.done, widget.total) == (250, 1000)
    assert widget.text == f"250 of 1{THIN}000 frames · 123{THIN}frames/s · 6 s left"
    widget._on_message(widget, {"kind": "cancel"}, [])
    assert cancel.is_set()
    assert widget.state == "cancelling"
    widget.finish(failed=True)
    assert (widget.state, widget.text) == ("stopped", f"Cancelled after 250 of 1{THIN}000, 0 s")


def test_outside_a_notebook_progress_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    with reduction_progress() as (report, cancel):
        assert report is not None
        report(Progress(3, 3, 1.0, 0.0))
    assert "3/3 frames" in capsys.readouterr().err
    assert not cancel.is_set()
    with reduction_progress(enabled=False) as (report, _):
        assert report is None


def test_text_progress_loads_nothing_heavy() -> None:
    code = """
import sys
import panosc_analysis.widgets
from panosc_analysis.widgets import counting_progress, reduction_progress, text_progress
heavy = {"numpy", "h5py", "ipywidgets", "anywidget", "matplotlib", "dask", "IPython"} & set(sys.modules)
sys.exit(", ".join(sorted(heavy)) or 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
