"""The matrix: consistent, sourced, and true where it is easy to look up."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rigspec.diagnostics.explanations import list_codes, load_page
from rigspec.matrix.lint import find_problems
from rigspec.matrix.loader import (
    build_matrix,
    list_product_names,
    load_matrix,
)
from rigspec.matrix.model import Condition, Rule, Upload
from rigspec.matrix.part_lookup import find_part
from rigspec.matrix.uploads import load_uploads
from rigspec.selftest.rules import check_rule

MATRIX = load_matrix()
UPLOADS = {p.name: load_uploads(p.name) for p in MATRIX.products if p.kind == "framework"}
ROOT = Path(__file__).resolve().parent.parent.parent


def test_matrix_has_no_problems() -> None:
    assert find_problems(MATRIX, UPLOADS) == ()


@pytest.mark.long(seconds=60)
def test_verify_tries_every_rule_both_ways(
    rigspec: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """Everything that a rule allows resolves; everything that it forbids is refused by name."""
    done = rigspec("matrix", "verify")
    assert done.returncode == 0, done.stderr
    assert f"{len(list(MATRIX.rules()))} rules tested both ways" in done.stdout


@pytest.mark.parametrize(
    ("when", "must", "side"),
    [
        (Condition("torch", ("2.7",)), Condition("python", ("2.7",)), "allows"),
        (Condition("torch", ("2.7",)), Condition("python", ("3.12",)), "forbids"),
    ],
)
def test_check_rule_finds_a_wrong_rule(when: Condition, must: Condition, side: str) -> None:
    sources = MATRIX.product("torch").sources
    row = Rule("torch-2.7/test", "torch/test", "RS207", (when,), must, "…", "…", sources, "high")
    assert any(f"side that it {side}" in failure for failure in check_rule(row, MATRIX).failures)


def test_matrix_rows_have_a_source_and_a_day() -> None:
    for product in MATRIX.products:
        for row in (*product.releases, *product.rules):
            assert row.sources, row
            assert all(source.read and source.url and source.title for source in row.sources)


def test_matrix_codes_have_a_page() -> None:
    for rule in MATRIX.rules():
        assert rule.code in list_codes()
    for code in list_codes():
        assert load_page(code).startswith(f"# {code}: ")
        assert "## How to fix" in load_page(code)


def test_rules_that_the_text_of_check_leaves_out_are_notes() -> None:
    found = [
        f"{rule.id}: {rule.severity}"
        for rule in MATRIX.rules()
        if rule.code == "RS221" and rule.severity != "note"
    ]
    assert found == []


def test_program_codes_have_a_page() -> None:
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
def test_find_part_accepts_common_names(written: str, card: str | None) -> None:
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
def test_artifacts_have_their_checksums(product: str, label: str, sha256: str) -> None:
    (release,) = [r for r in MATRIX.product(product).releases if r.label == label]
    assert release.artifacts[0].sha256 == sha256


def test_load_matrix_reads_only_requested_tables() -> None:
    part = load_matrix(["pip", "python"])
    assert [product.name for product in part.products] == ["pip", "python"]
    assert set(list_product_names()) > {"pip", "python"}


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
statement = "X requires pip 20.3.4"
source = ["a"]
"""
CONFLICT = b"""properties = { watts = "8" }
[[source_conflict]]
about = "1.0/watts"
used = "9"
used_source = "one"
rejected = "8"
rejected_source = "another"
reason = "it is so"
read = 2026-11-21
"""
DEPENDENCY = b'[[dependency]]\nframework = "x"\nversions = ">=1.0"\nsource = ["a"]\n'
WRONG = {
    "duplicate release": HEAD + RELEASE + RELEASE,
    "no source": HEAD + RELEASE.replace(b'["a"]', b"[]"),
    "matches no release": HEAD + RELEASE + RULE.replace(b"20.3.4", b"99"),
    "unknown component": HEAD + RELEASE + RULE.replace(b"pip =", b"pup ="),
    "duplicate id": HEAD + RELEASE + RULE + RULE,
    "invalid severity": HEAD + RELEASE + RULE + b'severity = "awful"\n',
    "source conflict about an unknown row": HEAD + RELEASE + CONFLICT.replace(b"1.0/", b"2.0/"),
    "source conflict without a reason": HEAD + RELEASE + CONFLICT.replace(b"it is so", b""),
    "the table has 8, but the value in use is 9": HEAD + RELEASE + CONFLICT,
    "`y` is not a framework": HEAD + RELEASE + DEPENDENCY.replace(b'"x"', b'"y"'),
    "no source of the dependency": HEAD + RELEASE + DEPENDENCY.replace(b'["a"]', b"[]"),
    "contradicts x/pip2": HEAD
    + RELEASE
    + RULE
    + RULE.replace(b"x/pip", b"x/pip2").replace(b"20.3.4", b"18.1"),
}


