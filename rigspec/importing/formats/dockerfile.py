"""``Dockerfile``: the base image, and the packages that RUN installs by apt, dnf, pip and conda."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from dockerfile_parse import DockerfileParser
from packaging.utils import canonicalize_name

from rigspec.importing.build_context import (
    BuildContext,
    StageEnd,
    find_copied_paths,
)
from rigspec.importing.heredocs import HereDocument, hide_heredocs, remove_operators
from rigspec.importing.images import read_image
from rigspec.importing.merge import drop_replaced
from rigspec.importing.model import (
    Reading,
    SkippedPart,
    SourceText,
    Subject,
    join_readings,
)
from rigspec.importing.shell.commands import find_commands
from rigspec.importing.shell.install import read_install_command

__all__ = ["read"]

_VARIABLE = re.compile(r"\$(?:\{(?P<braced>\w+)(?::-(?P<default>[^}]*))?\}|(?P<bare>\w+))")
_STAGE = re.compile(
    r"(?:--platform=\S+\s+)?(?P<image>\S+)(?:\s+as\s+(?P<stage>\S+))?", re.IGNORECASE
)
_RUN_OPTIONS = re.compile(r"\A\s*RUN\s+(?:--\w+(?:=\S+)?(?:\s|\\\n)+)*", re.IGNORECASE)
# What runs the here-document of a RUN: no program, or a shell.
_SHELL = re.compile(r"(?:(?:\S*/)?(?:ba|da|z)?sh(?:\s+-(?:\S*o\s+)?\S+)*)?")
# `NAME=value …`, and the older `NAME value` of ENV.
_ASSIGNMENT = re.compile(r"(?<!\w)(\w+)=(\"[^\"]*\"|'[^']*'|\S*)")
_OLD_FORM = re.compile(r"(\w+)[ \t]+(.+)", re.DOTALL)
_REFERENCE = re.compile(r"\$\{?(\w+)")
# The values that BuildKit gives them on x86_64.
_PLATFORM = {
    "TARGETPLATFORM": "linux/amd64",
    "TARGETARCH": "amd64",
    "BUILDPLATFORM": "linux/amd64",
    "BUILDARCH": "amd64",
}
# The build of an image needs them, or a rig sets them itself.
_BUILD_VARIABLES = frozenset({"DEBIAN_FRONTEND", "PATH"})
_NOT_IMPORTED = {
    "CMD": "write it as `command` of a `[service.program.NAME]`",
    "ENTRYPOINT": "write it as `command` of a `[service.program.NAME]`",
    "USER": "write it as a `[user.NAME]`",
    "HEALTHCHECK": "a rig checks the `port` of a `[service.program.NAME]`",
    "EXPOSE": "write it as `port` of a `[service.program.NAME]`",
}
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
# The statements about an environment, which a copy of it takes along.
_ENVIRONMENT = frozenset(
    [
        *(Subject.PYTHON, Subject.MANAGER, Subject.CHANNEL, Subject.PACKAGE, Subject.CONSTRAINT),
        *(Subject.INDEX, Subject.AS_OF),
    ]
)
# A value that doubles in every line would fill the memory, and copies of copies the stack.
_MAX_VALUE, _MAX_COPIES = 1 << 16, 20
# The characters that the variables of a file give its commands.
_MAX_EXPANDED = 1 << 17
_COMMENT = re.compile(r"^[ \t]*#[^\n]*", re.MULTILINE)


def read(source: SourceText) -> Reading:
    """Read the stage that is selected, else the last one, and those that it starts from."""
    text, documents = hide_heredocs(source.text)
    stages = _split_stages(_instructions(text))
    if not stages:
        return Reading(omissions=(source.omission("Dockerfile", "no FROM instruction", 1),))
    reader = _StageReader(source, stages, documents)
    chosen = reader.find_result()
    reading = join_readings([*reader.read(chosen), Reading(omissions=reader.unused(chosen))])
    return replace(drop_replaced(reading), optional=reader.list_stages())


def _instructions(text: str) -> list[dict[str, Any]]:
    parser = DockerfileParser(fileobj=io.BytesIO(text.encode()))
    return [entry for entry in parser.structure if entry["instruction"] != "COMMENT"]


def _split_stages(instructions: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return the instructions of each stage; those before the first FROM go to every stage."""
    stages: list[list[dict[str, Any]]] = []
    heading: list[dict[str, Any]] = []
    for entry in instructions:
        if entry["instruction"] == "FROM":
            stages.append([entry])
        elif stages:
            stages[-1].append(entry)
        else:
            heading.append(entry)
    return [[*heading, *stage] for stage in stages]


