"""Source lines of a spec without what could be a secret, as diagnostics show them.

Works on the text and not on its values: a line that is not TOML is shown like any other. A value
is shown if its key is in the language and cannot hold a secret, or if it reads as a version or a
word for yes or no. Everything else becomes dots, one a character, so that columns stay.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rigspec.cache.matrix_tables import parse_table
from rigspec.package_files import locate_package_file
from rigspec.secrets.rules import SecretRule, find_secrets, has_secret_name, select_rules

__all__ = [
    "list_redacted_values",
    "redact",
    "redact_known",
    "redact_known_lines",
    "redact_lines",
]

_DOT = "•"
_HEADER = re.compile(r"""\s*\[{1,2}\s*([\w.\-"'](?:[\w.\-"' ]*[\w.\-"'])?)\s*\]{1,2}\s*(?:#.*)?$""")
# A key before `=` that is not an operator, or before `:` at the start of a line.
_ASSIGNMENT = re.compile(r"""(?:^\s*|[{,\s])(["']?[\w.\-]+["']?)\s*(?<![=<>!~])=(?!=)""")
_COLON = re.compile(r"""\s*(["']?[\w.\-]+["']?)\s*:(?!//)""")
_FIRST_WORD = re.compile(r"\s*([\w.\-]+)(?=\s)")
# `1.8`, `">=384.81"`, `"==2.4.1+cu121"`, `12`, `true`, `"*"`, 2018-07-01.
_PLAIN = re.compile(
    r"""["']?(?:[<>=!~^ ]*v?\d{1,4}(?:\.[\d*]{1,8})+(?:[.+-]?[a-z]{1,8}[\d.]{0,12}){0,2}"""
    r"""|[<>=!~^ ]*\d{1,3}|\d{4}-\d\d-\d\d|\*|true|false)["']?"""
)
# `{ secret = "NAME" }` names a secret and holds none.
_SECRET_NAME = re.compile(r"""["'][A-Z][A-Z0-9_]{0,99}["']""")
# Of an address: who logs in, and what follows the path.
_ADDRESS = re.compile(
    r"""["']?(?:https?|ftp|file|s3|gs)://(?P<login>[^/\s"'@]*@)?[^\s"'?#]*(?P<query>[?#][^"']*)?"""
)
_HIDDEN = re.compile(r"""[^\s"'\[\]{},=#]""")
# An editor and a file of many machines repeat most lines. Longer lines are not cached.
_CACHED_LINES, _CACHED_COLUMNS = 4096, 500
# Who logs in at an address that is anywhere in a line.
_LOGIN = re.compile(r"""://([^/\s"'@]+)@""")


@dataclass(frozen=True)
class _Value:
    """Columns of a line that hold the value of a key; ``key`` is a name without its table.

    ``table`` is the path from the table of the header: the inline table that the key is in, and
    the first names of a dotted key.
    """

    key: str
    start: int
    end: int
    table: str = ""


@dataclass(frozen=True)
class _Scanned:
    """A spec with the table and the key before each line; ``rules`` are those that can match."""

    lines: Sequence[str]
    places: Sequence[tuple[str, str]]
    rules: tuple[SecretRule, ...]


def redact(text: str) -> str:
    """Return a text of the same shape with every possible secret as dots."""
    shown = redact_lines(text, range(1, text.count("\n") + 2))
    return "\n".join(shown.values())


def redact_lines(text: str, numbers: Iterable[int]) -> dict[int, str]:
    """Return lines of a spec by their numbers, from 1, with every possible secret as dots.

    A text is read once for any number of calls in a row, such as those for each machine of a rig.
    """
    scanned = _scan(text)
    return {
        number: _cover(line, _hide(line, *scanned.places[number - 1], scanned.rules))
        for number, line in _pick(scanned.lines, numbers)
    }


def redact_known(text: str) -> str:
    """Return a text that is not a spec, with what has the form of a secret as dots."""
    shown = redact_known_lines(text, range(1, text.count("\n") + 2))
    return "\n".join(shown.values())


def redact_known_lines(text: str, numbers: Iterable[int]) -> dict[int, str]:
    """Return lines of a text that is not a spec, with what has the form of a secret as dots."""
    rules = select_rules(text)
    shown = {}
    for number, line in _pick(text.split("\n"), numbers):
        logins = (range(*match.span(1)) for match in _LOGIN.finditer(line))
        shown[number] = _cover(line, _secrets_in(line, rules).union(*logins))
    return shown


def list_redacted_values(text: str) -> tuple[str, ...]:
    """Return the words that ``redact`` hides, six characters and longer, the longest first."""
    words: set[str] = set()
    scanned = _scan(text)
    for line, place in zip(scanned.lines, scanned.places, strict=True):
        hidden = _hide(line, *place, scanned.rules)
        if not hidden:
            continue
        shown = "".join(c if i in hidden else "\n" for i, c in enumerate(line))
        words.update(word for word in shown.split("\n") if len(word) >= 6)
    return tuple(sorted(words, key=lambda word: (-len(word), word)))


def _pick(lines: Sequence[str], numbers: Iterable[int]) -> Iterator[tuple[int, str]]:
    """Yield each numbered line that the text has, in order."""
    for number in sorted(numbers):
        if 0 < number <= len(lines):
            yield number, lines[number - 1]


def _cover(line: str, hidden: Collection[int]) -> str:
    return "".join(_DOT if i in hidden else c for i, c in enumerate(line)) if hidden else line


@lru_cache(maxsize=2)
def _scan(text: str) -> _Scanned:
    """Return the lines of a spec, each with the header above it and the key that it continues."""
    lines = text.split("\n")
    places = []
    table, key = "", ""
    for line in lines:
        places.append((table, key))
        header = _HEADER.match(line)
        if header is not None:
            table, key = header[1], ""
        else:
            key = next((value.key for value in reversed(_list_values(line, key))), key)
    return _Scanned(lines, places, select_rules(text))


def _hide(line: str, table: str, key: str, rules: tuple[SecretRule, ...]) -> frozenset[int]:
    """Return the columns to hide of a line, after the header ``table`` and the key ``key``."""
    if len(line) > _CACHED_COLUMNS:
        return _hide_uncached(line, table, key, rules)
    return _hide_cached(line, table, key, rules)


def _hide_uncached(
    line: str, table: str, key: str, rules: tuple[SecretRule, ...]
) -> frozenset[int]:
    hidden = _secrets_in(line, rules)
    if _HEADER.match(line) is None:
        hidden = hidden.union(*(_hidden(line, each, table) for each in _list_values(line, key)))
    return frozenset(hidden)


_hide_cached = lru_cache(maxsize=_CACHED_LINES)(_hide_uncached)


def _list_values(line: str, key: str) -> tuple[_Value, ...]:
    if len(line) > _CACHED_COLUMNS:
        return tuple(_values(line, key))
    return _list_values_cached(line, key)


@lru_cache(maxsize=_CACHED_LINES)
def _list_values_cached(line: str, key: str) -> tuple[_Value, ...]:
    return tuple(_values(line, key))


def _values(line: str, previous: str) -> Iterator[_Value]:
    """Split a line at its keys. A line without a key continues the value of ``previous``."""
    comment = line.lstrip().startswith("#")
    found = [] if comment else list(_ASSIGNMENT.finditer(line))
    if not found and not comment:
        colon = _COLON.match(line)
        found = [colon] if colon is not None else []
    if not found:
        yield from _values_without_sign(line, previous, comment=comment)
        return
    if line[: found[0].start(1)].strip():
        yield _Value(previous, 0, found[0].start(1))
    outer = ""
    for match, following in zip(found, [*found[1:], None], strict=True):
        end = following.start(1) if following is not None else len(line)
        table, name = _split(match[1])
        table = _join(outer, table)
        yield _Value(name, match.end(), end, table)
        text = line[match.end() : end]
        outer = _join(table, name) if "{" in text else "" if "}" in text else outer


def _values_without_sign(line: str, previous: str, *, comment: bool) -> Iterator[_Value]:
    word = None if comment else _FIRST_WORD.match(line)
    if comment or (word is None and not previous):
        return
    if word is not None and not line.lstrip().startswith(('"', "'", "[", "{", "]", "}")):
        table, name = _split(word[1])
        yield _Value(name, word.end(), len(line), table)
    else:
        yield _Value(previous, 0, len(line))


def _split(key: str) -> tuple[str, str]:
    """Return the first names of a dotted key, and the last."""
    table, _, name = key.strip("\"'").rpartition(".")
    return table, name


def _join(*tables: str) -> str:
    return ".".join(filter(None, tables))


def _hidden(line: str, value: _Value, table: str) -> set[int]:
    text = line[value.start : value.end].strip().rstrip(",}]").strip()
    text = re.split(r"\s#", text, maxsplit=1)[0].strip()
    shown = (text.lstrip("[{ "), text)
    if value.key == "secret" and _SECRET_NAME.fullmatch(text):
        return set()
    if not has_secret_name(value.key):
        if _is_visible(value, table) or any(map(_PLAIN.fullmatch, shown)):
            return set()
        address = _ADDRESS.fullmatch(text.rstrip("\"'"))
        if address is not None:
            offset = line.index(text, value.start)
            parts = [address.span(name) for name in ("login", "query") if address[name]]
            return {offset + column for start, end in parts for column in range(start, end)}
    return {column for column in range(value.start, value.end) if _HIDDEN.fullmatch(line[column])}


def _is_visible(value: _Value, table: str) -> bool:
    path = _join(table, value.table)
    if path.rpartition(".")[2] in ("frameworks", "packages"):
        return True
    opaque = path.endswith((".env", ".config")) or ".config." in path
    return not opaque and value.key in _visible_keys()


def _secrets_in(line: str, rules: Sequence[SecretRule]) -> set[int]:
    """Return the columns of what the rules know as a secret, comments included."""
    return {
        column
        for _, start, end in find_secrets(line, rules)
        for column in range(start, end)
        if not line[column].isspace()
    }


@lru_cache(maxsize=1)
def _visible_keys() -> frozenset[str]:
    data = locate_package_file(__file__, "visible_keys.toml").read_bytes()
    return frozenset(parse_table("visible_keys.toml", data)["visible"])
