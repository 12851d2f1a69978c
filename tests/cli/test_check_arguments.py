"""The arguments of `check`: the fast parser agrees with Typer on all that it accepts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rigspec.cli import check as command
from rigspec.cli.arguments.check import CheckArguments, parse_check_arguments
from tests.cli.typer_arguments import read_typer_arguments

WORDS = (
    *("rig.toml", "-", "specs", "box", "a=b", "x y", "é", "", "--", "-x", "help", "check"),
    *("--machine", "--format", "--ignore", "--deny", "--jobs", "--quiet", "-q", "-qq", "--cache"),
    *("--no-cache", "--no-quiet", "--help", "-h", "--format=json", "--machine=box", "--jobs=2"),
    *("text", "json", "sarif", "github", "gitlab", "xml", "RS302", "rs302", "warnings"),
    *("0", "1", "2", "007", "-1", "1.0", "+3", "999999", "1_0", "\u0663", "~", "$HOME"),
)


def parse_with_typer(words: list[str]) -> CheckArguments | None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "find_spec", lambda: Path("found.toml"))
        found: CheckArguments | None = read_typer_arguments(
            patch, command, "run_check", ["check", *words]
        )
    return found


@settings(deadline=None)
@given(words=st.lists(st.sampled_from(WORDS), max_size=6))
def test_parsed_arguments_are_those_of_typer(words: list[str]) -> None:
    parsed = parse_check_arguments(words)
    if parsed is not None:
        found = parsed._replace(specs=parsed.specs or (Path("found.toml"),))
        assert found == parse_with_typer(words)


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        ([], {}),
        (["a.toml", "-"], {"specs": (Path("a.toml"), Path("-"))}),
        (["--no-cache", "-q", "a.toml"], {"specs": (Path("a.toml"),), "cache": False, "quiet": 1}),
        (["--format", "json", "--format", "sarif"], {"format": "sarif"}),
        (["--machine", "box", "--jobs", "2"], {"machine": "box", "jobs": 2}),
        (["--ignore", "RS302", "--ignore", "RS303"], {"ignore": ("RS302", "RS303")}),
        (["--deny", "warnings"], {"deny": ("warnings",)}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_usual_arguments_are_parsed_without_typer(words: list[str], fields: dict[str, Any]) -> None:
    assert parse_check_arguments(words) == CheckArguments()._replace(**fields)


@pytest.mark.parametrize(
    "words",
    [["--help"], ["--"], [""], ["-x"], ["--format", "xml"], ["--jobs", "0"], ["--machine"]],
    ids=" ".join,
)
def test_help_and_errors_are_left_to_typer(words: list[str]) -> None:
    assert parse_check_arguments(words) is None


def test_completion_is_left_to_typer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_RIGSPEC_COMPLETE", "complete_bash")
    assert parse_check_arguments(["rig.toml"]) is None