class _StageReader:
    """Reads stages by number, with the variables that the file gives a value."""

    def __init__(
        self,
        source: SourceText,
        stages: list[list[dict[str, Any]]],
        documents: tuple[HereDocument, ...],
    ) -> None:
        self._source = source
        self._stages = stages
        self._documents = documents
        self._names: dict[str, int] = {}
        for number, stage in enumerate(stages):
            match = _STAGE.match(self._from(stage)["value"])
            if match is not None and match["stage"]:
                self._names[match["stage"].lower()] = number
        self._used: set[int] = set()
        self._copied: set[int] = set()
        self._expanded = 0
        self._ends: list[StageEnd] = []
        # The stages that others start from or copy from.
        self._parts: set[int | None] = set()
        for number in range(len(stages)):
            self._ends.append(self._trace(number))

    def list_stages(self) -> frozenset[tuple[str, str]]:
        """Return the option and the names of the stages."""
        return frozenset(("--stage", canonicalize_name(name)) for name in self._names)

    def find_result(self) -> int:
        """Return the number of the stage that is selected, else that of the last one."""
        found = [
            number
            for name, number in self._names.items()
            if canonicalize_name(name) in self._source.stages
        ]
        return max(found, default=len(self._stages) - 1)

    def _trace(self, number: int) -> StageEnd:
        """Return the variables and the folder that a stage ends with."""
        session, context = self._start(number)
        variables = dict(session)
        for entry in self._stages[number]:
            kind = entry["instruction"]
            if kind in ("ARG", "ENV"):
                found = dict(_expand_values(_split_assignments(kind, entry["value"]), variables))
                variables.update(found)
                session.update(found if kind == "ENV" else {})
            elif kind in ("COPY", "ADD", "WORKDIR"):
                value = _expand(entry["value"], variables)
                context.apply(kind, value)
                self._parts.add(self._find_stage(find_copied_paths(value or "")[0], number))
        return StageEnd(session, context)

    def _start(self, number: int) -> tuple[dict[str, str], BuildContext]:
        """Return the variables and the folder of the stage that a stage starts from."""
        base = self._find_stage(self._find_base(number), number)
        self._parts.add(base)
        if base is None:
            return {}, BuildContext(Path(self._source.file).parent)
        return dict(self._ends[base].session), self._ends[base].context.copy()

    def _find_base(self, number: int) -> str | None:
        """Return the image that a stage starts from, with the variables before the first FROM."""
        heading = (e for e in self._stages[number] if e["instruction"] == "ARG")
        before = self._from(self._stages[number])["startline"]
        variables: dict[str, str] = {}
        for entry in heading:
            if entry["startline"] < before:
                found = _split_assignments("ARG", entry["value"])
                variables.update(_expand_values(found, variables))
        match = _STAGE.match(self._from(self._stages[number])["value"])
        return _expand(match["image"], variables) if match is not None else None

    def _find_stage(self, name: str | None, before: int) -> int | None:
        """Return the number of a stage before another one by its name or number."""
        found = self._names.get((name or "").lower())
        if found is None and name is not None and name.isdecimal():
            found = int(name)
        return found if found is not None and found < before else None

    def read(self, number: int, *, copies: int = 0) -> Iterator[Reading]:
        """Yield what a stage contains, that of its base stages first.

        If only its environment is copied, by a number of stages in turn, its settings and its
        system are not in the result.
        """
        chain: list[int] = []
        stage: int | None = number
        while stage is not None and stage not in self._used:
            self._used.add(stage)
            chain.append(stage)
            stage = self._find_stage(self._find_base(stage), stage)
        for each in reversed(chain):
            yield from self._read_stage(each, copies)

    def _read_stage(self, number: int, copies: int) -> Iterator[Reading]:
        is_copied = copies > 0
        variables, context = self._start(number)
        # A build without further options has these values for arguments without a default.
        declared: dict[str, str] = {}
        for entry in self._stages[number]:
            kind, line = entry["instruction"], entry["startline"] + 1
            if kind in ("ARG", "ENV"):
                if kind == "ARG":
                    names = (word for word in entry["value"].split() if "=" not in word)
                    declared.update({name: _PLATFORM.get(name, "") for name in names})
                found = _split_assignments(kind, entry["value"])
                variables.update(_expand_values(found, variables))
                if kind == "ENV" and not is_copied:
                    yield self._omit_variables([name for name, _ in found], line)
            elif kind == "FROM":
                for reading in self._read_from(entry["value"], line, variables, number):
                    yield replace(reading, omissions=()) if is_copied else reading
            elif kind in ("COPY", "ADD", "WORKDIR"):
                value = _expand(entry["value"], variables)
                context.apply(kind, value)
                yield from self._read_copy(value or "", number, copies + 1)
            elif kind == "RUN":
                yield from self._read_run(entry, variables, declared, context)
            elif kind in _NOT_IMPORTED and not is_copied:
                omission = self._source.omission(entry["content"], _NOT_IMPORTED[kind], line)
                yield Reading(omissions=(omission,))

    def _read_copy(self, value: str, number: int, copies: int) -> Iterator[Reading]:
        """Yield the packages of an environment that is copied from another stage."""
        stage, sources = find_copied_paths(value)
        found = self._find_stage(stage, number)
        if found is None or copies > _MAX_COPIES:
            return
        self._copied.add(found)
        if found not in self._used and any(map(self._ends[found].has_environment, sources)):
            for reading in self.read(found, copies=copies):
                kept = (s for s in reading.statements if s.subject in _ENVIRONMENT)
                yield replace(reading, statements=tuple(kept))

    def _omit_variables(self, names: list[str], line: int) -> Reading:
        """Return the variables of a session that are not imported, without those of the file."""
        used = set(_REFERENCE.findall(self._source.text))
        left = [name for name in names if name not in used | _BUILD_VARIABLES]
        if not left:
            return Reading()
        reason = "write it in `env` of `[system]`"
        return Reading(omissions=(self._source.omission(f"ENV {', '.join(left)}", reason, line),))

    def unused(self, chosen: int) -> tuple[SkippedPart, ...]:
        """Return the stages that the chosen one has nothing or only files of."""
        names = {number: name for name, number in self._names.items()}
        found = []
        for number, stage in enumerate(self._stages):
            entry = self._from(stage)
            if number in self._used:
                continue
            reason = "a stage that is not in the result"
            if number in self._copied:
                reason = "a stage of which only files are copied"
            elif number not in self._parts | {chosen} and number in names:
                reason = f"another image: import it with `--stage {names[number]}`"
            found.append(self._source.omission(entry["value"], reason, entry["startline"] + 1))
        return tuple(found)

    @staticmethod
    def _from(stage: list[dict[str, Any]]) -> dict[str, Any]:
        return next(entry for entry in stage if entry["instruction"] == "FROM")

    def _read_from(
        self,
        value: str,
        line: int,
        variables: dict[str, str],
        number: int,
    ) -> Iterator[Reading]:
        match = _STAGE.match(value)
        written = match["image"] if match is not None else value
        image = _expand(written, variables)
        is_stage = self._find_stage(image, number) is not None
        if image is None:
            reason = "an image with a variable that has no value in the file"
            yield Reading(omissions=(self._source.omission(written, reason, line),))
        elif not is_stage and image != "scratch":
            yield read_image(image, self._source.find(written, line))

    def _expand_word(self, word: str, variables: dict[str, str]) -> str | None:
        expanded = _expand(word, variables)
        self._expanded += len(expanded or "")
        return expanded if self._expanded <= _MAX_EXPANDED else None

    def _read_run(
        self,
        entry: dict[str, Any],
        variables: dict[str, str],
        declared: dict[str, str],
        context: BuildContext,
    ) -> Iterator[Reading]:
        start = self._source.line_start(entry["startline"] + 1)
        end = self._source.line_start(entry["endline"] + 2)
        if entry["endline"] + 2 > self._source.text.count("\n") + 1:
            end = len(self._source.text)
        script = _blank(_RUN_OPTIONS, self._source.text[start:end], count=1)
        documents = [d for d in self._documents if d.line == entry["startline"] + 1]
        if documents:
            script = remove_operators(script)
        elif _is_exec_form(script):
            script = _keep(_STRING, script)
        scripts = [(start, _blank(_COMMENT, script))]
        if documents and _SHELL.fullmatch(script.strip()):
            scripts = [(d.start, self._source.text[d.start : d.end]) for d in documents]
        for offset, text in scripts:
            for command in find_commands(text):
                yield read_install_command(
                    command,
                    offset,
                    self._source,
                    lambda word: self._expand_word(word, variables),
                    context.locate,
                    lambda word: _expand(word, {**declared, **variables}),
                )


