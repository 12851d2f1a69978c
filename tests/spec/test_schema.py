"""The JSON Schema agrees with rigspec on valid and invalid specs."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import tomli

from rigspec.spec.json_schema import render_json_schema
from tests.conftest import ROOT

SCHEMA = json.loads(render_json_schema())
# JSON Schema cannot express these: they concern the TOML text or several tables.
BEYOND = {
    *("duplicates", "syntax_errors", "not_declared", "secret_in_the_spec"),
    "driver_in_a_container",
}
BEYOND |= {"direction_override", "bad_version", "shared_port", "services_at_odds"}
BEYOND |= {"system_accounts", "group_of_an_account"}


def find_schema_errors(path: Path) -> list[str]:
    value = json.loads(json.dumps(tomli.loads(path.read_text(encoding="utf-8")), default=str))
    found = jsonschema.Draft202012Validator(SCHEMA).iter_errors(value)
    return [error.message for error in found]


def test_schema_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("spec", sorted((ROOT / "specs").glob("*.toml")), ids=lambda p: p.stem)
def test_schema_accepts_valid_spec(spec: Path) -> None:
    assert find_schema_errors(spec) == []


@pytest.mark.parametrize(
    "spec",
    [p for p in sorted((ROOT / "tests/spec/invalid").glob("*.toml")) if p.stem not in BEYOND],
    ids=lambda path: path.stem,
)
def test_schema_rejects_invalid_spec(spec: Path) -> None:
    assert find_schema_errors(spec)
