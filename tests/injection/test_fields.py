"""Every hostile text in every field: refused at its place, or read as the text that it is."""

from __future__ import annotations

import json
import subprocess
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rigspec.check import check_machine
from rigspec.diagnostics.model import Diagnostic, Report
from rigspec.diagnostics.render.github import render_github
from rigspec.diagnostics.render.json import render_json
from rigspec.diagnostics.render.sarif import render_sarif
from rigspec.diagnostics.render.text import render_text
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import InvalidSpec, parse_spec
from tests.injection.fields import Field, text_fields
from tests.injection.rigs import RIGS
from tests.injection.texts import HOSTILE, UNWRITABLE
from tests.injection.written import alone, literal, place, with_text, written

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
FIELDS = text_fields()
FILE = "rig.toml"


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_field_text_is_refused_at_position_or_unchanged(field: Field) -> None:
    name, path = place(field)
    rig = alone(RIGS[name], path)
    valid = path[-1] if field.of_key else value_at(rig, path)
    refused: list[tuple[Report, str]] = []
    for text in _texts(valid):
        changed = with_text(rig, path, text, of_key=field.of_key)
        toml = written(changed)
        at = (*path[:-1], text) if field.of_key else path
        try:
            spec = parse_spec(FILE, toml.text)
        except InvalidSpec as error:
            _refused(error.diagnostics, toml.lines[at], text)
            refused.append((_invalid(error.diagnostics), toml.text))
        else:
            meant = spec.rig.model_dump(exclude_unset=True)
            assert _canonical(_read(meant, field, at)) == _canonical(_given(changed, field, at))
    _shown(refused)


def _read(rig: Any, field: Field, at: tuple[Any, ...]) -> Any:
    """Return the value as rigspec reads it: a GPU is a table, a build part of a request."""
    if str(field) == "machine.*.gpus.[]":
        return value_at(rig, (*at, "model"))
    return value_at(rig, at[:-1] if _is_of_build(field) else at)


def _given(rig: Any, field: Field, at: tuple[Any, ...]) -> Any:
    """Return what `_read` must return for this rig."""
    if _is_of_build(field):
        table = value_at(rig, at[:-1])
        return f"+{table['build']} {table['version']}".removesuffix(" *")
    return value_at(rig, at)


def _is_of_build(field: Field) -> bool:
    return len(field.path) == 5 and field.path[4] in ("build", "version")


def _texts(valid: Any) -> Iterator[str]:
    """Each text alone, and each appended to a short valid one."""
    yield from HOSTILE.values()
    if isinstance(valid, str):
        yield from (valid + text for text in HOSTILE.values() if 0 < len(text) < 200)


def _canonical(value: Any) -> str:
    return json.dumps(value, default=str).replace(" ", "")