@pytest.mark.parametrize("message", WRONG)
def test_find_problems_reports_a_wrong_row(message: str) -> None:
    pip = HEAD.replace(b'"x"', b'"pip"') + b"".join(
        RELEASE.replace(b"1.0", version) for version in (b"18.1", b"20.3.4")
    )
    found = find_problems(build_matrix({"x": WRONG[message], "pip": pip}), {})
    assert any(message in problem.message for problem in found), found


def test_find_problems_reports_a_missing_upload_day() -> None:
    matrix = build_matrix({"x": HEAD + RELEASE})
    (problem,) = find_problems(matrix, {})
    assert problem.place == "uploads/x.toml"
    assert problem.message == "no upload day of x 1.0"


def test_find_problems_reports_upload_days_of_unknown_releases() -> None:
    matrix = build_matrix({"x": HEAD + RELEASE})
    known, unknown = (
        Upload("x", version, dt.date(2020, 1, 1), matrix.product("x").sources[0])
        for version in ("1.0", "2.0")
    )
    messages = [p.message for p in find_problems(matrix, {"x": (known, known, unknown)})]
    assert messages == [
        "more than one upload day of x 1.0",
        "upload day of the unknown release x 2.0",
    ]


def test_find_problems_reports_a_package_of_two_frameworks() -> None:
    families = HEAD.replace(b"[source.a]", b'families = ["x"]\n[source.a]', 1)
    matrix = build_matrix({"x": HEAD, "y": families.replace(b'"x"', b'"y"', 1)})
    assert [p.message for p in find_problems(matrix, {})] == [
        "the package `x` belongs to `x` as well"
    ]


PADDLE = """product = "paddle"
title = "PaddlePaddle"
kind = "framework"
as_of = 2026-11-21
families = ["paddlepaddle", "paddlepaddle-gpu"]

[source.index]
title = "paddlepaddle on the Python Package Index: tags and requirements"
url = "pkg:pypi/paddlepaddle"
read = 2026-11-21

[[release]]
family = "paddlepaddle"
version = "2.6.2"
source = ["index"]
"""
RIG = """rig = 1
name = "lab"
[machine.box]
os = "ubuntu 24.04"
[env.lab]
python = "3.12"
"""


@pytest.fixture
def run_copy(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a copy of rigspec in ``tmp_path``, whose tables a test changes."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "rigspec", tmp_path / "rigspec", ignore=ignored)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "rigspec", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


def test_verify_quick_reports_a_half_added_framework(
    tmp_path: Path, run_copy: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    tables = tmp_path / "rigspec" / "matrix" / "tables"
    (tables / "paddle.toml").write_text(PADDLE, encoding="utf-8")
    with (tables / "chainer.toml").open("a", encoding="utf-8") as file:
        file.write('\n[[release]]\nversion = "7.9.0"\nsource = ["index"]\n')
    done = run_copy("matrix", "verify", "--quick")
    assert done.returncode == 1
    assert "uploads/chainer.toml: no upload day of chainer 7.9.0" in done.stderr
    assert "uploads/paddle.toml: no upload day of paddlepaddle 2.6.2" in done.stderr


@pytest.mark.parametrize("table", ["frameworks", "packages"])
def test_check_finds_a_new_framework_by_its_package(
    table: str, tmp_path: Path, run_copy: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """A table is enough: no other file lists the packages of frameworks."""
    tables = tmp_path / "rigspec" / "matrix" / "tables"
    (tables / "paddle.toml").write_text(PADDLE, encoding="utf-8")
    spec = tmp_path / "rig.toml"
    spec.write_text(f'{RIG}{table} = {{ paddlepaddle = "2.6" }}\n', encoding="utf-8")
    done = run_copy("check", "rig.toml")
    assert done.returncode == 0, done.stderr
    assert re.search(r"paddle +2\.6\.2", done.stdout)


@pytest.mark.parametrize(("half", "wrong"), [("65", True), ("16.2", False), ("17.1", False)])
def test_find_problems_checks_the_throughput_of_a_card(half: str, wrong: bool) -> None:
    turing = RELEASE + b'properties = { fp16 = "2" }\n'
    card = f"""
implies = {{ compute_capability = "==7.5" }}
properties = {{ fp32_tflops = "8.1", fp16_tflops = "{half}" }}
"""
    tables = {
        "generation": HEAD.replace(b'"x"', b'"generation"') + turing.replace(b"1.0", b"7.5"),
        "gpu": HEAD.replace(b'"x"', b'"gpu"') + RELEASE + card.encode(),
    }
    found = [problem.message for problem in find_problems(build_matrix(tables), {})]
    assert any("65 TFLOPS in half and 8.1 in single" in text for text in found) == wrong
