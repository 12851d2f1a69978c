"""The page of each code: its meaning, an example, how to fix it."""

from __future__ import annotations

from pathlib import Path

__all__ = ["list_codes", "load_page"]

_PAGES = Path(__file__).with_name("pages")


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
