"""Help, colors and the pager on terminals and in pipes."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rigspec.cli.app import COMMANDS
from rigspec.cli.matrix import COMMANDS as MATRIX_COMMANDS
from tests.cli.terminal import run_on_terminal
from tests.conftest import ROOT

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
COLOR = re.compile(r"\x1b\[[\d;]*m")
PAGES = [(), *((name,) for name in COMMANDS), *(("matrix", name) for name in MATRIX_COMMANDS)]
SPEC = "specs/legacy-cpu.toml"
LONG = ("explain",)
# A pager that shows that it was used.
PAGER = "sed s/^/paged:/"


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("words", PAGES, ids=" ".join)
def test_help_fits_the_terminal_uncut(
    words: tuple[str, ...], columns: int, rigspec: Rigspec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    text = rigspec(*words, "--help").stdout
    assert max(map(len, text.splitlines())) <= columns
    assert not [line for line in text.splitlines()[1:] if line.endswith(("...", "…"))]


def test_help_uses_the_width_of_the_terminal() -> None:
    pages = [
        run_on_terminal("check", "--help", folder=ROOT, columns=columns)[1]
        for columns in (60, 80, 120)
    ]
    widths = [max(len(COLOR.sub("", line)) for line in page.splitlines()) for page in pages]
    assert widths[0] <= 60 < widths[1] <= 80 < widths[2] <= 120


def test_summary_of_every_command_is_whole(rigspec: Rigspec) -> None:
    page = " ".join(rigspec("--help").stdout.split())
    assert all(" ".join(command.summary.split()) in page for command in COMMANDS.values())


@pytest.mark.parametrize(
    ("variables", "is_colored"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ({"CLICOLOR": "0"}, False),
        ({"TERM": "dumb"}, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True),
    ],
)
@pytest.mark.parametrize("words", [("--help",), ("lock", "-h"), ("check", SPEC), ("chekc",)])
def test_color_on_a_terminal(
    words: tuple[str, ...], variables: dict[str, str], is_colored: bool
) -> None:
    _, text = run_on_terminal(*words, folder=ROOT, variables=variables)
    assert bool(COLOR.search(text)) is is_colored


@pytest.mark.parametrize("words", [("--help",), ("lock", "-h"), ("check", SPEC), ("chekc",)])
def test_color_in_a_pipe_is_forced_only(
    words: tuple[str, ...], rigspec: Rigspec, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    plain = rigspec(*words, process=True)
    assert not COLOR.search(plain.stdout + plain.stderr)
    monkeypatch.setenv("FORCE_COLOR", "1")
    colored = rigspec(*words, process=True)
    assert COLOR.search(colored.stdout + colored.stderr)
    assert COLOR.sub("", colored.stdout) == plain.stdout
    assert COLOR.sub("", colored.stderr) == plain.stderr


def test_colored_help_marks_headings_and_names() -> None:
    _, text = run_on_terminal("check", "--help", folder=ROOT)
    assert "\x1b[1;32mUsage:\x1b[0m\x1b[1;36m rigspec check\x1b[0m [OPTIONS] [SPEC]..." in text
    assert "\x1b[1;32mOptions:\x1b[0m" in text
    assert "  \x1b[1;36m--ignore CODE\x1b[0m  " in text


@pytest.mark.parametrize("words", [("explain",), ("matrix", "list"), ("matrix", "show", "gpu")])
def test_long_text_on_a_terminal_goes_through_the_pager(words: tuple[str, ...]) -> None:
    status, text = run_on_terminal(*words, folder=ROOT, variables={"PAGER": PAGER})
    assert status == 0
    assert all(line.startswith("paged:") for line in text.splitlines())


@pytest.mark.parametrize(
    ("words", "lines", "variables"),
    [
        ((*LONG, "--no-pager"), 24, {"PAGER": PAGER}),
        (LONG, 24, {"PAGER": ""}),
        (LONG, 24, {"PAGER": "cat"}),
        (LONG, 24, {"PAGER": PAGER, "TERM": "dumb"}),
        (LONG, 24, {"PAGER": "no-such-pager --option"}),
        (LONG, 24, {"PAGER": "'"}),
        (LONG, 1000, {"PAGER": PAGER}),
        ((*LONG, "--format", "json"), 24, {"PAGER": PAGER}),
    ],
)
def test_text_is_printed_without_a_pager(
    words: tuple[str, ...], lines: int, variables: dict[str, str]
) -> None:
    status, text = run_on_terminal(*words, folder=ROOT, lines=lines, variables=variables)
    assert status == 0
    assert "RS001" in text
    assert "RS650" in text
    assert "paged:" not in text


def test_pipe_gets_no_pager(rigspec: Rigspec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGER", PAGER)
    assert "paged:" not in rigspec(*LONG, process=True).stdout


def test_default_pager_leaves_a_page_of_a_code_on_the_screen() -> None:
    status, text = run_on_terminal("explain", "RS203", folder=ROOT, lines=100)
    assert status == 0
    assert text.startswith("# RS203")


@pytest.mark.parametrize(
    "words",
    [("why", "-", "python"), ("graph", "-"), ("connect", "-"), ("check", "-")],
    ids=lambda words: words[0],
)
def test_spec_from_stdin_is_read(words: tuple[str, ...], rigspec: Rigspec, tmp_path: Path) -> None:
    text = (ROOT / SPEC).read_text(encoding="utf-8")
    done = rigspec(*words, input=text, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == rigspec(words[0], SPEC, *words[2:]).stdout.replace(SPEC, "<stdin>")


def test_machines_of_a_spec_from_stdin_are_compared(rigspec: Rigspec, tmp_path: Path) -> None:
    text = (ROOT / "specs/sourced.toml").read_text(encoding="utf-8")
    done = rigspec("compare", "-", "science-3", "p2", input=text, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "science-3" in done.stdout


@pytest.mark.parametrize(
    "words",
    [("lock",), ("compile", "--target", "docker"), ("fetch",), ("doctor",)],
    ids=lambda words: words[0],
)
def test_command_with_a_lock_refuses_stdin(
    words: tuple[str, ...], rigspec: Rigspec, tmp_path: Path
) -> None:
    done = rigspec(*words, "-", input='rig = 1\nname = "x"\n', cwd=tmp_path)
    assert done.returncode == 2
    assert "cannot read the spec from stdin, because its lock is next to its file" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_invalid_spec_from_stdin_has_its_lines(rigspec: Rigspec) -> None:
    done = rigspec("why", "-", "python", input='rig = 1\nname = "x"\nnmae = "y"\n')
    assert done.returncode == 2
    assert "--> <stdin>:3:1" in done.stderr
    assert "3 | nmae" in done.stderr


def test_question_about_stdin_needs_a_component(rigspec: Rigspec) -> None:
    done = rigspec("why", "-", input='rig = 1\nname = "x"\n')
    assert done.returncode == 2
    assert "error: no component" in done.stderr
