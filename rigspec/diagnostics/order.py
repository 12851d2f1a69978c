"""Order errors by the moment at which a user would meet them without rigspec."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from rigspec.diagnostics.model import Diagnostic, Severity

__all__ = ["Stage", "find_stage", "sort_diagnostics"]

_SEVERITIES = (Severity.ERROR, Severity.WARNING, Severity.NOTE)


class Stage(IntEnum):
    """The moments of setting up a machine and running a program on it, in order."""

    SPEC = 0  # a line that no release satisfies: nothing can be installed
    SYSTEM = 1  # the driver, the toolkit and the interpreter are installed
    PACKAGES = 2  # pip or conda installs packages, or compiles them
    START = 3  # a container starts
    IMPORT = 4  # a program loads its libraries
    GPU = 5  # a program uses the GPU
    OTHER = 6  # the hardware, and advice that no run depends on


_STAGES = {
    Stage.SPEC: ("RS101", "RS214", "RS230", "RS234"),
    Stage.SYSTEM: ("RS206", "RS213", "RS216", "RS250", "RS255"),
    Stage.PACKAGES: ("RS207", "RS208", "RS209", "RS210", "RS211", "RS215", "RS217", "RS251"),
    Stage.START: ("RS231",),
    Stage.IMPORT: ("RS201", "RS202", "RS203", "RS212"),
    Stage.GPU: ("RS204", "RS205", "RS219", "RS220"),
}
_STAGE_OF_CODE = {code: stage for stage, codes in _STAGES.items() for code in codes}

# Codes of errors that an installer reports or, if it does not, the import.
_INSTALLED_OR_IMPORTED = frozenset({"RS209", "RS211", "RS217"})

# Errors of installers begin so, or contain it.
_OF_INSTALLERS = (
    "ERROR: ",
    "No matching distribution",
    "UnsatisfiableError",
    "Could not find a version",
    "building from source",
)


def find_stage(code: str, runtime_errors: Sequence[str]) -> Stage:
    """Return the moment at which an error of this code and with these messages is met."""
    if code in _INSTALLED_OR_IMPORTED and runtime_errors:
        if any(text in message for message in runtime_errors for text in _OF_INSTALLERS):
            return Stage.PACKAGES
        return Stage.IMPORT
    if code.startswith("RS0"):
        return Stage.SPEC
    return _STAGE_OF_CODE.get(code, Stage.OTHER)


def sort_diagnostics(diagnostics: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return errors first, in the order of their stages, then warnings, then notes."""

    def key(diagnostic: Diagnostic) -> tuple[int, int]:
        severity = _SEVERITIES.index(diagnostic.severity)
        if diagnostic.severity is not Severity.ERROR:
            return severity, 0
        return severity, find_stage(diagnostic.code, diagnostic.runtime_error)

    return tuple(sorted(diagnostics, key=key))
