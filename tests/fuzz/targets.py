"""Each reader with the errors that it may raise; any other error, and a slow answer, is a bug.

A target returns a text of its answer, to be compared between processes with other hash seeds.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from rigspec.check import check_machine
from rigspec.check_sources import check_imported_files
from rigspec.cli.common.uncached_answer import answer_words
from rigspec.diagnostics.model import Report
from rigspec.diagnostics.render.json import render_json
from rigspec.diagnostics.render.sarif import render_sarif
from rigspec.diagnostics.render.text import render_text
from rigspec.importing.model import SourceText, UnreadableFile
from rigspec.importing.registry import UnknownFormat, read_files
from rigspec.lock.apt.packages_index import AptIndex, PackageList, Relation
from rigspec.lock.errors import LockError
from rigspec.lock.lockfile import UnusableLock, read_lock
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import InvalidSpec, load_spec, parse_spec
from tests.fuzz import strategies

__all__ = ["TARGETS", "Target"]

_LOCK = Path(__file__).resolve().parents[2] / "lockfiles/legacy-cpu/rig.lock"
_STATUSES = frozenset({"ok", "conflict", "invalid"})
_CODES = (0, 1, 2)


@dataclass(frozen=True)
class Target:
    """Inputs, and the function that reads one."""

    inputs: st.SearchStrategy[Any]
    run: Callable[[Any], str]


def _show(report: Report, text: str) -> str:
    assert report.status in _STATUSES
    shown = render_text(report, {report.spec: text})
    return "\n".join((shown, render_json([report]), render_sarif([report])))


def check_spec_text(text: str) -> str:
    """Check each machine of a spec, or report its errors."""
    try:
        spec = parse_spec("rig.toml", text)
    except InvalidSpec as error:
        return _show(Report("rig.toml", None, "invalid", None, error.diagnostics), text)
    found = []
    for name in tuple(spec.rig.machine)[:2] or (None,):
        report = check_machine(spec, name, load_required_matrix(spec.rig, name))
        found.append(_show(report, text))
    return "\n".join(found)


def load_spec_bytes(data: bytes) -> str:
    with tempfile.NamedTemporaryFile(suffix=".toml") as file:
        file.write(data)
        file.flush()
        try:
            load_spec(file.name)
        except InvalidSpec as error:
            return "\n".join(d.message for d in error.diagnostics).replace(file.name, "")
    return "ok"


def check_file(file: tuple[str, str]) -> str:
    """Read a file of another program, and check its rig."""
    name, text = file
    try:
        groups = frozenset({"a", "c"})
        source = SourceText(f"/nonexistent/{name}", text, extras=groups, groups=groups)
        files = read_files([source])
    except (UnknownFormat, UnreadableFile) as error:
        return str(error)
    checked = check_imported_files(files)
    return _show(checked.report, text)


def load_lock(body: str) -> str:
    """Read a lock whose digest is correct and whose content is not."""
    header = _LOCK.read_text().partition("content_sha256 = ")[0]
    digest = hashlib.sha256(body.encode()).hexdigest()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "rig.lock")
        file.write_bytes(f'{header}content_sha256 = "{digest}"\n{body}'.encode())
        try:
            read_lock(Path(folder))
        except UnusableLock as error:
            return error.diagnostic.message.replace(folder, "")
    return "ok"


def read_package_list(text: str) -> str:
    index = AptIndex([PackageList("main", text.encode(), architecture="amd64")])
    found = []
    try:
        found += [index.versions_of(name) for name in ("libc6", "libgcc-s1", "torch")]
        for relation in (Relation("libc"), Relation("c-lib", ">=", "1"), Relation("libgcc-s1")):
            found.append(index.providing(relation))
    except LockError as error:
        if error.status != 3:
            raise
        return error.diagnostic.message
    return repr(found)


def answer(words: list[str]) -> str:
    try:
        options = dict.fromkeys(("driver", "cuda", "cudnn", "python", "os", "arch"))
        status, text = answer_words(
            words, options, host=False, write=None, format_="text", quiet=False
        )
    except SystemExit as end:
        status, text = end.code, ""
    assert status in _CODES
    return f"{status} {text}"


def _lock_bodies() -> st.SearchStrategy[str]:
    body = _LOCK.read_text().partition("content_sha256 = ")[2].partition("\n")[2]
    return strategies.mutated(st.just(body))


TARGETS = {
    "bytes": Target(st.binary(max_size=200), load_spec_bytes),
    "toml": Target(strategies.mutated(strategies.rigs()), check_spec_text),
    "schema": Target(strategies.specs_from_schema(), check_spec_text),
    "rig": Target(strategies.rigs(), check_spec_text),
    "file": Target(strategies.files, check_file),
    "lock": Target(_lock_bodies(), load_lock),
    "apt": Target(strategies.lists_of_packages, read_package_list),
    "question": Target(strategies.questions, answer),
}
