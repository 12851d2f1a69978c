"""The page of the figures: a row for each measurement, those of earlier runs included."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = ["Row", "read_rows", "write_page"]

_HEAD = "| measurement | attempts | of | findings | command |\n| --- | ---: | ---: | ---: | --- |\n"
_INTRODUCTION = """# Figures

Attempts to break rigspec, as `make figures` last ran them. A finding fails the run, and its
smallest input becomes a test. The column *of* has the number at `SCALE=1`: where a row has fewer
attempts, it was run at a smaller scale or interrupted. The seed is fixed, so a run can be repeated.

"""
_END = """
Each row is replaced when its command runs. `make figures SCALE=0.01` is a quick run of all, and
`make figures FIGURES="checks repairs"` runs two rows.
"""

# Attempts, the number at scale 1, findings, command.
Row = tuple[int, int, int, str]


def read_rows(page: Path) -> dict[str, Row]:
    """Return the rows of a page by their titles; none if there is no page."""
    rows: dict[str, Row] = {}
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 5 and cells[1][:1].isdigit():
            done, full, findings = (int(cell.replace(",", "")) for cell in cells[1:4])
            rows[cells[0]] = (done, full, findings, cells[4].strip("`"))
    return rows


def write_page(page: Path, rows: Mapping[str, Row]) -> None:
    lines = [
        f"| {title} | {done:,} | {full:,} | {findings:,} | `{command}` |\n"
        for title, (done, full, findings, command) in rows.items()
    ]
    page.write_text(_INTRODUCTION + _HEAD + "".join(lines) + _END, encoding="utf-8")
