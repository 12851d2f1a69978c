"""Quote text for the languages of artifacts."""

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
# Control characters, surrogates, line and paragraph separators.
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
_HCL_ESCAPED = re.compile(r'["\\\x00-\x1f\x7f]')
_YAML_WIDTH = 100
_CONTINUATION = " \\\n    "


def sh(value: object) -> str:
    """Quote a word for POSIX shells, and for zsh, which expands `=ls` to the path of ls."""
    text = str(value)
    quoted = shlex.quote(text)
    return f"'{text}'" if quoted == text and re.search("(?:^|:)=", text) else quoted


def words(values: Iterable[object]) -> str:
    """Quote several words for a POSIX shell."""
    return " ".join(sh(value) for value in values)


def wrapped_words(values: Iterable[object], width: int = 110) -> str:
    """Quote several words for a POSIX shell, on lines of at most ``width`` columns if possible."""
    lines = [""]
    for word in map(sh, values):
        if lines[-1] and len(lines[-1]) + len(word) > width - len(_CONTINUATION):
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return _CONTINUATION.join(lines)


def dockerfile(value: object) -> str:
    """Quote a word of a Dockerfile instruction such as ENV or LABEL.

    Raises:
        ValueError: The text has line breaks or control characters.

    """
    text = str(value)
    if any(unicodedata.category(character) in _FORBIDDEN_CATEGORIES for character in text):
        raise ValueError(f"{text!a} cannot be written in a Dockerfile")
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{text}"'


def yaml(value: object) -> str:
    """Return a double-quoted YAML scalar with the same value in YAML 1.1 and 1.2."""
    return "".join(
        _yaml_character(character) for character in json.dumps(str(value), ensure_ascii=False)
    )


def toml(value: object) -> str:
    """Return a basic string of TOML."""
    text = json.dumps(str(value), ensure_ascii=False)
    return text.replace("\x7f", "\\u007f")


def hcl(value: object) -> str:
    """Return a string of HCL, in which `${` and `%{` would start a template."""
    text = f'"{_HCL_ESCAPED.sub(_escape_hcl, str(value))}"'
    return text.replace("${", "$${").replace("%{", "%%{")


def yaml_text(text: str, column: int) -> str:
    """Return a multi-line text as a literal block of YAML, indented by ``column``.

    The keys of the mapping must be indented by two spaces less. Text that a literal block cannot
    contain in both YAML 1.1 and 1.2 is quoted.
    """
    if re.fullmatch(r"[ -~\t\n]+", text) is None or not text.strip():
        return yaml(text)
    stripped = text.rstrip("\n")
    chomping = {0: "-", 1: ""}.get(len(text) - len(stripped), "+")
    lines = text.removesuffix("\n").split("\n")
    margin = " " * column
    return "\n".join([f"|2{chomping}", *(margin + line if line else "" for line in lines)])


def hostname(value: object) -> str:
    """Return a name as a label of RFC 1123: at most 63 letters, digits and inner hyphens."""
    label = re.sub(r"[^a-z0-9]+", "-", str(value).lower())[:63].strip("-")
    return label or "rig"


def yaml_lines(text: str, width: int) -> str:
    """Return a double-quoted YAML scalar, one source line per line of text.

    Lines are indented by ``width`` spaces; long lines are wrapped.
    """
    pieces = [
        line[start : start + _YAML_WIDTH]
        for line in text.strip("\n").splitlines(keepends=True)
        for start in range(0, len(line), _YAML_WIDTH)
    ]
    # A backslash escapes the line break; leading spaces then need a backslash, too.
    quoted = [json.dumps(piece)[1:-1] for piece in pieces]
    escaped = [f"\\{piece}" if piece.startswith(" ") else piece for piece in quoted]
    return '"' + ("\\\n" + " " * width).join(escaped) + '"'


def definition(text: str) -> str:
    """Return shell text for an Apptainer definition file.

    There, ``{{`` starts a build variable, and a leading ``%`` starts a section: an empty quoted
    word separates them. All words of the text must be bare or in single quotes.
    """
    return re.sub(r"(?m)^([ \t]*)%", r"\1''%", re.sub(r"\{(?=\{)", "{''", text))


def comment(value: object) -> str:
    """Return text for a comment: one line without control characters.

    Text that a Dockerfile parser reads as a directive (`escape=`, `syntax=`) is quoted.
    """
    text = _one_line(str(value))
    return f'"{text}"' if _DIRECTIVE.match(text) else text


def indented(text: str, width: int) -> str:
    """Indent every line."""
    return "\n".join(
        " " * width + line if line else line for line in text.removesuffix("\n").split("\n")
    )


def encode_base64(text: str, width: int | None = None) -> str:
    """Return base64 in lines of ``width``, uncompressed because zlib's output differs by build."""
    line = base64.b64encode(text.encode()).decode()
    step = width or max(1, len(line))
    return "\n".join(line[start : start + step] for start in range(0, len(line), step))


def sha256(text: str) -> str:
    """Return the sha256 of a text in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def identifier(value: str) -> str:
    """Return the id of a step as an identifier."""
    return re.sub(r"[^a-z0-9]", "_", value)


def bare(value: str) -> str:
    """Return a word for a place without quoting: a variable, an image reference, a file name.

    Raises:
        ValueError: The word has other characters.

    """
    if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._/:@-]*", value) is None:
        raise ValueError(f"{value!r} cannot be used without quotes")
    return value


def _escape_hcl(match: re.Match[str]) -> str:
    character = match[0]
    return f"\\{character}" if character in '"\\' else f"\\u{ord(character):04x}"


def _yaml_character(character: str) -> str:
    """Escape a character; JSON's surrogate pairs would be two characters in YAML."""
    code = ord(character)
    if 0x20 <= code < 0x7F:
        return character
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


# Filters with output that is safe in an artifact. A test requires every expression to end in one.
QUOTING = frozenset(
    {
        "bare",
        "comment",
        "definition",
        "dockerfile",
        "hcl",
        "hostname",
        "identifier",
        "indented",
        "packed",
        "sh",
        "sha256",
        "toml",
        "words",
        "wrapped_words",
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
    "hcl": hcl,
    "hostname": hostname,
    "identifier": identifier,
    "indented": indented,
    "packed": encode_base64,
    "sh": sh,
    "sha256": sha256,
    "toml": toml,
    "words": words,
    "wrapped_words": wrapped_words,
    "yaml": yaml,
    "yaml_text": yaml_text,
    "yaml_lines": yaml_lines,
}
