"""Render a comparison as one HTML page without scripts and external resources."""

from __future__ import annotations

import base64
import hashlib
import re
from decimal import Decimal
from importlib.resources import files
from urllib.parse import urlsplit

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound
from markupsafe import Markup, escape

from rigspec.compare.model import Comparison
from rigspec.compare.render.html_view import build_page
from rigspec.diagnostics.sanitize import sanitize

__all__ = ["build_page_environment", "render_html"]

_FOLDER = "page"
_PAGE = "compare.html.j2"
_STYLE = "compare.css"
_CENT = Decimal("0.01")
_CODE = re.compile(r"`([^`\n]+)`")
# First words that are capitalized. Names of machines and products keep their letters.
_WORDS = {"a", "an", "both", "no", "not", "one", "purchase", "rent", "running", "the"}


def render_html(comparison: Comparison) -> str:
    """Return the page. Its content security policy allows only its style, by checksum."""
    template = build_page_environment().get_template(_PAGE)
    return template.render(
        page=build_page(comparison), style_checksum=_format_checksum(_read(_STYLE))
    )


def build_page_environment() -> Environment:
    """Return the Jinja environment; every expression must end with one of its filters."""
    environment = Environment(
        loader=_PageLoader(),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        {
            "text": _escape_text,
            "code": _escape_code,
            "prose": _escape_sentence,
            "link_url": _escape_url,
            "coordinate": _format_coordinate,
            "markup": _check_markup,
        }
    )
    return environment


def _escape_text(value: object) -> Markup:
    """Return text for an element or a quoted attribute, without control characters."""
    return escape(sanitize(str(value)))


def _escape_code(value: object) -> Markup:
    """Return escaped text in which a pair of backticks is an element ``code``."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(_escape_text(value))))  # noqa: S704 - escaped


def _escape_sentence(value: object) -> Markup:
    """Return text like `_escape_code`, with a capital first letter if it begins with a word."""
    text = str(value)
    word = text.partition(" ")[0]
    begins = word in _WORDS
    return _escape_code(text[:1].upper() + text[1:] if begins else text)


def _escape_url(url: str) -> Markup:
    """Return the URL of a link; empty unless it has http or https."""
    return escape(sanitize(url)) if urlsplit(url).scheme in ("https", "http") else Markup("")


def _check_markup(value: object) -> Markup:
    """Return the output of a macro, which has escaped its texts.

    Raises:
        TypeError: if the value is plain text.

    """
    if not isinstance(value, Markup):
        raise TypeError(f"expected the output of a macro, not {value!r}")
    return value


def _format_coordinate(number: Decimal | int) -> Markup:
    """Return a coordinate with two decimal places."""
    return Markup(f"{Decimal(number).quantize(_CENT).normalize():f}")  # noqa: S704 - digits


def _format_checksum(style: str) -> str:
    """Return the checksum of a style for the content security policy."""
    return "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def _read(name: str) -> str:
    return files("rigspec.compare").joinpath(_FOLDER, name).read_text(encoding="utf-8")


class _PageLoader(BaseLoader):
    """Loads the template and the style."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, None]:
        """Return the text of a template, for Jinja.

        Raises:
            TemplateNotFound: if the name is unknown.

        """
        if template not in (_PAGE, _STYLE):
            raise TemplateNotFound(template)
        return _read(template), template, None
