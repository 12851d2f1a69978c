"""The shell functions of the steps, which are the same for every rig."""

from __future__ import annotations

import ast
import re
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from rigspec.backend.shell_library import LIBRARIES, read_library, read_library_for
from rigspec.plan.steps import GroupStep
from rigspec.plan.steps.registry import find_step_kinds
from tests.backend.test_targets import LIBRARY_MARK
from tests.conftest import ROOT

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
STEPS = ROOT / "rigspec" / "plan" / "steps"
KINDS = [kind.replace("-", "_") for kind in find_step_kinds()]


def list_functions(text: str) -> list[str]:
    return re.findall(r"^([a-z_0-9]+)\(\)", text, re.MULTILINE)


@pytest.mark.parametrize("name", LIBRARIES)
def test_library_functions_are_defined_once(name: str) -> None:
    """A second function of the same name would replace the first."""
    names = Counter(list_functions(read_library(name)))
    assert len(names) > 50
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("kind", KINDS)
def test_step_kind_has_functions_to_check_and_apply(kind: str) -> None:
    functions = list_functions((STEPS / kind / "step.sh").read_text(encoding="utf-8"))
    assert {f"{kind}_is_done", f"{kind}_apply"} <= set(functions)


@pytest.mark.parametrize("kind", KINDS)
def test_step_kind_shell_reads_values_of_its_step(kind: str) -> None:
    shell = "".join(path.read_text("utf-8") for path in (STEPS / kind).glob("*.sh"))
    read = set(re.findall(r"arg\[([a-z_0-9]+)\]", shell)) - {"id", "title"}
    assert read <= list_value_names(kind)


def list_value_names(kind: str) -> set[str]:
    tree = ast.parse((STEPS / kind / "__init__.py").read_text(encoding="utf-8"))
    dicts = [node for node in ast.walk(tree) if isinstance(node, ast.Dict)]
    keys = {key.value for each in dicts for key in each.keys if isinstance(key, ast.Constant)}
    # A kind that extends another one has its values, too.
    return {str(key) for key in keys} | (
        list_value_names("apt_packages") if kind == "host_packages" else set()
    )


@pytest.mark.parametrize("name", LIBRARIES)
def test_library_without_comments_has_same_functions(name: str) -> None:
    assert print_functions(read_library(name)) == print_functions(
        read_library(name, comments=False)
    )


def print_functions(text: str) -> str:
    functions = re.sub(r"(?ms)^(main|call_step) .*|^if \[ .*", "", text)
    command = ["bash", "-c", f"{functions}\ndeclare -f"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_library_for_few_steps_has_their_kinds_only() -> None:
    step = GroupStep(id="g", title="Group g", layer="user", name="g")
    functions = list_functions(read_library_for([step], "first-boot.sh"))
    assert "group_apply" in functions
    assert "archive_apply" not in functions


def test_installers_have_parts_that_are_the_same_for_every_rig(
    rigspec: Rigspec, tmp_path: Path
) -> None:
    own, library = {}, {}
    for spec in ("dl-server", "legacy-cpu"):
        folder = tmp_path / spec
        rigspec("compile", f"specs/{spec}.toml", "--target", "shell", "-o", folder, cwd=ROOT)
        text = (folder / "shell" / "install.sh").read_text(encoding="utf-8")
        own[spec], _, library[spec] = text.partition(LIBRARY_MARK)
    parts = {spec: split_parts(text) for spec, text in library.items()}
    whole = split_parts(read_library("install.sh"))
    assert all(whole[name] == text for each in parts.values() for name, text in each.items())
    assert whole.keys() > parts["dl-server"].keys() > parts["legacy-cpu"].keys()
    assert len(own["dl-server"]) < 10_000
    assert max(map(len, own["dl-server"].splitlines())) <= 200


def split_parts(library: str) -> dict[str, str]:
    """Return the text below each heading of a library, without the call at its end."""
    text = library.partition("\n{ trap - EXIT; main")[0].rstrip("\n")
    _, *parts = re.split(r"(?m)^# --- (.*)\n", text)
    return {name: part.strip("\n") for name, part in zip(parts[::2], parts[1::2], strict=True)}
