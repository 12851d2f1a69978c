"""The page behind each code: what it means, an example, how to mend it."""

from __future__ import annotations

from importlib.resources import files

__all__ = ["codes", "page"]


def codes() -> tuple[str, ...]:
    """Every code that has a page, sorted."""
    names = (entry.name for entry in (files("rigspec.diagnostics") / "pages").iterdir())
    return tuple(sorted(name.removesuffix(".md") for name in names if name.endswith(".md")))


def page(code: str) -> str:
    """The page of a code, as Markdown. Raises FileNotFoundError for an unknown code."""
    return (files("rigspec.diagnostics") / "pages" / f"{code}.md").read_text(encoding="utf-8")
