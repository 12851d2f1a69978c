"""Commands that install what a rig cannot take from the command itself."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import tomli

from rigspec.frozen import dataclass
from rigspec.importing.shell.commands import SHELLS, is_script_option
from rigspec.package_files import locate_package_file

__all__ = ["explain_installer"]


# The name of every script in the table.
_SCRIPT = "*.sh"


@dataclass(frozen=True)
class _Installer:
    programs: tuple[str, ...]
    verbs: tuple[str, ...]
    reason: str


def explain_installer(words: Sequence[str]) -> str | None:
    """Return why a rig lacks what a command installs, or None if it installs nothing known.

    Args:
        words: the program without its folder, and its arguments.
    """
    program, *rest = words
    if program.startswith("python") and rest:
        program, rest = f"python {rest[0]}", rest[1:]
    elif program in SHELLS and not any(map(is_script_option, rest)):
        program = _SCRIPT if _subcommand(rest) is not None else program
    elif program.endswith(".sh"):
        program = _SCRIPT
    return next(
        (
            row.reason
            for row in _load_installers()
            if program in row.programs and (not row.verbs or _subcommand(rest) in row.verbs)
        ),
        None,
    )


def _subcommand(words: Sequence[str]) -> str | None:
    return next((word for word in words if not word.startswith("--")), None)


@cache
def _load_installers() -> tuple[_Installer, ...]:
    file = locate_package_file(__file__, "other_installers.toml")
    rows = tomli.loads(file.read_text(encoding="utf-8"))["installer"]
    return tuple(
        _Installer(tuple(row["programs"]), tuple(row.get("verbs", ())), row["reason"])
        for row in rows
    )
