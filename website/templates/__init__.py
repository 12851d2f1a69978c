"""Templates of the generated pages, in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from rigspec.diagnostics.model import Source

__all__ = ["Citations", "escape", "get_address", "link_source", "make_slug", "render"]

_CODE = re.compile(r"(`[^`]*`)")
_SPECIAL = re.compile(r"([\\*_\[\]{}|#~])")
# The page of a package by the type of its package URL.
_PACKAGE_PAGES = {
    "pypi": "https://pypi.org/project/{name}/",
    "deb/debian": "https://tracker.debian.org/pkg/{name}",
}


class Citations:
    """The sources of a page, numbered in the order in which it cites them."""

    def __init__(self) -> None:
        self._numbers: dict[Source, int] = {}

    def cite(self, sources: Iterable[Source]) -> str:
        """Return numbered links to these sources, each with the day on which it was read."""
        return ", ".join(map(self._cite_one, sources))

    def list_sources(self) -> tuple[Source, ...]:
        """Return the sources that were cited so far, in the order of their numbers."""
        return tuple(self._numbers)

    def _cite_one(self, source: Source) -> str:
        number = self._numbers.setdefault(source, len(self._numbers) + 1)
        return f"{link_source(source, f'[{number}]')} <time>{source.read.isoformat()}</time>"


def render(template: str, **values: object) -> str:
    """Return a template with these values, and the citations of its page."""
    return _ENVIRONMENT.get_template(template).render(citations=Citations(), **values)


def escape(text: object) -> str:
    """Return text that Markdown shows as it is; code in backticks stays code."""
    parts = _CODE.split(str(text))
    return "".join(
        part.replace("|", "\\|") if number % 2 else _escape_plain(part)
        for number, part in enumerate(parts)
    )


def link_source(source: Source, text: str | None = None) -> str:
    """Return a link to a source; its title is the tooltip of a shorter text."""
    url = get_address(source.url)
    url = url.replace(" ", "%20").replace("(", "%28").replace(")", "%29").replace("|", "%7C")
    if text is None:
        return f"[{escape(source.title)}]({url})"
    title = _escape_plain(source.title).replace('"', "&quot;")
    return f'[{escape(text)}]({url} "{title}")'


def get_address(url: str) -> str:
    """Return the address of a source; that of a package URL is the page of the package."""
    if not url.startswith("pkg:"):
        return url
    kind, _, name = url.removeprefix("pkg:").rpartition("/")
    return _PACKAGE_PAGES[kind].format(name=name.partition("@")[0])


def make_slug(label: str) -> str:
    """Return a label as the name of a file."""
    return re.sub(r"[^a-z0-9.]+", "-", label.lower()).strip("-.")


def _escape_plain(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", text)


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=False,  # noqa: S701 -- Markdown; `escape` is the filter
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_ENVIRONMENT.filters.update(md=escape, source=link_source)
