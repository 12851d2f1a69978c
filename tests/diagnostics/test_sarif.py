"""SARIF output matches its schema and has all information."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
# The schema published by OASIS with the standard.
SCHEMA = json.loads((Path(__file__).parent.parent / "data" / "sarif-schema-2.1.0.json").read_text())
ROOT = Path(__file__).resolve().parent.parent.parent


def load_log(rigspec: Rigspec, *arguments: str | Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(rigspec("check", "--format", "sarif", *arguments).stdout)
    assert [error.message for error in Draft7Validator(SCHEMA).iter_errors(content)] == []
    return content


def test_sarif_of_conflict_has_locations_facts_and_repairs(rigspec: Rigspec) -> None:
    (run,) = load_log(rigspec, "specs/dl-server-as-written.toml")["runs"]
    (error,) = [result for result in run["results"] if result["level"] == "error"]

    assert error["ruleId"] == "RS203"
    assert run["tool"]["driver"]["rules"][error["ruleIndex"]]["id"] == "RS203"
    assert len(error["locations"]) + len(error["relatedLocations"]) == 2
    place = error["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "specs/dl-server-as-written.toml"
    assert error["properties"]["facts"][0]["source"]["url"].startswith("https://")
    assert error["properties"]["repairs"][0]["resolution"]["cuda"]
    assert "repair: set" in error["message"]["text"]


@pytest.mark.parametrize(
    "name", sorted(p.name for p in (ROOT / "tests/spec/invalid").glob("*.toml"))
)
def test_sarif_of_invalid_spec_matches_schema(name: str, rigspec: Rigspec) -> None:
    (run,) = load_log(rigspec, ROOT / "tests" / "spec" / "invalid" / name)["runs"]
    assert run["results"]


def test_sarif_without_findings_has_empty_run(rigspec: Rigspec, tmp_path: Path) -> None:
    spec = tmp_path / "a rig.toml"
    spec.write_text('rig = 1\nname = "box"\n[machine.box]\nos = "ubuntu 24.04"\n')
    (run,) = load_log(rigspec, spec)["runs"]
    assert run["results"] == []
