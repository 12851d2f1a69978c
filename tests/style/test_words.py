"""Text of the product follows STYLE.md: words, capitals, full stops, length."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli
from typer.main import get_command

from rigspec.backend.discovery import find_backends
from rigspec.cli.app import COMMANDS, app
from rigspec.cli.matrix import COMMANDS as MATRIX_COMMANDS
from rigspec.diagnostics.explanations import list_codes, load_page
from rigspec.lock.lockfile import read_lock
from rigspec.plan.build import build_plan
from rigspec.spec.loader import load_spec
from tests.conftest import ROOT
from tests.style.conftest import Modules
from tests.style.rules import (
    QUOTED_KEYS,
    Text,
    banned_words,
    documents,
    literal_text,
    product_files,
    starts_with_what,
    strings_of,
)

MESSAGE_LENGTH = 160
TITLE_LENGTH = 40
HELP_LENGTH = 80
# A message may start with a name: of a product, a code, a file.
NAME = re.compile(
    r"RS\d|--|  (?:[a-z]|\{\})|`|\"|\{\}|[A-Z0-9]{2,}|[a-z]|\d|CUDA|NVIDIA|Python|Ubuntu|Debian"
    r"|Matplotlib|TensorFlow|PyTorch|Apptainer|Docker|HTTP|OCI|Theano|Jupyter|Keras"
)
# Functions and keyword arguments with a message for the user.
MESSAGE_CALLS = frozenset({"Diagnostic", "diagnostic", "fail", "status"})


def _fail_with(places: list[str]) -> None:
    assert not places, "\n" + "\n".join(places)


def test_product_has_no_banned_words(modules: Modules) -> None:
    wrong = []
    for file, nodes in modules.items():
        for text in strings_of(file, nodes):
            wrong += [
                f"{text.place}: {word!r} in {text.text[:90]!r}" for word in banned_words(text.text)
            ]
    for file in product_files(".j2", ".md", ".sh"):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            wrong += [f"{Text(file, number, line).place}: {word!r}" for word in banned_words(line)]
    _fail_with(wrong)


def test_documents_have_no_banned_words() -> None:
    wrong = []
    for file in documents():
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            wrong += [f"{Text(file, number, line).place}: {word!r}" for word in banned_words(line)]
    _fail_with(wrong)


def _values(table: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text of a TOML table with its key; quotations are left out."""
    if isinstance(table, dict):
        for key, value in table.items():
            if key not in QUOTED_KEYS:
                yield from _values(value, key)
    elif isinstance(table, list):
        for value in table:
            yield from _values(value, path)
    elif isinstance(table, str):
        yield path, table


def test_tables_and_manifests_have_no_banned_words() -> None:
    wrong = []
    for file in product_files(".toml"):
        source = file.read_text(encoding="utf-8")
        comments = [line for line in source.splitlines() if line.lstrip().startswith("#")]
        texts = [*(text for _, text in _values(tomli.loads(source))), *comments]
        wrong += [
            f"{file.relative_to(ROOT)}: {word!r} in {text[:90]!r}"
            for text in texts
            # The name of an account.
            if text != "nobody"
            for word in banned_words(text)
        ]
    _fail_with(wrong)


def test_statements_are_clauses_without_full_stop() -> None:
    wrong = []
    for file in product_files(".toml"):
        for key, text in _values(tomli.loads(file.read_text(encoding="utf-8"))):
            is_quoted = text.startswith("yanked from the package index")
            if (
                key in ("statement", "reason")
                and not is_quoted
                and (text.endswith(".") or "\n" in text)
            ):
                wrong.append(f"{file.relative_to(ROOT)}: {text!r}")
    _fail_with(wrong)


def test_docstrings_are_imperative_or_noun_phrases(modules: Modules) -> None:
    """A docstring does not start with "What", "That", "Whether" or "How"."""
    wrong = []
    for file, nodes in modules.items():
        for node in nodes:
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                first = (ast.get_docstring(node) or "").partition("\n")[0]
                if re.match(r"(What|That|Whether|How|Why|Where|Who)\b", first):
                    line = getattr(node, "lineno", 1)
                    wrong.append(f"{Text(file, line, first).place}: {first!r}")
    _fail_with(wrong)


