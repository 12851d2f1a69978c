"""The page of each code: its meaning, an example, how to fix it."""

from __future__ import annotations

from rigspec.package_files import locate_package_file

__all__ = ["get_page_url", "list_codes", "load_page"]

_PAGES = locate_package_file(__file__, "pages")
_URL = "https://github.com/rigspec/rigspec/blob/main/rigspec/diagnostics/pages"


def list_codes() -> tuple[str, ...]:
    """Return every code that has a page, sorted."""
    names = (entry.name for entry in _PAGES.iterdir())
    return tuple(sorted(name.removesuffix(".md") for name in names if name.endswith(".md")))


def load_page(code: str) -> str:
    """Return the page of a code as Markdown.

    Raises:
        FileNotFoundError: if the code is unknown.

    """
    return (_PAGES / f"{code}.md").read_text(encoding="utf-8")


def get_page_url(code: str) -> str | None:
    """Return the address of the page of a code; None if it has no page."""
    return f"{_URL}/{code}.md" if code in list_codes() else None
