"""The provenance of compiled files: in-toto statements with a predicate of SLSA provenance v1.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
https://slsa.dev/spec/v1.0/provenance (both read on 2026-11-29)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rigspec import __version__
from rigspec.frozen import dataclass
from rigspec.fs.atomic_tree import OutputFile

__all__ = ["PROVENANCE", "CompilationInput", "build_provenance_file"]

# One statement a line, one for each target.
PROVENANCE = "provenance.jsonl"

_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://slsa.dev/provenance/v1"
_BUILDER = "https://rigspec.github.io/rigspec/"
_BUILD_TYPE = "https://rigspec.github.io/rigspec/reference/targets/"


@dataclass(frozen=True)
class CompilationInput:
    """All input of a compilation.

    Args:
        rig: the name of the rig.
        machine: the machine; None for a rig without machines.
        spec_name: the file name of the spec.
        spec_sha256: the checksum of its text.
        lock_sha256: the checksum of ``rig.lock``.
        matrix_sha256: the digest of the matrix that the lock was made with.
        unpinned: the items that the lock does not pin, with the reasons.
    """

    rig: str
    machine: str | None
    spec_name: str
    spec_sha256: str
    lock_sha256: str
    matrix_sha256: str
    unpinned: tuple[tuple[str, str], ...] = ()


def build_provenance_file(
    source: CompilationInput,
    targets: Iterable[tuple[str, Sequence[OutputFile]]],
    earlier: OutputFile | None,
    others: Iterable[str],
) -> OutputFile:
    """Return the file with the statements of these targets, and the earlier ones of others.

    It states no time and no host: the same input gives the same bytes.

    Args:
        source: the input of the compilation.
        targets: the name of each target, and its files.
        earlier: the file of the earlier compilation.
        others: names of other targets, whose statements are kept.
    """
    statements = dict(_read_statements(earlier, frozenset(others)))
    # A statement needs a subject.
    for target, files in ((target, files) for target, files in targets if files):
        statements[target] = json.dumps(_statement(source, target, files), ensure_ascii=False)
    text = "".join(f"{statements[target]}\n" for target in sorted(statements))
    return OutputFile(PROVENANCE, text.encode(), 0o644)


def _statement(
    source: CompilationInput, target: str, files: Sequence[OutputFile]
) -> dict[str, Any]:
    parameters = {"rig": source.rig, "target": target}
    if source.machine is not None:
        parameters["machine"] = source.machine
    return {
        "_type": _STATEMENT,
        "subject": [
            _describe(f"{target}/{file.path}", hashlib.sha256(file.content).hexdigest())
            for file in files
        ],
        "predicateType": _PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": _BUILD_TYPE,
                "externalParameters": parameters,
                "internalParameters": {
                    "notPinned": [{"item": i, "reason": why} for i, why in source.unpinned]
                },
                "resolvedDependencies": [
                    _describe(source.spec_name, source.spec_sha256),
                    _describe("rig.lock", source.lock_sha256),
                    _describe("matrix", source.matrix_sha256),
                ],
            },
            "runDetails": {"builder": {"id": _BUILDER, "version": {"rigspec": __version__}}},
        },
    }


def _describe(name: str, sha256: str) -> dict[str, Any]:
    return {"name": name, "digest": {"sha256": sha256}}


def _read_statements(
    earlier: OutputFile | None, others: frozenset[str]
) -> Iterator[tuple[str, str]]:
    """Yield the target and the line of each earlier statement that is kept."""
    for line in earlier.content.decode(errors="replace").splitlines() if earlier else ():
        try:
            definition = json.loads(line)["predicate"]["buildDefinition"]
            target = definition["externalParameters"]["target"]
        except (ValueError, LookupError, TypeError):
            continue
        if target in others:
            yield target, line
