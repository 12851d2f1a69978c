"""The matrix: consistent, sourced, and true where it is easy to look up."""

from __future__ import annotations

import pytest

from rigspec.diagnostics.pages import codes, page
from rigspec.matrix.load import build_matrix, load_matrix, product_names
from rigspec.matrix.part_names import find_part
from rigspec.matrix.verify import problems

MATRIX = load_matrix()


def test_nothing_is_wrong_with_it() -> None:
    assert problems(MATRIX) == ()


def test_every_row_has_a_source_and_a_day() -> None:
    for product in MATRIX.products:
        for row in (*product.releases, *product.rules):
            assert row.sources, row
            assert all(source.read and source.url and source.title for source in row.sources)


def test_every_code_that_a_rule_raises_has_a_page() -> None:
    for rule in MATRIX.rules():
        assert rule.code in codes()
    for code in codes():
        assert page(code).startswith(f"# {code}: ")
        assert "## How to mend it" in page(code)


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
must = { pip = "20.3.4" }
code = "RS208"
statement = "X wants pip 20.3.4"
source = ["a"]
"""
WRONG = {
    "twice": HEAD + RELEASE + RELEASE,
    "no source": HEAD + RELEASE.replace(b'["a"]', b"[]"),
    "admits no release": HEAD + RELEASE + RULE.replace(b"20.3.4", b"99"),
    "the matrix knows no": HEAD + RELEASE + RULE.replace(b"pip =", b"pup ="),
    "the id stands there twice": HEAD + RELEASE + RULE + RULE,
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
