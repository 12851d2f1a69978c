"""The kinds of steps are found through their folders."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from rigspec.plan.steps import AptPackagesStep, DnfHostPackagesStep, HostPackagesStep, Step
from rigspec.plan.steps.registry import find_step_kinds, render_reference
from tests.conftest import ROOT


def test_find_step_kinds_lists_every_class() -> None:
    found = {kind.type for kind in find_step_kinds().values() if kind.is_builtin}
    assert found == {*Step.__subclasses__(), DnfHostPackagesStep, HostPackagesStep}
    assert found > {AptPackagesStep, HostPackagesStep}


def test_find_step_kinds_folder_has_name_of_kind() -> None:
    for name, kind in find_step_kinds().items():
        assert kind.package == f"rigspec.plan.steps.{name.replace('-', '_')}"


def test_step_kind_derived_uses_files_of_its_base() -> None:
    kind = find_step_kinds()["host-packages"]
    base = find_step_kinds()["apt-packages"]
    assert kind.find_file("docker.j2") == base.find_file("docker.j2") is not None
    assert kind.import_module("doctor") is base.import_module("doctor") is not None


def test_every_builtin_kind_has_checks_of_doctor() -> None:
    kinds = find_step_kinds().values()
    assert [kind.name for kind in kinds if kind.import_module("doctor") is None] == []


def test_step_reference_is_table_of_all_kinds(golden: Callable[[Path, str], None]) -> None:
    page = ROOT / "docs" / "reference" / "steps.md"
    text = page.read_text(encoding="utf-8")
    golden(page, text[: text.index("| kind |")] + render_reference())


def test_check_does_not_import_kinds_of_steps() -> None:
    """``rigspec check`` makes no plan: it neither imports the folders nor reads entry points."""
    program = (
        "import sys; from rigspec.cli.main import run; sys.argv[1:] = sys.argv[1:]\n"
        "try: run()\n"
        "except SystemExit: pass\n"
        "print(*(name for name in sys.modules if name.startswith('rigspec.plan')), file=sys.stderr)"
    )
    command = [sys.executable, "-c", program, "check", str(ROOT / "specs" / "legacy-cpu.toml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "rigspec.plan" not in done.stderr, done.stderr
