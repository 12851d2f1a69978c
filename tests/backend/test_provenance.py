"""The provenance of a compilation, read by in-toto's own library, and its verification."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage

from rigspec import __version__
from tests.lock.tiny_rig import Rigspec, written

UNPINNED = "base image debian:11"


@pytest.fixture
def rig(tmp_path: Path, rigspec: Rigspec) -> Path:
    spec = written(tmp_path, "debian:11")
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    compile_targets(rigspec, tmp_path, "docker", "shell")
    return tmp_path


def compile_targets(rigspec: Rigspec, rig: Path, *targets: str) -> None:
    names = [word for target in targets for word in ("--target", target)]
    done = rigspec("compile", rig / "rig.toml", "--lock", rig / "lock", "-o", rig / "out", *names)
    assert done.returncode == 0, done.stderr


def read_statements(rig: Path) -> dict[str, Any]:
    lines = (rig / "out" / "provenance.jsonl").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    return {
        each["predicate"]["buildDefinition"]["externalParameters"]["target"]: each for each in found
    }


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_provenance_is_valid_for_the_library_of_in_toto(rig: Path) -> None:
    statements = read_statements(rig)
    assert statements.keys() == {"docker", "shell"}
    for statement in statements.values():
        Statement.copy_from_pb(ParseDict(statement, StatementMessage())).validate()
        predicate = ParseDict(statement["predicate"], provenance_pb2.Provenance())
        assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
        assert predicate.build_definition.build_type
        assert predicate.run_details.builder.version == {"rigspec": __version__}


def test_provenance_names_every_file_and_the_input(rig: Path) -> None:
    for target, statement in read_statements(rig).items():
        files = [path for path in (rig / "out" / target).rglob("*") if path.is_file()]
        assert {s["name"]: s["digest"]["sha256"] for s in statement["subject"]} == {
            path.relative_to(rig / "out").as_posix(): sha256(path) for path in files
        }
        definition = statement["predicate"]["buildDefinition"]
        used = {d["name"]: d["digest"]["sha256"] for d in definition["resolvedDependencies"]}
        assert used["rig.toml"] == sha256(rig / "rig.toml")
        assert used["rig.lock"] == sha256(rig / "lock" / "rig.lock")
        assert f'matrix_digest = "{used["matrix"]}"' in (rig / "lock" / "rig.lock").read_text()


def test_unpinned_items_are_printed_and_in_the_provenance(rig: Path, rigspec: Rigspec) -> None:
    command = ("--lock", rig / "lock", "-o", rig / "out", "--target", "docker")
    done = rigspec("compile", rig / "rig.toml", *command)
    assert f"not pinned: {UNPINNED}" in done.stderr
    for statement in read_statements(rig).values():
        parameters = statement["predicate"]["buildDefinition"]["internalParameters"]
        assert UNPINNED in [each["item"] for each in parameters["notPinned"]]


def test_provenance_of_other_targets_is_kept(rig: Path, rigspec: Rigspec) -> None:
    before = (rig / "out" / "provenance.jsonl").read_bytes()
    compile_targets(rigspec, rig, "docker")
    assert (rig / "out" / "provenance.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("shell/install.sh", "edit"),
        ("shell/install.sh", "mode"),
        ("shell/install.sh", "remove"),
        ("shell/extra", "edit"),
        ("provenance.jsonl", "edit"),
    ],
)
def test_output_that_was_changed_is_found_by_check(
    path: str, change: str, rig: Path, rigspec: Rigspec
) -> None:
    command = ("compile", rig / "rig.toml", "--lock", rig / "lock", "-o", rig / "out", "--check")
    done = rigspec(*command, "--target", "shell")
    assert done.returncode == 0, done.stderr
    file = rig / "out" / path
    if change == "edit":
        file.write_text("other\n", encoding="utf-8")
    elif change == "mode":
        file.chmod(0o777)
    else:
        file.unlink()

    done = rigspec(*command, "--target", "shell")

    assert done.returncode == 1
    assert f"differs from its spec and lock: {path}" in done.stderr
    other = rigspec(*command, "--target", "docker")
    assert other.returncode == (1 if path == "provenance.jsonl" else 0)


def test_check_of_a_folder_that_is_missing_writes_nothing(rig: Path, rigspec: Rigspec) -> None:
    command = ("--lock", rig / "lock", "-o", rig / "none", "--check", "--target", "bashrc")
    assert rigspec("compile", rig / "rig.toml", *command).returncode == 1
    assert not (rig / "none").exists()
