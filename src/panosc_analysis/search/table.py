"""Search results as text and as HTML, for people."""

from __future__ import annotations

import html
import textwrap
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from panosc_analysis.model import landing_page

if TYPE_CHECKING:
    from panosc_analysis.model import Dataset
    from panosc_analysis.search.outcome import Outcome

__all__ = ["as_html", "as_text", "human_size", "visible"]

_HEADINGS = ("Facility", "Title", "Technique", "Date", "Size", "Access", "PID")
_WIDEST_FACILITY = 24
_NARROWEST = {"Technique": 12, "Title": 20}
_GAP = "  "
_LONGEST_PID = 60
_STYLE = """\
.panosc-hits { overflow-x: auto; color: var(--jp-ui-font-color1); font-size: var(--jp-ui-font-size1); }
.panosc-hits table { border-collapse: collapse; margin: 0; color: inherit; font-size: inherit; }
.panosc-hits.panosc-hits :is(th, td) { text-align: left; padding: 4px 12px 4px 0; vertical-align: top;
  border-bottom: 1px solid var(--jp-border-color2); }
.panosc-hits.panosc-hits td.number { text-align: right; }
.panosc-hits td.number, .panosc-hits time { white-space: nowrap; }
.panosc-hits.panosc-hits code { user-select: all; white-space: nowrap; }
.panosc-hits ul { list-style: none; padding: 0; margin: 8px 0 0; color: var(--jp-ui-font-color2); }
.panosc-hits li.failed { color: var(--jp-ui-font-color1); }
"""


def as_text(
    datasets: Sequence[Dataset], outcomes: Sequence[Outcome], asked_for: str, width: int, *, more: bool = False
) -> str:
    """Write a table that fits so many columns, then a line for each provider; PIDs up to 60 characters stay whole."""
    lines = _table(datasets, width) if datasets else _wrapped(nothing_found(outcomes, asked_for), width)
    if more and datasets:
        lines += ["", *_wrapped(_first_ones(datasets), width)]
    said = (line for outcome in outcomes for line in _wrapped(visible(str(outcome)), width))
    return "\n".join([*lines, "", *said])


def as_html(datasets: Sequence[Dataset], outcomes: Sequence[Outcome], asked_for: str, *, more: bool = False) -> str:
    """Write the same for a notebook: the theme's own colours, every text escaped, links to ``https://doi.org`` only."""
    body = _html_table(datasets) if datasets else f"<p>{_escaped(nothing_found(outcomes, asked_for))}</p>"
    body += f"<p>{_first_ones(datasets)}</p>" if more and datasets else ""
    lines = "".join(map(_html_outcome, outcomes))
    return f'<div class="panosc-hits"><style>{_STYLE}</style>{body}<ul aria-label="Providers">{lines}</ul></div>'


def _first_ones(datasets: Sequence[Dataset]) -> str:
    shown = f"These are {len(datasets)}" if len(datasets) > 1 else "This is one"
    return f"{shown} of more. Ask on with hits.more() in a notebook, or with --limit on the command line."


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(width, 20), subsequent_indent="  ", break_on_hyphens=False)


def nothing_found(outcomes: Sequence[Outcome], asked_for: str) -> str:
    """Say why a list is empty and what to do."""
    answered = [outcome for outcome in outcomes if outcome.answered]
    wanted = f" for {asked_for}" if asked_for else ""
    if not answered:
        return "No provider gave an answer, so nothing can be said about what there is. See each reason below."
    some = "the provider" if len(outcomes) == 1 else f"{len(answered)} of {len(outcomes)} providers"
    advice = "Widen a range, leave out a word, or use a broader technique."
    if len(answered) < len(outcomes):
        advice = "Others did not answer, so this is not the whole picture. " + advice
    return f"No dataset{wanted} at {some}. {advice}"


def human_size(size: int | None) -> str:
    """Write bytes with an SI prefix: ``1.5 GB``; nothing for an unknown size."""
    if size is None:
        return ""
    number = float(size)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if number < 999.5:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} PB"


def visible(text: str) -> str:
    """Write control and direction characters as what they are: a provider's text must not steer the terminal."""
    return "".join(c if unicodedata.category(c)[0] != "C" else c.encode("unicode_escape").decode() for c in text)


def _cells(dataset: Dataset) -> tuple[str, ...]:
    facility = dataset.instrument.facility if dataset.instrument else ""
    return (
        visible(facility or dataset.provider or ""),
        visible(dataset.title) or "(no title)",
        visible(", ".join(technique.name for technique in dataset.techniques)),
        dataset.creation_date.date().isoformat() if dataset.creation_date else "",
        human_size(dataset.size),
        {True: "open", False: "embargoed", None: "not stated"}[dataset.is_public],
        _middle_cut(visible(dataset.pid)),
    )


