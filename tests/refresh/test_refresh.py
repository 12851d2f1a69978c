"""New releases read from a real package index say what the facts, gathered by hand, say."""

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

from rigspec.matrix.lint import problems
from rigspec.matrix.loader import build_matrix, load_matrix, table_file
from rigspec.matrix.model import Product
from rigspec.refresh.index_releases import Published, published
from rigspec.refresh.rows import newest_known, rows

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
ROOT = Path(__file__).resolve().parent.parent.parent
DAY = dt.date(2026, 11, 21)
TORCH = load_matrix(["torch"]).product("torch")


@pytest.fixture(scope="module")
def found() -> list[Published]:
    """PyTorch after 2.12, as the index tells it today."""
    return list(published("torch", newer_than="2.12.1", index=None))


def by_hand(product: Product, version: str) -> dict[str, tuple[str, ...]]:
    """What the table already says of a release, by component."""
    from rigspec.resolve.problem.model import Candidate, matches_any

    release = Candidate(None, version)
    return {
        rule.requires.component: rule.requires.alternatives
        for rule in product.rules
        if rule.severity == "error"
        for condition in rule.when
        if condition.component == product.name and matches_any(condition.alternatives, release)
    }


def test_it_reads_what_was_read_by_hand(found: list[Published]) -> None:
    read = {release.version: release for release in found}
    assert {"2.13.0", "2.14.0", "2.14.1", "2.15.0"} <= read.keys()
    for version in ("2.13.0", "2.14.1", "2.15.0"):
        told = by_hand(TORCH, version)
        release = read[version]
        assert set(told["python"]) <= set(release.pythons)
        assert told["cuda_runtime"] == (release.cuda,)
        assert told["glibc"] == (f">={release.glibc}",)
        assert told["pip"] == (f">={release.pip}",)


def test_the_rows_hold_in_the_table(found: list[Published]) -> None:
    known = {release.version for release in found}
    old = tuple(release for release in TORCH.releases if release.version not in known)
    assert newest_known(replace(TORCH, releases=old), "torch") == "2.12.1"

    text = rows(TORCH, found, DAY)
    parsed = tomli.loads(text)
    assert [row["version"] for row in parsed["release"]] == [r.version for r in found]
    assert all(row["source"] for row in (*parsed["release"], *parsed["rule"]))
    assert all(source["read"] == DAY for source in parsed["source"].values())
    # In a table without these releases the new rows stand beside the others.
    head = table_file("torch").read_text(encoding="utf-8").partition("[[release]]")[0]
    tables = dict(load_matrix().tables)
    tables["torch"] = (head.partition("[[rule]]")[0] + text).encode()
    assert [p for p in problems(build_matrix(tables)) if p.place.startswith("torch")] == []


def test_what_no_tag_tells_is_said_to_be_unread(found: list[Published]) -> None:
    rules = tomli.loads(rows(TORCH, found, DAY))["rule"]
    unread = [rule for rule in rules if rule.get("severity") == "warning"]
    assert len(unread) == len(found)
    assert "which GPUs" in unread[0]["statement"]


def test_what_is_added_has_its_day(tmp_path: Path) -> None:
    """In a copy of rigspec that never heard of Theano 1.0.5."""
    copy = tmp_path / "rigspec"
    shutil.copytree(ROOT / "rigspec", copy, ignore=shutil.ignore_patterns("__pycache__"))
    table = copy / "matrix" / "tables" / "theano.toml"
    days = copy / "matrix" / "tables" / "uploads" / "theano.toml"
    # Its first block tells the sources.
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
    # The row above is not touched by a release of which there is nothing else to tell.
    assert "rule" not in tomli.loads(table.read_text(encoding="utf-8"))["rule"][-1]
    assert "no theano newer" in run("refresh", "theano").stderr


def test_a_table_that_is_up_to_date_is_left_alone(rigspec: Rigspec) -> None:
    before = table_file("theano").read_bytes()
    done = rigspec("matrix", "refresh", "theano")
    assert done.returncode == 0
    assert done.stdout == ""
    assert "no theano newer than the table" in done.stderr
    assert table_file("theano").read_bytes() == before


def test_an_index_that_is_down_changes_nothing(rigspec: Rigspec, tmp_path: Path) -> None:
    before = table_file("torch").read_bytes()
    done = rigspec("matrix", "refresh", "torch", "--index", "http://127.0.0.1:9/simple")
    assert done.returncode == 3
    assert "could not be fetched" in done.stderr
    assert "127.0.0.1" not in done.stderr
    assert table_file("torch").read_bytes() == before


@pytest.mark.parametrize(("product", "words"), [("cuda", "is a toolkit"), ("torhc", "`torch`?")])
def test_what_is_on_no_index_is_told(product: str, words: str, rigspec: Rigspec) -> None:
    done = rigspec("matrix", "refresh", product)
    assert done.returncode == 2
    assert words in done.stderr
