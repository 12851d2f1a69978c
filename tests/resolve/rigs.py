"""Small rigs, written and checked in a line."""

from __future__ import annotations

from pathlib import Path

from rigspec.check import check_machine
from rigspec.diagnostics.model import Report, Severity
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import LoadedSpec, load_spec, parse_spec


def check(folder: Path, text: str) -> Report:
    """The report of a rig with one machine; the header is added."""
    path = folder / "rig.toml"
    path.write_text(f'rig = 1\nname = "box"\n{text}', encoding="utf-8")
    return _check(load_spec(str(path)))


def check_text(text: str) -> Report:
    """The report of a complete rig with one machine."""
    return _check(parse_spec("rig.toml", text))


def _check(spec: LoadedSpec) -> Report:
    machine = next(iter(spec.rig.machine), None)
    return check_machine(spec, machine, load_required_matrix(spec.rig, machine))


def errors(report: Report) -> list[str]:
    return [d.code for d in report.diagnostics if d.severity is Severity.ERROR]


def tower(
    *,
    os: str = "ubuntu 16.04",
    gpu: str = "GTX 1080 Ti",
    machine: str = "",
    cuda: str = "",
    env: str = "",
) -> str:
    return f"""
[machine.tower]
os = "{os}"
gpus = [{{ model = "{gpu}" }}]
{machine}
[cuda]
{cuda}
[env.lab]
interpreter = "pyenv"
{env}
"""