def _table(datasets: Sequence[Dataset], width: int) -> list[str]:
    """Write a row for each dataset; with its PID on a line of its own, or as a block, where there is no room."""
    rows = [_cells(dataset) for dataset in datasets]
    widths = _widths(rows, width)
    if widths is not None:
        return [_line(row, widths) for row in (_HEADINGS, *rows)]
    widths = _widths([row[:-1] for row in rows], width)
    if widths is None:
        return [line for row in rows for line in _stacked(row, width)]
    indent = " " * (widths[0] + len(_GAP))
    pairs = ((_line(row[:-1], widths), indent + row[-1]) for row in rows)
    return [_line(_HEADINGS[:-1], widths), *(line for pair in pairs for line in pair)]


def _widths(rows: Sequence[tuple[str, ...]], width: int) -> list[int] | None:
    """Give each column's width; title and technique share what the others leave. ``None`` if that is too little."""
    names = _HEADINGS[: len(rows[0])]
    wanted = [max(_columns(row[n]) for row in (names, *rows)) for n in range(len(names))]
    wanted[0] = min(wanted[0], _WIDEST_FACILITY)
    title, technique = names.index("Title"), names.index("Technique")
    left = width - sum(wanted) + wanted[title] + wanted[technique] - len(_GAP) * (len(names) - 1)
    least = min(wanted[technique], max(_NARROWEST["Technique"], left * 2 // 5))
    widths = list(wanted)
    widths[title] = min(wanted[title], left - least)
    widths[technique] = min(wanted[technique], left - widths[title])
    return None if widths[title] < min(_NARROWEST["Title"], wanted[title]) else widths


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    size = _HEADINGS.index("Size")
    cells = [_end_cut(cell, one) for cell, one in zip(row, widths, strict=True)]
    gaps = [" " * (one - _columns(cell)) for cell, one in zip(cells, widths, strict=True)]
    padded = (gap + cell if n == size else cell + gap for n, (cell, gap) in enumerate(zip(cells, gaps, strict=True)))
    return _GAP.join(padded).rstrip()


def _stacked(row: tuple[str, ...], width: int) -> list[str]:
    """Write one dataset on three lines, for a narrow terminal."""
    facility, title, technique, date, size, access, pid = row
    about = " · ".join(part for part in (date, access, size, facility, technique) if part)
    return [_end_cut(title, width), _end_cut(f"  {about}", width), f"  {pid}"]


def _columns(text: str) -> int:
    """Count the columns that a text takes on a terminal: two for wide letters, none for accents that stand alone."""
    if text.isascii():
        return len(text)
    return sum((unicodedata.east_asian_width(c) in "WF") + (not unicodedata.combining(c)) for c in text)


def _end_cut(text: str, width: int) -> str:
    if _columns(text) <= width:
        return text
    while text and _columns(text) >= width:
        text = text[:-1]
    return text.rstrip() + "…"


def _middle_cut(text: str) -> str:
    return text if len(text) <= _LONGEST_PID else f"{text[: _LONGEST_PID - 21]}…{text[-20:]}"


def _html_table(datasets: Sequence[Dataset]) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in _HEADINGS)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(map(_html_row, datasets))}</tbody></table>"


def _html_row(dataset: Dataset) -> str:
    facility, title, technique, date, size, access, _ = map(_escaped, _cells(dataset))
    moment = dataset.creation_date.isoformat(timespec="seconds") if dataset.creation_date else ""
    pid = f"<code>{_escaped(dataset.pid)}</code>"
    page = landing_page(dataset.pid)
    if page:
        pid += f' <a href="{html.escape(page)}" rel="noopener noreferrer" target="_blank">page</a>'
    return (
        f"<tr><td>{facility}</td><td>{title}</td><td>{technique}</td>"
        f'<td><time datetime="{moment}" title="{moment}">{date}</time></td>'
        f'<td class="number">{size}</td><td>{access}</td><td>{pid}</td></tr>'
    )


def _html_outcome(outcome: Outcome) -> str:
    if outcome.state == "ok":
        return f"<li>{_escaped(str(outcome))}</li>"
    what, semicolon, why = str(outcome).partition(";")
    return f"<li class=failed><strong>{_escaped(what)}</strong>{_escaped(semicolon + why)}</li>"


def _escaped(text: str) -> str:
    return html.escape(visible(text))
