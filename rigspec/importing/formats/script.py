"""A Python script that states its requirements (PEP 723), as `uv run train.py` reads it."""

from __future__ import annotations

import re
from dataclasses import replace

from rigspec.importing.model import Reading, SourceText, Statement, Subject, join_readings
from rigspec.importing.toml_file import read_toml
from rigspec.importing.uv_settings import UvSources, read_requirements, read_uv_settings

__all__ = ["read"]

# The block as PEP 723 finds it; the last line is the end of the comment.
_BLOCK = re.compile(r"(?m)^# /// script$\s(?P<content>(^#(| .*)$\s)+)^# ///$")


def read(source: SourceText) -> Reading:
    """Read the Python version and the dependencies of the script, with uv's tables."""
    block = _BLOCK.search(source.text)
    if block is None:
        return Reading()
    start, end = block.span("content")
    # Lines and columns stay those of the script.
    before = "\n" * source.text.count("\n", 0, start)
    content = re.sub(r"(?m)^#", " ", source.text[start:end])
    table = replace(source, text=before + content)
    file = read_toml(table)
    python = file.text("requires-python")
    statements = (
        (Statement(Subject.PYTHON, python, file.span("requires-python")),) if python else ()
    )
    parts = [
        Reading(statements),
        *read_requirements(file, table, ("dependencies",)),
        *read_uv_settings(file, table),
    ]
    return UvSources(file, table).apply(join_readings(parts))
