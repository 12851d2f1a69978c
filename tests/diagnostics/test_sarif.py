"""SARIF holds against its own schema, and says what the text says."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
# The schema as OASIS publishes it with the standard.
SCHEMA = json.loads((Path(__file__).parent.parent / "data" / "sarif-schema-2.1.0.json").read_text())
ROOT = Path(__file__).resolve().parent.parent.parent


def log(rigspec: Rigspec, *arguments: str | Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(rigspec("check", "--format", "sarif", *arguments).stdout)
    assert [error.message for error in Draft7Validator(SCHEMA).iter_errors(found)] == []
    return found


def test_a_conflict_names_both_lines_its_fact_and_its_repair(rigspec: Rigspec) -> None:
    (run,) = log(rigspec, "specs/dl-server-as-written.toml")["runs"]
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
def test_what_is_wrong_with_a_spec_is_valid_sarif_too(name: str, rigspec: Rigspec) -> None:
    (run,) = log(rigspec, ROOT / "tests" / "spec" / "invalid" / name)["runs"]
    assert run["results"]


def test_nothing_wrong_is_an_empty_run(rigspec: Rigspec, tmp_path: Path) -> None:
    spec = tmp_path / "a rig.toml"
    spec.write_text('rig = 1\nname = "box"\n[machine.box]\nos = "ubuntu 24.04"\n')
    (run,) = log(rigspec, spec)["runs"]
    assert run["results"] == []
