"""Packages that a shell command installs by apt, dnf, pip, uv or conda."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from rigspec.diagnostics.model import Span
from rigspec.importing.conda_spec import read_conda_spec
from rigspec.importing.model import (
    Include,
    Indexes,
    Reading,
    SourceText,
    Statement,
    Subject,
    join_readings,
)
from rigspec.importing.pip_requirement import (
    build_of_index,
    is_default_index,
    omit_index,
    read_requirement,
    read_wheel,
)
from rigspec.importing.shell.commands import Command, ShellTest, Word
from rigspec.importing.shell.conditions import find_false_condition
from rigspec.importing.shell.invocation import (
    Expand,
    Invocation,
    find_invocation,
    load_valued_options,
    split_words,
)
from rigspec.importing.shell.other_installers import explain_installer

__all__ = ["read_install_command"]

# Options of conda for an environment file, or for a list of packages.
_CONDA_FILES = ("-f", "--file")
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
# The name of the default Python, as a link or an alternative.
_DEFAULT_PYTHON = re.compile(r"(?:\S*/)?python3?")
# Options for an index that replaces PyPI, and for others.
_REPLACING_INDEX = ("-i", "--index-url", "--default-index", "--pypi-url")
_INDEX_OPTIONS = (*_REPLACING_INDEX, "--extra-index-url", "--index", "-f", "--find-links")
_BACKEND = re.compile(r"cu[0-9]{2,4}|cpu|rocm[0-9.]+")


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
    call = find_invocation(tuple(split_words(command.words, expand)))
    words = call.words
    reader = _CommandReader(call, offset, source, expand, locate)
    readers = {
        "pip": reader.pip,
        "conda": reader.conda,
        "system": reader.system,
        "venv": reader.python,
    }
    read = readers.get(call.installer or "", reader.other)
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
    """Yield the Python that runs pip, makes an environment or becomes the default."""
    texts = [word.text if word.is_literal else expand(word.text) or "" for word in words]
    program = _PYTHON_PROGRAM.fullmatch(texts[0]) if texts else None
    if program is not None:
        is_module = texts[1:2] == ["-m"] and texts[2:] and texts[2] in _PYTHON_MODULES
        is_pip = texts[1:2] and texts[1].rpartition("/")[2] == "get-pip.py"
        if program["name"] != "pip" and not is_module and not is_pip:
            return
        word, version = words[0], program["version"]
    else:
        found = _find_default_python(texts)
        if found is None:
            return
        word, version = words[found[0]], found[1]
    span = source.span(offset + word.start, offset + word.end)
    yield Reading((Statement(Subject.PYTHON, f"=={version}.*", span),))


def _find_default_python(texts: Sequence[str]) -> tuple[int, str] | None:
    """Return the number of the word that names the default Python, and its version."""
    name = texts[0].rpartition("/")[2] if texts else ""
    if name not in ("ln", "update-alternatives"):
        return None
    if not any(_DEFAULT_PYTHON.fullmatch(text) for text in texts[1:]):
        return None
    for number, text in enumerate(texts):
        program = _PYTHON_PROGRAM.fullmatch(text)
        if program is not None and program["name"] == "python":
            return number, program["version"]
    return None


class _CommandReader:
    """The words of one command: after its ``install``, if it is an installer that is read."""

    def __init__(
        self,
        call: Invocation,
        offset: int,
        source: SourceText,
        expand: Expand,
        locate: Callable[[str], str | None],
    ) -> None:
        self._call, self._words = call, call.arguments
        self._offset, self._source = offset, source
        self._valued = load_valued_options().get(call.installer or "", frozenset())
        self._expand, self._locate = expand, locate

    def system(self) -> Iterator[Reading]:
        """Yield the system packages."""
        for word, text, _ in self._arguments():
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
        for option, value in self._options():
            if option.text in ("-c", "--channel"):
                yield Reading((Statement(Subject.CHANNEL, value.text, self._span(value)),))
            elif option.text in _CONDA_FILES:
                yield self._environment(value)
        for word, text, _ in self._arguments():
            if text is None:
                yield self._omit(word, "a variable without a value")
            else:
                yield read_conda_spec(text, self._span(word))

    def python(self) -> Iterator[Reading]:
        """Yield the Python of ``uv venv --python 3.12`` and ``uv python install 3.12``."""
        named = [value for option, value in self._options() if option.text in ("-p", "--python")]
        if self._words[0].text == "python":
            named = [word for word, _, number in self._arguments() if number > 1]
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
        if not texts:
            return
        reason = explain_installer([texts[0].rpartition("/")[2], *texts[1:]])
        if reason is not None:
            shown = " ".join(texts[:_SHOWN_WORDS])
            line = self._span(self._words[0]).line
            yield Reading(omissions=(self._source.omission(shown, reason, line),))

    def pip(self) -> Iterator[Reading]:
        """Yield the requirements, with the build of the index."""
        indexes = Indexes(is_uv=self._call.is_uv)
        files = []
        for option, value in self._options():
            address = self._expand(value.text) or value.text
            if option.text in ("-r", "--requirement", "--requirements"):
                files.append((value, False))
            elif option.text in ("-c", "--constraint", "--constraints"):
                files.append((value, True))
            elif option.text in ("-e", "--editable"):
                yield self._omit(value, "an editable install")
            elif option.text == "--torch-backend" and _BACKEND.fullmatch(address):
                indexes = replace(indexes, only=address)
            elif option.text in _INDEX_OPTIONS:
                build = build_of_index(address)
                if build is None and not is_default_index(address):
                    line = self._span(option).line
                    yield Reading(omissions=(omit_index(address, self._source, line),))
                elif build is not None and option.text in _REPLACING_INDEX:
                    indexes = replace(indexes, only=build)
                elif build is not None:
                    indexes = replace(indexes, extra=(*indexes.extra, build))
        for value, is_constraint in files:
            yield self._requirements(value, is_constraint, indexes)
        for word, text, _ in self._arguments():
            found = self._pip_argument(word, text)
            yield replace(found, statements=tuple(map(indexes.apply, found.statements)))

    def _pip_argument(self, word: Word, text: str | None) -> Reading:
        if text is None:
            return self._omit(word, "a variable without a value")
        wheel = read_wheel(text, self._span(word))
        if wheel is not None:
            return Reading((wheel,))
        if _FOLDER.match(text) or _ARCHIVE.search(text):
            return self._omit(word, "installed from a folder or file")
        if text.startswith("git+"):
            return self._omit(word, "from a repository; write its commit with the package's name")
        if "://" in text and "@" not in text.partition("://")[0]:
            return self._omit(word, "installed from a URL")
        return read_requirement(text, self._span(word), self._source)

    def _environment(self, value: Word) -> Reading:
        """Return the file of an environment, if it is found."""
        path = self._expand(value.text)
        local = self._locate(path) if path is not None else None
        if local is None or not local.endswith((".yml", ".yaml")):
            return self._omit(value, "a file of packages; import it as well")
        return Reading(includes=(Include(local),))

    def _requirements(self, value: Word, is_constraint: bool, indexes: Indexes) -> Reading:
        path = self._expand(value.text)
        local = self._locate(path) if path is not None else None
        if local is None:
            return self._omit(value, "a file of requirements; import it as well")
        return Reading(includes=(Include(local, is_constraint, indexes),))

    def _arguments(self) -> Iterator[tuple[Word, str | None, int]]:
        """Yield the words that are not options, with their text after expansion."""
        skip = False
        for number, word in enumerate(self._words):
            if skip:
                skip = False
            elif word.text in self._valued:
                skip = True
            elif not word.text.startswith("-"):
                text: str | None = word.text
                if not word.is_literal:
                    text = self._expand(word.text)
                yield word, text, number

    def _options(self) -> Iterator[tuple[Word, Word]]:
        """Yield options and their values."""
        for number, word in enumerate(self._words):
            name, separator, value = word.text.partition("=")
            if separator and name in self._valued:
                start = word.start + len(name) + 1
                yield (
                    Word(name, word.start, start - 1, True),
                    Word(value, start, word.end, word.is_literal),
                )
            elif word.text in self._valued and number + 1 < len(self._words):
                yield word, self._words[number + 1]

    def _span(self, word: Word) -> Span:
        return self._source.span(self._offset + word.start, self._offset + word.end)

    def _omit(self, word: Word, reason: str) -> Reading:
        line = self._span(word).line
        return Reading(omissions=(self._source.omission(word.text, reason, line),))
