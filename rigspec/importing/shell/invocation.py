"""The installer that a shell command calls, and the words that it gets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache

import tomli

from rigspec.frozen import dataclass
from rigspec.importing.shell.commands import Word, strip_prefixes
from rigspec.package_files import locate_package_file

__all__ = ["Expand", "Invocation", "find_invocation", "load_valued_options", "split_words"]

# Returns a word with its variables replaced, or None if one has no value.
Expand = Callable[[str], "str | None"]

# The installers that a program belongs to.
_PROGRAMS = {
    "apt-get": "system",
    "apt": "system",
    "dnf": "system",
    "microdnf": "system",
    "yum": "system",
    "mamba": "conda",
    "micromamba": "conda",
    "conda": "conda",
}
_PIP = re.compile(r"pip[\d.]*")
# Programs that run another one in an environment: `conda run -n lab pip …`, `uv run pip …`.
_RUNNERS = frozenset(["conda", "mamba", "micromamba", "uv", "poetry", "pixi", "pdm", "pipenv"])
_RUN_VALUES = frozenset(["-n", "--name", "-p", "--prefix", "--python", "--cwd", "--with", "-e"])


@dataclass(frozen=True)
class Invocation:
    """A command as an installer reads it.

    Attributes:
        words: the command without programs that only run another one.
        installer: ``pip``, ``conda``, ``system`` or ``venv``; None if none of them installs.
        arguments: the words after the verb of the installer, else all words.
        is_uv: whether uv is the program.

    """

    words: tuple[Word, ...]
    installer: str | None
    arguments: tuple[Word, ...]
    is_uv: bool


def split_words(words: Sequence[Word], expand: Expand) -> Iterator[Word]:
    """Yield the words of a command after the shell has split its variables."""
    for word in words:
        text = None if word.is_literal or word.is_quoted else expand(word.text)
        parts = text.split() if text is not None else []
        if text is None or (len(parts) == 1 and not text.startswith("-")):
            yield word
        else:
            yield from (Word(part, word.start, word.end, True) for part in parts)


def find_invocation(words: Sequence[Word]) -> Invocation:
    """Return the installer that a command calls, with the words after its verb."""
    words = _strip_runners(strip_prefixes(words))
    texts = [word.text for word in words]
    name = texts[0].rpartition("/")[2] if texts else ""
    is_uv = name == "uv"
    rest = 1
    if is_uv:
        rest = 1 + next((i for i, text in enumerate(texts[1:]) if not text.startswith("-")), 0)
        if texts[rest : rest + 1] in (["venv"], ["python"]):
            return Invocation(tuple(words), "venv", tuple(words[rest:]), is_uv)
    program = _PROGRAMS.get(name)
    if _PIP.fullmatch(name) or (is_uv and texts[rest : rest + 1] == ["pip"]):
        program = "pip"
    elif texts[1:3] == ["-m", "pip"]:
        program, rest = "pip", 3
    verbs = ["install"] if program != "conda" else ["install", "create"]
    verbs += ["update"] if texts[1:2] == ["env"] else []
    numbered = enumerate(texts[rest:], rest)
    at = next((i for i, text in numbered if text in verbs), None)
    if program is None or at is None:
        return Invocation(tuple(words), None, tuple(words), is_uv)
    return Invocation(tuple(words), program, tuple(words[at + 1 :]), is_uv)


def _strip_runners(words: Sequence[Word]) -> Sequence[Word]:
    """Return the program in the words of one that runs it in an environment."""
    while len(words) > 2 and words[1].text == "run":
        if words[0].text.rpartition("/")[2] not in _RUNNERS:
            return words
        words = words[2:]
        while words and words[0].text.startswith("-"):
            words = words[2 if words[0].text in _RUN_VALUES else 1 :]
    return words


@cache
def load_valued_options() -> Mapping[str, frozenset[str]]:
    """Return, by installer, the options that take the next word as their value."""
    file = locate_package_file(__file__, "valued_options.toml")
    rows = tomli.loads(file.read_text(encoding="utf-8"))
    return {installer: frozenset(options) for installer, options in rows.items()}