def _blank(pattern: re.Pattern[str], text: str, count: int = 0) -> str:
    """Replace matches by spaces, so that offsets stay."""
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m[0]).replace("\n", " "), text, count=count)


def _keep(pattern: re.Pattern[str], text: str) -> str:
    """Replace all but the matches by spaces, so that offsets stay."""
    kept = [" " if c != "\n" else c for c in text]
    for match in pattern.finditer(text):
        kept[match.start() : match.end()] = match[0]
    return "".join(kept)


def _is_exec_form(script: str) -> bool:
    """Return whether a RUN has its words in an array."""
    try:
        words = json.loads(script) if script.lstrip().startswith("[") else None
    except ValueError:
        return False
    return isinstance(words, list) and all(isinstance(word, str) for word in words)


def _split_assignments(kind: str, value: str) -> list[tuple[str, str]]:
    """Return the names and values of an instruction ARG or ENV; names without a value are none."""
    old = _OLD_FORM.fullmatch(value) if kind == "ENV" else None
    matches = [old] if old is not None else _ASSIGNMENT.finditer(value)
    return [(match[1], match[2].strip("\"'")) for match in matches]


def _expand_values(
    assignments: list[tuple[str, str]], variables: dict[str, str]
) -> Iterator[tuple[str, str]]:
    for name, text in assignments:
        expanded = _expand(text, variables)
        if expanded is not None:
            yield name, expanded


def _expand(text: str, variables: dict[str, str]) -> str | None:
    """Return the text with its variables replaced, or None if one has no value."""
    missing = False

    def replace(match: re.Match[str]) -> str:
        nonlocal missing
        value = variables.get(match["braced"] or match["bare"], match["default"])
        missing = missing or value is None
        return value or ""

    expanded = _VARIABLE.sub(replace, text)
    return None if missing or "$" in expanded or len(expanded) > _MAX_VALUE else expanded
