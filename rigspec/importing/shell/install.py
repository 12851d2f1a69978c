"""Packages that a shell command installs by apt, dnf, pip, uv or conda."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from rigspec.diagnostics.model import Span
from rigspec.importing.conda_spec import read_conda_spec
from rigspec.importing.model import Reading, SourceText, Statement, Subject, join_readings
from rigspec.importing.pip_requirement import build_of_index, is_default_index, read_requirement
from rigspec.importing.shell.commands import Command, ShellTest, Word
from rigspec.importing.shell.conditions import find_false_condition
from rigspec.importing.shell.other_installers import explain_installer

__all__ = ["read_install_command"]

Expand = Callable[[str], "str | None"]

# Options of the programs that take the next word as their value.
_PIP_VALUES = frozenset(
    [
        "-i",
        "--index-url",
        "--extra-index-url",
        "-f",
        "--find-links",
        "-r",
        "--requirement",
        "-c",
        "--constraint",
        "-t",
        "--target",
        "--trusted-host",
        "--timeout",
        "--retries",
        "--python",
        "--prefix",
        "--root",
        "--cache-dir",
        "--platform",
        "--python-version",
        "--index",
        "--default-index",
        "-e",
        "--editable",
        "--no-binary",
        "--only-binary",
        "--global-option",
        "--config-settings",
        "--progress-bar",
        "--proxy",
        "--index-strategy",
        "--torch-backend",
    ]
)
_SYSTEM_VALUES = frozenset(["-o", "--option", "-t", "--target-release", "-c", "--config-file"])
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
_VENV_VALUES = frozenset(["-p", "--python"])
_CONDA_VALUES = frozenset(["-c", "--channel", "-n", "--name", "-p", "--prefix", "--solver"])
_SYSTEM_PACKAGE = re.compile(r"(?!.*\.\+)[a-z0-9][a-z0-9+.-]*[a-z0-9+.]")
_ARCHIVE = re.compile(r"^[^@]*\.(?:whl|tar\.gz|zip)(?:\[|$)")
_PYTHON = re.compile(r"(?:\S*/)?(?:cpython-?|python)?(\d+\.\d+)(?:\.\d+)?")
# A Python that installs into itself or into a new environment: `python3.12 -m pip`.
_PYTHON_PROGRAM = re.compile(r"(?:\S*/)?(?P<name>python|pip)(?P<version>\d+\.\d+)")
_PYTHON_MODULES = ("pip", "venv", "virtualenv")
# A folder with a project, and its extras: `.`, `.[all]`, `./lib`.
_FOLDER = re.compile(r"\.(?:\[|$)|(?!.*://).*/")
# How many words of a command that is not read are shown.
_SHOWN_WORDS = 4
_PREFIXES = frozenset(["sudo", "exec", "time", "env"])


def read_install_command(
    command: Command,
    offset: int,
    source: SourceText,
    expand: Expand,
    locate: Callable[[str], str | None] = lambda path: None,
    expand_test: Expand | None = None,
) -> Reading:
    """Return the packages or the Python that a command installs; another command installs none.

    Args:
        command: the words of the command, and its conditions.
        offset: the offset of the script in the file.
        source: the file.
        expand: returns a word with its variables replaced, or None if one has no value.
        locate: returns the path, relative to the file, of what the command finds at a path.
        expand_test: as ``expand``, for conditions.

    """
    words: Sequence[Word] = command.words
    while words and words[0].text in _PREFIXES:
        words = words[1:]
    program, rest = _split_program(words)
    reader = _CommandReader(rest, offset, source, expand, locate)
    readers = {
        "pip": reader.pip,
        "conda": reader.conda,
        "system": reader.system,
        "python": reader.python,
    }
    read = readers.get(program or "", reader.other)
    reading = join_readings((*_read_python(words, offset, source, expand), *read()))
    false = find_false_condition(command.conditions, expand_test or expand)
    if false is None or reading == Reading():
        return reading
    shown = " ".join(word.text for word in words[:_SHOWN_WORDS])
    line = source.span(offset + words[0].start, offset + words[0].end).line
    return Reading(omissions=(source.omission(shown, _describe(false), line),))


def _describe(condition: ShellTest) -> str:
    """Return why a command does not run."""
    return f"not run {'unless' if condition.holds else 'if'} {condition.text}"


def _read_python(
    words: Sequence[Word], offset: int, source: SourceText, expand: Expand
) -> Iterator[Reading]:
    """Yield the Python that runs pip or makes an environment, if its name has a version."""
    texts = [word.text if word.is_literal else expand(word.text) or "" for word in words[:3]]
    program = _PYTHON_PROGRAM.fullmatch(texts[0]) if texts else None
    if program is None:
        return
    is_module = texts[1:2] == ["-m"] and texts[2:] and texts[2] in _PYTHON_MODULES
    if program["name"] == "pip" or is_module:
        span = source.span(offset + words[0].start, offset + words[0].end)
        yield Reading((Statement(Subject.PYTHON, f"=={program['version']}.*", span),))


def _split_program(words: Sequence[Word]) -> tuple[str | None, Sequence[Word]]:
    """Return the installer and the words after its ``install``, or None and all words."""
    whole, texts = words, [word.text for word in words]
    name = texts[0].rpartition("/")[2] if texts else ""
    if name == "uv" and texts[1:2] in (["venv"], ["python"]):
        return "python", words[1:]
    if re.fullmatch(r"python[\d.]*", name) and texts[1:3] == ["-m", "pip"]:
        words, texts, name = words[2:], texts[2:], "pip"
    elif name == "uv" and texts[1:2] == ["pip"]:
        words, texts, name = words[1:], texts[1:], "pip"
    program = "pip" if re.fullmatch(r"pip[\d.]*", name) else _PROGRAMS.get(name)
    verbs = ("install", "create") if program == "conda" else ("install",)
    at = next((i for i, text in enumerate(texts) if text in verbs), None)
    return (program, words[at + 1 :]) if program is not None and at is not None else (None, whole)


class _CommandReader:
    """The words of one command: after its ``install``, if it is an installer that is read."""

    def __init__(
        self,
        words: Sequence[Word],
        offset: int,
        source: SourceText,
        expand: Expand,
        locate: Callable[[str], str | None],
    ) -> None:
        self._words, self._offset, self._source = words, offset, source
        self._expand, self._locate = expand, locate

    def system(self) -> Iterator[Reading]:
        """Yield the system packages."""
        for word, text, _ in self._arguments(_SYSTEM_VALUES):
            if text is None:
                yield self._omit(word, "a variable without a value")
                continue
            name = text.partition("=")[0].partition("/")[0].partition(":")[0]
            if _SYSTEM_PACKAGE.fullmatch(name) is None:
                yield self._omit(word, "not the name of a system package")
                continue
            yield Reading((Statement(Subject.SYSTEM_PACKAGE, name, self._span(word)),))
            if name != text:
                yield self._omit(word, "only its version or architecture")

    def conda(self) -> Iterator[Reading]:
        """Yield the channels and packages."""
        yield (
            Reading((Statement(Subject.MANAGER, "conda", self._span(self._words[0])),))
            if (self._words)
            else Reading()
        )
        for option, value in self._options(_CONDA_VALUES):
            if option.text in ("-c", "--channel"):
                yield Reading((Statement(Subject.CHANNEL, value.text, self._span(value)),))
        for word, text, _ in self._arguments(_CONDA_VALUES):
            if text is None:
                yield self._omit(word, "a variable without a value")
            else:
                yield read_conda_spec(text, self._span(word))

    def python(self) -> Iterator[Reading]:
        """Yield the Python of ``uv venv --python 3.12`` and ``uv python install 3.12``."""
        named = [value for _, value in self._options(_VENV_VALUES)]
        if self._words[0].text == "python":
            named = [word for word, _, number in self._arguments(_VENV_VALUES) if number > 1]
        for word in named:
            text = word.text if word.is_literal else self._expand(word.text)
            release = _PYTHON.fullmatch(text or "")
            if release is None:
                yield self._omit(word, "not a version of Python")
            else:
                yield Reading((Statement(Subject.PYTHON, f"=={release[1]}.*", self._span(word)),))

    def other(self) -> Iterator[Reading]:
        """Yield an omission if the command is an installer that is not read."""
        texts = [word.text for word in self._words]
        if texts:
            texts[0] = texts[0].rpartition("/")[2]
            reason = explain_installer(texts)
            if reason is not None:
                shown = " ".join(texts[:_SHOWN_WORDS])
                line = self._span(self._words[0]).line
                yield Reading(omissions=(self._source.omission(shown, reason, line),))

    def pip(self) -> Iterator[Reading]:
        """Yield the requirements, with the build of the index."""
        build: str | None = None
        for option, value in self._options(_PIP_VALUES):
            address = self._expand(value.text) or value.text
            if option.text in ("-i", "--index-url", "--default-index"):
                build = build_of_index(address)
                if build is None and not is_default_index(address):
                    yield self._omit(option, "the packages of its index are unknown")
            elif option.text in ("-r", "--requirement", "-c", "--constraint"):
                yield self._requirements(option, value)
            elif option.text in ("-e", "--editable"):
                yield self._omit(value, "an editable install")
        for word, text, _ in self._arguments(_PIP_VALUES):
            if text is None:
                yield self._omit(word, "a variable without a value")
            elif _FOLDER.match(text) or _ARCHIVE.search(text):
                yield self._omit(word, "installed from a folder or file")
            elif "://" in text and "@" not in text.partition("://")[0]:
                yield self._omit(word, "installed from a URL")
            else:
                yield read_requirement(text, self._span(word), self._source, build=build)

    def _requirements(self, option: Word, value: Word) -> Reading:
        path = self._expand(value.text)
        local = self._locate(path) if path is not None else None
        if local is None:
            return self._omit(value, "a file of requirements; import it as well")
        is_constraint = option.text in ("-c", "--constraint")
        return Reading(includes=(f"constraint:{local}" if is_constraint else local,))

    def _arguments(self, with_value: frozenset[str]) -> Iterator[tuple[Word, str | None, int]]:
        """Yield the words that are not options, with their text after expansion."""
        skip = False
        for number, word in enumerate(self._words):
            if skip:
                skip = False
            elif word.text in with_value:
                skip = True
            elif not word.text.startswith("-"):
                text: str | None = word.text
                if not word.is_literal:
                    text = self._expand(word.text)
                yield word, text, number

    def _options(self, with_value: frozenset[str]) -> Iterator[tuple[Word, Word]]:
        """Yield options and their values."""
        for number, word in enumerate(self._words):
            name, separator, value = word.text.partition("=")
            if separator and name in with_value:
                start = word.start + len(name) + 1
                yield (
                    Word(name, word.start, start - 1, True),
                    Word(value, start, word.end, word.is_literal),
                )
            elif word.text in with_value and number + 1 < len(self._words):
                yield word, self._words[number + 1]

    def _span(self, word: Word) -> Span:
        return self._source.span(self._offset + word.start, self._offset + word.end)

    def _omit(self, word: Word, reason: str) -> Reading:
        line = self._span(word).line
        return Reading(omissions=(self._source.omission(word.text, reason, line),))
