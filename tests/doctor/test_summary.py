"""The text of a diagnosis: each finding once, and what to start with."""

from __future__ import annotations

from rigspec.doctor.model import Diagnosis
from rigspec.doctor.render import render_text
from rigspec.plan.inspection.findings import Finding, Status
from rigspec.plan.steps import GroupStep, VerifyStep

STEPS = (
    *(GroupStep(id=name, title=f"Step {name}", layer="user", name=name) for name in "abcd"),
    VerifyStep(id="verify", title="Verify", layer="verify", checks=()),
)


def diagnose_items(*items: Finding) -> str:
    return render_text(Diagnosis("rig", "box", "shell", "0" * 64, items), STEPS)


def build_item(step: str, *, expected: str | None = "1", name: str = "libc6") -> Finding:
    return Finding("system", name, "version", expected, None, Status.MISSING, step)


def test_doctor_package_of_two_steps_is_shown_once() -> None:
    text = diagnose_items(build_item("a"), build_item("b"))
    assert text.count("libc6") == 1
    assert "rig/box (target shell): 1 difference, 0 ok" in text


def test_doctor_item_without_expected_value_is_not_found() -> None:
    assert "libc6 (version): not found" in diagnose_items(build_item("a", expected=None))


def test_doctor_summary_names_first_three_steps_in_order() -> None:
    items = [build_item(step, name=step) for step in ("d", "b", "a", "c", "verify")]
    lines = diagnose_items(*items).splitlines()
    assert lines[-5:] == [
        "  1. Step a",
        "  2. Step b",
        "  3. Step c",
        "  and 1 more",
        "  help: run `rigspec explain RS650`, or `rigspec doctor --fix` to print a fix",
    ]
