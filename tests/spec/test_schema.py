"""The JSON Schema agrees with rigspec on valid and invalid specs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import tomli

from rigspec.matrix.loader import load_matrix
from rigspec.spec.json_schema import SCHEMA_URL
from tests.conftest import ROOT

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
FILE = ROOT / "docs/reference/rig-1.schema.json"
SCHEMA = json.loads(FILE.read_text(encoding="utf-8"))
# JSON Schema cannot express these: they concern the TOML text or several tables.
BEYOND = {
    *("duplicates", "syntax_errors", "not_declared", "secret_in_the_spec"),
    "driver_in_a_container",
}
BEYOND |= {"direction_override", "bad_version", "shared_port", "services_at_odds"}
BEYOND |= {"system_accounts", "group_of_an_account", "machines"}


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


def test_committed_schema_is_the_printed_one(
    rigspec: Rigspec, golden: Callable[[Path, str], None]
) -> None:
    golden(FILE, rigspec("schema").stdout)


def test_schema_id_is_the_address_that_init_writes(rigspec: Rigspec) -> None:
    assert SCHEMA["$id"] == SCHEMA_URL
    assert SCHEMA_URL.endswith(str(FILE.relative_to(ROOT)))
    first, *rest = rigspec("init", "-").stdout.splitlines()
    assert first == f"#:schema {SCHEMA_URL}"
    assert tomli.loads("\n".join(rest))["rig"] == 1


def test_schema_titles_and_describes_every_key() -> None:
    for name, table in {"Rig": SCHEMA, **SCHEMA["$defs"]}.items():
        for key, value in table.get("properties", {}).items():
            assert "$ref" in value or value.get("title"), (name, key)
            assert "_" not in value.get("title", ""), (name, key)
            assert value.get("description"), (name, key)


def test_schema_lists_names_of_the_matrix_and_admits_others() -> None:
    machine = SCHEMA["$defs"]["Machine"]["properties"]
    cards, *_ = SCHEMA["$defs"]["Gpu"]["properties"]["model"]["anyOf"]
    expected = [release.label for release in load_matrix(["gpu"]).product("gpu").releases]
    assert cards["enum"] == expected
    assert "ubuntu 24.04" in machine["os"]["anyOf"][0]["enum"]
    assert "torch" in SCHEMA["$defs"]["Environment"]["properties"]["frameworks"]["properties"]
    rig = {
        "rig": 1,
        "name": "box",
        "machine": {
            "a": {
                "os": "debian >=12",
                "gpus": ["RTX 9999", {"model": "RTX 9998", "compute_capability": "13.0"}],
            }
        },
        "env": {"lab": {"frameworks": {"another-framework": "1.0"}}},
    }
    jsonschema.Draft202012Validator(SCHEMA).validate(rig)
