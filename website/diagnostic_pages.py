"""A page for each diagnostic code, and their index."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.diagnostics.explanations import list_codes, load_page, load_title
from website.templates import render

__all__ = ["build_pages"]

# The ranges of codes, as docs/reference/commands.md lists them.
_SUBJECTS = (
    "The spec",
    "Hardware and cost",
    "Compatibility",
    "Life cycle",
    "Security",
    "Locks and downloads",
    "Targets and live machines",
)


def build_pages() -> Iterator[tuple[str, str]]:
    """Yield the path and the Markdown of each page."""
    codes = list_codes()
    for code in codes:
        yield f"diagnostics/{code}.md", load_page(code)
    groups = [
        (title, [(code, load_title(code)) for code in codes if code.startswith(f"RS{number}")])
        for number, title in enumerate(_SUBJECTS)
    ]
    yield "diagnostics/README.md", render("diagnostics.md.j2", groups=groups)