def _messages(modules: Modules) -> Iterator[Text]:
    """Yield the literal messages of diagnostics and errors."""
    for file, nodes in modules.items():
        for node in nodes:
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name not in MESSAGE_CALLS:
                continue
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            position = 0 if name in ("fail", "status") else 2
            argument = given.get(
                "message", node.args[position] if len(node.args) > position else None
            )
            text = literal_text(argument) if argument is not None else None
            if text:
                yield Text(file, node.lineno, text)


def test_messages_start_lower_case_and_have_no_full_stop(modules: Modules) -> None:
    wrong = [
        f"{message.place}: {message.text!r}"
        for message in _messages(modules)
        if not NAME.match(message.text) or message.text.endswith(".") or "\n" in message.text
    ]
    _fail_with(wrong)


def test_messages_are_short(modules: Modules) -> None:
    _fail_with(
        [f"{m.place}: {m.text!r}" for m in _messages(modules) if len(m.text) > MESSAGE_LENGTH]
    )


def test_messages_do_not_start_with_what(modules: Modules) -> None:
    _fail_with([f"{m.place}: {m.text!r}" for m in _messages(modules) if starts_with_what(m.text)])


@pytest.mark.parametrize("code", list_codes())
def test_page_has_no_banned_words(code: str) -> None:
    assert not banned_words(load_page(code))


def _commands() -> Iterator[tuple[str, Any, str]]:
    group: Any = get_command(app)
    for name, row in COMMANDS.items():
        command = group.get_command(None, name)
        if name == "matrix":
            for child, child_row in MATRIX_COMMANDS.items():
                yield f"matrix {child}", command.get_command(None, child), child_row.summary
        else:
            yield name, command, row.summary


def test_command_summaries_are_the_first_lines_of_their_docstrings() -> None:
    for name, command, summary in _commands():
        assert command.help.partition("\n")[0] == f"{summary}.", name


def test_option_help_is_a_short_phrase() -> None:
    wrong = []
    for name, command, summary in _commands():
        texts = [(p.name, p.help or "") for p in command.params if p.name != "help"]
        for option, text in [*texts, ("", summary)]:
            if not text or len(text) > HELP_LENGTH or text.endswith(".") or not text[0].isupper():
                wrong.append(f"{name} {option}: {text!r}")
            wrong += [f"{name} {option}: {word!r}" for word in banned_words(text)]
    _fail_with(wrong)


LOCKED = [
    spec
    for spec in sorted((ROOT / "specs").glob("*.toml"))
    if (ROOT / "lockfiles" / spec.stem / "rig.lock").exists()
]


@pytest.mark.parametrize("file", LOCKED, ids=lambda file: file.stem)
def test_step_titles_are_short_noun_phrases(file: Path) -> None:
    rig = load_spec(str(file)).rig
    lock, digest = read_lock(ROOT / "lockfiles" / file.stem)
    wrong = []
    for machine in lock.machines:
        for step in build_plan(rig, lock, machine.resolution.machine, digest).steps:
            title = step.title
            if (
                len(title) > TITLE_LENGTH
                or title.endswith(".")
                or (
                    not title[0].isupper()
                    and not title.startswith(
                        ("cuDNN", "fail2ban", "ddclient", "tmux", "sshd", "rig-")
                    )
                )
                or banned_words(title)
            ):
                wrong.append(f"{machine.resolution.machine}: {title!r} ({len(title)})")
    _fail_with(wrong)


def test_manifest_reasons_start_lower_case_without_full_stop() -> None:
    wrong = []
    for backend in find_backends():
        for exclusion in backend.excludes:
            text = exclusion.reason
            if text.endswith(".") or not NAME.match(text):
                wrong.append(f"{backend.name}: {text!r}")
    _fail_with(wrong)
