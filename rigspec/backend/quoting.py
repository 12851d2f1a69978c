"""Text into the languages that artifacts are written in, so that it stays text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
import unicodedata
from collections.abc import Iterable

__all__ = ["FILTERS", "QUOTING"]

_DIRECTIVE = re.compile(r"\s*[A-Za-z][A-Za-z0-9]*\s*=")
# Controls, halves of pairs, separators of lines and paragraphs.
_UNWRITTEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
_YAML_WIDTH = 100


def sh(value: object) -> str:
    """A word of a POSIX shell, and of zsh: there `=ls` without quotes is the path of ls."""
    text = str(value)
    quoted = shlex.quote(text)
    return f"'{text}'" if quoted == text and re.search("(?:^|:)=", text) else quoted


def words(values: Iterable[object]) -> str:
    """Several words of a POSIX shell."""
    return " ".join(sh(value) for value in values)


def dockerfile(value: object) -> str:
    """A double-quoted word of a Dockerfile instruction such as ENV or LABEL.

    Raises ValueError for what has lines or controls in it: there is no way to write it.
    """
    text = str(value)
    if any(unicodedata.category(character) in _UNWRITTEN for character in text):
        raise ValueError(f"{text!a} cannot stand in a Dockerfile")
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{text}"'


def yaml(value: object) -> str:
    """A double-quoted YAML scalar: the same text in YAML 1.1 and 1.2."""
    return "".join(
        _yaml_character(character) for character in json.dumps(str(value), ensure_ascii=False)
    )


def yaml_text(text: str, column: int) -> str:
    """A text of several lines as a YAML value, its lines as they are, from ``column`` on.

    It stands in a mapping whose keys begin two columns before. What a block of lines cannot hold
    in YAML 1.1 and 1.2 alike is quoted.
    """
    if re.fullmatch(r"[ -~\t\n]+", text) is None or not text.strip():
        return yaml(text)
    kept = text.rstrip("\n")
    chomping = {0: "-", 1: ""}.get(len(text) - len(kept), "+")
    lines = text.removesuffix("\n").split("\n")
    margin = " " * column
    return "\n".join([f"|2{chomping}", *(margin + line if line else "" for line in lines)])


def hostname(value: object) -> str:
    """A name as a label of RFC 1123: letters, digits and inner hyphens, 63 at most."""
    label = re.sub(r"[^a-z0-9]+", "-", str(value).lower())[:63].strip("-")
    return label or "rig"


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
    """Text for a comment: one line, no character that controls.

    What the reader of a Dockerfile takes for a directive (`escape=`, `syntax=`) is put in quotes.
    """
    text = _one_line(str(value))
    return f'"{text}"' if _DIRECTIVE.match(text) else text


def joined(commands: str) -> str:
    """Commands, each begun at the left margin, as one list that stops at the first failure."""
    found: list[str] = []
    for line in commands.split("\n"):
        if not line.strip():
            continue
        if line[0].isspace() and found:
            found[-1] += "\n" + line
        else:
            found.append(line)
    return " && \\\n    ".join(found)


def indented(text: str, width: int) -> str:
    """Every line moved to the right."""
    return "\n".join(
        " " * width + line if line else line for line in text.removesuffix("\n").split("\n")
    )


def packed(text: str, width: int | None = None) -> str:
    """Base64, in lines of that width. Not compressed: what zlib writes differs from one build of it
    to the next.
    """
    line = base64.b64encode(text.encode()).decode()
    step = width or max(1, len(line))
    return "\n".join(line[start : start + step] for start in range(0, len(line), step))


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


def _yaml_character(character: str) -> str:
    """JSON reads a pair of halves as one character; YAML reads two."""
    code = ord(character)
    if 0x20 <= code < 0x7F:
        return character
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


# Filters whose result may stand in an artifact. The tests hold every template to ending in one.
QUOTING = frozenset(
    {
        "bare",
        "comment",
        "definition",
        "dockerfile",
        "hostname",
        "identifier",
        "indented",
        "joined",
        "packed",
        "sh",
        "sha256",
        "words",
        "yaml",
        "yaml_text",
        "yaml_lines",
    }
)
FILTERS = {
    "bare": bare,
    "comment": comment,
    "definition": definition,
    "dockerfile": dockerfile,
    "hostname": hostname,
    "identifier": identifier,
    "indented": indented,
    "joined": joined,
    "packed": packed,
    "sh": sh,
    "sha256": sha256,
    "words": words,
    "yaml": yaml,
    "yaml_text": yaml_text,
    "yaml_lines": yaml_lines,
}
