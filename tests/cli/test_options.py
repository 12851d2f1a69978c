"""Options that several commands share, and what the environment decides."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Callable

import pytest

from rigspec.cli.console import is_color

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
SPEC = "specs/legacy-cpu.toml"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("variables", "on_terminal", "in_file"),
    [
        ({}, True, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"CLICOLOR_FORCE": "1"}, True, True),
        ({"FORCE_COLOR": "0"}, True, False),
        ({"CLICOLOR": "0"}, False, False),
        ({"TERM": "dumb"}, False, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True, True),
    ],
)
def test_color_follows_the_environment(
    variables: dict[str, str], on_terminal: bool, in_file: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "CLICOLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert is_color(Terminal()) is on_terminal
    assert is_color(io.StringIO()) is in_file


def codes(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    (result,) = json.loads(done.stdout)["results"]
    return {each["code"]: each["severity"] for each in result["diagnostics"]}


def test_ignore_hides_warnings_of_a_code(rigspec: Rigspec) -> None:
    assert codes(rigspec("check", SPEC, "--format", "json")).keys() >= {"RS301", "RS302"}
    done = rigspec("check", SPEC, "--ignore", "rs301", "--format", "json")
    assert "RS301" not in codes(done)
    assert "RS302" in codes(done)


def test_ignore_leaves_errors(rigspec: Rigspec) -> None:
    spec = "specs/dl-server-as-written.toml"
    found = codes(rigspec("check", spec, "--format", "json"))
    error = next(code for code, severity in found.items() if severity == "error")
    done = rigspec("check", spec, "--ignore", error, "--format", "json")
    assert done.returncode == 1
    assert error in codes(done)


@pytest.mark.parametrize("value", ["RS302", "warnings"])
def test_deny_makes_warnings_errors(value: str, rigspec: Rigspec) -> None:
    done = rigspec("check", SPEC, "--deny", value, "--format", "json")
    assert done.returncode == 1
    assert codes(done)["RS302"] == "error"


def test_unknown_code_exits_with_2(rigspec: Rigspec) -> None:
    done = rigspec("check", SPEC, "--ignore", "RS9999")
    assert done.returncode == 2
    assert "error: no diagnostic code `RS9999`" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("explain", "RS203"),
        ("explain",),
        ("matrix", "list"),
        ("matrix", "show", "gpu", "RTX 4090"),
        ("lock", SPEC, "--check"),
    ],
)
def test_json_is_one_document_with_a_schema(words: tuple[str, ...], rigspec: Rigspec) -> None:
    done = rigspec(*words, "--format", "json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["schema"] == 1


@pytest.mark.parametrize("words", [("-h",), ("help",), ("check", "-h"), ("help", "check")])
def test_help_has_short_forms(words: tuple[str, ...], rigspec: Rigspec) -> None:
    done = rigspec(*words)
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: rigspec")


def test_version_has_a_short_form(rigspec: Rigspec) -> None:
    assert rigspec("-V").stdout == rigspec("--version").stdout
