"""Public reports as rigs: each gets the verdict that is known to be true, in one round.

The address in a file is that of the report; `EXPECTED` has its outcome and the components in
conflict.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from rigspec.check import check_machine
from rigspec.diagnostics.model import Report, Severity
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import InvalidSpec, load_spec

FOLDER = Path(__file__).parent

# Report -> its verdict ("ok", "conflict" or "warning") and the components that it is about.
EXPECTED: dict[str, tuple[str, frozenset[str]]] = {
    "f02": ("conflict", frozenset({"torch", "torchvision"})),
    "f04": ("ok", frozenset()),
    "f06": ("ok", frozenset()),
    "f08": ("ok", frozenset()),
    "f10": ("ok", frozenset()),
    "f12": ("conflict", frozenset({"torch", "vllm"})),
    "f14": ("ok", frozenset()),
    "f16": ("ok", frozenset()),
    "o02": ("conflict", frozenset({"cudnn", "tensorflow"})),
    "o04": ("conflict", frozenset({"cuda", "gcc"})),
    "o06": ("ok", frozenset()),
    "r01": ("conflict", frozenset({"gpu", "torch"})),
    "r03": ("ok", frozenset()),
    "r05": ("ok", frozenset()),
    "r07": ("conflict", frozenset({"flash-attn", "torch"})),
    "r09": ("conflict", frozenset({"flash-attn", "os"})),
    "r11": ("conflict", frozenset({"torch", "torchvision"})),
    "r13": ("conflict", frozenset({"cuda", "driver"})),
    "r15": ("conflict", frozenset({"driver", "image"})),
    "r17": ("ok", frozenset()),
    "r19": ("conflict", frozenset({"os", "vllm"})),
    "r21": ("ok", frozenset()),
    "r23": ("ok", frozenset()),
    "r25": ("conflict", frozenset({"arch", "torch"})),
    "r27": ("conflict", frozenset({"gpu", "pytorch-triton"})),
    "r29": ("conflict", frozenset({"cudnn", "jax"})),
    "r31": ("conflict", frozenset({"driver", "jax"})),
    "r33": ("conflict", frozenset({"cuda", "onnxruntime"})),
    "r35": ("conflict", frozenset({"cuda", "gcc"})),
    "r37": ("conflict", frozenset({"cuda", "driver"})),
    "r39": ("warning", frozenset({"torch"})),
    "r41": ("conflict", frozenset({"os", "pyg-lib"})),
    "r43": ("ok", frozenset()),
    "r45": ("warning", frozenset({"tensorflow"})),
}

# Reports with another answer than the known one, and the reason.
UNANSWERED = {
    "r25": "the report is of torch 2.9; since 2.11 PyPI has the CUDA build for aarch64",
    "r31": "a free JAX resolves to 0.4.25 for CUDA 11, which drivers since 450.80.02 run",
}


@pytest.mark.parametrize("name", sorted(EXPECTED.keys() - UNANSWERED.keys()))
def test_report_gets_its_known_verdict_and_pair(name: str) -> None:
    report = _check(FOLDER / f"{name}.toml")
    assert _is_answered(report, *EXPECTED[name]), _messages(report)


def test_every_report_has_an_expected_verdict() -> None:
    assert {file.stem for file in FOLDER.glob("*.toml")} == EXPECTED.keys()


def _is_answered(report: Report, verdict: str, between: frozenset[str]) -> bool:
    if report.status != ("ok" if verdict == "warning" else verdict):
        return False
    severity = Severity.ERROR if verdict == "conflict" else Severity.WARNING
    found = [set(d.components) for d in report.diagnostics if d.severity is severity]
    return verdict == "ok" or any(between <= names for names in found)


def _check(file: Path) -> Report:
    try:
        spec = load_spec(str(file))
    except InvalidSpec as error:
        return Report(str(file), None, "invalid", None, error.diagnostics)
    machine = next(iter(spec.rig.machine), None)
    return check_machine(spec, machine, load_required_matrix(spec.rig, machine), repairs=False)


def _messages(report: Report) -> str:
    shown = [d for d in report.diagnostics if d.severity is not Severity.NOTE]
    return "\n".join(f"{d.code} {d.severity.value} {d.components}: {d.message}" for d in shown)
