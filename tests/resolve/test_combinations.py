"""Combinations that people reported: what broke is refused in few words, the rest admitted."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import tomli
import tomlkit

from rigspec.diagnostics.model import Diagnostic, Edit, Report, Severity
from tests.resolve.rigs import check, errors

FILE = Path(__file__).with_name("combinations.toml")
COMBINATIONS: list[dict[str, Any]] = tomli.loads(FILE.read_text(encoding="utf-8"))["combination"]
REFUSED = [row for row in COMBINATIONS if "refused" in row]
ADMITTED = [row for row in COMBINATIONS if "refused" not in row]


def name(row: dict[str, Any]) -> str:
    return str(row["name"])


def the_error(report: Report) -> Diagnostic:
    (error,) = [d for d in report.diagnostics if d.severity is Severity.ERROR]
    return error


def test_there_are_forty_of_them_each_with_its_report() -> None:
    assert len(COMBINATIONS) >= 40
    assert len({name(row) for row in COMBINATIONS}) == len(COMBINATIONS)
    assert all(row["report"].startswith("https://") for row in COMBINATIONS)


@pytest.mark.parametrize("row", REFUSED, ids=name)
def test_what_broke_is_refused_with_no_more_than_it_takes(
    row: dict[str, Any], tmp_path: Path
) -> None:
    error = the_error(check(tmp_path, row["spec"]))

    assert error.code == row["refused"]
    assert set(row["between"]) <= set(error.components)
    assert (len(error.spans), len(error.facts)) == (row["lines"], row["facts"])
    assert all(fact.sources for fact in error.facts)


@pytest.mark.parametrize("row", ADMITTED, ids=name)
def test_what_worked_is_admitted(row: dict[str, Any], tmp_path: Path) -> None:
    report = check(tmp_path, row["spec"])

    assert errors(report) == []
    assert report.resolution is not None
    assert set(row.get("told", ())) <= {d.code for d in report.diagnostics}


@pytest.mark.parametrize("row", REFUSED, ids=name)
def test_a_repair_made_by_hand_gives_what_was_promised(row: dict[str, Any], tmp_path: Path) -> None:
    for repair in the_error(check(tmp_path, row["spec"])).repairs:
        spec = tomlkit.parse(row["spec"])
        for edit in repair.edits:
            make(spec, edit)
        report = check(tmp_path, tomlkit.dumps(spec))
        assert errors(report) == [], repair.edits
        assert report.resolution == repair.resolution


def make(spec: Any, edit: Edit) -> None:
    *tables, key = re.findall(r"[^.\[\]]+", edit.key)
    for table in tables:
        spec = spec[int(table) if table.isdigit() else table]
    assert spec.get(key) == edit.before
    spec[key] = edit.after


def test_pascal_is_offered_the_newest_torch_that_has_code_for_it(tmp_path: Path) -> None:
    (row,) = [r for r in REFUSED if r["name"] == "a GTX 1080 Ti, driver 580 and the newest torch"]
    error = the_error(check(tmp_path, row["spec"]))

    assert any("sm_61" in fact.statement for fact in error.facts)
    offered = {
        (pin.version, env.cuda)
        for repair in error.repairs
        if repair.resolution is not None
        for env in repair.resolution.envs
        for pin in env.frameworks
    }
    assert ("2.7.1", "12.6") in offered


def test_turing_is_offered_the_first_tensorflow_for_its_cuda(tmp_path: Path) -> None:
    (row,) = [r for r in REFUSED if r["name"] == "an RTX 2070 and tensorflow 1.8"]
    error = the_error(check(tmp_path, row["spec"]))

    assert any("CUDA 10.0" in fact.statement for fact in error.facts)
    offered = {
        (pin.version[:4], (repair.resolution.cuda or "")[:4])
        for repair in error.repairs
        if repair.resolution is not None
        for env in repair.resolution.envs
        for pin in env.frameworks
    }
    assert ("1.13", "10.0") in offered


def test_the_package_that_rigspec_chooses_is_the_one_for_the_gpu(tmp_path: Path) -> None:
    (row,) = [r for r in ADMITTED if r["name"].endswith("its package left to rigspec")]
    report = check(tmp_path, row["spec"])

    assert report.resolution is not None
    (env,) = report.resolution.envs
    assert [(pin.name, pin.version) for pin in env.distributions] == [("tensorflow-gpu", "1.15.2")]
