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


def find_error(report: Report) -> Diagnostic:
    (error,) = [d for d in report.diagnostics if d.severity is Severity.ERROR]
    return error


def test_combinations_are_forty_with_reports() -> None:
    assert len(COMBINATIONS) >= 40
    assert len({name(row) for row in COMBINATIONS}) == len(COMBINATIONS)
    assert all(row["report"].startswith("https://") for row in COMBINATIONS)


@pytest.mark.parametrize("row", REFUSED, ids=name)
def test_combination_reported_broken_is_refused_minimally(
    row: dict[str, Any], tmp_path: Path
) -> None:
    error = find_error(check(tmp_path, row["spec"]))

    assert error.code == row["refused"]
    assert set(row["between"]) <= set(error.components)
    assert (len(error.spans), len(error.facts)) == (row["lines"], row["facts"])
    assert all(fact.sources for fact in error.facts)


@pytest.mark.parametrize("row", ADMITTED, ids=name)
def test_combination_reported_working_resolves(row: dict[str, Any], tmp_path: Path) -> None:
    report = check(tmp_path, row["spec"])

    assert errors(report) == []
    assert report.resolution is not None
    assert set(row.get("reported", ())) <= {d.code for d in report.diagnostics}


@pytest.mark.parametrize("row", REFUSED, ids=name)
def test_combination_repair_applied_gives_its_resolution(
    row: dict[str, Any], tmp_path: Path
) -> None:
    for repair in find_error(check(tmp_path, row["spec"])).repairs:
        spec = tomlkit.parse(row["spec"])
        for edit in repair.edits:
            apply_edit(spec, edit)
        report = check(tmp_path, tomlkit.dumps(spec))
        assert errors(report) == [], repair.edits
        assert report.resolution == repair.resolution


def apply_edit(spec: Any, edit: Edit) -> None:
    *tables, key = re.findall(r"[^.\[\]]+", edit.key)
    for table in tables:
        spec = spec[int(table) if table.isdigit() else table]
    assert spec.get(key) == edit.before
    spec[key] = edit.after


def test_repair_for_pascal_offers_newest_supported_torch(tmp_path: Path) -> None:
    (row,) = [r for r in REFUSED if r["name"] == "a GTX 1080 Ti, driver 580 and the newest torch"]
    error = find_error(check(tmp_path, row["spec"]))

    assert any("sm_61" in fact.statement for fact in error.facts)
    offered = {
        (pin.version, env.cuda)
        for repair in error.repairs
        if repair.resolution is not None
        for env in repair.resolution.envs
        for pin in env.frameworks
    }
    assert ("2.7.1", "12.6") in offered


def test_repair_for_turing_offers_first_supported_tensorflow(tmp_path: Path) -> None:
    (row,) = [r for r in REFUSED if r["name"] == "an RTX 2070 and tensorflow 1.8"]
    error = find_error(check(tmp_path, row["spec"]))

    assert any("CUDA 10.0" in fact.statement for fact in error.facts)
    offered = {
        (pin.version[:4], (repair.resolution.cuda or "")[:4])
        for repair in error.repairs
        if repair.resolution is not None
        for env in repair.resolution.envs
        for pin in env.frameworks
    }
    assert ("1.13", "10.0") in offered


def test_package_without_request_is_the_gpu_build(tmp_path: Path) -> None:
    (row,) = [r for r in ADMITTED if r["name"].endswith("its package left to rigspec")]
    report = check(tmp_path, row["spec"])

    assert report.resolution is not None
    (env,) = report.resolution.envs
    assert [(pin.name, pin.version) for pin in env.distributions] == [("tensorflow-gpu", "1.15.2")]
