"""Text into the languages that artifacts are written in, so that it stays text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
from collections.abc import Iterable

__all__ = ["FILTERS", "QUOTING"]

_YAML_WIDTH = 100


def sh(value: object) -> str:
    """A word of a POSIX shell."""
    return shlex.quote(str(value))


def words(values: Iterable[object]) -> str:
    """Several words of a POSIX shell."""
    return " ".join(sh(value) for value in values)


def dockerfile(value: object) -> str:
    """A double-quoted word of a Dockerfile instruction such as ENV or LABEL."""
    text = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{_one_line(text)}"'


def yaml(value: object) -> str:
    """A double-quoted YAML scalar: the same text in YAML 1.1 and 1.2."""
    return json.dumps(str(value), ensure_ascii=True)


def yaml_lines(text: str, width: int) -> str:
    """A double-quoted YAML scalar of several lines, each on a line of its own ``width`` spaces in;
    what is too long for one is broken.
    """
    pieces = [
        line[start : start + _YAML_WIDTH]
        for line in text.strip("\n").splitlines(keepends=True)
        for start in range(0, len(line), _YAML_WIDTH)
    ]
    # A line break after a backslash is none, and then only a backslash keeps spaces in front.
    quoted = [json.dumps(piece)[1:-1] for piece in pieces]
    kept = [f"\\{piece}" if piece.startswith(" ") else piece for piece in quoted]
    return '"' + ("\\\n" + " " * width).join(kept) + '"'


def definition(text: str) -> str:
    """Shell text of a container's definition file, in which ``{{`` would begin a variable of the
    build and a line's first ``%`` a section: an empty word in quotes stands between.

    For text whose every word is bare or in single quotes.
    """
    return re.sub(r"(?m)^([ \t]*)%", r"\1''%", re.sub(r"\{(?=\{)", "{''", text))


def comment(value: object) -> str:
    """Text for a comment: one line, no character that controls."""
    return _one_line(str(value))


def joined(commands: str) -> str:
    """Commands, each begun at the left margin, as one list that stops at the first failure."""
    found: list[str] = []
    for line in commands.splitlines():
        if not line.strip():
            continue
        if line[0].isspace() and found:
            found[-1] += "\n" + line
        else:
            found.append(line)
    return " && \\\n    ".join(found)


def indented(text: str, width: int) -> str:
    """Every line moved to the right."""
    return "\n".join(" " * width + line if line else line for line in text.splitlines())


def packed(text: str) -> str:
    """Base64. Not compressed: what zlib writes differs from one build of it to the next."""
    return base64.b64encode(text.encode()).decode()


def sha256(text: str) -> str:
    """The checksum of a text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def identifier(value: str) -> str:
    """A step's id as the name of a shell function."""
    return re.sub(r"[^a-z0-9]", "_", value)


def bare(value: str) -> str:
    """A word where no quoting is possible: a variable, an image reference, a file's name.

    Raises ValueError for anything that is not plainly one of these.
    """
    if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._/:@-]*", value) is None:
        raise ValueError(f"{value!r} cannot stand here without quotes")
    return value


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


# Filters whose result may stand in an artifact. The tests hold every template to ending in one.
QUOTING = frozenset(
    {
        "bare",
        "comment",
        "definition",
        "dockerfile",
        "identifier",
        "indented",
        "joined",
        "packed",
        "sh",
        "sha256",
        "words",
        "yaml",
        "yaml_lines",
    }
)
FILTERS = {
    "bare": bare,
    "comment": comment,
    "definition": definition,
    "dockerfile": dockerfile,
    "identifier": identifier,
    "indented": indented,
    "joined": joined,
    "packed": packed,
    "sh": sh,
    "sha256": sha256,
    "words": words,
    "yaml": yaml,
    "yaml_lines": yaml_lines,
}
