"""Help texts of commands, in color on a terminal."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand, TyperGroup

from rigspec.cli.console import is_color, is_color_forced

__all__ = ["HelpfulCommand", "HelpfulGroup", "build_context_settings", "paint_help"]

# Lines of help are not longer, however wide the terminal is.
_MAX_WIDTH = 120
_HEADING, _NAME, _RESET = "\x1b[1;32m", "\x1b[1;36m", "\x1b[0m"
_SECTION = re.compile(r"[A-Z]\w*:")
_USAGE = re.compile(r"(Usage:)( rigspec(?: [a-z]+)*)?(.*)")
# The first column of a list; continued lines have a deeper indent.
_TERM = re.compile(r"^  (\S.*?)(?=  |$)")
# The type that Typer adds to an argument that has a name already.
_TYPE = re.compile(r" <[^>]*>$")


def build_context_settings() -> dict[str, Any]:
    """Return the settings of every command: the names of its help and the width of the terminal."""
    settings: dict[str, Any] = {
        "help_option_names": ["-h", "--help"],
        "max_content_width": min(get_terminal_size().columns, _MAX_WIDTH),
    }
    if is_color_forced():
        settings["color"] = True
    return settings


def paint_help(text: str) -> str:
    """Return a help text with colored headings and names."""
    return "\n".join(_paint_lines(text))


def _paint_lines(text: str) -> Iterator[str]:
    in_list = False
    for line in text.split("\n"):
        if _SECTION.fullmatch(line):
            in_list = True
            yield f"{_HEADING}{line}{_RESET}"
        elif in_list:
            yield _TERM.sub(lambda m: f"  {_NAME}{m[1]}{_RESET}", line, count=1)
        else:
            yield _USAGE.sub(_paint_usage, line, count=1) if line.startswith("Usage:") else line


def _paint_usage(match: re.Match[str]) -> str:
    name = f"{_NAME}{match[2]}{_RESET}" if match[2] else ""
    return f"{_HEADING}{match[1]}{_RESET}{name}{match[3]}"


if TYPE_CHECKING:
    _Base = TyperCommand
else:
    _Base = object


class _Help(_Base):
    """Lists without the types of arguments, and without periods."""

    def get_help(self, ctx: Any) -> str:
        text = super().get_help(ctx)
        return paint_help(text) if is_color(sys.stdout) else text

    def format_options(self, ctx: Any, formatter: Any) -> None:
        for title, kind in (("Arguments", "argument"), ("Options", "option")):
            parameters = (p for p in self.get_params(ctx) if p.param_type_name == kind)
            records = [record for p in parameters if (record := p.get_help_record(ctx))]
            if records:
                if kind == "argument":
                    records = [(_TYPE.sub("", name), text) for name, text in records]
                with formatter.section(title):
                    formatter.write_dl([(name, text.rstrip(".")) for name, text in records])


class HelpfulCommand(_Help, TyperCommand):
    """A command with help in color."""


class HelpfulGroup(_Help, TyperGroup):
    """A group with help in color; subclasses list its commands in ``format_commands``."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options and the commands."""
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)
