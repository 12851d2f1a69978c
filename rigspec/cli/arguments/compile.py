"""The arguments of ``rigspec compile``, and a parser of their valid forms."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from rigspec.cli.arguments.plain import split_arguments

__all__ = ["CompileArguments", "Format", "parse_compile_arguments"]

Format = Literal["text", "json"]

_FORMATS: dict[str, Format] = {"text": "text", "json": "json"}
_FLAGS = {
    "--locked": ("locked", True),
    "--require-digests": ("require_digests", True),
    "--check": ("check", True),
    "--verbose": ("verbose", True),
    "-v": ("verbose", True),
    "--quiet": ("quiet", True),
    "-q": ("quiet", True),
}
_OPTIONS = {
    "--target": "target",
    "--machine": "machine",
    "--output": "output",
    "-o": "output",
    "--lock": "lock",
    "--format": "format",
}


class CompileArguments(NamedTuple):
    """The arguments of ``rigspec compile``; without ``spec``, it finds the spec."""

    targets: tuple[str, ...]
    spec: Path | None = None
    machine: str | None = None
    output: Path = Path("out")
    locked: bool = False
    lock: Path | None = None
    require_digests: bool = False
    check: bool = False
    format: Format = "text"
    verbose: bool = False
    quiet: bool = False


def parse_compile_arguments(words: list[str]) -> CompileArguments | None:
    """Return the arguments; None if Typer has to parse them."""
    found = split_arguments(words, _FLAGS, _OPTIONS)
    if found is None or "target" not in found.values or len(found.operands) > 1:
        return None
    format_ = _FORMATS.get(found.get_last("format") or "text")
    if format_ is None:
        return None
    lock = found.get_last("lock")
    return CompileArguments(
        targets=found.values["target"],
        spec=Path(found.operands[0]) if found.operands else None,
        machine=found.get_last("machine"),
        output=Path(found.get_last("output") or "out"),
        locked=found.flags.get("locked", False),
        lock=Path(lock) if lock is not None else None,
        require_digests=found.flags.get("require_digests", False),
        check=found.flags.get("check", False),
        format=format_,
        verbose=found.flags.get("verbose", False),
        quiet=found.flags.get("quiet", False),
    )
