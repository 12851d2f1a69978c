"""A comparison as one page: no script, nothing from elsewhere, always the same bytes."""

from __future__ import annotations

import base64
import hashlib
from decimal import Decimal
from importlib.resources import files
from urllib.parse import urlsplit

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound
from markupsafe import Markup, escape

from rigspec.compare.model import Comparison
from rigspec.compare.render.html_view import page_of
from rigspec.diagnostics.sanitize import sanitize

__all__ = ["page_environment", "render_html"]

_FOLDER = "page"
_PAGE = "compare.html.j2"
_STYLE = "compare.css"
_CENT = Decimal("0.01")


def render_html(comparison: Comparison) -> str:
    """The page. Its own style is the only thing that a browser may use, by its checksum."""
    template = page_environment().get_template(_PAGE)
    return template.render(page=page_of(comparison), style_checksum=_checksum(_read(_STYLE)))


def page_environment() -> Environment:
    """Jinja as the page sees it. Every expression ends in one of these filters."""
    environment = Environment(
        loader=_Loader(),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        {"text": _text, "address": _address, "place": _place, "drawn": _drawn}
    )
    return environment


def _text(value: object) -> Markup:
    """Text for an element or a quoted attribute; what would control or reorder is replaced."""
    return escape(sanitize(str(value)))


def _address(url: str) -> Markup:
    """The address of a link if it leads to the web, else nothing."""
    return escape(sanitize(url)) if urlsplit(url).scheme in ("https", "http") else Markup("")


def _drawn(value: object) -> Markup:
    """What a macro of the page has made, in which every text is escaped. Raises TypeError."""
    if not isinstance(value, Markup):
        raise TypeError(f"{value!r} was made by no macro")
    return value


def _place(number: Decimal | int) -> Markup:
    """A place in a drawing, to a hundredth."""
    return Markup(f"{Decimal(number).quantize(_CENT).normalize():f}")  # noqa: S704 - digits


def _checksum(style: str) -> str:
    """A style as a policy of content names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def _read(name: str) -> str:
    return files("rigspec.compare").joinpath(_FOLDER, name).read_text(encoding="utf-8")


class _Loader(BaseLoader):
    """The template and its style."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, None]:
        """The text of a template; Jinja's protocol. Raises TemplateNotFound."""
        if template not in (_PAGE, _STYLE):
            raise TemplateNotFound(template)
        return _read(template), template, None
