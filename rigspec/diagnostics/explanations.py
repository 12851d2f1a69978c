"""The page of each code: its meaning, an example, how to fix it."""

from __future__ import annotations

from functools import cache

from rigspec.package_files import locate_package_file

__all__ = ["find_similar_codes", "get_page_url", "list_codes", "load_page", "load_title"]

_PAGES = locate_package_file(__file__, "pages")
# The site: mkdocs.yml has the same address.
_URL = "https://rigspec.github.io/rigspec/diagnostics"


@cache
def list_codes() -> tuple[str, ...]:
    """Return every code that has a page, sorted."""
    names = (entry.name for entry in _PAGES.iterdir())
    return tuple(sorted(name.removesuffix(".md") for name in names if name.endswith(".md")))


def find_similar_codes(code: str) -> list[str]:
    """Return codes with two digits exchanged, then codes that differ in the last digit."""
    known = list_codes()
    places = range(len(code) - 2, 1, -1)
    swapped = [code[:i] + code[i + 1] + code[i] + code[i + 2 :] for i in places]
    found = [each for each in swapped if each in known]
    found += [each for each in known if each[:-1] == code[:-1]]
    return found[:3]


def load_page(code: str) -> str:
    """Return the page of a code as Markdown.

    Raises:
        FileNotFoundError: if the code is unknown.

    """
    return (_PAGES / f"{code}.md").read_text(encoding="utf-8")


def load_title(code: str) -> str:
    """Return the title of the page of a code, without the code."""
    return load_page(code).split("\n", 1)[0].partition(": ")[2]


def get_page_url(code: str) -> str | None:
    """Return the address of the page of a code; None if it has no page."""
    return f"{_URL}/{code}.html" if code in list_codes() else None