def value_at(rig: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        rig = rig[part]
    return rig


def _refused(diagnostics: tuple[Any, ...], line: int, text: str) -> None:
    assert diagnostics
    assert all(found.code and found.spans for found in diagnostics)
    lines = [span.line for found in diagnostics for span in found.spans]
    # A changed name is reported where it is used.
    assert line in lines or diagnostics[0].code == "RS008", (
        text[:80],
        line,
        [(d.code, d.message, d.spans) for d in diagnostics],
    )


def _invalid(diagnostics: tuple[Diagnostic, ...]) -> Report:
    return Report(FILE, None, "invalid", None, diagnostics)


def _shown(specs: Sequence[tuple[Report, str]]) -> None:
    """In no form of reports is anything left that a terminal or a log would obey.

    Forms for programs have all reports, and the page of each code once.
    """
    reports = [report for report, _ in specs]
    for form in (
        *(render_text(report, {FILE: toml}) for report, toml in specs),
        *(render(reports) for render in (render_json, render_sarif, render_github)),
    ):
        assert [ascii(line) for line in form.split("\n") if not _harmless(line)] == []


def _harmless(text: str) -> bool:
    """No character that a terminal obeys, or that moves or hides other text."""
    obeyed = ("Cc", "Cf", "Cs", "Zl", "Zp")
    return all(c == "\n" or unicodedata.category(c) not in obeyed for c in set(text))


@pytest.fixture(scope="module")
def free() -> list[tuple[Any, ...]]:
    """The places of the whole rig that take any text."""
    found = []
    for field in FIELDS:
        name, path = place(field)
        rig = with_text(alone(RIGS[name], path), path, "it's $x", of_key=field.of_key)
        if name == "whole" and not field.of_key and _is_read(written(rig).text):
            found.append(path)
    return found


def _is_read(toml: str) -> bool:
    try:
        parse_spec(FILE, toml)
    except InvalidSpec:
        return False
    return True


def test_check_of_valid_texts_has_no_traceback(free: list[tuple[Any, ...]]) -> None:
    """What the resolver says of a text, it says in plain characters and at a place."""
    assert len(free) > 10
    read = 0
    for text in HOSTILE.values():
        rig = RIGS["whole"]
        for path in free:
            rig = with_text(rig, path, text, of_key=False)
        toml = written(rig).text
        if not _is_read(toml):
            continue
        read += 1
        spec = parse_spec(FILE, toml)
        report = check_machine(
            spec, "tower", load_required_matrix(spec.rig, "tower"), repairs=False
        )
        _shown([(report, toml)])
        assert all(found.code and found.spans for found in report.diagnostics)
    assert read > 40


@pytest.mark.nightly
@pytest.mark.e2e
@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_check_of_each_field_has_no_traceback(field: Field) -> None:
    name, path = place(field)
    for text in HOSTILE.values():
        toml = written(with_text(RIGS[name], path, text, of_key=field.of_key)).text
        if not _is_read(toml):
            continue
        spec = parse_spec(FILE, toml)
        for machine in spec.rig.machine:
            report = check_machine(
                spec, machine, load_required_matrix(spec.rig, machine), repairs=False
            )
            _shown([(report, toml)])


@pytest.mark.parametrize("name", RIGS)
def test_template_rigs_resolve(name: str) -> None:
    spec = parse_spec(FILE, written(RIGS[name]).text)
    for machine in spec.rig.machine:
        assert check_machine(spec, machine, load_required_matrix(spec.rig, machine)).status == "ok"


@pytest.mark.parametrize("raw", UNWRITABLE.values(), ids=UNWRITABLE.keys())
def test_invalid_toml_text_is_refused_without_output(
    raw: bytes, tmp_path: Path, rigspec: Rigspec
) -> None:
    for number, field in enumerate(FIELDS):
        name, path = place(field)
        changed = with_text(alone(RIGS[name], path), path, "PLACEHOLDER", of_key=field.of_key)
        toml = written(changed)
        at = (*path[:-1], "PLACEHOLDER") if field.of_key else path
        data = toml.text.encode().replace(b'"PLACEHOLDER"', raw)
        try:
            text = data.decode()
        except UnicodeDecodeError:
            if number:  # a file that is no text is refused before anything of it is read
                return
            spec = tmp_path / FILE
            spec.write_bytes(data)
            done = rigspec("check", spec)
            assert done.returncode == 2
            assert "RS010" in done.stderr
            assert f"line {toml.lines[at]}" in done.stderr
            return
        with pytest.raises(InvalidSpec) as refused:
            parse_spec(FILE, text)
        assert "RS001" in [found.code for found in refused.value.diagnostics]
        _refused(refused.value.diagnostics, toml.lines[at], raw.decode())
        _shown([(_invalid(refused.value.diagnostics), text)])


@pytest.mark.parametrize("command", ["check", "lock", "compile"])
def test_command_line_refuses_with_position_and_no_output(
    command: str, tmp_path: Path, rigspec: Rigspec
) -> None:
    texts = list(HOSTILE.values())
    toml = "rig = 1\n" + f"name = {literal(texts[0])}\n"
    toml += "".join(f"{literal(text)} = {literal(text)}\n" for text in texts if text)
    spec = tmp_path / FILE
    spec.write_text(toml, encoding="utf-8", newline="")
    options = ("--target", "all", "-o", tmp_path / "out") if command == "compile" else ()
    done = rigspec(command, spec, *options, cwd=tmp_path)
    assert done.returncode == 2
    assert f"{spec}:2:8" in done.stderr
    assert "Traceback" not in done.stderr
    assert _harmless(done.stdout + done.stderr)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(FIELDS), st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_random_text_is_read_or_refused_at_position(field: Field, text: str) -> None:
    name, path = place(field)
    changed = with_text(alone(RIGS[name], path), path, text, of_key=field.of_key)
    toml = written(changed)
    at = (*path[:-1], text) if field.of_key else path
    try:
        spec = parse_spec(FILE, toml.text)
    except InvalidSpec as error:
        _refused(error.diagnostics, toml.lines[at], text)
        _shown([(_invalid(error.diagnostics), toml.text)])
    else:
        for machine in spec.rig.machine:
            check_machine(spec, machine, load_required_matrix(spec.rig, machine), repairs=False)


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace").decode()))
def test_random_file_is_read_or_refused(text: str) -> None:
    try:
        parse_spec(FILE, text)
    except InvalidSpec as error:
        _shown([(_invalid(error.diagnostics), text)])


@pytest.mark.parametrize(
    "name", ["\x1b]0;owned\x07.toml", "x\udcff.toml", "--x.toml", "\u202e.toml", "a\nb"]
)
def test_unusual_file_name_is_printed_escaped(name: str, tmp_path: Path, rigspec: Rigspec) -> None:
    (tmp_path / name).write_text(written(RIGS["plain"]).text, encoding="utf-8")
    for form in ("text", "json", "sarif", "github", "gitlab"):
        done = rigspec("check", "--format", form, "--", name, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert _harmless(done.stdout + done.stderr)
    done = rigspec("compile", "--target", "all", "-o", f"out{name}", "--", name, cwd=tmp_path)
    assert done.returncode == 1
    assert "RS501" in done.stderr
    assert _harmless(done.stdout + done.stderr)
