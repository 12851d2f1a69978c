"""The matrix: consistent, sourced, and true where it is easy to look up."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rigspec.diagnostics.explanations import list_codes, load_page
from rigspec.matrix.lint import problems
from rigspec.matrix.loader import build_matrix, load_matrix, product_names
from rigspec.matrix.model import Condition, Rule
from rigspec.matrix.part_lookup import find_part
from rigspec.selftest.rules import try_rule

MATRIX = load_matrix()


def test_nothing_is_wrong_with_it() -> None:
    assert problems(MATRIX) == ()


def test_every_row_is_as_it_says_both_ways(
    rigspec: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """What each of the rows admits resolves, and what it forbids is refused by name."""
    done = rigspec("matrix", "verify")
    assert done.returncode == 0, done.stderr
    assert f"{len(list(MATRIX.rules()))} rules tried both ways" in done.stdout


@pytest.mark.parametrize(
    ("when", "must", "side"),
    [
        (Condition("torch", ("2.7",)), Condition("python", ("2.7",)), "admits"),
        (Condition("torch", ("2.7",)), Condition("python", ("3.12",)), "forbids"),
    ],
)
def test_a_row_that_is_wrong_is_found_by_the_trial(
    when: Condition, must: Condition, side: str
) -> None:
    sources = MATRIX.product("torch").sources
    row = Rule("torch-2.7/test", "torch/test", "RS207", (when,), must, "…", "…", sources, "high")
    assert any(f"what it {side}" in failure for failure in try_rule(row, MATRIX).failures)


def test_every_row_has_a_source_and_a_day() -> None:
    for product in MATRIX.products:
        for row in (*product.releases, *product.rules):
            assert row.sources, row
            assert all(source.read and source.url and source.title for source in row.sources)


def test_every_code_that_a_rule_raises_has_a_page() -> None:
    for rule in MATRIX.rules():
        assert rule.code in list_codes()
    for code in list_codes():
        assert load_page(code).startswith(f"# {code}: ")
        assert "## How to fix" in load_page(code)


def test_every_code_that_the_program_can_raise_has_a_page() -> None:
    sources = (Path(__file__).resolve().parent.parent.parent / "rigspec").rglob("*.py")
    raised = {code for file in sources for code in re.findall(r'"(RS\d{3})"', file.read_text())}
    assert len(raised) > 40
    assert sorted(raised - set(list_codes())) == []


@pytest.mark.parametrize(
    ("written", "card"),
    [
        ("GTX 1080 Ti", "GeForce GTX 1080 Ti"),
        ("GeForce GTX 1080 Ti", "GeForce GTX 1080 Ti"),
        ("1080ti", "GeForce GTX 1080 Ti"),
        ("GTX 1080 Ti Hybrid", "GeForce GTX 1080 Ti"),
        ("NVIDIA GeForce GTX 1080", "GeForce GTX 1080"),
        ("Zotac GTX 1070 Mini", "GeForce GTX 1070"),
        ("rtx2070", "GeForce RTX 2070"),
        ("K80", "Tesla K80"),
        ("GTX 1085", None),
        ("Tesla V100-SXM2-16GB", "Tesla V100 SXM2"),
        ("TITAN Xp", "TITAN Xp"),
        ("RTX 3050 Ti Laptop", "GeForce RTX 3050 Ti Laptop"),
        ("NVIDIA GeForce RTX 3050 Ti Laptop GPU", "GeForce RTX 3050 Ti Laptop"),
        ("NVIDIA A100-PCIE-40GB", "A100 PCIe 40GB"),
        ("NVIDIA H100 80GB HBM3", "H100 SXM"),
        ("Quadro P6000", "Quadro P6000"),
        ("RTX 3060 12GB", "GeForce RTX 3060"),
        ("RTX 6000 Ada", "RTX 6000 Ada Generation"),
        ("RTX 5090", "GeForce RTX 5090"),
        ("GT 630", None),  # three chips were sold under this name
    ],
)
def test_cards_by_the_names_people_write(written: str, card: str | None) -> None:
    release = find_part(MATRIX.product("gpu"), written)
    assert (release.version if release is not None else None) == card


@pytest.mark.parametrize(
    ("product", "label", "sha256"),
    [
        ("cuda", "9.0.176", "96863423feaa50b5c1c5e1b9ec537ef7ba77576a3986652351ae43e66bcd080c"),
        (
            "cudnn",
            "7.6.5.32+cuda9.0",
            "bd0a4c0090d5b02feec3f195738968690cc2470b9bc6026e6fe8ff245cd261c8",
        ),
        (
            "installer",
            "Anaconda3 5.2.0",
            "09f53738b0cd3bb96f5b1bac488e5528df9906be2480fe61df40e0e0d19e3d48",
        ),
    ],
)
def test_downloads_have_their_checksums(product: str, label: str, sha256: str) -> None:
    (release,) = [r for r in MATRIX.product(product).releases if r.label == label]
    assert release.artifacts[0].sha256 == sha256


def test_only_what_is_asked_for_is_read() -> None:
    part = load_matrix(["pip", "python"])
    assert [product.name for product in part.products] == ["pip", "python"]
    assert set(product_names()) > {"pip", "python"}


HEAD = b"""product = "x"
title = "X"
kind = "framework"
as_of = 2026-11-21
[source.a]
title = "A"
url = "https://example.org"
read = 2026-11-21
"""
RELEASE = b'[[release]]\nversion = "1.0"\nsource = ["a"]\n'
RULE = b"""[[rule]]
id = "x/pip"
when = { x = "1.0" }
requires = { pip = "20.3.4" }
code = "RS208"
statement = "X wants pip 20.3.4"
source = ["a"]
"""
DISPUTE = b"""properties = { watts = "8" }
[[source_conflict]]
about = "1.0/watts"
used = "9"
used_source = "one"
rejected = "8"
rejected_source = "another"
reason = "it is so"
read = 2026-11-21
"""
WRONG = {
    "twice": HEAD + RELEASE + RELEASE,
    "no source": HEAD + RELEASE.replace(b'["a"]', b"[]"),
    "admits no release": HEAD + RELEASE + RULE.replace(b"20.3.4", b"99"),
    "the matrix knows no": HEAD + RELEASE + RULE.replace(b"pip =", b"pup ="),
    "the id stands there twice": HEAD + RELEASE + RULE + RULE,
    "is no severity": HEAD + RELEASE + RULE + b'severity = "awful"\n',
    "a dispute about no row": HEAD + RELEASE + DISPUTE.replace(b"1.0/", b"2.0/"),
    "a dispute without a reason": HEAD + RELEASE + DISPUTE.replace(b"it is so", b""),
    "the table says 8 where 9": HEAD + RELEASE + DISPUTE,
    "cannot hold beside": HEAD
    + RELEASE
    + RULE
    + RULE.replace(b"x/pip", b"x/pip2").replace(b"20.3.4", b"18.1"),
}


@pytest.mark.parametrize("words", WRONG)
def test_verify_finds_what_is_wrong(words: str) -> None:
    pip = HEAD.replace(b'"x"', b'"pip"') + b"".join(
        RELEASE.replace(b"1.0", version) for version in (b"18.1", b"20.3.4")
    )
    found = problems(build_matrix({"x": WRONG[words], "pip": pip}))
    assert any(words in problem.what for problem in found), found


@pytest.mark.parametrize(("half", "wrong"), [("65", True), ("16.2", False), ("17.1", False)])
def test_verify_holds_a_cards_half_precision_to_its_generation(half: str, wrong: bool) -> None:
    turing = RELEASE + b'properties = { fp16 = "2" }\n'
    card = f"""
implies = {{ compute_capability = "==7.5" }}
properties = {{ fp32_tflops = "8.1", fp16_tflops = "{half}" }}
"""
    tables = {
        "generation": HEAD.replace(b'"x"', b'"generation"') + turing.replace(b"1.0", b"7.5"),
        "gpu": HEAD.replace(b'"x"', b'"gpu"') + RELEASE + card.encode(),
    }
    found = [problem.what for problem in problems(build_matrix(tables))]
    assert any("65 TFLOPS in half precision beside 8.1" in what for what in found) == wrong
