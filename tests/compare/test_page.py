"""The HTML page: texts are escaped, no external resources, readable colours."""

from __future__ import annotations

import dataclasses
import re
from enum import Enum
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from typing import Any

import pytest
from jinja2 import nodes

from rigspec.compare.model import Comparison
from rigspec.compare.render.html import build_page_environment, render_html
from rigspec.compare.render.text import render_text
from rigspec.diagnostics.sanitize import sanitize
from tests.injection.texts import HOSTILE

FOLDER = files("rigspec.compare").joinpath("page")
TEMPLATE = FOLDER.joinpath("compare.html.j2").read_text(encoding="utf-8")
STYLE = FOLDER.joinpath("compare.css").read_text(encoding="utf-8")

MARKUP = {
    "script": "<script>alert(1)</script>",
    "end of an attribute": "\"><img src=x onerror='alert(1)'>",
    "single quotes": "' onmouseover='alert(1)",
    "end of a title": "</title><script>alert(1)</script>",
    "end of a style": "</style><script>alert(1)</script>",
    "svg": "<svg/onload=alert(1)>",
    "scheme": "javascript:alert(1)",
    "data": "data:text/html,<script>alert(1)</script>",
    "comment": "<!-- x",
    "cdata": "]]><script>alert(1)</script>",
    "entity": "&lt;script&gt;",
    "style": "} body { display: none } {",
}
TEXTS = {**{name: text[:2000] for name, text in HOSTILE.items()}, **MARKUP}


class ParsedPage(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="module")
def plain_tags(lab: Comparison) -> set[str]:
    return {tag for tag, _ in ParsedPage(render_html(lab)).tags}


def replace_texts(value: Any, text: str) -> Any:
    """Return the value with every text replaced."""
    if isinstance(value, str) and not isinstance(value, Enum):
        return text
    if isinstance(value, tuple):
        return tuple(replace_texts(each, text) for each in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        changed = {name: replace_texts(each, text) for name, each in fields.items()}
        return dataclasses.replace(value, **changed)
    return value


def test_template_expressions_end_with_escaping_filter() -> None:
    tree = build_page_environment().parse(TEMPLATE)
    expressions = [
        node
        for output in tree.find_all(nodes.Output)
        for node in output.nodes
        if not isinstance(node, nodes.TemplateData)
    ]
    assert len(expressions) > 100
    for node in expressions:
        assert isinstance(node, nodes.Filter), f"line {node.lineno}"
        assert node.name in {"text", "code", "prose", "link_url", "coordinate", "markup"}, (
            f"line {node.lineno}"
        )


def test_markup_filter_with_plain_text_raises_error() -> None:
    with pytest.raises(TypeError, match="expected the output of a macro"):
        build_page_environment().from_string("{{ '<b>' ~ x | markup }}").render(x="<i>")


@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
def test_page_escapes_hostile_text(text: str, lab: Comparison, plain_tags: set[str]) -> None:
    hostile = replace_texts(lab, text)
    seen = ParsedPage(render_html(hostile))
    assert {tag for tag, _ in seen.tags} <= plain_tags
    assert "script" not in plain_tags
    for tag, attributes in seen.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        link = attributes.get("href")
        assert link is None or link.startswith(("#", "https://", "http://")), (tag, link)
    shown = sanitize(text)
    if shown.strip():
        assert shown in "".join(seen.text).replace("\r\n", "\n") or "\r" in text
    render_text(hostile)


def test_page_loads_no_other_resource(sourced: Comparison, lab: Comparison) -> None:
    for page in (render_html(sourced), render_html(lab)):
        seen = ParsedPage(page)
        loading = {"script", "link", "img", "iframe", "object", "embed", "source", "image", "use"}
        assert not loading & {tag for tag, _ in seen.tags}
        assert not [a for _, a in seen.tags if a.keys() & {"src", "srcset", "xlink:href", "data"}]
        assert not re.search(r"@import|url\(", page)
        policy = next(a["content"] for t, a in seen.tags if a.get("http-equiv"))
        assert policy is not None
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy


def test_page_is_accessible(lab: Comparison) -> None:
    seen = ParsedPage(render_html(lab))
    assert ("html", {"lang": "en"}) in seen.tags
    heads = [a for t, a in seen.tags if t == "th"]
    assert heads
    assert all(a.get("scope") in {"col", "row", "rowgroup"} for a in heads)
    drawings = [a for t, a in seen.tags if t == "svg"]
    ids = {a["id"] for _, a in seen.tags if "id" in a}
    for drawing in drawings:
        labels = drawing.get("aria-labelledby") or ""
        assert drawing.get("aria-hidden") == "true" or (labels and set(labels.split()) <= ids)
    tags = [t for t, _ in seen.tags]
    assert tags.count("title") >= len(drawings)
    assert tags.count("desc") == 4
    assert tags.count("h1") == 1
    levels = [int(t[1]) for t in tags if re.fullmatch(r"h[1-6]", t)]
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_page_footnotes_have_sources(sourced: Comparison) -> None:
    seen = ParsedPage(render_html(sourced))
    ids = {a["id"] for _, a in seen.tags if "id" in a}
    links = [a["href"] for t, a in seen.tags if t == "a"]
    inner = {link.removeprefix("#") for link in links if link and link.startswith("#")}
    assert inner <= ids
    assert any(link.startswith("source-") for link in inner)
    assert "2023-11-16" in "".join(seen.text)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ink", ["ink", "muted", "a", "b"])
@pytest.mark.parametrize("ground", ["paper", "card"])
def test_page_colours_have_contrast(scheme: str, ink: str, ground: str) -> None:
    light, _, rest = STYLE.partition("@media (prefers-color-scheme: dark)")
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", light if scheme == "light" else rest))
    one, other = sorted((_luminance(colours[ink]), _luminance(colours[ground])))
    assert (other + 0.05) / (one + 0.05) >= 4.5  # WCAG 2.2, 1.4.3


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_page_of_equal_frameworks_has_no_counts_and_code_for_backticks(lab: Comparison) -> None:
    products = tuple(
        dataclasses.replace(product, only_a=(), only_b=()) for product in lab.compatibility.products
    )
    compatibility = dataclasses.replace(lab.compatibility, products=products)
    software = dataclasses.replace(lab.software, not_compared=("files, run `rigspec lock`",))
    page = render_html(dataclasses.replace(lab, compatibility=compatibility, software=software))
    assert ">Both run the same framework releases</a>" in page
    assert "<code>rigspec lock</code>" in page
    assert "`" not in "".join(ParsedPage(page).text)
