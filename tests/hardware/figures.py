"""Rigs in figures, in one call."""

from __future__ import annotations

from rigspec.check import check_machine
from rigspec.diagnostics.model import Diagnostic, Report
from rigspec.hardware.machine_specs import MachineSpecs, build_machine_specs
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import LoadedSpec, parse_spec
from tests.conftest import ROOT

HEAD = 'rig = 1\nname = "box"\n'


def rig(name: str, *changes: tuple[str, str]) -> LoadedSpec:
    """A spec of this project, with some of its text changed."""
    path = ROOT / "specs" / f"{name}.toml"
    text = path.read_text(encoding="utf-8")
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after)
    return parse_spec(str(path), text)


def machine(text: str) -> LoadedSpec:
    """A rig of one machine, `tower`, of which the keys are given."""
    return parse_spec("rig.toml", f'{HEAD}[machine.tower]\nos = "ubuntu 16.04"\n{text}')


def figures(spec: LoadedSpec, name: str = "tower") -> MachineSpecs:
    return build_machine_specs(spec, name, load_required_matrix(spec.rig, name))


def report(spec: LoadedSpec, name: str = "tower") -> Report:
    return check_machine(spec, name, load_required_matrix(spec.rig, name), repairs=False)


def diagnose(spec: LoadedSpec, name: str = "tower") -> dict[str, Diagnostic]:
    """Return the diagnostics about hardware by code."""
    found = report(spec, name).diagnostics
    return {d.code: d for d in found if d.code.startswith("RS1")}


__all__ = ["diagnose", "figures", "machine", "report", "rig"]
