"""Texts that would use up the stack, the memory or the time of a reader."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rigspec.spec.loader import InvalidSpec, load_spec, parse_spec
from rigspec.spec.toml.limits import find_excess

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
HEAD = 'rig = 1\nname = "box"\n'


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("x = " + "[" * 600 + "]" * 600, "more than 64 levels of brackets"),
        ("x = " + "{ a = " * 600 + "1" + " }" * 600, "more than 64 levels of brackets"),
        ("x = " + "[" * 100_000, "more than 64 levels of brackets"),
        ("x = " + "9" * 4400, "a number of more than 100 digits"),
        ("x = " + "9_" * 4400 + "9", "a number of more than 100 digits"),
        ("x = 0x" + "f" * 4400, "a number of more than 100 digits"),
        ("a." * 5000 + "a = 1", "a key of more than 64 parts"),
        ("[" + '"a" . ' * 5000 + "a]", "a key of more than 64 parts"),
    ],
)
def test_spec_text_beyond_limit_is_refused_at_its_place(line: str, message: str) -> None:
    with pytest.raises(InvalidSpec) as refused:
        parse_spec("rig.toml", f"{HEAD}{line}\n")
    (error,) = refused.value.diagnostics
    assert (error.code, error.message, error.spans[0].line) == ("RS001", message, 3)


@pytest.mark.parametrize(
    "value", ['"' + "[" * 200 + '"', "'" + "{" * 200 + "'", '"' + "9" * 150 + '"']
)
def test_spec_brackets_and_digits_in_strings_are_not_counted(value: str) -> None:
    parse_spec("rig.toml", f"{HEAD}summary = {value}\n")


@pytest.mark.parametrize(
    "line",
    [
        "y = " + "[" * 5000,
        "y = " + "{ a = " * 5000,
        "a." * 5000 + "a = 1",
        "[" + "a." * 5000 + "a]",
    ],
)
def test_spec_text_after_unclosed_string_uses_no_stack(line: str) -> None:
    with pytest.raises(InvalidSpec) as refused:
        parse_spec("rig.toml", f'{HEAD}x = """\n{line}\n')
    assert refused.value.diagnostics[0].code == "RS001"


@pytest.mark.parametrize("unit", ['\\"""x\n', "\\'''x\n", '"""\\', "#", "[[a]]\n", "1\n"])
def test_spec_limits_are_found_in_linear_time(unit: str) -> None:
    """An unclosed string is read to its end once, and not from each quote in it."""
    start = time.process_time()
    find_excess(unit * 30_000)
    assert time.process_time() - start < 2


def test_spec_file_larger_than_limit_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "rig.toml"
    file.write_text(HEAD + "#" * (1 << 20))
    with pytest.raises(InvalidSpec) as refused:
        load_spec(str(file))
    assert "larger than 1 MiB" in refused.value.diagnostics[0].message


def test_spec_syntax_error_is_not_followed_by_missing_keys() -> None:
    with pytest.raises(InvalidSpec) as refused:
        parse_spec("rig.toml", 'rig = 1\nname = "x\n')
    assert [error.code for error in refused.value.diagnostics] == ["RS001"]


def test_rigspec_internal_error_has_an_exit_status_of_its_own(
    rigspec: Rigspec, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A CI job must not take it for a conflict."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr("rigspec.cli.common.uncached_check.check_machine", fail)
    spec = tmp_path / "rig.toml"
    spec.write_text(HEAD)
    done = rigspec("check", spec)
    assert done.returncode == 70
    assert "error: internal error" in done.stderr
