"""The arguments of `compile`: the fast parser agrees with Typer on all that it accepts."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rigspec.cli import compile as command
from rigspec.cli.arguments.compile import CompileArguments, parse_compile_arguments
from tests.cli.typer_arguments import read_typer_arguments
from tests.conftest import ROOT

SPEC = str(ROOT / "specs" / "legacy-cpu.toml")
WORDS = (
    *(SPEC, "missing.toml", "a=b", "x y", "é", "", "--", "-x", "-", "compile", "out"),
    *("--target", "--machine", "--output", "-o", "--lock", "--format", "--locked", "--check"),
    *("--require-digests", "--verbose", "-v", "--quiet", "-q", "-qv", "--help", "-oout"),
    *("--target=docker", "--no-locked", "docker", "all", "docker,conda", "text", "json", "sarif"),
)


def parse_with_typer(words: list[str]) -> CompileArguments | None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT / "specs")
        found: CompileArguments | None = read_typer_arguments(
            patch, command, "run_compile", ["compile", *words]
        )
    return found


@settings(deadline=None)
@given(words=st.lists(st.sampled_from(WORDS), max_size=6))
def test_parsed_arguments_are_those_of_typer(words: list[str]) -> None:
    parsed = parse_compile_arguments([SPEC, "--target", "docker", *words])
    # The command finds the spec and refuses stdin in the same way, after parsing.
    if parsed is not None and parsed.spec != Path("-"):
        assert parsed == parse_with_typer([SPEC, "--target", "docker", *words])


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        (["--target", "docker"], CompileArguments(("docker",))),
        (["--target", "a,b", "--target", "c"], CompileArguments(("a,b", "c"))),
        (
            ["rig.toml", "--target", "all", "-o", "dist", "--locked", "-q"],
            CompileArguments(
                ("all",), Path("rig.toml"), output=Path("dist"), locked=True, quiet=True
            ),
        ),
        (
            ["--target", "all", "--lock", "l", "--require-digests", "--check", "-v"],
            CompileArguments(
                ("all",), lock=Path("l"), require_digests=True, check=True, verbose=True
            ),
        ),
        (
            ["--target", "all", "--machine", "box", "--format", "json"],
            CompileArguments(("all",), machine="box", format="json"),
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_usual_arguments_are_parsed_without_typer(
    words: list[str], arguments: CompileArguments
) -> None:
    assert parse_compile_arguments(words) == arguments


@pytest.mark.parametrize(
    "words",
    [["--help"], [], ["--target"], ["--target", ""], ["a", "b"], ["--format", "xml"], ["-x"]],
    ids=" ".join,
)
def test_help_and_errors_are_left_to_typer(words: list[str]) -> None:
    given = words if "--target" in words else ["--target", "docker", *words]
    assert parse_compile_arguments(given if words else []) is None


def test_completion_is_left_to_typer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_RIGSPEC_COMPLETE", "complete_bash")
    assert parse_compile_arguments(["--target", "docker"]) is None
