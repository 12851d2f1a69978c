"""The page "What runs on my GPU?" answers as ``rigspec can`` does, in a browser."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page

from rigspec.query.answer import answer_question
from rigspec.query.question import Question, parse_request
from rigspec.query.render import convert_answer
from tests.site.firefox import Firefox
from tests.site.test_site import OVERFLOW, SCHEMES, WIDTHS, describe, open_observed_page

# The site asks the resolver thousands of questions: two minutes.
pytestmark = [pytest.mark.e2e(minutes=5), pytest.mark.nightly]

QUESTIONS = 200
SEED = 20
# Every rule of axe: the form is ours, not the theme's.
AXE = "axe.run('#what-runs, #wr-answer', {resultTypes: ['violations'], preload: false})"
# Cards that people have, and old ones.
CARDS = re.compile(r"RTX [2345]0|GTX (9|10|16)|[AHBLTV]\d+|Titan|K80|P100|GB10|Orin")


@dataclass(frozen=True)
class FormQuestion:
    """A question of the form."""

    gpu: str
    framework: str
    series: str
    cuda: str = ""
    driver: str = ""
    python: str = ""
    os: str = ""


@pytest.fixture(scope="module")
def page(site: Path, chromium: Chromium) -> Iterator[Page]:
    page = chromium.new_page()
    page.goto((site / "what-runs.html").as_uri())
    yield page
    page.close()


def draw_questions(data: dict[str, Any]) -> Iterator[FormQuestion]:
    draw = random.Random(SEED)
    cards = [label for label, *_ in data["gpus"] if CARDS.search(label)]
    names = list(data["frameworks"])
    for _ in range(QUESTIONS):
        framework = draw.choices(names, [8, 4, 2])[0]
        series = draw.choice(data["frameworks"][framework]["series"])
        number = draw.choices([0, 1, 2, 3], [3, 4, 2, 1])[0]
        chosen = draw.sample(["driver", "python", "os"], number)
        values = {name: draw.choice(data["options"][name]) for name in chosen}
        yield FormQuestion(draw.choice(cards), framework, series, **values)


def ask_rigspec(question: FormQuestion) -> dict[str, Any]:
    requests = (
        (parse_request(f"{question.framework}=={question.series}"),) if question.framework else ()
    )
    answer = answer_question(
        Question(
            gpu=question.gpu,
            requests=requests,
            driver=question.driver or None,
            python=question.python or None,
            os=question.os or None,
        )
    )
    return convert_answer(answer)


def list_parts(question: FormQuestion) -> Iterator[FormQuestion]:
    """Yield the question and parts of it: several versions may exclude a release, each alone."""
    yield question
    yield FormQuestion(question.gpu, "", "", driver=question.driver)
    yield FormQuestion(question.gpu, question.framework, question.series)
    for name in ("python", "os", "driver"):
        yield FormQuestion(
            question.gpu, question.framework, question.series, **{name: getattr(question, name)}
        )


def find_difference(question: FormQuestion, shown: dict[str, Any]) -> str | None:
    """Return how an answer of the page differs from that of rigspec."""
    expected = ask_rigspec(question)
    if (expected["answer"] == "yes") != bool(shown.get("builds")):
        return f"rigspec: {expected['answer']} {[e['message'] for e in expected['errors']]}"
    if shown.get("builds"):
        command = shown["builds"][0][2]
        if command != expected["resolution"]["install"][0]:
            return f"{command}, rigspec: {expected['resolution']['install'][0]}"
        return None
    first = shown["errors"][0]
    messages = []
    for part in list_parts(question):
        for error in ask_rigspec(part)["errors"]:
            facts = {fact["statement"] for fact in error["facts"]}
            if error["message"] == first["message"] and error["code"] == first["code"]:
                shown_facts = {text for text, *_ in first["because"]}
                return None if shown_facts <= facts else f"{shown_facts}, rigspec: {facts}"
            messages.append(error["message"])
    return f"{first['message']}, rigspec: {messages}"


def test_answers_equal_those_of_can(page: Page) -> None:
    questions = list(draw_questions(page.evaluate("window.WHAT_RUNS")))
    script = "questions => questions.map(each => window.answerWhatRuns(each).answers[0])"
    shown = page.evaluate(script, [vars(question) for question in questions])
    different = {
        question: difference
        for question, answer in zip(questions, shown, strict=True)
        if (difference := find_difference(question, answer)) is not None
    }
    assert len({bool(answer.get("builds")) for answer in shown}) == 2
    assert not different, "\n".join(f"{q}: {d}" for q, d in different.items())


def test_form_shows_yes_and_no_with_reasons(page: Page) -> None:
    page.reload()
    page.get_by_label("GPU", exact=True).fill("RTX 5090")
    answer = page.locator("#wr-answer")
    assert answer.get_by_role("heading", name="yes: PyTorch").count() == 1
    page.get_by_label("Framework").select_option("torch")
    page.get_by_label("Release").select_option("2.4")
    text = answer.inner_text()
    assert text.startswith("no: PyTorch 2.4 and GeForce RTX 5090 are incompatible")
    assert "contains code for sm_50" in text
    assert "at run time: CUDA error: no kernel image is available" in text
    assert "newest that runs: pip install torch==" in text
    assert answer.get_by_role("link", name="RS220").first.get_attribute("href") == (
        "diagnostics/RS220.html"
    )
    page.get_by_label("GPU", exact=True).fill("RTX 50")
    assert answer.inner_text().startswith("Which one: GeForce RTX 50")
    page.get_by_label("GPU", exact=True).fill("Voodoo 2")
    assert answer.inner_text() == "The matrix does not know this GPU."


def test_form_works_with_the_keyboard(page: Page) -> None:
    page.reload()
    page.get_by_label("GPU", exact=True).focus()
    page.keyboard.type("GTX 1080")
    page.keyboard.press("Tab")
    page.keyboard.type("PyT")
    page.keyboard.press("Tab")
    focused = page.evaluate("document.activeElement.id")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert (focused, outline) == ("wr-series", "solid")
    assert page.locator("#wr-answer").inner_text().startswith("yes: PyTorch")
    assert page.locator("#wr-answer").get_attribute("aria-live") == "polite"


def test_data_is_small(site: Path) -> None:
    import gzip

    data = (site / "assets/what-runs-data.js").read_bytes()
    assert len(gzip.compress(data)) < 400_000


FILL = """
for (const [name, value] of Object.entries({gpu: 'RTX 5090', framework: 'torch', driver: '535'})) {
  const field = document.getElementById('wr-' + name);
  field.value = value;
  field.dispatchEvent(new Event('input', {bubbles: true}));
}
"""


@pytest.mark.parametrize("device", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_form_is_accessible_and_fits_in_chromium(
    site: Path, chromium: Chromium, device: str, scheme: str
) -> None:
    with open_observed_page(chromium, device, scheme) as (page, seen):
        page.goto((site / "what-runs.html").as_uri())
        page.evaluate(AXE_SCRIPT)
        for script in ("0", FILL, FILL.replace("535", "")):
            page.evaluate(f"() => {{ {script} }}")
            assert page.evaluate(OVERFLOW) <= 0
            assert describe(page.evaluate(AXE)) == []
        assert seen == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_form_is_accessible_and_fits_in_firefox(site: Path, firefox: Firefox, scheme: str) -> None:
    for width in WIDTHS.values():
        firefox.open((site / "what-runs.html").as_uri(), width, scheme)
        firefox.run(AXE_SCRIPT)
        for script in ("0", FILL, FILL.replace("535", "")):
            firefox.run(script)
            assert firefox.evaluate(OVERFLOW) <= 0
            assert describe(firefox.evaluate(AXE)) == []
        heading = json.dumps(
            firefox.evaluate("document.querySelector('#wr-answer h2').textContent")
        )
        assert heading.startswith('"yes: PyTorch')
        assert firefox.messages == []
