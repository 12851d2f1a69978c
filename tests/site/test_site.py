"""The built site: its links, its pages of codes and facts, in two browsers without a network."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page

from rigspec.diagnostics.explanations import get_page_url, list_codes, load_title
from rigspec.matrix.loader import load_matrix
from rigspec.query.gpu_page import build_gpu_page
from rigspec.query.question import Question
from tests.conftest import ROOT
from tests.site.firefox import Firefox
from website.templates import make_slug

# The site asks the resolver thousands of questions: two minutes.
pytestmark = pytest.mark.e2e(minutes=5)

WIDTHS = {"desktop": 1280, "phone": 360}
SCHEMES = ("light", "dark")
PAGES = (
    "index.html",
    "guides/first-rig.html",
    "reference/commands.html",
    "diagnostics/RS220.html",
    "diagnostics/index.html",
    "matrix/index.html",
    "matrix/gpu/index.html",
    "matrix/gpu/geforce-rtx-4090.html",
    "matrix/driver/535.html",
    "matrix/cuda/12.4.html",
    "matrix/framework/onnxruntime.html",
)
# Rows of the matrix that name a generation of cards: they have a section of the index.
ARCHITECTURES = {
    *("Ada", "Ada Lovelace", "Ampere", "Blackwell", "Fermi", "Hopper"),
    *("Kepler", "Maxwell", "Pascal", "Turing", "Volta"),
}
OPENS_OUTSIDE = re.compile(r"^(https?:|mailto:)")
# The rules of WCAG. `preload` reads style sheets from the file system by a request.
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
OPTIONS = {"resultTypes": ["violations"], "preload": False, "runOnly": LEVELS}
AXE = f"axe.run(document, {json.dumps(OPTIONS)})"
OVERFLOW = "document.documentElement.scrollWidth - window.innerWidth"


class _Addresses(HTMLParser):
    """Collects what a page loads, what it links to, and its anchors."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.anchors |= {values[name] or "" for name in ("id", "name") if name in values}
        if tag == "a":
            self.links.append(values.get("href") or "")
        elif tag == "link" and values.get("rel") not in ("canonical", "next", "prev"):
            self.loaded.append(values.get("href") or "")
        elif values.get("src"):
            self.loaded.append(values["src"] or "")


def read_page(file: Path) -> _Addresses:
    parser = _Addresses()
    parser.feed(file.read_text(encoding="utf-8"))
    return parser


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, _Addresses]:
    return {file: read_page(file) for file in sorted(site.rglob("*.html"))}


def find_broken(site: Path, pages: dict[Path, _Addresses]) -> Iterator[str]:
    for file, page in pages.items():
        if file.name == "404.html":
            continue  # its addresses are absolute
        for link in (*page.links, *page.loaded):
            if not link or OPENS_OUTSIDE.match(link):
                continue
            address = urlsplit(link)
            target = (file.parent / unquote(address.path)).resolve() if address.path else file
            if not target.is_file():
                yield f"{file.relative_to(site)}: {link}"
            elif address.fragment and target in pages:
                anchors = pages[target].anchors
                if address.fragment not in anchors and not address.fragment.startswith("__"):
                    yield f"{file.relative_to(site)}: {link}"


def test_links_lead_to_files_and_anchors(site: Path, pages: dict[Path, _Addresses]) -> None:
    assert list(find_broken(site, pages)) == []


def test_pages_load_nothing_from_another_host(site: Path, pages: dict[Path, _Addresses]) -> None:
    found = [
        f"{file.relative_to(site)}: {address}"
        for file, page in pages.items()
        for address in page.loaded
        if OPENS_OUTSIDE.match(address) and file.name != "404.html"
    ]
    assert found == []


def test_every_document_is_a_page(site: Path) -> None:
    for file in (ROOT / "docs").rglob("*.md"):
        name = "index" if file.stem == "README" else file.stem
        assert (site / file.relative_to(ROOT / "docs").with_name(f"{name}.html")).is_file(), file


def test_address_of_each_code_leads_to_its_page(site: Path) -> None:
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    (base,) = re.findall(r"^site_url: (\S+)$", config, re.MULTILINE)
    for code in list_codes():
        url = get_page_url(code)
        assert url is not None
        assert url.startswith(base)
        text = (site / url.removeprefix(base)).read_text(encoding="utf-8")
        assert f'id="{code.lower()}-' in text, code
        assert f"<title>{code}: " in text, (code, load_title(code))


