"""The arguments of ``rigspec check``, and a parser of their valid forms.

Typer parses the arguments of every other command. It takes as long to load as a whole check, so
`check` uses it only for help, for completion, and for arguments that this parser does not accept.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal, NamedTuple

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
_WITH_VALUE = {"--machine", "--format", "--ignore", "--deny", "--jobs"}
_NUMBER = re.compile(r"[1-9][0-9]{0,5}")
# The variable by which a shell requests a completion.
_COMPLETION = "_RIGSPEC_COMPLETE"


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
    if _COMPLETION in os.environ:
        return None
    specs: list[Path] = []
    flags: dict[str, bool] = {}
    values: dict[str, list[str]] = {name: [] for name in _WITH_VALUE}
    rest = iter(words)
    for word in rest:
        if word in _FLAGS:
            name, value = _FLAGS[word]
            flags[name] = value
        elif word in values:
            values[word].append(next(rest, ""))
        elif word == "-" or word[:1] not in ("", "-"):
            specs.append(Path(word))
        else:
            return None
    if any(word[:1] in ("", "-") for given in values.values() for word in given):
        return None
    format_ = _FORMATS.get(_last(values["--format"]) or "text")
    jobs = _last(values["--jobs"])
    if format_ is None or (jobs is not None and not _NUMBER.fullmatch(jobs)):
        return None
    return CheckArguments(
        specs=tuple(specs),
        machine=_last(values["--machine"]),
        format=format_,
        ignore=tuple(values["--ignore"]),
        deny=tuple(values["--deny"]),
        jobs=int(jobs) if jobs is not None else None,
        quiet=flags.get("quiet", False),
        cache=flags.get("cache", True),
    )


def _last(values: list[str]) -> str | None:
    return values[-1] if values else None
