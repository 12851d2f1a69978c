"""New releases from a real package index, compared with facts gathered by hand."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import tomli

from rigspec.matrix.lint import find_problems
from rigspec.matrix.loader import build_matrix, get_table_path, load_matrix
from rigspec.matrix.model import Product
from rigspec.refresh.index_releases import IndexRelease, list_releases
from rigspec.refresh.rows import find_newest_known, format_rows
from rigspec.version_specifiers import strip_local_version

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
ROOT = Path(__file__).resolve().parent.parent.parent
DAY = dt.date(2026, 11, 21)
TORCH = load_matrix(["torch"]).product("torch")


@pytest.fixture(scope="module")
def releases() -> list[IndexRelease]:
    """PyTorch after 2.12, as in the index today."""
    return list(list_releases("torch", newer_than="2.12.1", index=None))


def read_table(product: Product, version: str) -> dict[str, tuple[str, ...]]:
    """Return the requirements of a release in the table, by component."""
    from rigspec.resolve.problem.model import Candidate, matches_any

    builds = (r for r in product.releases if strip_local_version(r.version) == version)
    default = next(r.version for r in builds if r.get("pypi") is not None)
    release = Candidate(None, default)
    return {
        rule.requires.component: rule.requires.alternatives
        for rule in product.rules
        if rule.severity == "error"
        for condition in rule.when
        if condition.component == product.name and matches_any(condition.alternatives, release)
    }


def test_list_releases_equals_facts_gathered_by_hand(releases: list[IndexRelease]) -> None:
    read = {release.version: release for release in releases}
    assert {"2.13.0", "2.14.0", "2.14.1", "2.15.0"} <= read.keys()
    for version in ("2.13.0", "2.14.1", "2.15.0"):
        known = read_table(TORCH, version)
        release = read[version]
        assert set(known["python"]) <= set(release.pythons)
        assert known["cuda_runtime"] == (release.cuda,)
        assert known["glibc"] == (f">={release.glibc}",)
        assert known["pip"] == (f">={release.pip}",)


def test_format_rows_are_valid_in_the_table(releases: list[IndexRelease]) -> None:
    new = {release.version for release in releases}
    old = tuple(
        release for release in TORCH.releases if strip_local_version(release.version) not in new
    )
    assert find_newest_known(replace(TORCH, releases=old), "torch") == "2.12.1"

    text = format_rows(TORCH, releases, DAY)
    parsed = tomli.loads(text)
    assert [row["version"] for row in parsed["release"]] == [r.version for r in releases]
    assert all(row["source"] for row in (*parsed["release"], *parsed["rule"]))
    assert all(source["read"] == DAY for source in parsed["source"].values())
    # The table without these releases, and the new rows.
    head = get_table_path("torch").read_text(encoding="utf-8").partition("[[release]]")[0]
    tables = dict(load_matrix().tables)
    tables["torch"] = (head.partition("[[rule]]")[0] + text).encode()
    # Packages such as torch-tensorrt refer to releases that are not in that table.
    found = find_problems(build_matrix(tables), {})
    assert [p for p in found if p.place.startswith(("torch ", "torch-2."))] == []


def test_format_rows_warns_about_unexamined_gpu_code(releases: list[IndexRelease]) -> None:
    rules = tomli.loads(format_rows(TORCH, releases, DAY))["rule"]
    unread = [rule for rule in rules if rule.get("severity") == "warning"]
    assert len(unread) == len(releases)
    assert "the GPU code in the wheels of" in unread[0]["statement"]


def test_refresh_adds_a_release_and_its_upload_day(tmp_path: Path) -> None:
    """In a copy of rigspec without Theano 1.0.5."""
    copy = tmp_path / "rigspec"
    shutil.copytree(ROOT / "rigspec", copy, ignore=shutil.ignore_patterns("__pycache__"))
    table = copy / "matrix" / "tables" / "theano.toml"
    days = copy / "matrix" / "tables" / "uploads" / "theano.toml"
    # Its first block has the sources.
    sources, *rows = table.read_text(encoding="utf-8").split("\n[[")
    rows = [row for row in rows if "1.0.5" not in row]
    table.write_text("\n[[".join((sources, *rows)), encoding="utf-8")
    known = days.read_text(encoding="utf-8")
    days.write_text(re.sub(r'"1\.0\.5" = .*\n', "", known), encoding="utf-8")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "rigspec", "matrix", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    done = run("refresh", "theano")
    assert done.returncode == 0, done.stderr
    assert "+++ b/theano.toml" in done.stdout
    assert "+++ b/uploads/theano.toml" in done.stdout
    *_, added = tomli.loads(days.read_text(encoding="utf-8"))["reading"]
    assert added["uploaded"] == {"1.0.5": dt.date(2020, 7, 27)}
    assert added["url"] == "pkg:pypi/theano"
    # A release without new rules does not change the row above it.
    assert "rule" not in tomli.loads(table.read_text(encoding="utf-8"))["rule"][-1]
    assert "no theano on the index is newer" in run("refresh", "theano").stderr


def test_refresh_does_not_change_an_up_to_date_table(rigspec: Rigspec) -> None:
    before = get_table_path("theano").read_bytes()
    done = rigspec("matrix", "refresh", "theano")
    assert done.returncode == 0
    assert done.stdout == ""
    assert "no theano on the index is newer than the table" in done.stderr
    assert get_table_path("theano").read_bytes() == before


def test_refresh_unreachable_index_changes_nothing(rigspec: Rigspec, tmp_path: Path) -> None:
    before = get_table_path("torch").read_bytes()
    done = rigspec("matrix", "refresh", "torch", "--index", "http://ann:pa55@127.0.0.1:9/simple")
    assert done.returncode == 3
    assert "could not be fetched" in done.stderr
    assert "from 127.0.0.1:9" in " ".join(done.stderr.split())
    assert "pa55" not in done.stderr
    assert get_table_path("torch").read_bytes() == before


@pytest.mark.parametrize(
    ("product", "words"), [("cuda", "is a toolkit"), ("torhc", "did you mean `torch`")]
)
def test_refresh_product_without_packages_is_an_error(
    product: str, words: str, rigspec: Rigspec
) -> None:
    done = rigspec("matrix", "refresh", product)
    assert done.returncode == 2
    assert words in done.stderr


def test_refresh_replaces_the_releases_of_a_package(tmp_path: Path) -> None:
    """In a copy of rigspec whose table lacks the last release."""
    copy = tmp_path / "rigspec"
    shutil.copytree(ROOT / "rigspec", copy, ignore=shutil.ignore_patterns("__pycache__"))
    table = copy / "matrix" / "tables" / "package" / "auto-gptq.toml"
    listing = load_matrix(["package:auto-gptq"]).product("package:auto-gptq").listing
    assert listing is not None
    whole = table.read_text(encoding="utf-8")
    last = listing.versions[-1]
    table.write_text(whole.replace(f"{last}\n", "\n", 1), encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-m", "rigspec", "matrix", "refresh", "package:auto-gptq"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "+++ b/package/auto-gptq.toml" in done.stdout
    written = tomli.loads(table.read_text(encoding="utf-8"))
    assert written["listing"]["versions"].split() == [*listing.versions]
    assert written["rule"] == tomli.loads(whole)["rule"]
