"""Completion, as each shell requests it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SPEC = """\
rig = 1
name = "x"

[machine.tower]
os = "ubuntu 24.04"

[machine.travel]
os = "ubuntu 24.04"

[env.lab]
frameworks = { torch = "*" }

[user.alice]
envs = ["lab"]
"""
CASES = [
    ("explain RS2", "RS203"),
    ("check --ignore rs30", "rs302"),
    ("check --machine t", "tower"),
    ("check other.toml --machine ", "elsewhere"),
    ("compile --target dock", "docker"),
    ("compile --target docker,con", "docker,conda"),
    ("doctor --target sh", "shell"),
    ("why other.toml dri", "driver"),
    ("why rig.toml lab", "lab/python"),
    ("lock --update to", "torch"),
    ("connect --user a", "alice"),
    ("compare rig.toml tower tr", "travel"),
    ("can H10", "H100 PCIe"),
    ("can RTX", "RTX 4090"),
    ("can GeF", "GeForce RTX 4090"),
    ("can H100 tor", "torch"),
    ("matrix sho", "show"),
    ("matrix show tor", "torch"),
    ("matrix show torch 2.4", "2.4.1"),
    ("comp", "compile"),
    ("check --ign", "--ignore"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two specs."""
    (tmp_path / "rig.toml").write_text(SPEC, encoding="utf-8")
    other = 'rig = 1\nname = "y"\n[machine.elsewhere]\nos = "debian 12"\n'
    (tmp_path / "other.toml").write_text(other, encoding="utf-8")
    (tmp_path / "notes.txt").write_text("", encoding="utf-8")
    return tmp_path


Completion = Callable[[str, str, Path], str]


@pytest.fixture
def request_completion(rigspec: Callable[..., subprocess.CompletedProcess[str]]) -> Completion:
    """Return what answers the request of a shell about the end of a line."""

    def request(shell: str, line: str, folder: Path) -> str:
        words = f"rigspec {line}".split(" ")
        variables = {
            "bash": {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)},
            "zsh": {"_TYPER_COMPLETE_ARGS": f"rigspec {line}"},
            "fish": {
                "_TYPER_COMPLETE_ARGS": f"rigspec {line}",
                "_TYPER_COMPLETE_FISH_ACTION": "get-args",
            },
        }[shell]
        env = {**os.environ, **variables, "_RIGSPEC_COMPLETE": f"complete_{shell}"}
        done = rigspec(cwd=folder, env=env)
        assert done.stderr == ""
        return done.stdout

    return request


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(("line", "expected"), CASES, ids=[line for line, _ in CASES])
def test_completion_answers_the_shell(
    shell: str, line: str, expected: str, folder: Path, request_completion: Completion
) -> None:
    answer = request_completion(shell, line, folder)
    if shell == "bash":
        assert expected.replace(" ", "\\ ") in answer.splitlines()
    elif shell == "zsh":
        assert f'"{expected}"' in answer
    else:
        assert expected in (row.partition("\t")[0] for row in answer.splitlines())


def test_release_of_a_package_is_completed_after_its_operator(
    folder: Path, request_completion: Completion
) -> None:
    # bash separates words at `=`.
    assert "2.4.1" in request_completion("bash", "can H100 torch == 2.4", folder).splitlines()
    assert '"torch==2.4.1"' in request_completion("zsh", "can H100 torch==2.4", folder)


def test_spec_is_completed_by_the_shell(folder: Path, request_completion: Completion) -> None:
    assert request_completion("bash", "check ot", folder).strip() == ""


def test_completion_without_a_spec_prints_no_error(
    tmp_path: Path, request_completion: Completion
) -> None:
    for line in ("check --machine ", "why ", "compile --target ", "lock --update "):
        request_completion("bash", line, tmp_path)


def run_in_shell(program: list[str], script: str, folder: Path) -> list[str]:
    """Return the lines that a script of a shell prints, with `rigspec` on its path."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [*program, "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("rigspec check --machine t", ["tower", "travel"]),
        ("rigspec can H100", ["H100\\ NVL", "H100\\ PCIe", "H100\\ SXM"]),
        ("rigspec can '\"RTX 509'", ["RTX 5090", "RTX 5090 D", "RTX 5090 D v2", "RTX 5090 Laptop"]),
        ("rigspec compile --target d", ["devcontainer", "docker"]),
    ],
)
def test_script_for_bash_completes(words: str, expected: list[str], folder: Path) -> None:
    script = f"""
        eval "$(rigspec --show-completion)"
        COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        _rigspec_completion rigspec
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    assert run_in_shell(["bash", "--norc"], script, folder) == expected


def test_script_for_zsh_completes(folder: Path) -> None:
    script = """
        compdef() { :; }
        eval "$(rigspec --show-completion)"
        _arguments() { print -r -- "$@"; }
        words=(rigspec check --machine t); CURRENT=4
        _rigspec_completion
    """
    assert run_in_shell(["zsh", "-f"], script, folder) == ['*: :(("tower" "travel"))']