def test_every_row_of_the_matrix_is_on_a_page_with_its_sources(site: Path) -> None:
    matrix = load_matrix()
    texts = [f.read_text(encoding="utf-8") for f in (site / "matrix").rglob("*.html")]
    joined = "\n".join(texts)
    titles = set(re.findall(r"<h1 id=[^>]*>([^<]*)", joined))
    cards = {release.label for release in matrix.product("gpu").releases}
    assert cards - titles <= ARCHITECTURES
    branches = {r.version.partition(".")[0] for r in matrix.product("driver").releases}
    assert {f"NVIDIA driver {branch}" for branch in branches} <= titles
    series = {".".join(r.version.split(".")[:2]) for r in matrix.product("cuda").releases}
    assert {f"CUDA {number}" for number in series} <= titles
    frameworks = {p.title for p in matrix.products if p.kind == "framework"}
    assert frameworks <= titles
    for text in texts:
        for row in re.findall(r"<tr>.*?</tr>", text, re.DOTALL):
            if "<td" in row and "source, read" in text.partition(row)[0].rpartition("<thead>")[2]:
                assert re.search(r'<a href="https?://[^"]+"[^>]*>\[\d+\]</a> <time>20', row), row


@pytest.mark.parametrize("card", ["H100 SXM", "GH200"])
def test_page_of_a_card_has_the_commands_of_its_architecture(site: Path, card: str) -> None:
    (release,) = [r for r in load_matrix(["gpu"]).product("gpu").releases if r.label == card]
    answer = build_gpu_page(Question(gpu=card))
    assert answer is not None
    text = (site / f"matrix/gpu/{make_slug(release.label)}.html").read_text(encoding="utf-8")
    for name, offer in answer.frameworks:
        command = "none" if offer is None else f"<code>{offer.install}</code>"
        row = f"<td>{name}</td>\n<td>{command}</td>"
        assert row in text


@contextmanager
def open_observed_page(
    chromium: Chromium, device: str, scheme: str
) -> Iterator[tuple[Page, list[str]]]:
    """Open a page of one width and scheme; the list has its messages and requests to hosts."""
    context = chromium.new_context(
        viewport={"width": WIDTHS[device], "height": 900},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page = context.new_page()
    seen: list[str] = []
    page.on("console", lambda message: seen.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on("request", lambda r: r.url.startswith("file://") or seen.append(r.url))
    yield page, seen
    context.close()


@pytest.mark.parametrize("device", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_pages_are_accessible_and_fit_in_chromium(
    site: Path, chromium: Chromium, device: str, scheme: str
) -> None:
    with open_observed_page(chromium, device, scheme) as (page, seen):
        for name in PAGES:
            page.goto((site / name).as_uri())
            assert page.evaluate(OVERFLOW) <= 0, name
            page.evaluate(AXE_SCRIPT)
            assert describe(page.evaluate(AXE)) == [], name
            assert seen == [], name


@pytest.mark.nightly
@pytest.mark.parametrize("scheme", SCHEMES)
def test_pages_are_accessible_and_fit_in_firefox(site: Path, firefox: Firefox, scheme: str) -> None:
    for name in PAGES:
        for width in WIDTHS.values():
            firefox.open((site / name).as_uri(), width, scheme)
            assert firefox.evaluate(OVERFLOW) <= 0, name
            firefox.run(AXE_SCRIPT)
            assert describe(firefox.evaluate(AXE)) == [], name
            assert [u for u in firefox.requests if not u.startswith(("file://", "data:"))] == []
            assert firefox.messages == [], name


def test_search_finds_a_code_and_a_card_without_a_server(site: Path, chromium: Chromium) -> None:
    page = chromium.new_page()
    for query, path in (("RS220", "diagnostics/RS220.html"), ("RTX 4090", "geforce-rtx-4090")):
        page.goto((site / "index.html").as_uri())
        box = page.get_by_role("textbox", name="Search")
        box.click()
        page.get_by_text("Type to start searching").wait_for()
        box.press_sequentially(query)
        results = page.locator(".md-search-result__link")
        results.first.wait_for()
        found = results.evaluate_all("links => links.map(link => link.href)")
        assert any(path in link for link in found), found
    page.close()


def describe(result: dict[str, Any]) -> list[str]:
    return [
        f"{violation['id']}: {json.dumps([node['html'] for node in violation['nodes']])[:500]}"
        for violation in result["violations"]
    ]
