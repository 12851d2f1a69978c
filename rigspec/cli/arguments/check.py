"""The arguments of ``rigspec check``, and a parser of their valid forms."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, NamedTuple

from rigspec.cli.arguments.plain import split_arguments

__all__ = ["CheckArguments", "Format", "parse_check_arguments"]

Format = Literal["text", "json", "sarif", "github", "gitlab"]

_FORMATS: dict[str, Format] = {
    "text": "text",
    "json": "json",
    "sarif": "sarif",
    "github": "github",
    "gitlab": "gitlab",
}
_FLAGS = {
    "--quiet": ("quiet", True),
    "-q": ("quiet", True),
    "--cache": ("cache", True),
    "--no-cache": ("cache", False),
}
_OPTIONS = {f"--{name}": name for name in ("machine", "format", "ignore", "deny", "jobs")}
_NUMBER = re.compile(r"[1-9][0-9]{0,5}")


class CheckArguments(NamedTuple):
    """The arguments of ``rigspec check``; without ``specs``, it finds the spec."""

    specs: tuple[Path, ...] = ()
    machine: str | None = None
    format: Format = "text"
    ignore: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    quiet: bool = False
    cache: bool = True
    jobs: int | None = None


def parse_check_arguments(words: list[str]) -> CheckArguments | None:
    """Return the arguments; None if Typer has to parse them."""
    found = split_arguments(words, _FLAGS, _OPTIONS)
    if found is None:
        return None
    format_ = _FORMATS.get(found.get_last("format") or "text")
    jobs = found.get_last("jobs")
    if format_ is None or (jobs is not None and not _NUMBER.fullmatch(jobs)):
        return None
    return CheckArguments(
        specs=tuple(map(Path, found.operands)),
        machine=found.get_last("machine"),
        format=format_,
        ignore=found.values.get("ignore", ()),
        deny=found.values.get("deny", ()),
        jobs=int(jobs) if jobs is not None else None,
        quiet=found.flags.get("quiet", False),
        cache=found.flags.get("cache", True),
    )
