"""The page in a real browser, at the widths of a desktop and a phone, in light and in dark."""

from __future__ import annotations

import dataclasses
import struct
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from rigspec.compare.cost import CostTerms, compare_costs
from rigspec.compare.model import Comparison, Side
from rigspec.compare.render.html import render_html
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import load_spec
from tests.compare.comparisons import LAB, build_terms

pytestmark = pytest.mark.long(seconds=10)

FITS = Path(__file__).with_name("fits.js").read_text(encoding="utf-8")
WIDTHS = {"desktop": 1280, "phone": 390}
SCHEMES = ("light", "dark")


@dataclasses.dataclass(frozen=True)
class Window:
    """A window of the browser, and its errors, console messages and requests for other files."""

    page: Page
    messages: list[str]

    def open(self, file: Path, width: int, scheme: str) -> None:
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        self.messages.clear()
        self.page.goto(file.as_uri())
        self.messages[:] = [message for message in self.messages if message != file.as_uri()]


@pytest.fixture(scope="module")
def window(chromium: Browser) -> Window:
    page = chromium.new_page()
    messages: list[str] = []
    page.on("console", lambda message: messages.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: messages.append(request.url))
    return Window(page, messages)


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="rigspec-page-") as name:
        yield Path(name)


def build_variant(name: str, lab: Comparison) -> Comparison:
    if name == "long names":
        sides = [
            Side("n" * 60, side.rented, f"{'a-card-with-no-space-in-its-name' * 4} {side.title}")
            for side in lab.sides
        ]
        return dataclasses.replace(lab, rig="r" * 60, a=sides[0], b=sides[1], summary="s" * 200)
    variants: dict[str, tuple[str, str, CostTerms]] = {
        "two bought": ("tower", "second", build_terms()),
        "dear": ("tower", "old", build_terms("0.1", "9 USD/kWh")),
        "late": ("tower", "old", build_terms("5", "0.90 USD/kWh")),
        "soon": ("tower", "cloud", build_terms("24", "0.000001 USD/kWh")),
    }
    a, b, terms = variants[name]
    spec = load_spec(str(LAB))
    matrices = {machine: load_required_matrix(spec.rig, machine) for machine in (a, b)}
    rented = [spec.rig.machine[machine].is_rented for machine in (a, b)]
    return dataclasses.replace(
        lab,
        a=Side(a, rented[0], lab.a.title),
        b=Side(b, rented[1], lab.b.title),
        cost=compare_costs(spec, (a, b), matrices, terms),
    )


@pytest.mark.parametrize("name", ["sourced", "lab"])
def test_page_layout_fits_every_width_and_scheme(
    name: str, request: pytest.FixtureRequest, window: Window, folder: Path
) -> None:
    file = folder / "page.html"
    file.write_text(render_html(request.getfixturevalue(name)), encoding="utf-8")
    pictures = set()
    for device, width in WIDTHS.items():
        for scheme in SCHEMES:
            window.open(file, width, scheme)
            assert window.messages == []
            assert window.page.evaluate(FITS) == [], (device, scheme)
            picture = window.page.screenshot(path=folder / f"{device}-{scheme}.png", full_page=True)
            assert struct.unpack(">I", picture[16:20])[0] == width
            pictures.add(picture)
    assert len(pictures) == len(WIDTHS) * len(SCHEMES)


@pytest.mark.parametrize("name", ["long names", "two bought", "dear", "late", "soon"])
def test_page_layout_fits_extreme_texts(
    name: str, lab: Comparison, window: Window, folder: Path
) -> None:
    file = folder / "page.html"
    file.write_text(render_html(build_variant(name, lab)), encoding="utf-8")
    for device, width in WIDTHS.items():
        window.open(file, width, "light")
        assert window.messages == []
        assert window.page.evaluate(FITS) == [], device


@pytest.mark.parametrize("width", [390, 500, 560, 700, 1280])
def test_cards_fill_their_row_at_every_width(
    width: int, lab: Comparison, window: Window, folder: Path
) -> None:
    file = folder / "page.html"
    file.write_text(render_html(lab), encoding="utf-8")
    window.open(file, width, "light")
    edges = window.page.evaluate(
        """() => {
          const right = (e) => Math.round(e.getBoundingClientRect().right);
          const rows = new Map();
          for (const card of document.querySelectorAll(".answers > div"))
            rows.set(Math.round(card.getBoundingClientRect().top), right(card));
          return [right(document.querySelector(".answers")), [...rows.values()]];
        }"""
    )
    assert all(abs(edge - edges[0]) <= 1 for edge in edges[1])


def test_overflow_is_detected(window: Window, folder: Path, lab: Comparison) -> None:
    file = folder / "page.html"
    wide = render_html(lab).replace("<h3>", '<p style="width: 2000px">wide</p><h3>')
    # The policy blocks inline styles, so nothing is too wide.
    file.write_text(wide, encoding="utf-8")
    window.open(file, 390, "light")
    assert any("Content Security Policy" in text for text in window.messages)
    assert window.page.evaluate(FITS) == []
    window.page.evaluate("document.querySelector('h3').style.whiteSpace = 'nowrap'")
    window.page.evaluate("document.querySelector('h3').textContent = 'wide '.repeat(200)")
    window.page.evaluate("document.querySelectorAll('svg.narrow text')[1].setAttribute('x', 900)")
    found = window.page.evaluate(FITS)
    assert any("the page is" in text for text in found)
    assert any("leaves its drawing" in text for text in found)


def test_page_does_not_run_scripts(window: Window, folder: Path, lab: Comparison) -> None:
    file = folder / "page.html"
    text = render_html(lab).replace("<main>", "<script>document.title = 'ran'</script><main>")
    file.write_text(text, encoding="utf-8")
    window.open(file, 1280, "light")
    assert window.page.title().startswith("tower compared with cloud")
    assert any("Content Security Policy" in text for text in window.messages)


def test_cost_chart_matches_values(window: Window, folder: Path, sourced: Comparison) -> None:
    file = folder / "page.html"
    file.write_text(render_html(sourced), encoding="utf-8")
    window.open(file, 1280, "light")
    spots = window.page.evaluate(
        """() => {
          const svg = document.querySelector("svg.wide");
          const line = (side) => {
            const e = svg.querySelector(`.line.${side}`);
            return ["x1", "y1", "x2", "y2"].map((name) => Number(e.getAttribute(name)));
          };
          const mark = svg.querySelector(".mark");
          const spot = ["cx", "cy"].map((name) => Number(mark.getAttribute(name)));
          return [line("a"), line("b"), spot];
        }"""
    )
    a, b, mark = ([Decimal(str(number)) for number in spot] for spot in spots)

    def height(line: list[Decimal], x: Decimal) -> Decimal:
        return line[1] + (line[3] - line[1]) * (x - line[0]) / (line[2] - line[0])

    assert abs(height(a, mark[0]) - mark[1]) < Decimal("0.1")
    assert abs(height(b, mark[0]) - mark[1]) < Decimal("0.1")
    assert window.page.locator("svg.wide .label").first.text_content() == "9.3 months"
