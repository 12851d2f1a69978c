"""Write the imported rig, with the source of each line as a comment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rigspec.diagnostics.sanitize import sanitize
from rigspec.importing.merge import Clash, Merged, merge, split_packages
from rigspec.importing.model import SkippedPart, Statement, Subject
from rigspec.importing.registry import ImportedFile

__all__ = ["ENVIRONMENT", "MACHINE", "ImportedRig", "write_rig"]

MACHINE, ENVIRONMENT = "host", "main"
_KEYS = {
    Subject.OS: "os",
    Subject.KIND: "kind",
    Subject.ARCH: "arch",
    Subject.DRIVER: "driver",
}
_MAX_LENGTH = 200
# Packages of conda that only a build for CUDA needs.
_CUDA_PACKAGES = frozenset({"cudatoolkit", "pytorch-cuda"})


@dataclass(frozen=True)
class ImportedRig:
    """The text of a rig, and the statement of each of its lines and keys.

    ``omissions`` are the parts of the files that it does not have, ``clashes`` those of them that
    contradict another file. ``names_cuda``: the files name a CUDA toolkit or an image with one.
    """

    text: str
    by_line: Mapping[int, Statement]
    by_key: Mapping[str, Statement]
    omissions: tuple[SkippedPart, ...]
    clashes: tuple[Clash, ...] = ()
    names_cuda: bool = False


def write_rig(files: Sequence[ImportedFile], name: str, *, assume_gpu: bool = False) -> ImportedRig:
    """Return the rig of all files.

    With ``assume_gpu`` the machine has a GPU of an unknown model, unless the files name one.
    """
    merged = merge(statement for file in files for statement in file.reading.statements)
    omissions = (
        *(o for file in files for o in file.reading.omissions),
        *merged.omissions,
        *(clash.omission for clash in merged.clashes),
    )
    writer = _Writer()
    writer.heading(files, omissions)
    writer.line("rig = 1")
    writer.line(f"name = {_quote(name)}")
    writer.machine(merged, assume_gpu=assume_gpu)
    writer.cuda(merged)
    writer.system(merged)
    writer.environment(merged)
    writer.indexes(merged)
    text = "".join(writer.lines)
    lines = (writer.by_line, writer.by_key)
    return ImportedRig(text, *lines, omissions, merged.clashes, _names_cuda(merged))


def _names_cuda(merged: Merged) -> bool:
    image = merged.single.get(Subject.BASE_IMAGE)
    return (
        bool({Subject.CUDA, Subject.CUDNN} & merged.single.keys())
        or bool(_CUDA_PACKAGES & merged.packages.keys())
        or (image is not None and "nvidia/" in image.value)
    )


class _Writer:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.by_line: dict[int, Statement] = {}
        self.by_key: dict[str, Statement] = {}

    def line(self, text: str, statement: Statement | None = None, key: str = "") -> None:
        if statement is not None:
            self.by_line[len(self.lines) + 1] = statement
            self.by_key.setdefault(key, statement)
            text = f"{text}  # {_clean(statement.span.file)}:{statement.span.line}"
        self.lines.append(text + "\n")

    def heading(self, files: Iterable[ImportedFile], omissions: Iterable[SkippedPart]) -> None:
        names = ", ".join(_clean(file.source.file) for file in files)
        self.line(f"# Imported from {names}; the comment of each line is its source.")
        self.line("# Omitted keys are free. Next: `rigspec check` reports conflicts.")
        for each in omissions:
            place = f"{_clean(each.file)}:{each.line}"
            self.line(f"# Not imported: {place}: {_clean(each.text)} ({_clean(each.reason)})")

    def machine(self, merged: Merged, *, assume_gpu: bool) -> None:
        values = [(s, merged.single[s]) for s in _KEYS if s in merged.single]
        if not values and not merged.gpus and not assume_gpu:
            return
        self.line("")
        self.line(f"[machine.{MACHINE}]")
        for subject, statement in values:
            key = _KEYS[subject]
            self._pair(f"machine.{MACHINE}", key, statement.value, statement)
        if assume_gpu and Subject.DRIVER not in merged.single:
            self.line('driver = "*"')
        if merged.gpus:
            self.line("gpus = [")
            for number, (card, count) in enumerate(merged.gpus):
                many = f", count = {count}" if count > 1 else ""
                text = f"  {{ model = {_quote(card.value)}{many} }},"
                self.line(text, card, f"machine.{MACHINE}.gpus[{number}].model")
            self.line("]")

    def cuda(self, merged: Merged) -> None:
        base = merged.single.get(Subject.BASE_IMAGE)
        if base is not None:
            self.line("")
            self.line("[container]")
            self._pair("container", "base", base.value, base)
        toolkit, cudnn = (merged.single.get(s) for s in (Subject.CUDA, Subject.CUDNN))
        first = toolkit or cudnn
        if first is None:
            return
        self.line("")
        self.line("[cuda]")
        for key, statement in (("toolkit", toolkit), ("cudnn", cudnn)):
            if statement is not None:
                self._pair("cuda", key, statement.value, statement)
        if first.is_conda:
            self._pair("cuda", "provider", "conda", first)

    def system(self, merged: Merged) -> None:
        if not merged.system_packages:
            return
        self.line("")
        self.line("[system]")
        self.line("packages = [")
        for number, package in enumerate(merged.system_packages):
            self.line(f"  {_quote(package.value)},", package, f"system.packages[{number}]")
        self.line("]")

    def environment(self, merged: Merged) -> None:
        python = merged.single.get(Subject.PYTHON)
        manager = merged.single.get(Subject.MANAGER)
        if python is None and manager is None and not merged.packages:
            return
        table = f"env.{ENVIRONMENT}"
        self.line("")
        self.line(f"[{table}]")
        for key, statement in (("python", python), ("manager", manager)):
            if statement is not None:
                self._pair(table, key, statement.value, statement)
        day = merged.single.get(Subject.AS_OF)
        if day is not None:
            self.line(f"as_of = {day.value}", day, f"{table}.as_of")
        if manager is not None and merged.channels:
            self.line("channels = [")
            for number, channel in enumerate(merged.channels):
                self.line(f"  {_quote(channel.value)},", channel, f"{table}.channels[{number}]")
            self.line("]")
        for kind, chosen in zip(("frameworks", "packages"), split_packages(merged), strict=True):
            if chosen:
                self.line("")
                self.line(f"[{table}.{kind}]")
            for statement in chosen:
                self._pair(f"{table}.{kind}", statement.name, statement.request, statement)

    def indexes(self, merged: Merged) -> None:
        for name, statements in merged.indexes.items():
            self.line("")
            self.line(f"[index.{name}]")
            self.line(f"url = {_quote(statements[0].value)}", statements[0], f"index.{name}.url")
            packages = ", ".join(_quote(each.name) for each in statements)
            self.line(f"packages = [{packages}]")

    def _pair(self, table: str, key: str, value: str, statement: Statement) -> None:
        written = key if key.replace("-", "").replace("_", "").isalnum() else _quote(key)
        self.line(f"{written} = {_quote(value)}", statement, f"{table}.{key}")


def _clean(text: str) -> str:
    return " ".join(sanitize(text).split())[:_MAX_LENGTH]


def _quote(text: str) -> str:
    escaped = "".join(
        f"\\u{ord(c):04x}" if ord(c) < 32 or ord(c) == 127 else f"\\{c}" if c in '"\\' else c
        for c in text
    )
    return f'"{escaped}"'
